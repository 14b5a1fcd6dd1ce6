"""The one picture: hidden states as a grid, `output` its top row, `h_n` its last column."""

from dataclasses import dataclass
from html import escape

BOX_WIDTH, BOX_HEIGHT = 54, 32
GAP = 20  # between boxes: room for an arrow
MARGIN = 84  # left and right of the boxes: room for a label such as `hn[3] ←`
LABELS_ABOVE, LABELS_BELOW = 42, 46

STYLE = """
.grid-diagram{margin:1rem auto;max-width:max-content;font:13px ui-monospace,Menlo,Consolas,monospace}
.grid-diagram svg{display:block;height:auto;max-width:100%}
.grid-diagram text{fill:currentColor;dominant-baseline:central;text-anchor:middle}
.grid-diagram .name{font-weight:700}
.grid-diagram .quiet{opacity:.72}
.grid-diagram .box{fill:none;stroke:currentColor;stroke-opacity:.45}
.grid-diagram .arrow{stroke:currentColor;stroke-opacity:.6;fill:none}
.grid-diagram .head{fill:currentColor;fill-opacity:.6}
.grid-diagram .output{fill:var(--tensor-output,#f2b705);fill-opacity:.3}
.grid-diagram .h_n{fill:var(--tensor-h_n,#3d8bfd);fill-opacity:.3}
.grid-diagram .corner{fill:none;stroke:currentColor;stroke-width:2}
""".strip().replace("\n", "")


