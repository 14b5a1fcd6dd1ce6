"""What a live JupyterLab shows: the explorer as a widget, and drawings in notebooks, trusted and not."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from explorer_pages import Watched
from playwright.sync_api import Page

from unrolled import draw_grid, picture

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@dataclass(frozen=True, kw_only=True)
class Lab:
    """A running JupyterLab: the folder of its notebooks, where it answers, its token, and its environment."""

    folder: Path
    address: str
    token: str
    environment: dict[str, str]

    def address_of(self, notebook: str) -> str:
        """Where a notebook shows, and no other: a workspace opens again what it had open."""
        return f"{self.address}/lab/workspaces/{Path(notebook).stem}/tree/{notebook}?token={self.token}"


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[Lab]:
    """A live JupyterLab."""
    home = tmp_path_factory.mktemp("lab")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token, folder = secrets.token_hex(16), home / "notebooks"
    folder.mkdir()
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    environment = {**os.environ, **{name: str(home / place) for name, place in places.items()}}
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--port-retries=0",
        f"--IdentityProvider.token={token}",
    ]
    log = (home / "log").open("w")
    command = [sys.executable, "-m", "jupyter", "lab", *options, f"--notebook-dir={folder}"]
    running = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=home)
    for _ in range(150):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/api?token={token}").close()
            break
        except urllib.error.URLError:
            time.sleep(0.2)
    yield Lab(folder=folder, address=f"http://127.0.0.1:{port}", token=token, environment=environment)
    running.terminate()
    running.wait(30)
    log.close()


def test_in_a_live_jupyterlab(lab, browser):
    """Python changes a trait and the picture follows; a click changes the trait, and an observer hears of it."""
    cells = [
        "import unrolled\nseen = []\nexplorer = unrolled.explore()\n"
        "explorer.observe(lambda change: seen.append(change['new']), 'bidirectional')\nexplorer",
        "explorer.num_layers = 2",
        "print('seen', seen, explorer.module().bidirectional)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata=KERNEL)
    nbformat.write(notebook, lab.folder / "a.ipynb")
    context = browser.new_context(viewport={"width": 1280, "height": 1400})
    page = context.new_page()
    page.goto(lab.address_of("a.ipynb"))
    page.get_by_text("(ipykernel) | Idle").wait_for(timeout=60_000)
    cell = page.locator(".jp-Notebook .jp-Cell")

    def run(index: int) -> None:
        cell.nth(index).locator(".jp-InputArea-editor").click()
        page.keyboard.press("Shift+Enter")

    shown = Watched(page)
    for _ in range(20):  # the kernel says that it is idle a moment before it listens
        run(0)
        with contextlib.suppress(Exception):
            shown.explorer.wait_for(timeout=3000)
            break
    assert len(shown.entries(".box")) == 3
    run(1)
    page.wait_for_function("document.querySelector('rnn-explorer').settings.num_layers === 2")
    assert len(shown.entries(".box")) == 6
    shown.explorer.get_by_label("bidirectional").check()
    line = shown.explorer.get_by_label("Expression in Python")
    line.fill("")
    line.press_sequentially("x[0] / 2")  # x, on a cell that is selected, would cut it out
    assert (line.input_value(), cell.count()) == ("x[0] / 2", len(cells))
    run(2)
    page.get_by_text("seen [True] True").wait_for(timeout=30_000)
    context.close()


@pytest.fixture
def drawings(lab, browser) -> Iterator:
    """A function that opens a notebook whose stored outputs are a grid and a figure, and returns the page."""
    context = browser.new_context(viewport={"width": 1280, "height": 1400})

    def open_notebook(*, trusted: bool) -> Page:
        figure, axes = plt.subplots(figsize=(5, 2))
        axes.plot([3, 2, 1])
        shown = (draw_grid(num_layers=2, bidirectional=True), picture(figure, "A line that falls from 3 to 1."))
        cells = []
        for number, drawing in enumerate(shown, 1):
            data = {"text/html": drawing._repr_html_(), "text/plain": repr(drawing)}
            output = nbformat.v4.new_output("execute_result", data, execution_count=number)
            cells.append(nbformat.v4.new_code_cell("drawing", outputs=[output], execution_count=number))
        path = lab.folder / f"drawings-{trusted}.ipynb"
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=KERNEL), path)
        if trusted:
            command = [sys.executable, "-m", "jupyter", "trust", path]
            subprocess.run(command, env=lab.environment, check=True, capture_output=True)
        page = context.new_page()
        page.goto(lab.address_of(path.name))
        page.locator(".jp-Notebook .jp-OutputArea-output").nth(1).wait_for(timeout=60_000)
        return page

    yield open_notebook
    context.close()


def test_in_a_notebook_that_is_not_trusted_the_grid_is_its_text_and_the_figure_an_image(drawings):
    """JupyterLab takes the tags of an SVG and its style away, and shows what is left."""
    grid, figure = drawings(trusted=False).locator(".jp-Notebook .jp-OutputArea-output").all()
    assert grid.locator("svg").count() == figure.locator("svg").count() == 0
    text = grid.locator("pre").inner_text()
    lines = [line.split() for line in text.splitlines()]
    assert grid.inner_text().strip() == text.strip(), "and nothing else"
    assert len({len(line) for line in text.splitlines() if line.strip()[0] in "┌├└"}) == 1, "the boxes are aligned"
    assert [line[0] for line in lines[2:-1:2]] == ["h0[2]", "hn[3]", "h0[0]", "hn[1]"]
    assert figure.inner_text().strip() == ""
    image = figure.locator("img")
    assert image.evaluate("image => image.decode().then(() => [image.width, image.naturalHeight > 0])") == [576, True]


def test_in_a_trusted_notebook_both_are_drawn_in_the_colours_of_the_page(drawings):
    page = drawings(trusted=True)
    grid, figure = page.locator(".jp-Notebook .jp-OutputArea-output").all()
    ink = "element => getComputedStyle(element.querySelector('svg text')).fill"
    colour = "element => getComputedStyle(element).color"
    for drawing in (grid, figure):
        assert drawing.locator("svg").bounding_box()["width"] > 300
        assert (
            drawing.evaluate(ink)
            == drawing.locator("svg").evaluate(colour)
            == page.locator(".jp-RenderedHTMLCommon").first.evaluate(colour)
        )
    assert "┌" not in grid.inner_text()
    assert not figure.locator("img").is_visible()
