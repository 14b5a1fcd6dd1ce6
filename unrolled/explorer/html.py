"""The explorer as HTML: the custom element with its settings, and in it the table that shows where no script runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from unrolled.explorer.forward_pass import Place, States, Vector, forward
from unrolled.explorer.settings import Settings, changed_settings

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

# Nobody reads a table of more numbers than this; it then shows the first sample alone.
MAX_TABLE_NUMBERS = 1200
EXPLORER_PAGE = "explorer.html"


def explorer_html(settings: Mapping[str, Any], *, before: str = "", share: bool = False) -> str:
    """`<rnn-explorer>` with these settings.

    Args:
        settings: those that differ from `unrolled.explorer.settings.DEFAULTS`; the names are PyTorch's.
        before: HTML before the table, such as a drawing, which shows where no script runs.
        share: whether the page's address carries the settings.

    Raises:
        TypeError: there is no setting of one of these names.

    Example:
        >>> print(explorer_html({"num_layers": 2}))
        <rnn-explorer settings='{&quot;num_layers&quot;:2}' page="explorer.html"><table>…</table></rnn-explorer>
    """
    from markupsafe import Markup

    changed = changed_settings(settings)
    return _template().render(
        settings=_escaped(json.dumps(changed, separators=(",", ":"))),
        page=None if share else EXPLORER_PAGE,
        before=Markup(before),  # HTML of the package's own drawings
        table=states_table(Settings.of(changed)),
    )


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One state in the table.

    Attributes:
        numbers: the state's numbers, or none where the sample has ended.
        is_last: whether it is the row's last state, which h_n or c_n holds.
    """

    numbers: str
    is_last: bool


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """The states of one layer in one direction, of one sample."""

    label: str
    cells: list[Cell]


@dataclass(frozen=True, kw_only=True)
class TablePart:
    """The rows of one sample, from the top layer down, and its title where there is a batch."""

    title: str | None
    rows: list[TableRow]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Every hidden state: layers up, time to the right, a part for each sample."""

    caption: Markup
    steps: int
    parts: list[TablePart]


@dataclass(frozen=True, kw_only=True)
class NoTable:
    """Why there is no table of these settings."""

    reason: str


def states_table(settings: Settings) -> Table | NoTable:
    """Every hidden state as a plain table, or why there is none."""
    try:
        states = forward(settings)
    except ValueError as error:
        return NoTable(reason=str(error))
    shown = range(len(states.lengths))
    first = Place(row=0, step=0, sample=0)
    if len(states.h) * (len(states.h[first]) + len(states.c[first])) > MAX_TABLE_NUMBERS:
        shown = range(1)
    note = "" if len(shown) == len(states.lengths) else f" Sample 0 of {len(states.lengths)}."
    caption = (
        f"The hidden states of nn.{settings.module}: layers up, time to the right. The top layer is output, "
        f"and bold states are hn, each layer's last.{note}"
    )
    return Table(
        caption=_escaped(caption),
        steps=states.L,
        parts=[
            TablePart(
                title=f"sample {sample}" if settings.batched else None,
                rows=list(_rows(settings, states, sample)),
            )
            for sample in shown
        ],
    )


def _rows(settings: Settings, states: States, sample: int) -> Iterable[TableRow]:
    """The rows of one sample, from the top layer down."""
    layer = settings.layer
    batch = f", {sample}" if settings.batched else ""
    kinds = [("h", "", states.h)]
    if layer.has_cell_state:
        kinds.append(("c", "cell state, ", states.c))
    for number in reversed(range(layer.num_layers)):
        for name, kind, vectors in kinds:
            for direction in range(layer.D):
                row = number * layer.D + direction
                way = (", forward", ", backward")[direction] if layer.bidirectional else ""
                yield TableRow(
                    label=f"{kind}layer {number}{way} ({name}n[{row}{batch}])",
                    cells=list(_cells(states, vectors, row, sample, 0 if direction else states.lengths[sample] - 1)),
                )


def _cells(states: States, vectors: Mapping[Place, Vector], row: int, sample: int, last: int) -> Iterable[Cell]:
    """The cells of one row; `last` is the step of its last state."""
    for step in range(states.L):
        numbers = vectors.get(Place(row=row, step=step, sample=sample), [])
        yield Cell(numbers=" ".join(f"{value:.4f}" for value in numbers), is_last=step == last)


def _escaped(text: str) -> Markup:
    """Text with the references that the book's stored outputs have: Jinja's `&#34;` means the same as `&quot;`."""
    from markupsafe import Markup

    return Markup(escape(text))  # escaped just here


@cache
def _template() -> Template:
    """The element's template: everything that it is given is escaped."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    template = files("unrolled.explorer").joinpath("explorer.html.jinja")
    return environment.from_string(template.read_text(encoding="utf-8"))
