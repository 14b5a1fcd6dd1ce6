"""What a recurrent layer computes, in plain Python: the explorer's table of numbers, on machines that have no torch.

The site is built without torch, and a stored table must not depend on the machine that stored it. So the same code makes
every table, and `tests/explorer/test_explorer.py` compares it with torch. It follows the documentation of `torch.nn.RNN`, `LSTM`
and `GRU`, and of `torch.manual_seed`, which feeds a Mersenne Twister.
"""

import math
import random
from collections.abc import Iterator, Mapping
from ctypes import c_float
from dataclasses import dataclass
from typing import Any

Vector = list[float]
Matrix = list[Vector]

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


@dataclass(frozen=True)
class Grid:
    """Every hidden state, and every cell state of an LSTM, by (row of h_n, step, sample)."""

    h: dict[tuple[int, int, int], Vector]
    c: dict[tuple[int, int, int], Vector]
    lengths: list[int]
    L: int


def forward(settings: Mapping[str, Any]) -> Grid:
    """Run the explorer's settings (`unrolled.explorer.html.DEFAULTS`).

    Raises:
        ValueError: the tensors do not fit together, where PyTorch raises as well.
    """
    kind, layers, directions = settings["module"], settings["num_layers"], 1 + settings["bidirectional"]
    hidden, projected = settings["hidden_size"], settings["proj_size"] if kind == "LSTM" else 0
    width = projected or hidden
    sequences = [list(sample) for sample in samples(settings)]
    N, L = len(sequences), len(sequences[0])
    lengths = list(settings["lengths"] or [L] * N)
    if len(lengths) != N or not all(0 < length <= L for length in lengths):
        raise ValueError(f"lengths are {lengths}, for {N} samples of at most {L} steps.")
    h_0 = initial(settings["h_0"], directions * layers, N, width)
    c_0 = initial(settings["c_0"], directions * layers, N, hidden) if kind == "LSTM" else None
    if kind == "LSTM" and (settings["h_0"] is None) != (settings["c_0"] is None):
        raise ValueError("An LSTM takes h_0 and c_0 together.")
    weights = parameters(settings, width)

    grid = Grid({}, {}, lengths, L)
    for layer in range(layers):
        below = sequences
        sequences = [[[] for _ in range(length)] for length in lengths]
        for direction in range(directions):
            row = layer * directions + direction
            w = {name: weights.get(f"{name}_l{layer}{'_reverse' * direction}") for name in PARAMETERS}
            for sample, length in enumerate(lengths):
                h, c = h_0[row][sample], c_0[row][sample] if c_0 else []
                for step in reversed(range(length)) if direction else range(length):
                    h, c = cell(settings, w, below[sample][step], h, c)
                    grid.h[row, step, sample], grid.c[row, step, sample] = h, c
                    sequences[sample][step] = sequences[sample][step] + h
    return grid


PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")


def parameters(settings: Mapping[str, Any], width: int) -> dict[str, Any]:
    """The weights that the settings hold, or those of `torch.manual_seed(seed)` and the constructor."""
    if settings["parameters"] is not None:
        return settings["parameters"]
    hidden, directions = settings["hidden_size"], 1 + settings["bidirectional"]
    rows, bound, draws = (
        GATES[settings["module"]] * hidden,
        float32(1 / math.sqrt(hidden)),
        mersenne_twister(settings["seed"]),
    )
    draw = lambda: float32((next(draws) & 0xFFFFFF) / 2**24 * float32(2 * bound) - bound)
    vector = lambda size: [draw() for _ in range(size)]
    made: dict[str, Any] = {}
    for layer in range(settings["num_layers"]):
        for direction in range(directions):
            end = f"_l{layer}{'_reverse' * direction}"
            columns = width * directions if layer else settings["input_size"]
            made["weight_ih" + end] = [vector(columns) for _ in range(rows)]
            made["weight_hh" + end] = [vector(width) for _ in range(rows)]
            if settings["bias"]:
                made["bias_ih" + end], made["bias_hh" + end] = vector(rows), vector(rows)
            if width != hidden:
                made["weight_hr" + end] = [vector(hidden) for _ in range(width)]
    return made


