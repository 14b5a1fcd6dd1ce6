"""The directive `{grid-diagram}`: the grid of hidden states on a Markdown page, drawn by `unrolled.draw_grid`."""

from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

from unrolled import draw_grid


class GridDirective(SphinxDirective):
    option_spec: ClassVar = {
        "num_layers": directives.positive_int,
        "bidirectional": directives.flag,
        "sequence_length": directives.positive_int,
        "length": directives.positive_int,
        "module": directives.unchanged_required,
    }

    def run(self) -> list[nodes.Node]:
        settings = {**self.options, "bidirectional": "bidirectional" in self.options}
        return [nodes.raw("", draw_grid(**settings)._repr_html_(), format="html")]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("grid-diagram", GridDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
