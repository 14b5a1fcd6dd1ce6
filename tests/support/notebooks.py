"""What a notebook of the book has to be, as functions that return the complaints about one."""

import re
from dataclasses import dataclass
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


PROMPT = "**Predict first.**"
FOLD = re.compile(r"<details>\n<summary>Show the answer</summary>\n.*?</details>", re.DOTALL)
# What the hosts read: the site the tag, JupyterLab and Notebook 7 `jupyter`, the older Notebook and Colab `collapsed`,
# Colab `cellView`.
FOLDED_OUTPUT = {"collapsed": True, "jupyter": {"outputs_hidden": True}, "tags": ["hide-output"]}
FOLDED_CELL = {
    "cellView": "form",
    "collapsed": True,
    "jupyter": {"outputs_hidden": True, "source_hidden": True},
    "tags": ["hide-cell"],
}


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A prompt, the cell whose output answers it, and what is seen and what is folded away until the reader asks."""

    cell: nbformat.NotebookNode
    prompt: str  # from the prompt to the end of its Markdown cell
    folded: str  # the output, the words in the fold, the folded cells
    after: str  # the first words behind the fold

    @property
    def visible(self) -> str:
        return f"{self.prompt}\n{self.cell.source}"


def predictions(notebook: nbformat.NotebookNode) -> list[Prediction]:
    """Every prompt of the notebook, in order.

    Raises:
        AssertionError: a prompt is not followed by a code cell.
    """
    found = []
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type != "markdown" or PROMPT not in cell.source:
            continue
        answer = notebook.cells[position + 1]
        assert answer.cell_type == "code", f"the prompt in {cell.id} is not followed by its cell"
        folded, after = [shown(answer)], ""
        for following in notebook.cells[position + 2 :]:
            if following.metadata.get("tags") == ["hide-cell"]:
                folded += [following.source, shown(following)]
                continue
            match = FOLD.match(following.source) if following.cell_type == "markdown" else None
            after = following.source[match.end() :] if match else following.source
            folded += [match.group()] if match else []
            if not match or after.strip():
                break
        prompt = cell.source[cell.source.index(PROMPT) :]
        found.append(Prediction(cell=answer, prompt=prompt, folded="\n".join(folded), after=after.strip()[:200]))
    return found


def numbers(text: str) -> set[str]:
    """The numbers with three decimals or more, and the shapes, such as (2, 3, 5), but not the arguments of a call."""
    shapes = set(re.findall(r"(?<!\w)[\[(](\d+, \d+(?:, \d+)*)[\])]", text))
    return set(re.findall(r"\d+\.\d{3,}", text)) | shapes


def phrases(text: str, words: int = 5) -> set[str]:
    """Every run of so many words of the prose, without its code."""
    prose = re.sub(r"```.*?```|<[^>]*>|[^\w\s]", " ", text, flags=re.DOTALL).casefold().split()
    return {" ".join(prose[k : k + words]) for k in range(len(prose) - words + 1)} - {"show the answer"}


def prompt_complaints(notebook: nbformat.NotebookNode) -> list[str]:
    """Where a prompt's answer can be seen before the reader asks, or what is folded away answers no prompt."""
    found = []
    prompted = {prediction.cell.id for prediction in predictions(notebook)}
    for cell in code_cells(notebook):
        folded = "hide-output" in cell.metadata.get("tags", [])
        if folded != (cell.id in prompted):
            found.append(f"cell {cell.id} {'is folded' if folded else 'answers a prompt in the open'}: use make run")
        for tag, metadata in (("hide-output", FOLDED_OUTPUT), ("hide-cell", FOLDED_CELL)):
            if tag in cell.metadata.get("tags", []) and cell.metadata != metadata:
                found.append(f"cell {cell.id} is not folded in every host: use make run")
    for prediction in predictions(notebook):
        name = prediction.cell.id
        if not FOLD.search(prediction.folded):
            found.append(f"the words that answer {name} are in no fold")
        if "\n\n" in prediction.prompt.strip():
            found.append(f"between the prompt and {name} there is more text")
        if re.search(r"\bassert\b|\bpicture\(", prediction.cell.source):
            found.append(f"{name} asserts or describes what it asks: put that into the fold")
        told = numbers(prediction.folded) & (numbers(prediction.visible) - numbers(prediction.prompt))
        if told:
            found.append(f"the code of {name} gives {sorted(told)} away")
        told = phrases("".join(FOLD.findall(prediction.folded))) & (
            phrases(prediction.visible) | phrases(prediction.after)
        )
        if told:
            found.append(f"{name}: {sorted(told)} can be read before the fold is opened")
    return found


def folded_code(cells: list[nbformat.NotebookNode]) -> list[str]:
    """The Python code in the folds of the Markdown cells among these."""
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    folds = re.findall(r"<details>.*?</details>", text, re.DOTALL)
    return [code for fold in folds for code in re.findall(r"```python\n(.*?)```", fold, re.DOTALL)]
