"""What needs no torch, for whichever Python runs this file: prints as JSON what the package gives."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import unrolled
from unrolled.__main__ import main
from unrolled.diagnosis.traceback.bytecode import code_at
from unrolled.drill.question_maker import questions
from unrolled.shapes import Layer, slices

# From Python 3.13 on, two neighbouring locals are loaded by one instruction.
FAILING = ("z = x @ y", "z = net(x)[0]", "z = y + x.shape[9]", "z = net(x) @ y")


def names_in_failing_expression(line: str) -> list[str]:
    """The names of variables in the expression of `line` that fails, as the bytecode tells them."""
    scope: dict[str, Any] = {}
    exec(f"def forward(net, x, y):\n    {line}\n    return z", scope)
    try:
        scope["forward"](print_nothing, Sized((3,)), 1)
    except (TypeError, IndexError) as error:
        trace = error.__traceback__.tb_next
    code = code_at(trace.tb_frame, trace.tb_lasti)
    return sorted({load.name for load in code.in_expression() if not load.is_attribute})


@dataclass(frozen=True)
class Sized:
    """Something that has a shape, as a tensor has."""

    shape: tuple[int, ...]


def print_nothing(given: object) -> None:
    """A module that returns nothing."""


def layers() -> list[Layer]:
    """Layers of every kind, with whatever changes a shape."""
    found = []
    for kind in ("RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"):
        cell = kind.endswith("Cell")
        options = [{}] if cell else [{"batch_first": True}, {"num_layers": 2, "bidirectional": True}]
        found += [Layer(kind=kind, input_size=4, hidden_size=5, **chosen) for chosen in options]
    return found


def report() -> dict[str, object]:
    """Each claim by its name."""
    calls = [layer.read((6, 3, 4)[layer.is_cell :]) for layer in layers()]
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "sheet.html"
        status = main(["worksheet", "--seed", "7", "--out", str(page)])
        worksheet = page.read_text(encoding="utf-8")
    return {
        "version": unrolled.__version__,
        "names": [name for name in dir(unrolled) if name in unrolled.__all__],
        "drawings": [
            drawn
            for module in ("RNN", "LSTM")
            for bidirectional in (False, True)
            for diagram in [unrolled.draw_grid(2, bidirectional, 4, 3, module)]
            for drawn in (repr(diagram), diagram._repr_html_())
        ],
        "worksheet": [status, worksheet],
        "questions": [str(question) for question in questions(7, 40)],
        "layers": [layer.source() for layer in layers()],
        "tensors": [str(shape) for call in calls for shape in call.tensors()],
        "slices": [str(slice) for call in calls for slice in slices(call, ragged=False)],
        "notes": notes(),
        "names of failing expressions": [names_in_failing_expression(code) for code in FAILING],
    }


def notes() -> list[str] | None:
    """What `clarify` adds to an error that is about no recurrent layer."""
    try:
        with unrolled.clarify():
            raise RuntimeError("mat1 and mat2 shapes cannot be multiplied (3x4 and 5x6)")
    except RuntimeError as error:
        return getattr(error, "__notes__", None)


if __name__ == "__main__":
    print(json.dumps(report()))
