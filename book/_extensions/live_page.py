"""The page that runs: the place for a set's progress on its page, the script of exercise pages, and Python's files.

A chapter has all this when its reader asks for it (`site.js`); the button is in `article-header-buttons.html`.
"""

from pathlib import Path
from typing import Any

import browser_python
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

PLACE = '<div class="live-set"></div>'


def prepare_page(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """A chapter has its button. A page of exercises has its editors from the start, without Python."""
    context["runs_here"] = pagename in browser_python.CHAPTERS
    folder, _, name = pagename.rpartition("/")
    if folder == "exercises" and name in browser_python.SETS:
        app.add_js_file("live.js", type="module")
        app.add_css_file("live.css")
        context["body"] = context["body"].replace("</h1>", f"</h1>{PLACE}", 1)


def add_python(app: Sphinx, exception: Exception | None) -> None:
    """Python's files, where `make` has fetched them."""
    if not exception and app.builder.format == "html":
        browser_python.write_into(Path(app.outdir), Path(app.confdir))


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("html-page-context", prepare_page)
    app.connect("build-finished", add_python, priority=950)  # after `lean`, which takes away what no page links to
    return {"parallel_read_safe": True, "parallel_write_safe": True}
