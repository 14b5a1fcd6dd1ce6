"""The one picture: hidden states as a grid, `output` its top row, `h_n` its last column."""

from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from unrolled.text import counted

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

# Only drawings with cell states or with padding carry these.
CELL_STYLE = ".grid-diagram .c_n{fill:var(--axis-H_cell,#7a5cf0);fill-opacity:.3}"
PADDING_STYLE = ".grid-diagram .padding{fill:none;stroke:currentColor;stroke-opacity:.45;stroke-dasharray:3 4}"


class Row(NamedTuple):
    """One row of boxes: one state of one layer in one direction."""

    state: str  # "h", or "c" for a cell state
    index: int  # on the first axis of h_n and c_n
    backward: bool


@dataclass(frozen=True)
class GridDiagram:
    """The grid of hidden states of one sample, drawn: layers up, time to the right.

    With two directions every layer has two rows, forward (→) above backward (←). A layer of an LSTM has its cell states under
    its hidden states. A sample shorter than its batch ends early, and padding follows. A notebook shows the drawing; a terminal
    and `str` show the same in text.
    """

    num_layers: int = 1
    bidirectional: bool = False
    sequence_length: int = 3
    length: int | None = None
    module: str = "RNN"

    def __post_init__(self) -> None:
        for name in ("num_layers", "sequence_length"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; a grid has at least one.")
        if not 1 <= self.real_steps <= self.sequence_length:
            raise ValueError(
                f"length is {self.length}; it is at least 1 and at most sequence_length, {self.sequence_length}."
            )
        if self.module not in ("RNN", "LSTM", "GRU"):
            raise ValueError(f"module is {self.module!r}; a grid is of an 'RNN', an 'LSTM' or a 'GRU'.")

    @property
    def directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def real_steps(self) -> int:
        """How many steps the sample has, not counting its padding."""
        return self.sequence_length if self.length is None else self.length

    @property
    def is_padded(self) -> bool:
        return self.real_steps < self.sequence_length

    @property
    def rows(self) -> list[Row]:
        """The rows of boxes, from the top. The first, or with two directions the first two, are `output`."""
        return [
            Row(state, layer * self.directions + direction, direction == 1)
            for layer in reversed(range(self.num_layers))
            for state in ("hc" if self.module == "LSTM" else "h")
            for direction in range(self.directions)
        ]

    @property
    def alt(self) -> str:
        """What the drawing shows, for those who do not see it."""
        layers = counted(self.num_layers, "layer")
        last = self.real_steps - 1
        column, right, top, sample = "last column", "at the right", "output[:, -1]", ""
        if self.is_padded:
            column, right, top, sample = f"column at step {last}", f"at step {last}", f"output[i, {last}]", ", i"
        where = f"Its {column} is h_n: the layer at its last step."
        corner = f"They share one corner, where {top} is hn[{self.rows[0].index}{sample}]."
        if self.num_layers > 1:
            where = f"Its {column}, from bottom to top, is h_n: every layer at its last step."
        if self.bidirectional:
            forward, backward = self.rows[0].index, self.rows[1].index
            first = "output[i, 0]" if self.is_padded else "output[:, 0]"
            where = f"Forward rows end {right} and backward rows at the left; those ends are h_n."
            corner = (
                f"They share two corners: {right} hn[{forward}{sample}], the forward half of {top}, "
                f"and at the left hn[{backward}{sample}], the backward half of {first}."
            )
        sentences = [
            f"A grid of hidden states, {layers} high and {self.sequence_length} time steps wide, x entering below.",
            "Its top row is output: the top layer at every step.",
            where,
            corner,
        ]
        if self.is_padded:
            begins = ", and there a backward row begins" if self.bidirectional else ""
            sentences.insert(
                1, f"Sample i ends at step {last}{begins}; the steps after it are padding: empty, and 0 in output."
            )
        if self.module == "LSTM":
            sentences.append(
                "Under each hidden state lies a cell state; their ends are c_n, and output shows none of them."
            )
        return " ".join(sentences)

    def __str__(self) -> str:
        steps, width = self.sequence_length, 8 if self.is_padded else 6
        pad = " " * 11
        line = lambda left, fill, middle, right: pad + left + middle.join([fill * width] * steps) + right
        lines = [pad + "output".center((width + 1) * steps + 1).rstrip(), line("┌", "─", "┬", "┐")]
        for number, (state, index, backward) in enumerate(self.rows):
            first, last = f"{state}0[{index}]", f"{state}n[{index}]"
            is_output, is_named_inside = number < self.directions, self.is_padded and not backward
            padding = "←" if backward else "0" if is_output else ""
            cells = [state if self.module == "LSTM" else ""] * self.real_steps + [padding] * (steps - self.real_steps)
            mark = " ".join([last] * is_named_inside + ["◉"] * is_output)
            if mark:
                cells[0 if backward else self.real_steps - 1] = mark
            left, right = (f"{last} ← ", f" ← {first}") if backward else (f"{first} → ", f" → {last}")
            right = "" if is_named_inside else right
            lines.append(f"{left:>11}│" + "│".join(f"{cell:^{width}}" for cell in cells) + f"│{right}")
            lines.append(line("├", "─", "┼", "┤"))
        lines[-1] = line("└", "─", "┴", "┘")
        below = [f"x[:,{step}]" if step < self.real_steps else "padding" for step in range(steps)]
        lines.append(pad + " " + " ".join(name.center(width) for name in below).rstrip())
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        style = STYLE + CELL_STYLE * (self.module == "LSTM") + PADDING_STYLE * self.is_padded
        return f'<div class="grid-diagram"><style>{style}</style>{self.svg()}</div>'

    def svg(self) -> str:
        """The drawing as one SVG element, coloured by `axes.css` where that is present."""
        rows, steps, last_step = self.rows, self.sequence_length, self.real_steps - 1
        has_cells = self.module == "LSTM"
        left = lambda step: MARGIN + step * (BOX_WIDTH + GAP)
        # The directions and states of one layer touch: together they are one box of the grid.
        layer_rows = len(rows) // self.num_layers
        layer_height = layer_rows * BOX_HEIGHT
        top = lambda row: LABELS_ABOVE + row // layer_rows * (layer_height + GAP) + row % layer_rows * BOX_HEIGHT
        # With padding, the forward rows' last states are named in their boxes, and only h_0 of backward rows stands at the right.
        right_margin = GAP if self.is_padded and not self.bidirectional else MARGIN
        width = MARGIN + steps * (BOX_WIDTH + GAP) - GAP + right_margin
        grid_bottom = top(len(rows) - 1) + BOX_HEIGHT
        height = grid_bottom + LABELS_BELOW
        right_edge = left(steps - 1) + BOX_WIDTH
        parts = []

        def rect(kind: str, x: float, y: float, w: float, h: float, radius: float = 3) -> None:
            parts.append(f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{w:g}" height="{h:g}" rx="{radius}"/>')

        def text(x: float, y: float, content: str, kind: str = "") -> None:
            parts.append(
                f'<text x="{x:g}" y="{y:g}"' + (f' class="{kind}"' if kind else "") + f">{escape(content)}</text>"
            )

        def arrow(x1: float, y1: float, x2: float, y2: float) -> None:
            dx, dy = (x2 > x1) - (x2 < x1), (y2 > y1) - (y2 < y1)
            parts.append(f'<path class="arrow" d="M{x1:g} {y1:g}L{x2 - 4 * dx:g} {y2 - 4 * dy:g}"/>')
            base_x, base_y = x2 - 6 * dx, y2 - 6 * dy
            parts.append(
                f'<path class="head" d="M{x2:g} {y2:g}L{base_x + 3 * dy:g} {base_y + 3 * dx:g}'
                f'L{base_x - 3 * dy:g} {base_y - 3 * dx:g}Z"/>'
            )

        output_height = self.directions * BOX_HEIGHT
        rect("output", left(0) - 7, top(0) - 7, right_edge - left(0) + 14, output_height + (7 if has_cells else 14), 8)
        # One state in one direction: the ends lie in one column. Otherwise each box at an end is marked by itself.
        is_column = not self.bidirectional and not has_cells
        if is_column:
            rect("h_n", left(last_step) - 7, top(0) - 7, BOX_WIDTH + 14, grid_bottom - top(0) + 14, 8)

        for row, (state, index, backward) in enumerate(rows):
            middle = top(row) + BOX_HEIGHT / 2
            end = 0 if backward else last_step
            if not is_column:
                rect(f"{state}_n", left(end), top(row), BOX_WIDTH, BOX_HEIGHT)
            for step in range(self.real_steps):
                rect("box", left(step), top(row), BOX_WIDTH, BOX_HEIGHT)
                if step < last_step:
                    ends = (left(step) + BOX_WIDTH + 2, left(step + 1) - 2)
                    arrow(*((ends[1], middle, ends[0], middle) if backward else (ends[0], middle, ends[1], middle)))
            if row < self.directions:
                rect("corner", left(end), top(row), BOX_WIDTH, BOX_HEIGHT)
            first, last = f"{state}0[{index}]", f"{state}n[{index}]"
            is_named_inside = self.is_padded and not backward
            if has_cells:
                for step in range(self.real_steps - is_named_inside):
                    text(left(step) + BOX_WIDTH / 2, middle, state, "quiet")
            at_left, at_right = (last, first) if backward else (first, last)
            if backward:
                arrow(left(0) - 9, middle, left(0) - 25, middle)
                arrow(
                    right_edge + 25,
                    middle,
                    (left(last_step) + BOX_WIDTH + 2 if self.is_padded else right_edge + 9),
                    middle,
                )
            else:
                arrow(left(0) - 25, middle, left(0) - 9, middle)
                if not is_named_inside:
                    arrow(right_edge + 9, middle, right_edge + 25, middle)
            text(MARGIN / 2 - 14, middle, at_left, "name" if backward else "quiet")
            at_right_x = left(end) + BOX_WIDTH / 2 if is_named_inside else width - MARGIN / 2 + 14
            text(at_right_x, middle, at_right, "quiet" if backward else "name")

        for step in range(steps):
            centre = left(step) + BOX_WIDTH / 2
            is_padding = step > last_step
            for row in range(0, len(rows), layer_rows):
                below = top(row) + layer_height
                if is_padding:
                    rect("padding", left(step), top(row), BOX_WIDTH, layer_height)
                else:
                    arrow(centre, below + GAP - 2, centre, below + 2)
            if is_padding:
                text(centre, top(0) + output_height / 2, "0", "quiet")
            index = "-1" if step == steps - 1 and steps > 1 else str(step)
            text(centre, LABELS_ABOVE - 24, f"[:, {index}]")
            text(centre, grid_bottom + GAP + 12, "padding" if is_padding else f"[:, {step}]", "quiet")
        text(MARGIN / 2 - 8, LABELS_ABOVE - 24, "output", "name")
        text(MARGIN / 2 - 8, grid_bottom + GAP + 12, "x", "quiet")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
            f'role="img" aria-label="{escape(self.alt)}">' + "".join(parts) + "</svg>"
        )


def draw_grid(
    num_layers: int = 1,
    bidirectional: bool = False,
    sequence_length: int = 3,
    length: int | None = None,
    module: str = "RNN",
) -> GridDiagram:
    """Draw the grid of hidden states of a recurrent layer with these settings.

    Args:
        num_layers: how many layers, as in `nn.RNN`; at least 1.
        bidirectional: whether every layer also runs backward.
        sequence_length: L, how many time steps; at least 1.
        length: the sample's own number of steps in a packed batch, 1 to L; the steps after it are drawn as padding. L if None.
        module: "RNN", "LSTM" or "GRU". An LSTM's cell states are drawn under its hidden states.

    Raises:
        ValueError: a layer or step count below 1, a length that is not within the sequence, or another module.
    """
    return GridDiagram(num_layers, bidirectional, sequence_length, length, module)
