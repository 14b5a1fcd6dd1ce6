"""Give every code cell an address: the cell with the id `dye` of `axes.ipynb` is `axes.html#cell-dye`.

On a Markdown page `[the experiment](axes.ipynb#cell-dye)` links to it, and the build fails where there is no such cell.
"""

import json

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata

IDS = "cell ids"


def note_ids(app: Sphinx, docname: str, source: list[str]) -> None:
    is_notebook = str(app.env.doc2path(docname)).endswith(".ipynb")
    app.env.temp_data[IDS] = [cell["id"] for cell in json.loads(source[0])["cells"]] if is_notebook else []


def note_cells(app: Sphinx, doctree: nodes.document) -> None:
    docname, ids = app.env.docname, app.env.temp_data[IDS]
    targets = app.env.metadata[docname].setdefault("myst_slugs", {})
    for node in doctree.findall(nodes.container):
        if "cell_index" in node:
            anchor = f"cell-{ids[node['cell_index']]}"
            node["ids"].append(anchor)
            # What MyST looks a link's fragment up in, as for a heading: line, id of the node, text.
            targets[anchor] = (node.line or 0, anchor, anchor)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.connect("source-read", note_ids, priority=900)  # the source as other extensions have left it
    app.connect("doctree-read", note_cells)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
