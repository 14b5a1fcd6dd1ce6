"""The built site on a local server, and a real Chromium. The tools under test are importable by their file names.

The tests run on several workers (pytest-xdist), each with its own browser, a whole file on one of them: so what a
module's fixtures make is made once. The site is built once for all.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from playwright.sync_api import Browser, sync_playwright

os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads only wait for each other on tensors this small

import build_site
import chromium
import serve

# What takes longest begins first, so that no worker is left alone with it at the end.
LONGEST = ("test_large_class", "test_grade", "test_site", "test_publish", "test_live_jupyterlab", "test_damage")
FIGURE = "figure"
# What a test takes beyond Python, by the fixture that brings it. `make quick` leaves out all of these.
MARKERS = {
    "browser": ("browser", "takes a browser"),
    "kernel": ("kernel", "starts a Jupyter kernel or server"),
    "site": ("site", "takes the built site"),
    "root": ("site", "takes the built site"),
    "published": ("publishing", "makes the tree that a deployment publishes, or pulls from it"),
    "fork": ("publishing", "makes the tree that a deployment publishes, or pulls from it"),
    "wheel": ("installing", "installs packages"),
    "host": ("installing", "installs packages"),
    "folder_of_wheels": ("installing", "installs packages"),
    "large_class": ("grading", "grades a whole class"),
}


def pytest_configure(config: pytest.Config) -> None:
    for name, meaning in sorted(set(MARKERS.values())):
        config.addinivalue_line("markers", f"{name}: {meaning}.")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))
    for item in items:
        for fixture in MARKERS.keys() & getattr(item, "fixturenames", ()):
            item.add_marker(MARKERS[fixture][0])


@pytest.fixture(scope="session")
def kernel() -> str:
    """The kernel in which a notebook runs. A test that starts one asks for it, so that a run can leave it out."""
    return "python3"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured with `record_property("figure", …)`, on whichever worker they ran."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties if report.when == "call" else ():
            if name == FIGURE:
                terminalreporter.write_line(value)


@pytest.fixture(scope="session")
def site(tmp_path_factory, worker_id) -> Path:
    """The folder of the built pages. Whoever writes into it works on a copy."""
    if worker_id == "master":
        return build_site.build()
    shared = tmp_path_factory.getbasetemp().parent
    built = shared / "site-is-built"
    with FileLock(shared / "site.lock"):
        if not built.exists():
            build_site.build()
            built.touch()
    return build_site.ROOT / "_build" / "html"


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    path = chromium.find()
    assert path, "no Chromium: `make test` gets one, and tools/chromium.py says how"
    with sync_playwright() as playwright:
        running = chromium.launch(playwright, path)
        yield running
        running.close()


@pytest.fixture(scope="session")
def serve_folder() -> Iterator:
    """A function that serves a folder and returns its address."""
    servers = []

    def start(folder: Path) -> str:
        running = serve.server(0, folder)
        threading.Thread(target=running.serve_forever, daemon=True).start()
        servers.append(running)
        return f"http://127.0.0.1:{running.server_port}"

    yield start
    for running in servers:
        running.shutdown()
        running.server_close()


@pytest.fixture(scope="session")
def address(site: Path, serve_folder) -> str:
    """Where the built site is served."""
    return serve_folder(site)
