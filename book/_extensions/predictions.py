"""Put all that answers a prediction behind one press: the output, the paragraphs in `<details>`, the hidden cells.

In a notebook the cell under a prompt has its output collapsed, and the words that give the answer away are in a
`<details>` of the next Markdown cell: what every host can fold. Here all of it becomes one `<details>`, which opens
without a script. `predict.js` adds the line in which readers write what they expect.
"""

from docutils import nodes
from sphinx.application import Sphinx

OPENING = '<details class="prediction" data-cell="{cell}"><summary>Show the answer</summary>'


def tags(node: nodes.Node) -> list[str]:
    """The tags of the notebook's cell behind this node; none for a node that is no cell."""
    metadata: dict[str, list[str]] = node.get("cell_metadata", {}) if isinstance(node, nodes.container) else {}
    return metadata.get("tags", [])


def is_raw(node: nodes.Node, text: str) -> bool:
    return isinstance(node, nodes.raw) and node.astext().lstrip().startswith(text)


def answer(siblings: list[nodes.Node]) -> tuple[list[nodes.Node], int]:
    """The nodes that answer, out of those behind the prompted cell, and how many siblings they were taken from."""
    parts: list[nodes.Node] = []
    position = 0
    while position < len(siblings):
        node = siblings[position]
        if is_raw(node, "<details"):
            end = next(i for i in range(position, len(siblings)) if is_raw(siblings[i], "</details"))
            parts += siblings[position + 1 : end]
            position = end
        elif isinstance(node, nodes.container) and "hide-cell" in tags(node):
            node.attributes.pop("hide_mode", None)
            parts.append(node)
        else:
            break
        position += 1
    return parts, position


def fold(cell: nodes.container) -> None:
    """Move the cell's output and what follows as its answer into one `<details>` behind the cell."""
    cell.attributes.pop("hide_mode", None)
    outputs = [
        child for child in cell.children if isinstance(child, nodes.container) and "cell_output" in child["classes"]
    ]
    for output in outputs:
        cell.remove(output)
    parent, start = cell.parent, cell.parent.index(cell) + 1
    parts, taken = answer(parent.children[start:])
    opening = nodes.raw("", OPENING.format(cell=cell["ids"][-1]), format="html")
    shown = [nodes.container("", *outputs, classes=["cell"])] if outputs else []
    parent.children[start : start + taken] = []
    parent.insert(start, [opening, *shown, *parts, nodes.raw("", "</details>", format="html")])


def fold_answers(app: Sphinx, doctree: nodes.document) -> None:
    for node in list(doctree.findall(nodes.container)):
        if "hide-output" in tags(node):
            fold(node)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-read", fold_answers, priority=600)  # after `cells` has given every cell its address
    return {"parallel_read_safe": True, "parallel_write_safe": True}
