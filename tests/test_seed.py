"""Every cell and every number of the document this course grew from."""

import io
from contextlib import redirect_stdout

import pytest
from notebooks import BOOK, code_cells, read, shown
from seed_outputs import RENAMED_SINCE, SEED_CELLS

CHAPTER = BOOK / "three-tensors.ipynb"


def renamed(text: str) -> str:
    for old, new in RENAMED_SINCE.items():
        text = text.replace(old, new)
    return text


def seed_complaints(notebook) -> list[str]:
    """Where the notebook departs from the seed: a cell that is missing, or shows something else."""
    cells = {cell.source: cell for cell in code_cells(notebook)}
    order = list(cells)
    found = [f"no cell has the seed's code:\n{code}" for code, _ in SEED_CELLS if code not in cells]
    present = [(code, printed) for code, printed in SEED_CELLS if code in cells]
    if [order.index(code) for code, _ in present] != sorted(order.index(code) for code, _ in present):
        found.append("the seed's cells stand in another order")
    for code, printed in present:
        if shown(cells[code]) != renamed(printed):
            found.append(f"{code}\nshows\n{shown(cells[code])}\nand showed in the seed\n{printed}")
    return found


def test_the_chapter_shows_the_seeds_numbers():
    assert seed_complaints(read(CHAPTER)) == []


@pytest.mark.parametrize("result", [5, 6], ids=["output", "hn"])
def test_torch_prints_the_seeds_numbers(result):
    """Not what is stored, but what torch computes now."""
    namespace: dict = {}
    printed = []
    for code, _ in SEED_CELLS:
        with redirect_stdout(io.StringIO()) as out:
            exec(code, namespace)
        printed.append(out.getvalue().rstrip("\n"))
    assert printed[2] == SEED_CELLS[2][1]
    assert printed[result] == SEED_CELLS[result][1]
    assert repr(namespace["output"][:, -1, :]) == renamed(SEED_CELLS[7][1])
