"""The links from page to page lead from the front page to the first chapter, past the tools for practice.

The tools come first in the navigation, where they are in sight from every page. They are no step of the course.
"""

from typing import Any

from sphinx.application import Sphinx
from sphinx.builders.html import StandaloneHTMLBuilder
from sphinx.util.typing import ExtensionMetadata

TOOLS = frozenset({"explorer", "drill"})


def neighbours(relations: dict[str, list[str | None]], page: str) -> tuple[str | None, str | None]:
    """The pages before and after this one, in the order of reading; neither for a tool.

    >>> neighbours({"index": [None, None, "drill"], "drill": [None, "index", "axes"]}, "index")
    (None, 'axes')
    """

    def beyond(page: str, direction: int) -> str | None:
        found = relations.get(page, [None, None, None])[direction]
        return beyond(found, direction) if found in TOOLS else found

    return (None, None) if page in TOOLS else (beyond(page, 1), beyond(page, 2))


def link_neighbours(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    builder = app.builder
    if pagename not in app.env.found_docs or not isinstance(builder, StandaloneHTMLBuilder):
        return
    for key, page in zip(("prev", "next"), neighbours(builder.relations, pagename), strict=True):
        context[key] = page and {
            "link": builder.get_relative_uri(pagename, page),
            "title": builder.render_partial(app.env.titles[page])["title"],
        }


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("html-page-context", link_neighbours, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