@dataclass(frozen=True)
class GridDiagram:
    """The grid of hidden states of one sample, drawn: layers up, time to the right.

    With two directions every layer has two rows, forward (→) above backward (←). A notebook shows the drawing; a terminal
    and `str` show the same in text.
    """

    num_layers: int = 1
    bidirectional: bool = False
    sequence_length: int = 3

    def __post_init__(self) -> None:
        for name in ("num_layers", "sequence_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; a grid has at least one.")

    @property
    def rows(self) -> list[tuple[int, bool]]:
        """(index on the first axis of h_n, runs backward) for each row of boxes, from the top."""
        directions = 2 if self.bidirectional else 1
        return [
            (layer * directions + direction, direction == 1)
            for layer in reversed(range(self.num_layers))
            for direction in range(directions)
        ]

    @property
    def alt(self) -> str:
        """What the drawing shows, for those who do not see it."""
        layers = f"{self.num_layers} layer{'s' * (self.num_layers > 1)}"
        where = "Its last column is h_n: the layer at its last step."
        corner = f"They share one corner, where output[:, -1] is hn[{self.rows[0][0]}]."
        if self.num_layers > 1:
            where = "Its last column, from bottom to top, is h_n: every layer at its last step."
        if self.bidirectional:
            forward, backward = self.rows[0][0], self.rows[1][0]
            where = "Forward rows end at the right and backward rows at the left; those ends are h_n."
            corner = (
                f"They share two corners: at the right hn[{forward}], the forward half of output[:, -1], "
                f"and at the left hn[{backward}], the backward half of output[:, 0]."
            )
        return (
            f"A grid of hidden states, {layers} high and {self.sequence_length} time steps wide, x entering below. "
            f"Its top row is output: the top layer at every step. {where} {corner}"
        )

    def __str__(self) -> str:
        steps = self.sequence_length
        pad = " " * 11
        line = lambda left, fill, middle, right: pad + left + middle.join([fill * 6] * steps) + right
        lines = [pad + "output".center(7 * steps + 1).rstrip(), line("┌", "─", "┬", "┐")]
        for number, (index, backward) in enumerate(self.rows):
            is_top = number < (2 if self.bidirectional else 1)
            first, last = f"h0[{index}]", f"hn[{index}]"
            cells = ["      "] * steps
            if is_top:
                cells[0 if backward else -1] = "  ◉   "
            left, right = (f"{last} ← ", f" ← {first}") if backward else (f"{first} → ", f" → {last}")
            lines.append(f"{left:>11}│" + "│".join(cells) + f"│{right}")
            lines.append(line("├", "─", "┼", "┤"))
        lines[-1] = line("└", "─", "┴", "┘")
        lines.append(pad + " " + " ".join(f"x[:,{step}]".center(6) for step in range(steps)).rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return f'<div class="grid-diagram"><style>{STYLE}</style>{self.svg()}</div>'

    def svg(self) -> str:
        """The drawing as one SVG element, coloured by `axes.css` where that is present."""
        rows, steps = self.rows, self.sequence_length
        top_rows = 2 if self.bidirectional else 1
        left = lambda step: MARGIN + step * (BOX_WIDTH + GAP)
        # Two directions of one layer touch: together they are one box of `output`.
        layer_pitch = top_rows * BOX_HEIGHT + GAP
        top = lambda row: LABELS_ABOVE + row // top_rows * layer_pitch + row % top_rows * BOX_HEIGHT
        width = 2 * MARGIN + steps * (BOX_WIDTH + GAP) - GAP
        grid_bottom = top(len(rows) - 1) + BOX_HEIGHT
        height = grid_bottom + LABELS_BELOW
        right_edge = left(steps - 1) + BOX_WIDTH
        parts = []

        def rect(kind: str, x: float, y: float, w: float, h: float, radius: float = 3) -> None:
            parts.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{radius}"/>')

        def text(x: float, y: float, content: str, kind: str = "") -> None:
            parts.append(f'<text x="{x:g}" y="{y:g}"' + (f' class="{kind}"' if kind else "") + f">{escape(content)}</text>")

        def arrow(x1: float, y1: float, x2: float, y2: float) -> None:
            dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
            parts.append(f'<path class="arrow" d="M{x1:g} {y1:g}L{x2 - 4 * dx:g} {y2 - 4 * dy:g}"/>')
            base_x, base_y = x2 - 6 * dx, y2 - 6 * dy
            parts.append(
                f'<path class="head" d="M{x2:g} {y2:g}L{base_x + 3 * dy:g} {base_y + 3 * dx:g}'
                f'L{base_x - 3 * dy:g} {base_y - 3 * dx:g}Z"/>'
            )

        rect("output", left(0) - 7, top(0) - 7, right_edge - left(0) + 14, top_rows * BOX_HEIGHT + 14, 8)
        if not self.bidirectional:
            rect("h_n", left(steps - 1) - 7, top(0) - 7, BOX_WIDTH + 14, grid_bottom - top(0) + 14, 8)

        for row, (index, backward) in enumerate(rows):
            middle = top(row) + BOX_HEIGHT / 2
            end = 0 if backward else steps - 1
            if self.bidirectional:
                rect("h_n", left(end), top(row), BOX_WIDTH, BOX_HEIGHT)
            for step in range(steps):
                rect("box", left(step), top(row), BOX_WIDTH, BOX_HEIGHT)
                if step < steps - 1:
                    ends = (left(step) + BOX_WIDTH + 2, left(step + 1) - 2)
                    arrow(*((ends[1], middle, ends[0], middle) if backward else (ends[0], middle, ends[1], middle)))
            if row < top_rows:
                rect("corner", left(end), top(row), BOX_WIDTH, BOX_HEIGHT)
            first, last = f"h0[{index}]", f"hn[{index}]"
            at_left, at_right = (last, first) if backward else (first, last)
            if backward:
                arrow(left(0) - 9, middle, left(0) - 25, middle)
                arrow(right_edge + 25, middle, right_edge + 9, middle)
            else:
                arrow(left(0) - 25, middle, left(0) - 9, middle)
                arrow(right_edge + 9, middle, right_edge + 25, middle)
            text(MARGIN / 2 - 14, middle, at_left, "name" if backward else "quiet")
            text(width - MARGIN / 2 + 14, middle, at_right, "quiet" if backward else "name")

        for step in range(steps):
            centre = left(step) + BOX_WIDTH / 2
            for row in range(0, len(rows), top_rows):
                below = top(row) + top_rows * BOX_HEIGHT
                arrow(centre, below + GAP - 2, centre, below + 2)
            index = "-1" if step == steps - 1 and steps > 1 else str(step)
            text(centre, LABELS_ABOVE - 24, f"[:, {index}]")
            text(centre, grid_bottom + GAP + 12, f"[:, {step}]", "quiet")
        text(MARGIN / 2 - 8, LABELS_ABOVE - 24, "output", "name")
        text(MARGIN / 2 - 8, grid_bottom + GAP + 12, "x", "quiet")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(self.alt)}">' + "".join(parts) + "</svg>"
        )


def draw_grid(num_layers: int = 1, bidirectional: bool = False, sequence_length: int = 3) -> GridDiagram:
    """Draw the grid of hidden states of a recurrent layer with these settings.

    Args:
        num_layers: how many layers, as in `nn.RNN`; at least 1.
        bidirectional: whether every layer also runs backward.
        sequence_length: L, how many time steps; at least 1.

    Raises:
        ValueError: a layer or step count below 1.
    """
    return GridDiagram(num_layers, bidirectional, sequence_length)
