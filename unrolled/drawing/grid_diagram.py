"""The course's one picture: hidden states as a grid, `output` its top row, `h_n` its last column."""

from __future__ import annotations

from unrolled.drawing.grid import MARGIN, Grid
from unrolled.drawing.grid_svg import grid_as_html, grid_as_svg
from unrolled.text import printable


class GridDiagram(Grid):
    """The grid of hidden states of one sample, drawn: layers up, time to the right.

    With two directions every layer has two rows, forward (→) above backward (←). A layer of an LSTM has its cell
    states under its hidden states. A sample shorter than its batch ends early, and padding follows. A notebook shows
    the drawing; a terminal and `str` show the same in text.
    """

    def __repr__(self) -> str:
        steps, width = self.sequence_length, 8 if self.is_padded else 6
        names = [f"x[:,{step}]" if step < self.real_steps else "padding" for step in range(steps)]
        return self.text(
            above=MARGIN + "output".center((width + 1) * steps + 1).rstrip(),
            below=f"{MARGIN} {' '.join(name.center(width) for name in names).rstrip()}",
            box_width=width,
        )

    def __str__(self) -> str:
        return printable(repr(self))

    def _repr_html_(self) -> str:
        return grid_as_html(self)

    def svg(self) -> str:
        """The drawing as one SVG element, coloured by `axes.css` where that is present."""
        return grid_as_svg(self)


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
        length: the sample's own number of steps in a packed batch, 1 to L; the steps after it are drawn as padding.
            L if None.
        module: "RNN", "LSTM" or "GRU". An LSTM's cell states are drawn under its hidden states.

    Raises:
        ValueError: a layer or step count below 1, a length that is not within the sequence, or another module.

    Example:
        >>> draw_grid(sequence_length=2)
                       output
                   ┌──────┬──────┐
           h0[0] → │      │  ◉   │ → hn[0]
                   └──────┴──────┘
                    x[:,0] x[:,1]
    """
    return GridDiagram(num_layers, bidirectional, sequence_length, length, module)
