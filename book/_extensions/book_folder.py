"""Read the pages from `book/` although `jupyter-book build .` starts at the repository's root.

`_config.yml` and `_toc.yml` are at the top, where Jupyter Book looks for them; without this every address of the
site would begin with `book/`. Sphinx reads `srcdir` for the first time after the extensions are set up.
"""

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def setup(app: Sphinx) -> ExtensionMetadata:
    app.srcdir = app.srcdir / "book"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
