"""The table that shows where no script runs, and its numbers, which are torch's."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import nbformat
import pytest
import torch
from bs4 import BeautifulSoup
from explorer_pages import NARROW, PICTURES, each_picture, tensors
from pages import pages, parsed
from torch import nn

import unrolled
from unrolled.explorer.forward_pass import forward
from unrolled.explorer.html import explorer_html
from unrolled.explorer.settings import DEFAULTS, Settings


@each_picture
def test_the_plain_python_table_has_torchs_numbers(name):
    settings = {**DEFAULTS, **PICTURES[name]}
    states, D = forward(Settings.of(settings)), 1 + settings["bidirectional"]
    full = tensors(settings)
    for layer in range(settings["num_layers"]):
        # A short h_0 belongs to every layer's own rows; these pictures give one only where there is one layer.
        output = tensors(settings, layer + 1)["output"]
        output = output if settings["batched"] else output[None]
        output = output if settings["batch_first"] or not settings["batched"] else output.transpose(0, 1)
        for place, h in states.h.items():
            if place.row // D == layer:
                half = slice(place.row % D * len(h), (place.row % D + 1) * len(h))
                torch.testing.assert_close(torch.tensor(h), output[place.sample, place.step, half], atol=2e-6, rtol=0)
    if "cn" in full:
        for place, c in states.c.items():
            if place.step == (0 if place.row % D else states.lengths[place.sample] - 1):
                torch.testing.assert_close(torch.tensor(c), full["cn"][place.row, place.sample], atol=2e-6, rtol=0)


def table_numbers(soup: BeautifulSoup) -> dict[str, list[list[float]]]:
    """The table's rows by the slice that their first cell names."""
    rows = soup.select("rnn-explorer tr") or soup.select("table tr")
    return {
        re.search(r"[hc]n\[.*\]", row.th.get_text())[0]: [
            [float(number) for number in cell.get_text().split()] for cell in row.find_all("td")
        ]
        for row in rows
        if row.th and row.th.get("scope") == "row"
    }


def test_the_landing_page_without_javascript(site, address, browser):
    """The drawing and a readable table with torch's numbers."""
    context = browser.new_context(java_script_enabled=False, viewport=NARROW)
    page = context.new_page()
    page.goto(f"{address}/index.html")
    assert page.locator("rnn-explorer svg[role=img]").is_visible()
    assert page.locator("rnn-explorer table").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    context.close()
    settings = json.loads(parsed(site, "index.html").find("rnn-explorer")["settings"])
    numbers, names = table_numbers(parsed(site, "index.html")), tensors(settings)
    for row, sample in [(row, sample) for row in range(2) for sample in range(2)]:
        assert numbers[f"hn[{row}, {sample}]"][-1] == pytest.approx(names["hn"][row, sample].tolist(), abs=6e-5)
    for step in range(3):
        assert numbers["hn[1, 0]"][step] == pytest.approx(names["output"][0, step].tolist(), abs=6e-5)


def test_only_pages_with_an_explorer_load_its_script(site):
    with_script = {name for name in pages(site) if "unrolled.js" in (site / name).read_text(encoding="utf-8")}
    with_explorer = {name for name in pages(site) if "<rnn-explorer" in (site / name).read_text(encoding="utf-8")}
    assert with_script == with_explorer >= {"index.html", "explorer.html"}


def test_a_page_made_by_nbconvert_has_the_numbers_too(tmp_path, browser, serve_folder):
    """From the output that a notebook stores: the HTML and the text, not the widget's view."""
    explorer = unrolled.explore(num_layers=2)
    data, _ = explorer._repr_mimebundle_()
    stored = {kind: value for kind, value in data.items() if kind in ("text/html", "text/plain")}
    assert set(stored) == {"text/html", "text/plain"}
    assert sum(map(len, stored.values())) < 5000, "never the bundle"
    cell = nbformat.v4.new_code_cell("explorer", outputs=[nbformat.v4.new_output("execute_result", stored)])
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "a.ipynb")
    command = [sys.executable, "-m", "jupyter", "nbconvert", "--to", "html", "--template", "lab", "a.ipynb"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    numbers = table_numbers(BeautifulSoup((tmp_path / "a.html").read_text(encoding="utf-8"), "html.parser"))
    assert numbers["hn[1, 0]"][-1] == pytest.approx(tensors({"num_layers": 2})["hn"][1, 0].tolist(), abs=6e-5)
    context = browser.new_context()
    page = context.new_page()
    page.route("**/*", lambda route: route.continue_() if "127.0.0.1" in route.request.url else route.abort())
    page.goto(f"{serve_folder(tmp_path)}/a.html", wait_until="domcontentloaded")
    assert page.locator("table", has_text="layer 1 (hn[1, 0])").is_visible()
    context.close()


def test_a_table_that_nobody_would_read_is_cut_short():
    assert len(explorer_html({"N": 4, "L": 16, "hidden_size": 16, "num_layers": 3, "bidirectional": True})) < 30_000


@pytest.mark.parametrize("shape", [(0, 3, 4), (2, 0, 4), (4,), (1, 2, 3, 4), (2, 3, 7)])
def test_what_has_no_picture_says_so(shape):
    for shown in (
        unrolled.explore(nn.GRU(4, 5, batch_first=True), torch.ones(shape)),
        unrolled.explore(hx=torch.ones(shape)),
    ):
        assert "There is no picture of these settings. " in shown._repr_mimebundle_()[0]["text/html"]
