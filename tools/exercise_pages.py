"""The exercise pages: each is built from its master, every answer folded away.

The file at its place is the student's notebook, so the page's buttons and its download give a notebook without answers.
Both come from `book/solutions` by `student_notebooks.py`, and this extension of Sphinx's lies beside it: Jupyter Book
puts the folder of an extension that `_config.yml` names on Python's path.
"""

import nbformat
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata
from student_notebooks import MASTERS, STUDENTS, site_page, write_student_notebooks


def show_master(app: Sphinx, docname: str, source: list[str]) -> None:
    folder, _, name = docname.rpartition("/")
    if folder == STUDENTS:
        master = app.srcdir / MASTERS / f"{name}.ipynb"
        app.env.note_dependency(str(master))  # so that the page is read again when its master has changed
        source[0] = nbformat.writes(site_page(nbformat.read(master, as_version=4)))


def setup(app: Sphinx) -> ExtensionMetadata:
    write_student_notebooks(app.srcdir)  # at once: the table of contents wants every file that it names
    app.connect("source-read", show_master)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
