"""The server of `make serve`: a page reloads when a file of the book has changed."""

import http.client
import threading
import urllib.request

import pytest
import serve


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "index.html").write_text("<!doctype html><p>Hello", encoding="utf-8")
    (tmp_path / "three-tensors.ipynb").write_text("{}", encoding="utf-8")
    return tmp_path


@pytest.fixture
def start(folder):
    running = []

    def started(handler) -> int:
        server = serve.server(0, folder, handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        running.append(server)
        return server.server_port

    yield started
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("path", ["", "index.html"])
def test_only_the_page_that_make_serve_shows_listens_for_builds(start, folder, path):
    plain, reloading = (
        urllib.request.urlopen(f"http://127.0.0.1:{start(handler)}/{path}").read()
        for handler in (serve.QuietHandler, serve.ReloadingHandler)
    )
    assert plain == (folder / "index.html").read_bytes()
    assert reloading == plain + serve.RELOAD


def test_a_notebook_is_served_as_it_is(start):
    with urllib.request.urlopen(f"http://127.0.0.1:{start(serve.ReloadingHandler)}/three-tensors.ipynb") as answer:
        assert answer.read() == b"{}"
        assert answer.headers["Content-Type"] == "application/x-ipynb+json"


def test_a_page_hears_of_a_build(start):
    connection = http.client.HTTPConnection("127.0.0.1", start(serve.ReloadingHandler), timeout=60)
    connection.request("GET", serve.BUILDS)
    answer = connection.getresponse()
    assert answer.headers["Content-Type"] == "text/event-stream"
    note = threading.Timer(0.5, serve.ReloadingHandler.builds.note)
    note.start()
    assert answer.readline() == b"data: built\n"
    connection.close()


def test_a_change_of_a_page_counts_and_what_the_build_makes_does_not(tmp_path):
    for name in ("book/exercises", "unrolled/__pycache__", "tools"):
        (tmp_path / name).mkdir(parents=True)
    for name in serve.build_site.MADE_BY:
        if "." in name:
            (tmp_path / name).touch()
    changes = serve.changes(tmp_path)

    def write(*names: str) -> None:
        for name in names:
            (tmp_path / name).write_text("changed", encoding="utf-8")

    timer = threading.Timer(1, write, ["book/exercises/axes.ipynb", "unrolled/__pycache__/x.pyc", "book/index.md"])
    timer.start()
    assert {path for _, path in next(changes)} == {str(tmp_path / "book" / "index.md")}
