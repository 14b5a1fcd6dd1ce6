"""Every cell and every number of the document this course grew from."""

import io
from contextlib import redirect_stdout

import pytest
from notebooks import BOOK, read
from seed_outputs import SEED_CELLS, renamed, seed_complaints

CHAPTER = BOOK / "three-tensors.ipynb"


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
