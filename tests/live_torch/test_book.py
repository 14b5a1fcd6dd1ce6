"""Every code cell of every chapter, run in the page's Python from the first to the last, prints what is stored."""

from __future__ import annotations

import re

import pytest
from notebooks import NOTEBOOKS, code_cells, read, shown
from page_python import run
from run_size import is_long

ADDRESS = re.compile(r"0x[0-9a-f]+")

DRAWS = "draws with matplotlib"
NUMPY = "computes with numpy"
INSIDE = "looks inside PyTorch, where the page's is another"
EXCEPTIONS: dict[str, dict[str, str]] = {
    # chapter: {cell: why it prints something else in the page}
    "carrying-state": {"graph-size": INSIDE, "memory-run": INSIDE},
    "errors": {
        "attention-run": "two notes that are not given in the page yet",
        "ctc-run": "nn.CTCLoss",
        "states": "the last row is of numbers drawn after a cell that is an exception",
    },
    "gates": {"speed": INSIDE},
    "initial-state": {"forgetting-plot": DRAWS},
    "one-step": {"without-torch": NUMPY, "compare-cell": NUMPY},
}
TRAINING: dict[str, set[str]] = {
    # chapter: cells that train, and those that need what they have made; a long run has them too
    "carrying-state": {"echo-run", "lesson", "head-alone"},
    "directions": {"measured", "depth", "leaked"},
    "initial-state": {"learning"},
    "layers": {"train-both"},
}

NOT_YET = {"attention", "data", "gpu", "gradients", "training"}
"""Chapters whose cells train for minutes in the page, or are newer than its torch."""
CHAPTERS = [notebook for notebook in NOTEBOOKS if notebook.stem not in NOT_YET]


def complaints(notebook) -> list[str]:
    """What the cells of a notebook print in the page and not in the book, or the other way round.

    The explorer is left out: it is an element of the page, and has its own tests.
    """
    name = notebook.stem
    result = []
    for cell in code_cells(read(notebook)):
        if "explore(" in cell.source or (cell.id in TRAINING.get(name, ()) and not is_long()):
            continue
        answer = run(cell.source, namespace=name)
        if cell.id in EXCEPTIONS.get(name, {}):
            continue
        printed, stored = (ADDRESS.sub("0x", text.rstrip("\n")) for text in (answer.text, shown(cell)))
        if answer.error is not None or printed != stored:
            result.append(f"{cell.id}: {answer.error or printed}")
    return result


@pytest.mark.parametrize("notebook", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_prints_in_the_page_what_is_stored(notebook):
    assert complaints(notebook) == []


def test_few_cells_are_exceptions():
    cells = sum(len(code_cells(read(notebook))) for notebook in NOTEBOOKS)
    assert sum(map(len, EXCEPTIONS.values())) <= cells / 20
