"""The grid of hidden states as SVG, which reads as the text drawing wherever its tags are taken away.

A notebook that is not trusted, and many a code host, removes the tags of an SVG and keeps the text between them. A
browser draws no text that lies directly in `<svg>`: so the frame of the text drawing lies there, and the labels of the
SVG are the words within it. Without its tags what is left is the text drawing, in a `<pre>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from unrolled.drawing.grid import CORNER, MARGIN, Grid, Row

BOX_WIDTH, BOX_HEIGHT = 54, 32
GAP = 20  # between boxes: room for an arrow
SIDE = 84  # left and right of the boxes: room for a label such as `hn[3] ←`
ABOVE, BELOW = 56, 46  # room for the slices of output and an arrow to each; for those of x
AROUND = 7  # from a box to the edge of its band

STYLE = """
.grid-diagram{margin:1rem auto;max-width:max-content;font:13px ui-monospace,Menlo,Consolas,monospace}
.grid-diagram svg{display:block;height:auto;max-width:100%}
.grid-diagram text{fill:currentColor;dominant-baseline:central;text-anchor:middle}
.grid-diagram .name{font-weight:700}
.grid-diagram .quiet{opacity:.72}
.grid-diagram .box{fill:none;stroke:currentColor;stroke-opacity:.45}
.grid-diagram .arrow{stroke:currentColor;stroke-opacity:.6;fill:none}
.grid-diagram .head{fill:currentColor;fill-opacity:.6}
.grid-diagram .output{fill:var(--tensor-output,#f2b705);fill-opacity:.26}
.grid-diagram .h_n{fill:var(--tensor-h_n,#3d8bfd);fill-opacity:.26}
.grid-diagram .pin{fill:var(--pst-color-background,var(--jp-layout-color0,#fff));stroke:currentColor;stroke-width:1.5}
.grid-diagram .corner{fill:currentColor}
""".strip().replace("\n", "")

# Only drawings with cell states or with padding carry these.
CELL_STYLE = ".grid-diagram .c_n{fill:var(--axis-H_cell,#4c22e6);fill-opacity:.26}"
PADDING_STYLE = ".grid-diagram .padding{fill:none;stroke:currentColor;stroke-opacity:.45;stroke-dasharray:3 4}"


def grid_as_html(grid: Grid) -> str:
    """The drawing as HTML, with its style. The `<pre>` shows only where the tags of the SVG are taken away."""
    division = Element("div", {"class": "grid-diagram"})
    SubElement(division, "pre", style="all:unset").append(_svg(grid))
    # Last: what takes tags away may leave the text of a style too.
    style = SubElement(division, "style")
    style.text = STYLE + CELL_STYLE * grid.has_cell_states + PADDING_STYLE * grid.is_padded
    return ElementTree.tostring(division, encoding="unicode")


def grid_as_svg(grid: Grid) -> str:
    """The drawing as one SVG element."""
    return ElementTree.tostring(_svg(grid), encoding="unicode")


def _svg(grid: Grid) -> Element:
    layout = Layout(grid)
    size = {"width": str(layout.width), "height": str(layout.height)}
    view = {"viewBox": f"0 0 {layout.width} {layout.height}", **size, "role": "img", "aria-label": grid.alt}
    svg = Element("svg", {"xmlns": "http://www.w3.org/2000/svg", **view})
    svg.extend(_bands(layout))
    for number, row in enumerate(grid.rows):
        svg.extend(_row_of_boxes(layout, number, row))
    for step in range(grid.sequence_length):
        svg.extend(_column(layout, step))
    _add_labels(svg, layout)
    return svg


@dataclass(frozen=True)
class Layout:
    """Where the boxes of a grid are, in the units of its SVG."""

    grid: Grid

    def left(self, step: int) -> int:
        return SIDE + step * (BOX_WIDTH + GAP)

    def centre(self, step: int) -> float:
        return self.left(step) + BOX_WIDTH / 2

    @property
    def right_edge(self) -> int:
        """The right edge of the last step's boxes."""
        return self.left(self.grid.sequence_length - 1) + BOX_WIDTH

    @property
    def inner_width(self) -> int:
        """From the first step's boxes to the last one's."""
        return self.right_edge - self.left(0)

    def end(self, row: Row) -> tuple[int, int]:
        """Left and right edge of a row's last state, from its box to its name."""
        box = self.left(self.grid.last_step(row))
        if row.is_backward:
            return 4, box + BOX_WIDTH + AROUND
        return box - AROUND, box + BOX_WIDTH + AROUND if self.grid.names_its_end_inside(row) else self.width - 4

    @property
    def rows_of_a_layer(self) -> int:
        """The directions and states of one layer touch: together they are one box of the grid."""
        return len(self.grid.rows) // self.grid.num_layers

    def top(self, number: int) -> int:
        """The top of the row of this number, counted from the top."""
        layer, row = divmod(number, self.rows_of_a_layer)
        return ABOVE + layer * (self.rows_of_a_layer * BOX_HEIGHT + GAP) + row * BOX_HEIGHT

    def middle(self, number: int) -> float:
        return self.top(number) + BOX_HEIGHT / 2

    @property
    def bottom(self) -> int:
        """The bottom of the lowest row."""
        return self.top(len(self.grid.rows) - 1) + BOX_HEIGHT

    @property
    def output_height(self) -> int:
        return self.grid.directions * BOX_HEIGHT

    @property
    def width(self) -> int:
        # With padding, the last states of forward rows are named in their boxes, and only h_0 of backward rows is
        # named at the right.
        right = GAP if self.grid.is_padded and not self.grid.bidirectional else SIDE
        return self.right_edge + right

    @property
    def height(self) -> int:
        return self.bottom + BELOW


def _bands(layout: Layout) -> Iterable[Element]:
    """The ground under `output`, from its boxes up to its slices, and the one under each tensor of last states.

    Where the last states lie in one column, they have one ground. Otherwise each of them has its own.
    """
    grid, top = layout.grid, layout.top(0)
    below = 0 if grid.has_cell_states else AROUND
    height = top + layout.output_height + below - 4
    yield _rect("output", layout.left(0) - AROUND, 4, layout.inner_width + 2 * AROUND, height, radius=8)
    if not grid.bidirectional and not grid.has_cell_states:
        left, right = layout.end(grid.rows[0])
        yield _rect("h_n", left, top - AROUND, right - left, layout.bottom - top + 2 * AROUND, radius=8)
        return
    for number, row in enumerate(grid.rows):
        left, right = layout.end(row)
        yield _rect(f"{row.state}_n", left, layout.top(number), right - left, BOX_HEIGHT, radius=6)


def _row_of_boxes(layout: Layout, number: int, row: Row) -> Iterable[Element]:
    """The boxes of one row, and the arrows along it."""
    grid, top, middle = layout.grid, layout.top(number), layout.middle(number)
    for step in range(grid.real_steps):
        yield _rect("box", layout.left(step), top, BOX_WIDTH, BOX_HEIGHT)
    if row.is_output:
        x = layout.left(grid.last_step(row)) + BOX_WIDTH
        yield _circle("pin", x, top, 5)
        yield _circle("corner", x, top, 2.5)

    # Each arrow from left to right: between the boxes, into the first and out of the last.
    arrows = [(layout.left(step) + BOX_WIDTH + 2, layout.left(step + 1) - 2) for step in range(grid.real_steps - 1)]
    arrows.append((layout.left(0) - 25, layout.left(0) - 9))
    if row.is_backward and grid.is_padded:
        arrows.append((layout.left(grid.real_steps - 1) + BOX_WIDTH + 2, layout.right_edge + 25))
    elif not grid.names_its_end_inside(row):
        arrows.append((layout.right_edge + 9, layout.right_edge + 25))
    for left, right in arrows:
        start, end = (right, left) if row.is_backward else (left, right)
        yield from _arrow(start, middle, end, middle)


def _column(layout: Layout, step: int) -> Iterable[Element]:
    """The arrows that go up through one step to its slice of output, or its padding."""
    grid, centre = layout.grid, layout.centre(step)
    if step < grid.real_steps:
        yield from _arrow(centre, layout.top(0) - 5, centre, layout.top(0) - 23)
    for number in range(0, len(grid.rows), layout.rows_of_a_layer):
        height = layout.rows_of_a_layer * BOX_HEIGHT
        below = layout.top(number) + height
        if step < grid.real_steps:
            yield from _arrow(centre, below + GAP - 2, centre, below + 2)
        else:
            yield _rect("padding", layout.left(step), layout.top(number), BOX_WIDTH, height)


@dataclass(frozen=True, kw_only=True)
class Label:
    """A word of the drawing: where its middle is, and its class in the style, if it has one."""

    text: str
    x: float
    y: float
    kind: str | None = None

    def element(self) -> Element:
        text = Element("text", {"x": f"{self.x:g}", "y": f"{self.y:g}"})
        if self.kind:
            text.set("class", self.kind)
        text.text = self.text
        return text


def _add_labels(svg: Element, layout: Layout) -> None:
    """Add the labels in the order in which the text drawing has them, and between them the rest of that drawing."""
    rest = _text(layout.grid)
    for label in _labels(layout):
        before, rest = rest.split(label.text, 1)
        svg[-1].tail = before
        svg.append(label.element())
    svg[-1].tail = rest


def _labels(layout: Layout) -> Iterable[Label]:
    """Every label, line by line."""
    grid, y_above, y_below = layout.grid, ABOVE - 38, layout.bottom + GAP + 12
    yield Label(text="output", x=SIDE / 2 - 8, y=y_above, kind="name")
    for step, name in enumerate(_names_above(grid)):
        yield Label(text=name, x=layout.centre(step), y=y_above)
    for number, row in enumerate(grid.rows):
        yield from _labels_of_row(layout, number, row)
    yield Label(text="x", x=SIDE / 2 - 8, y=y_below, kind="quiet")
    for step, name in enumerate(_names_below(grid)):
        yield Label(text=name, x=layout.centre(step), y=y_below, kind="quiet")


def _labels_of_row(layout: Layout, number: int, row: Row) -> Iterable[Label]:
    """The labels of one row, from left to right."""
    grid, y, last_step = layout.grid, layout.middle(number), layout.grid.last_step(row)
    initial, final = (row.initial, "quiet"), (row.final, "name")
    left, right = (final, initial) if row.is_backward else (initial, final)
    yield Label(text=left[0], x=SIDE / 2 - 14, y=y, kind=left[1])
    names_inside = grid.names_its_end_inside(row)
    for step in range(grid.real_steps):
        if names_inside and step == last_step:
            yield Label(text=row.final, x=layout.centre(step), y=y, kind="name")
        elif grid.has_cell_states:
            yield Label(text=row.state, x=layout.centre(step), y=y, kind="quiet")
    if row.is_output and not row.is_backward:
        for step in range(grid.real_steps, grid.sequence_length):
            yield Label(text="0", x=layout.centre(step), y=layout.top(0) + layout.output_height / 2, kind="quiet")
    if not names_inside:
        yield Label(text=right[0], x=layout.width - SIDE / 2 + 14, y=y, kind=right[1])


def _names_above(grid: Grid) -> list[str]:
    """The slices of output above its steps; the last one is the one that people write."""
    names = [f"[:, {step}]" for step in range(grid.sequence_length)]
    return names if len(names) == 1 else [*names[:-1], "[:, -1]"]


def _names_below(grid: Grid) -> list[str]:
    """The slices of x below its steps."""
    return [f"[:, {step}]" if step < grid.real_steps else "padding" for step in range(grid.sequence_length)]


def _text(grid: Grid) -> str:
    """The text drawing with the labels of the SVG."""
    above, below = _names_above(grid), _names_below(grid)
    width = max(len(name) for name in [*above, *below, f"{grid.rows[0].final} {CORNER}"])

    def line(name: str, names: list[str]) -> str:
        return f"{name:>8}".ljust(len(MARGIN) + 1) + " ".join(f"{each:^{width}}" for each in names).rstrip()

    return grid.text(
        above=line("output", above),
        below=line("x", below),
        box_width=width,
        corner=f"h {CORNER}" if grid.has_cell_states else CORNER,
    )


def _rect(kind: str, x: float, y: float, width: float, height: float, radius: int = 3) -> Element:
    size = {"width": f"{width:g}", "height": f"{height:g}", "rx": str(radius)}
    return Element("rect", {"class": kind, "x": f"{x:g}", "y": f"{y:g}", **size})


def _circle(kind: str, x: float, y: float, radius: float) -> Element:
    return Element("circle", {"class": kind, "cx": f"{x:g}", "cy": f"{y:g}", "r": f"{radius:g}"})


def _arrow(x1: float, y1: float, x2: float, y2: float) -> Iterable[Element]:
    """An arrow that is horizontal or vertical: its line and its head."""
    dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
    yield Element("path", {"class": "arrow", "d": f"M{x1:g} {y1:g}L{x2 - 4 * dx:g} {y2 - 4 * dy:g}"})
    x, y = x2 - 6 * dx, y2 - 6 * dy
    sides = f"L{x + 3 * dy:g} {y + 3 * dx:g}L{x - 3 * dy:g} {y - 3 * dx:g}Z"
    yield Element("path", {"class": "head", "d": f"M{x2:g} {y2:g}{sides}"})
