"""The exercise pages: each is built from its master, with every answer folded away; the file at its place is the student's notebook.

So the page's buttons and its download give a notebook without answers. Both come from `book/solutions` by `tools/student_notebooks.py`.
"""

import sys
from pathlib import Path

import nbformat
from sphinx.application import Sphinx

BOOK = Path(__file__).parents[1]
sys.path.append(str(BOOK.parent / "tools"))
from student_notebooks import MASTERS, STUDENTS, site_page, write_student_notebooks  # noqa: E402


def show_master(app: Sphinx, docname: str, source: list[str]) -> None:
    folder, _, name = docname.rpartition("/")
    if folder == STUDENTS:
        source[0] = nbformat.writes(site_page(nbformat.read(BOOK / MASTERS / f"{name}.ipynb", as_version=4)))


def note_masters(app: Sphinx, env: object, added: set, changed: set, removed: set) -> set[str]:
    """A page is read anew when its master has changed."""
    return {docname for docname in env.found_docs if docname.startswith(f"{STUDENTS}/")}


def setup(app: Sphinx) -> dict[str, bool]:
    write_student_notebooks(BOOK)
    app.connect("source-read", show_master)
    app.connect("env-get-outdated", note_masters)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
