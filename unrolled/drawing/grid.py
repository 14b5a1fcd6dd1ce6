"""The grid of hidden states of one sample: which boxes it has, what they are called, and how it reads as text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from unrolled.text import counted

State = Literal["h", "c"]

MARGIN = " " * 11  # left of the boxes in text: room for `hn[10] ← `
CORNER = "◉"  # the state that is in output and in h_n


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of boxes: one state of one layer in one direction.

    Attributes:
        state: "h" for a hidden state, "c" for a cell state.
        index: where the state is on the first axis of h_n and c_n.
        is_backward: whether the row runs from the last step to the first.
        is_output: whether `output` holds this row.
    """

    state: State
    index: int
    is_backward: bool
    is_output: bool

    @property
    def initial(self) -> str:
        """The row's initial state: `"h0[1]"`."""
        return f"{self.state}0[{self.index}]"

    @property
    def final(self) -> str:
        """The row's last state: `"hn[1]"`."""
        return f"{self.state}n[{self.index}]"


@dataclass(frozen=True)
class Grid:
    """The grid of hidden states of one sample: layers up, time to the right.

    The arguments are those of `unrolled.draw_grid`.

    Raises:
        ValueError: a layer or step count below 1, a length that is not within the sequence, or another module.
    """

    num_layers: int = 1
    bidirectional: bool = False
    sequence_length: int = 3
    length: int | None = None
    module: str = "RNN"

    def __post_init__(self) -> None:
        for name, count in (("num_layers", self.num_layers), ("sequence_length", self.sequence_length)):
            if count < 1:
                raise ValueError(f"{name} is {count}; a grid has at least one.")
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
    def has_cell_states(self) -> bool:
        return self.module == "LSTM"

    @property
    def real_steps(self) -> int:
        """How many steps the sample has, not counting its padding."""
        return self.sequence_length if self.length is None else self.length

    @property
    def is_padded(self) -> bool:
        return self.real_steps < self.sequence_length

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of boxes, from the top. The first, or with two directions the first two, are `output`."""
        states: tuple[State, ...] = ("h", "c") if self.has_cell_states else ("h",)
        return [
            Row(
                state=state,
                index=layer * self.directions + direction,
                is_backward=direction == 1,
                is_output=layer == self.num_layers - 1 and state == "h",
            )
            for layer in reversed(range(self.num_layers))
            for state in states
            for direction in range(self.directions)
        ]

    def last_step(self, row: Row) -> int:
        """The step at which the row ends, so that its state is in h_n or c_n."""
        return 0 if row.is_backward else self.real_steps - 1

    def names_its_end_inside(self, row: Row) -> bool:
        """Whether the last state is named in its box: padding lies between the box and the margin."""
        return self.is_padded and not row.is_backward

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
        if self.has_cell_states:
            sentences.append(
                "Under each hidden state lies a cell state; their ends are c_n, and output shows none of them."
            )
        return " ".join(sentences)

    def text(self, *, above: str, below: str, box_width: int, corner: str = CORNER) -> str:
        """The grid in text: one line for each row of boxes, and a rule between two rows.

        Args:
            above: the line over the boxes, margin included.
            below: the line under the boxes, margin included.
            box_width: how many characters wide a box is.
            corner: what a box holds that is in `output` and in h_n and has no other name.
        """
        lines = [above, self._rule("┌", "┬", "┐", box_width)]
        for row in self.rows:
            lines += [self._line(row, box_width, corner), self._rule("├", "┼", "┤", box_width)]
        lines[-1] = self._rule("└", "┴", "┘", box_width)
        return "\n".join([*lines, below])

    def _rule(self, left: str, middle: str, right: str, box_width: int) -> str:
        """A line between rows, of these corners."""
        return MARGIN + left + middle.join(["─" * box_width] * self.sequence_length) + right

    def _line(self, row: Row, box_width: int, corner: str) -> str:
        """The boxes of one row, with the states that enter and leave it."""
        padding = "←" if row.is_backward else "0" if row.is_output else ""
        real = row.state if self.has_cell_states else ""
        boxes: list[str] = [real] * self.real_steps
        boxes += [padding] * (self.sequence_length - self.real_steps)
        names_inside = self.names_its_end_inside(row)
        if names_inside:
            boxes[self.last_step(row)] = f"{row.final} {CORNER}" if row.is_output else row.final
        elif row.is_output:
            boxes[self.last_step(row)] = corner
        left, right = f"{row.initial} → ", f" → {row.final}"
        if row.is_backward:
            left, right = f"{row.final} ← ", f" ← {row.initial}"
        middle = "│".join(f"{box:^{box_width}}" for box in boxes)
        return f"{left:>{len(MARGIN)}}│{middle}│{'' if names_inside else right}"
