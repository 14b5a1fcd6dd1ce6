"""Serve the built site on this computer alone.

python tools/serve.py [PORT]
"""

import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SITE = Path(__file__).parents[1] / "_build" / "html"


class QuietHandler(SimpleHTTPRequestHandler):
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".ipynb": "application/x-ipynb+json"}

    def log_message(self, *arguments: object) -> None:
        """Say nothing of single requests: the reader wants the address to stay in view."""


def server(port: int, site: Path = SITE) -> ThreadingHTTPServer:
    """A server of `site` on localhost, at `port` or, where that is taken, at the next free one of the twenty after it."""
    for candidate in range(port, port + 20) if port else [0]:
        try:
            return ThreadingHTTPServer(("127.0.0.1", candidate), functools.partial(QuietHandler, directory=str(site)))
        except OSError:
            continue
    sys.exit(f"Ports {port} to {port + 19} are all in use. Name a free one: make serve PORT=9000")


def main() -> None:
    port = sys.argv[1] if len(sys.argv) > 1 else "8000"
    if not port.isdecimal() or not 0 < int(port) < 65516:
        sys.exit(f"PORT is {port!r}; it has to be a number from 1 to 65515, such as 8000.")
    with server(int(port)) as running:
        print(f"Unrolled is at http://localhost:{running.server_port} (stop with Ctrl+C)", flush=True)
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
