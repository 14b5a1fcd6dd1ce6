"""The explorer as HTML: the custom element with its settings, and inside it the table that stands where no script runs."""

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from unrolled.explorer.forward_pass import Grid, forward

# The seed notebook's setting. `web/view/settings.ts` has the same ones, and what each of them means.
DEFAULTS: dict[str, Any] = {
    "module": "RNN",
    "input_size": 4,
    "hidden_size": 5,
    "num_layers": 1,
    "nonlinearity": "tanh",
    "bias": True,
    "batch_first": True,
    "bidirectional": False,
    "proj_size": 0,
    "seed": 0,
    "parameters": None,
    "N": 2,
    "L": 3,
    "batched": True,
    "input": None,
    "lengths": None,
    "h_0": None,
    "c_0": None,
    "expression": None,
    "sample": 0,
    "step": None,
    "selected": None,
}

# A table of more numbers than this is no longer read; it then shows the first sample alone.
MOST_NUMBERS = 1200
PAGE = "explorer.html"


def changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not the default's.

    Raises:
        TypeError: there is no setting of one of these names.
    """
    if unknown := set(settings) - set(DEFAULTS):
        raise TypeError(f"The explorer has no setting {', '.join(sorted(unknown))}. It has {', '.join(DEFAULTS)}.")
    return {name: value for name, value in settings.items() if value != DEFAULTS[name]}


def element(settings: Mapping[str, Any], *, before: str = "", share: bool = False) -> str:
    """`<rnn-explorer>` with these settings.

    Args:
        settings: those that differ from `DEFAULTS`; the JavaScript names, which are PyTorch's.
        before: HTML that stands before the table where no script runs, such as a drawing.
        share: whether the page's address carries the settings.
    """
    settings = changed(settings)
    attributes = f"settings='{escape(json.dumps(settings, separators=(',', ':')), quote=True)}'"
    attributes += " share" if share else f' page="{PAGE}"'
    return f"<rnn-explorer {attributes}>{before}{table(settings)}</rnn-explorer>"


def table(settings: Mapping[str, Any]) -> str:
    """Every hidden state as a plain table: layers up, time to the right, a part for each sample."""
    settings = {**DEFAULTS, **settings}
    try:
        grid = forward(settings)
    except ValueError as error:
        return f"<p>There is no picture of these settings. {escape(str(error))}</p>"
    shown = range(len(grid.lengths))
    width = len(grid.h[0, 0, 0]) + len(grid.c[0, 0, 0])
    if len(grid.h) * width > MOST_NUMBERS:
        shown = range(1)
    head = "".join(f'<th scope="col">step {step}</th>' for step in range(grid.L))
    bodies = "".join(_body(settings, grid, sample) for sample in shown)
    note = "" if len(shown) == len(grid.lengths) else f" Sample 0 of {len(grid.lengths)}."
    caption = (
        f"The hidden states of nn.{settings['module']}: layers up, time to the right. The top layer is output, "
        f"and bold states are hn, each layer's last.{note}"
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr><td></td>{head}</tr></thead>{bodies}</table>"


def _body(settings: Mapping[str, Any], grid: Grid, sample: int) -> str:
    """The rows of one sample, from the top layer down."""
    directions, layers = 1 + settings["bidirectional"], settings["num_layers"]
    batch = f", {sample}" if settings["batched"] else ""
    rows = [f'<tr><th scope="rowgroup" colspan="{grid.L + 1}">sample {sample}</th></tr>'] if batch else []
    for layer in reversed(range(layers)):
        for name, states in (("h", grid.h), ("c", grid.c)):
            for direction in range(directions if name == "h" or settings["module"] == "LSTM" else 0):
                row = layer * directions + direction
                last = 0 if direction else grid.lengths[sample] - 1
                label = (
                    "cell state, " * (name == "c")
                    + f"layer {layer}"
                    + (", forward", ", backward")[direction] * (directions == 2)
                )
                label += f" ({name}n[{row}{batch}])"
                cells = []
                for step in range(grid.L):
                    numbers = " ".join(f"{value:.4f}" for value in states.get((row, step, sample), []))
                    cells.append(f"<td><b>{numbers}</b></td>" if step == last else f"<td>{numbers}</td>")
                rows.append(f'<tr><th scope="row">{label}</th>{"".join(cells)}</tr>')
    return f"<tbody>{''.join(rows)}</tbody>"
