"""What a notebook of the book has to be, as functions that return the complaints about one."""

import re
from pathlib import Path

import nbformat
from run_notebooks import METADATA

ROOT = Path(__file__).parents[2]
BOOK = ROOT / "book"
NOTEBOOKS = sorted(BOOK.glob("*.ipynb"))

# nbval's own ways to look away. None may stand in the book: strict means every output of every cell.
LOOKING_AWAY = re.compile(r"NBVAL_|PYTEST_VALIDATE_IGNORE_OUTPUT|nbval-|raises-exception")
# Output that nbval does not compare, or that a reader without a kernel cannot see.
NOT_COMPARED = {"image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json"}
ONE_ADDRESS = "0x7f5322d63e50"


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown(cell: nbformat.NotebookNode) -> str:
    """What the cell printed and showed, as text."""
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
    return "".join(parts).rstrip("\n")


def ends_in_expression(source: str) -> bool:
    """Whether Jupyter shows the value of the cell's last line, or the cell prints."""
    import ast

    statements = ast.parse(re.sub(r"^\s*[%!].*$", "pass", source, flags=re.MULTILINE)).body
    if any(
        isinstance(node, ast.Call) and getattr(node.func, "id", "") == "print"
        for s in statements
        for node in ast.walk(s)
    ):
        return True
    return bool(statements) and isinstance(statements[-1], ast.Expr) and not source.rstrip().endswith(";")


def complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Everything that keeps the notebook from being stored as its code gives it, run once from top to bottom."""
    found = []
    if not notebook.cells or not notebook.cells[0].source.startswith("# "):
        found.append("the first cell is not its title")
    if notebook.metadata != METADATA:
        found.append("its metadata has another form: use make run")
    for position, cell in enumerate(code_cells(notebook), start=1):
        name = f"code cell {position} ({cell.id})"
        if cell.execution_count != position:
            found.append(f"{name} has execution count {cell.execution_count}: run the notebook from top to bottom")
        if not cell.outputs and ends_in_expression(cell.source):
            found.append(f"{name} shows something, and no output is stored")
        if LOOKING_AWAY.search(cell.source) or any(map(LOOKING_AWAY.match, cell.metadata.get("tags", []))):
            found.append(f"{name} asks nbval to look away")
        for output in cell.outputs:
            if output.output_type == "error":
                found.append(f"{name} raised {output.ename}: catch it and print it")
            elif output.output_type == "stream" and output.name != "stdout":
                found.append(f"{name} wrote to {output.name}")
            elif output.get("execution_count", position) != position:
                found.append(f"{name} has a result of another run")
            for kind in NOT_COMPARED & set(output.get("data", {})):
                found.append(f"{name} stores {kind}, which is not compared")
        for address in set(re.findall(r"\bat (0x[0-9a-f]+)>", shown(cell))) - {ONE_ADDRESS}:
            found.append(
                f"{name} stores the address {address}: use make run, which writes {ONE_ADDRESS} for every address"
            )
    return found


def prompt_complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Where a prompt's answer stands open on the site, or an output is folded away that answers no prompt."""
    found = []
    prompted = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            prompted = "**Predict first.**" in cell.source
        else:
            folded = "hide-output" in cell.metadata.get("tags", [])
            if folded != prompted:
                found.append(
                    f"cell {cell.id} {'is folded' if folded else 'answers a prompt in the open'}: use make run"
                )
            prompted = False
    return found


def folded_code(notebook: nbformat.NotebookNode) -> list[str]:
    """The Python code in the notebook's folded answers."""
    folds = re.findall(
        r"<details>.*?</details>", "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown"), re.DOTALL
    )
    return [code for fold in folds for code in re.findall(r"```python\n(.*?)```", fold, re.DOTALL)]
