"""Give the axis symbols in inline code their colours: `(N, L, H_in)` becomes three coloured letters on the site.

A Markdown cell has to read well in every notebook host, so it says `(N, L, H_in)` and nothing more.
"""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util.typing import ExtensionMetadata

SYMBOL = re.compile(r"(?<![\w.])(N|L|D|H_in|H_out|H_cell|H)(?![\w.(\[])")
# Code that speaks of axes: one symbol, or a shape in brackets. `hn[:, 0, :H]` stays plain code.
SHAPE = re.compile(r"\(?[\s\d,·*]*(?:(?:N|L|D|H_in|H_out|H_cell|H|num_layers)[\s\d,·*]*)+\)?")


def coloured(code: str) -> list[nodes.Node]:
    """The code's text, every axis symbol in it wrapped in an inline node of its class."""
    parts: list[nodes.Node] = []
    end = 0
    for match in SYMBOL.finditer(code):
        if match.start() > end:
            parts.append(nodes.Text(code[end : match.start()]))
        symbol = match.group()
        axis = "H_out" if symbol == "H" else symbol
        parts.append(nodes.inline("", symbol, classes=["axis", f"axis-{axis}"]))
        end = match.end()
    if end < len(code):
        parts.append(nodes.Text(code[end:]))
    return parts


class ColourAxes(SphinxTransform):
    default_priority = 700

    def apply(self) -> None:
        for literal in list(self.document.findall(nodes.literal)):
            if SHAPE.fullmatch(literal.astext()):
                literal[:] = coloured(literal.astext())


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_transform(ColourAxes)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
