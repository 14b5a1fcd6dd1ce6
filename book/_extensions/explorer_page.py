"""The directive `{rnn-explorer}`, and the explorer's script on the pages that hold an explorer.

The directive's body is the settings as JSON, or nothing for the seed's. `:drawing:` puts the static drawing of the same
grid where no script runs; `:share:` keeps the settings in the page's address.
"""

import json
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from unrolled import draw_grid
from unrolled.explorer.html import explorer_html
from unrolled.explorer.settings import DEFAULTS

TAG = "<rnn-explorer"
# While the script loads, the explorer's place is kept free, so that nothing below moves. Where no script runs, or none
# arrives within three seconds, the table shows.
STYLE = (
    "<style>rnn-explorer:not(:defined){display:block;overflow-x:auto;margin:1.5rem 0}"
    "rnn-explorer table{border-collapse:collapse;font-size:.8rem}"
    "rnn-explorer caption{text-align:start;margin-bottom:.5rem}"
    "rnn-explorer :is(th,td){text-align:start;vertical-align:top;padding:.2rem .75rem .2rem 0;font-weight:400}"
    "@media(scripting:enabled){rnn-explorer:not(:defined)"
    "{height:46rem;visibility:hidden;animation:late 0s 3s forwards}}"
    "@keyframes late{to{height:auto;visibility:visible}}"
    # The explorer's own page lends it all the width there is; the text keeps its measure.
    "html .bd-main .bd-content .bd-article-container:has(rnn-explorer[share]){max-width:60rem}"
    ".bd-article:has(rnn-explorer[share]) p{max-width:44rem}</style>"
)


class ExplorerDirective(SphinxDirective):
    has_content = True
    option_spec: ClassVar = {"drawing": directives.flag, "share": directives.flag}

    def run(self) -> list[nodes.Node]:
        settings = json.loads("\n".join(self.content) or "{}")
        drawing = ""
        if "drawing" in self.options:
            shown = {**DEFAULTS, **settings}
            drawing = draw_grid(
                shown["num_layers"], shown["bidirectional"], shown["L"], module=shown["module"]
            )._repr_html_()
        html = explorer_html(settings, before=drawing, share="share" in self.options)
        return [nodes.raw("", html, format="html")]


def load_the_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    if TAG in context.get("body", ""):
        app.add_js_file("unrolled.js", type="module")
        context["body"] = STYLE + context["body"]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("rnn-explorer", ExplorerDirective)
    app.connect("html-page-context", load_the_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
