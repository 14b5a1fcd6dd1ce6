"""The built site on a local server, and a real Chromium. The tools under test are importable by their file names."""

import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))
os.environ.setdefault("OMP_NUM_THREADS", "1")  # threads only wait for each other on tensors this small

import build_site  # noqa: E402
import chromium  # noqa: E402
import serve  # noqa: E402


@pytest.fixture(scope="session")
def site() -> Path:
    """The folder of the built pages."""
    return build_site.build()


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
