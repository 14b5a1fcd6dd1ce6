"""The stored form of every notebook. Outputs are compared by nbval, which `make test` runs over the same folder."""

import io
from contextlib import redirect_stdout

import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbconvert import ScriptExporter
from notebooks import NOTEBOOKS, complaints, folded_code, prompt_complaints, read


def test_the_book_has_notebooks():
    assert "three-tensors" in [path.stem for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_outputs_are_stored_in_order(path):
    assert complaints(read(path)) == []


def test_a_notebook_becomes_a_python_script():
    """As `jupyter nbconvert --to script` does it, which takes the extension from the notebook."""
    _, resources = ScriptExporter().from_notebook_node(read(NOTEBOOKS[0]))
    assert resources["output_extension"] == ".py"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_cell_ids_are_readable_and_unique(path):
    ids = [cell.id for cell in read(path).cells]
    assert len(set(ids)) == len(ids)
    assert not [i for i in ids if i.isalnum() and len(i) == 8 and any(map(str.isdigit, i))], (
        "random ids are no link targets"
    )


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_answer_to_a_prompt_is_folded_away(path):
    assert prompt_complaints(read(path)) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_folded_answers_are_true(path, kernel):
    """Every piece of code in a fold runs where it is, with what the cells above have made, and its assertions hold."""
    shell = InteractiveShell()
    of_folds: dict = {}  # what one fold has made, another may use; the notebook's cells never see it
    with redirect_stdout(io.StringIO()):
        for cell in read(path).cells:
            if cell.cell_type == "code":
                shell.run_cell(cell.source).raise_error()
            for code in folded_code([cell]):
                assert "assert" in code, f"a folded answer proves nothing:\n{code}"
                of_folds |= shell.user_ns
                exec(compile(code, f"a fold of {path.name}", "exec"), of_folds)