def mersenne_twister(seed: int) -> Iterator[int]:
    """The 32-bit draws after `torch.manual_seed(seed)`. Python's generator is the same one; only its seeding differs."""
    state = [seed & 0xFFFFFFFF]
    for j in range(1, 624):
        state.append((1812433253 * (state[-1] ^ state[-1] >> 30) + j) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, (*state, 624), None))
    while True:
        yield generator.getrandbits(32)


def cell(settings: Mapping[str, Any], w: Mapping[str, Any], x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
    """One step of one layer in one direction: the new h, and the new c of an LSTM."""
    hidden = settings["hidden_size"]
    a, b = linear(w["weight_ih"], x, w["bias_ih"]), linear(w["weight_hh"], h, w["bias_hh"])
    gates = [[(a[g + k], b[g + k]) for k in range(hidden)] for g in range(0, len(a), hidden)]
    if settings["module"] == "RNN":
        f = math.tanh if settings["nonlinearity"] == "tanh" else (lambda value: max(value, 0.0))
        return [float32(f(p + q)) for p, q in gates[0]], []
    if settings["module"] == "GRU":
        r, z = ([sigmoid(p + q) for p, q in gate] for gate in gates[:2])
        n = [math.tanh(p + r[k] * q) for k, (p, q) in enumerate(gates[2])]
        return [float32((1 - z[k]) * n[k] + z[k] * h[k]) for k in range(hidden)], []
    i, f, o = ([sigmoid(p + q) for p, q in gates[gate]] for gate in (0, 1, 3))
    g = [math.tanh(p + q) for p, q in gates[2]]
    c = [float32(f[k] * c[k] + i[k] * g[k]) for k in range(hidden)]
    h = [float32(o[k] * math.tanh(c[k])) for k in range(hidden)]
    return (linear(w["weight_hr"], h, None) if w["weight_hr"] else h), c


def linear(weight: Matrix, x: Vector, bias: Vector | None) -> Vector:
    if len(weight[0]) != len(x):
        raise ValueError(f"A vector of {len(x)} meets weights for {len(weight[0])}.")
    return [sum(map(float.__mul__, row, x), bias[k] if bias else 0.0) for k, row in enumerate(weight)]


def sigmoid(value: float) -> float:
    return 0.5 * (1 + math.tanh(value / 2))


def float32(value: float) -> float:
    return c_float(value).value


def samples(settings: Mapping[str, Any]) -> list[Matrix]:
    """x, sample by sample: [sample][step][feature]."""
    given, width = settings["input"], settings["input_size"]
    if given is None or given == "sin":
        value = math.sin if given else float
        N, L = settings["N"] if settings["batched"] else 1, settings["L"]
        return [[[float32(value((n * L + t) * width + k)) for k in range(width)] for t in range(L)] for n in range(N)]
    given = tensor(given, lambda index, size: float(index))
    if rank(given) == 2:
        return [given]
    if rank(given) != 3:
        raise ValueError("x has 2 or 3 axes.")
    return given if settings["batch_first"] else [list(sample) for sample in zip(*given)]


def initial(given: Any, rows: int, N: int, width: int) -> list[Matrix]:
    """h_0 or c_0 as [row][sample][feature]; zeros where none is given."""
    if given is None:
        return [[[0.0] * width] * N] * rows
    given = tensor(given, lambda index, size: index / size)
    if rank(given) == 2:
        given = [[row] for row in given]
    if rank(given) != 3 or [
        len(given),
        *{len(row) for row in given},
        *{len(state) for row in given for state in row},
    ] != [rows, N, width]:
        raise ValueError(f"An initial state has to be {(rows, N, width)}.")
    return given


def tensor(given: Any, fill: Any) -> Any:
    """Nested lists of float32; where only a shape is given, `fill` says the values."""
    if not isinstance(given, dict):
        return [tensor(part, fill) for part in given] if isinstance(given, (list, tuple)) else float32(given)
    shape, size = given["shape"], math.prod(given["shape"])
    if size == 0:
        raise ValueError(f"A tensor of shape {tuple(shape)} has no number to show.")
    values: list[Any] = [float32(fill(index, size)) for index in range(size)]
    for length in reversed(shape[1:]):
        values = [values[at : at + length] for at in range(0, len(values), length)]
    return values


def rank(given: Any) -> int:
    return 1 + rank(given[0]) if isinstance(given, list) else 0
