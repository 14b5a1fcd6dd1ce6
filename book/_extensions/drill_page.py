"""The directive `{rnn-drill}`, and the drill's script on the page that holds it.

Its argument is the seed of the questions for readers without scripts: a dozen, each with its answer folded away.
"""

from html import escape
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from unrolled.drill.question_maker import Question, questions
from unrolled.drill.worksheet import answer_html
from unrolled.text import code_html

TAG = "<rnn-drill"
COUNT = 12
# While the script loads, the drill's place is kept free, so that nothing below moves. Where no script runs, or none
# arrives within three seconds, the fixed questions show.
STYLE = (
    "<style>rnn-drill:not(:defined){display:block}"
    "rnn-drill ol{padding-inline-start:1.5rem}rnn-drill li{margin-bottom:1.5rem}"
    ".bd-article rnn-drill pre{white-space:pre-wrap;margin:0 0 .5rem;padding:0}"
    "@media(scripting:enabled){rnn-drill:not(:defined)"
    "{height:26rem;overflow:hidden;visibility:hidden;animation:late 0s 3s forwards}}"
    "@keyframes late{to{height:auto;overflow:visible;visibility:visible}}</style>"
)


def fixed(question: Question) -> str:
    """A question as HTML that needs no script."""
    code = escape("\n".join(question.code), quote=False)
    return (
        f"<li><pre>{code}</pre><p>{code_html(question.ask)}</p>"
        f"<details><summary>Show the answer</summary><p>{answer_html(question)}</p>"
        f"<p>{code_html(question.reason)}</p></details></li>"
    )


class DrillDirective(SphinxDirective):
    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        seed = directives.nonnegative_int(self.arguments[0])
        asked = "".join(map(fixed, questions(seed, COUNT)))
        return [nodes.raw("", f"<rnn-drill><ol>{asked}</ol></rnn-drill>", format="html")]


def load_the_script(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    if TAG in context.get("body", ""):
        app.add_js_file("drill.js", type="module")
        context["body"] = STYLE + context["body"]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("rnn-drill", DrillDirective)
    app.connect("html-page-context", load_the_script)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
