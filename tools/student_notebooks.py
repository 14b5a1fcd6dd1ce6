"""Write the students' notebooks from the masters in `book/solutions`.

    python tools/student_notebooks.py

A master is the set with its answers, executed. Between `# solution` and `# end` is what a student writes; behind
`# instead`, as comments, what a student is given in its place (without it: `return ...`). A Markdown cell with the tag
`solution` is for whoever has answered. From the master come the student's notebook in `book/exercises`, and the page of
the site, where each answer is folded away under the student's cell.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

BOOK = Path(__file__).parents[1] / "book"
MASTERS = "solutions"
STUDENTS = "exercises"
BLANK = "return ..."
SOLUTION = "solution"
REGION = re.compile(
    r"^(?P<indent> *)# solution\n(?P<answer>.*?)(?:^ *# instead\n(?P<given>.*?))?^ *# end(?:\n|\Z)",
    re.MULTILINE | re.DOTALL,
)
FOLD = "<details>\n<summary>Answer</summary>\n\n", "\n\n</details>"
DERIVED = "unrolled"  # the key in a derived notebook's metadata


def blanked(source: str) -> str:
    """The cell as a student gets it."""

    def given(match: re.Match[str]) -> str:
        lines = f"{match['indent']}# {BLANK}\n" if match["given"] is None else match["given"]
        return re.sub(r"^( *)# ?", r"\1", lines, flags=re.MULTILINE)

    return REGION.sub(given, source).rstrip("\n")


def solved(source: str) -> str:
    """The cell with its answer, without the markers."""
    return REGION.sub(lambda match: match["answer"], source).rstrip("\n")


def has_answer(cell: NotebookNode) -> bool:
    """Whether a student finds a blank in this cell."""
    return cell.cell_type == "code" and REGION.search(cell.source) is not None


def is_for_solvers(cell: NotebookNode) -> bool:
    """Whether this cell explains an answer, so that a student does not get it."""
    return SOLUTION in cell.metadata.get("tags", [])


def student_notebook(master: NotebookNode) -> NotebookNode:
    """The student's notebook: blanks in place of answers, nothing that was run."""
    cells = [cell for cell in master.cells if not is_for_solvers(cell)]
    notebook: NotebookNode = nbformat.from_dict({**master, "cells": cells})
    for cell in notebook.cells:
        cell.source = blanked(cell.source)
        cell.metadata = NotebookNode()
        if cell.cell_type == "code":
            cell.execution_count, cell.outputs = None, []
    notebook.metadata[DERIVED] = {"digest": digest(notebook)}
    return notebook


def solution_notebook(master: NotebookNode) -> NotebookNode:
    """The set with its answers as they were run, without markers."""
    notebook: NotebookNode = nbformat.from_dict(master)
    for cell in notebook.cells:
        cell.source = solved(cell.source)
    return notebook


def site_page(master: NotebookNode) -> NotebookNode:
    """What the site shows: under each of the student's cells its answer, what that printed, and why, in one fold."""
    blank = {cell.id: cell for cell in student_notebook(master).cells}
    notebook = solution_notebook(master)
    cells: list[NotebookNode] = []
    for cell, original in zip(notebook.cells, master.cells, strict=True):
        if has_answer(original):
            printed = "".join(output.text for output in cell.outputs)
            answer = folded(f"```python\n{cell.source}\n```\n\n```text\n{printed}```")
            cells += [blank[cell.id], nbformat.v4.new_markdown_cell(answer, id=f"{cell.id}-{SOLUTION}")]
        elif is_for_solvers(cell):
            cells[-1].source = cells[-1].source.replace(FOLD[1], f"\n\n{cell.source}{FOLD[1]}")
        else:
            cells.append(cell)
    notebook.cells = cells
    return notebook


def folded(text: str) -> str:
    """The Markdown text in a fold that is closed."""
    return text.join(FOLD)


def digest(notebook: NotebookNode) -> str:
    """A digest of the cells' sources, by which one sees whether somebody has written into a derived notebook."""
    return hashlib.sha256(json.dumps([cell.source for cell in notebook.cells]).encode()).hexdigest()[:16]


def is_worked_on(path: Path) -> bool:
    """Whether the derived notebook at `path` holds somebody's work."""
    if not path.exists():
        return False
    try:
        notebook = nbformat.read(path, as_version=4)
    except (nbformat.reader.NotJSONError, nbformat.ValidationError):
        return True
    return bool(notebook.metadata.get(DERIVED, {}).get("digest") != digest(notebook))


def write_student_notebooks(book: Path = BOOK) -> list[Path]:
    """Write the student's notebook of each master; return the paths left alone because they hold somebody's work."""
    kept = []
    (book / STUDENTS).mkdir(exist_ok=True)
    for path in sorted((book / MASTERS).glob("*.ipynb")):
        target = book / STUDENTS / path.name
        if is_worked_on(target):
            kept.append(target)
            continue
        student = student_notebook(nbformat.read(path, as_version=4))
        text = nbformat.writes(student, indent=1, ensure_ascii=False).rstrip("\n") + "\n"
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
    return kept


if __name__ == "__main__":
    for path in write_student_notebooks():
        print(
            f"{path.relative_to(BOOK.parent)} holds your work, so it stays as it is. For a fresh one, rename it.",
            file=sys.stderr,
        )
