"""Serve the built site on this computer alone. A changed file is built anew, and the open pages reload.

python tools/serve.py [PORT]
"""

import functools
import io
import mimetypes
import subprocess
import sys
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO, ClassVar

import browser_python
import build_site
from watchfiles import watch

ROOT = build_site.ROOT
SITE = ROOT / "_build" / "html"
BUILDS = "/builds"  # where a page hears of a new build
# Only the pages that this command serves have it: not the files of the site, and not what the tests look at.
LISTENER = "/builds.js"  # a file of its own: the pages' content security policy allows no other script in their text
LISTEN = f'new EventSource("{BUILDS}").onmessage=()=>location.reload()'.encode()
RELOAD = f'<script src="{LISTENER}"></script>'.encode()
QUIET_MS = 300  # an editor saves in several steps

mimetypes.add_type("application/x-ipynb+json", ".ipynb")


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Say nothing of single requests: the reader wants the address to stay in view."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Where nothing is, the site's own page for it, as a host of static pages sends."""
        page = Path(self.directory) / "404.html"
        if code != HTTPStatus.NOT_FOUND or not page.is_file():
            return super().send_error(code, message, explain)
        text = page.read_bytes()
        self.send_response(code)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(text)


class Builds:
    """How many builds there have been since the start, for threads that wait for the next."""

    def __init__(self) -> None:
        self._count = 0
        self._changed = threading.Condition()

    def note(self) -> None:
        with self._changed:
            self._count += 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Whether there is a build within this time."""
        with self._changed:
            before = self._count
            return self._changed.wait_for(lambda: self._count > before, timeout=seconds)


class ReloadingHandler(QuietHandler):
    """Serves a page with a line that reloads it after the next build."""

    builds: ClassVar[Builds] = Builds()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")  # or the reloaded page could come with an old stylesheet
        super().end_headers()

    def do_GET(self) -> None:
        if self.path == BUILDS:
            self.tell_of_builds()
        elif self.path == LISTENER:
            self.answer(LISTEN, "text/javascript")
            self.wfile.write(LISTEN)
        else:
            super().do_GET()

    def answer(self, content: bytes, kind: str) -> None:
        """The head of an answer with this content."""
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()

    def tell_of_builds(self) -> None:
        """Server-sent events: one after each build."""
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        try:
            while True:
                # A comment now and then, or the thread of a page that was closed would never end.
                self.wfile.write(b"data: built\n\n" if self.builds.wait(15) else b": waiting\n\n")
                self.wfile.flush()
        except OSError:
            pass

    def send_head(self) -> BinaryIO | io.BytesIO | None:
        path = Path(self.translate_path(self.path))
        path = path / "index.html" if path.is_dir() and self.path.split("?")[0].endswith("/") else path
        if path.suffix != ".html" or not path.is_file():
            return super().send_head()
        page = path.read_bytes() + RELOAD
        self.answer(page, "text/html; charset=utf-8")
        return io.BytesIO(page)


def server(port: int, site: Path = SITE, handler: type[SimpleHTTPRequestHandler] = QuietHandler) -> ThreadingHTTPServer:
    """A server of `site` on localhost, at `port` or, where that is taken, at the next free one of twenty."""
    for candidate in range(port, port + 20) if port else [0]:
        try:
            return ThreadingHTTPServer(("127.0.0.1", candidate), functools.partial(handler, directory=str(site)))
        except OSError:
            continue
    sys.exit(f"Ports {port} to {port + 19} are all in use. Name a free one: make serve PORT=9000")


def changes(root: Path) -> Iterator[object]:
    """One item each time that a file which the site is made from has changed."""
    places = [root / place for place in build_site.MADE_BY]
    students = str(root / "book" / "exercises")  # made by the build itself

    def counts(change: object, path: str) -> bool:
        return not path.startswith(students) and "__pycache__" not in path and "/." not in path

    yield from watch(*places, watch_filter=counts, debounce=QUIET_MS, raise_interrupt=False)


def rebuild_on_change(root: Path, builds: Builds) -> None:
    for _ in changes(root):
        print("A file has changed: building", flush=True)
        # In a process of its own, which imports the package as it is now.
        result = subprocess.run([sys.executable, Path(build_site.__file__)], cwd=root, check=False)
        if result.returncode == 0:
            print("Built", flush=True)
            builds.note()


def bring_python() -> None:
    """Fetch the Python that runs in the page, where it is not here yet, while the site is read without it."""
    if browser_python.files(ROOT):
        return
    try:
        browser_python.fetch(ROOT)
    except SystemExit as problem:
        print(f"{problem}\nThe site is complete without it; only its cells do not run in the page.", flush=True)
        return
    browser_python.write_into(SITE, ROOT)
    print("Cells run in the page now", flush=True)


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "8000"
    if not port.isdecimal() or not 0 < int(port) < 65516:
        sys.exit(f"PORT is {port!r}; it has to be a number from 1 to 65515, such as 8000.")
    with server(int(port), handler=ReloadingHandler) as running:
        running.daemon_threads = True
        print(f"Unrolled is at http://localhost:{running.server_port} (stop with Ctrl+C)", flush=True)
        arguments = (ROOT, ReloadingHandler.builds)
        threading.Thread(target=rebuild_on_change, args=arguments, daemon=True).start()
        threading.Thread(target=bring_python, daemon=True).start()
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
