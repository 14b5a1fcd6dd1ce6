"""What a recurrent layer computes, in plain Python: the explorer's table of numbers, on machines that have no torch.

The site is built without torch, and a stored table must not depend on the machine that stored it. So the same code
makes every table, and `tests/explorer/test_table.py` compares it with torch. It follows the documentation of
`torch.nn.RNN`, `LSTM` and `GRU`, and of `torch.manual_seed`, which seeds a Mersenne Twister.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from ctypes import c_float
from dataclasses import dataclass, field

from unrolled.explorer.settings import Nested, Settings, Shaped
from unrolled.shapes import Layer

Vector = list[float]
Matrix = list[Vector]
Batch = list[Matrix]
"""By sample or by row of h_n, then by time step or by sample."""
UNEVEN = "Some of its lists are nested deeper than others."


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a state is: the row of h_n, the time step and the sample."""

    row: int
    step: int
    sample: int


@dataclass(frozen=True, kw_only=True)
class States:
    """Every state of a run of the layer.

    Attributes:
        h: the hidden states, each H_out numbers.
        c: the cell states, each hidden_size numbers; none but an LSTM's.
        lengths: how many time steps each sample has.
        L: how many time steps the longest sample can have.
    """

    lengths: list[int]
    L: int
    h: dict[Place, Vector] = field(default_factory=dict)
    c: dict[Place, Vector] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Weights:
    """The parameters of one layer in one direction, under PyTorch's names without their endings."""

    weight_ih: Matrix
    weight_hh: Matrix
    bias_ih: Vector | None
    bias_hh: Vector | None
    weight_hr: Matrix | None

    @classmethod
    def of(cls, parameters: Mapping[str, Nested], ending: str) -> Weights:
        """Those of the parameters whose names have this ending: `"_l0"`, `"_l1_reverse"`."""
        bias_ih, bias_hh, weight_hr = (parameters.get(name + ending) for name in ("bias_ih", "bias_hh", "weight_hr"))
        return cls(
            weight_ih=_matrix(parameters[f"weight_ih{ending}"]),
            weight_hh=_matrix(parameters[f"weight_hh{ending}"]),
            bias_ih=None if bias_ih is None else _vector(bias_ih),
            bias_hh=None if bias_hh is None else _vector(bias_hh),
            weight_hr=None if weight_hr is None else _matrix(weight_hr),
        )


def forward(settings: Settings) -> States:
    """Run the layer of the settings on the x of the settings.

    Raises:
        ValueError: the tensors do not fit together, where PyTorch raises as well.

    Example:
        >>> states = forward(Settings.of({"num_layers": 2}))
        >>> states.h[Place(row=1, step=2, sample=0)]  # output[0, 2], and hn[1, 0]
    """
    layer = settings.layer
    x = samples(settings)
    N, L = len(x), len(x[0])
    states = States(lengths=list(settings.lengths or [L] * N), L=L)
    if len(states.lengths) != N or not all(0 < length <= L for length in states.lengths):
        raise ValueError(f"lengths are {states.lengths}, for {N} samples of at most {L} steps.")
    rows = layer.D * layer.num_layers
    h_0 = initial_states(settings.h_0, rows, N, layer.H_out)
    c_0: Batch | None = None
    if layer.has_cell_state:
        c_0 = initial_states(settings.c_0, rows, N, layer.hidden_size)
        if (settings.h_0 is None) != (settings.c_0 is None):
            raise ValueError("An LSTM takes h_0 and c_0 together.")
    parameters = drawn_parameters(layer, settings.seed) if settings.parameters is None else settings.parameters

    below = x
    for number in range(layer.num_layers):
        above: Batch = [[[] for _ in range(length)] for length in states.lengths]
        for direction in range(layer.D):
            row = number * layer.D + direction
            weights = Weights.of(parameters, f"_l{number}{'_reverse' * direction}")
            for sample, length in enumerate(states.lengths):
                h, c = h_0[row][sample], c_0[row][sample] if c_0 else []
                for step in reversed(range(length)) if direction else range(length):
                    h, c = next_states(layer, weights, below[sample][step], h, c)
                    place = Place(row=row, step=step, sample=sample)
                    states.h[place], states.c[place] = h, c
                    above[sample][step] = above[sample][step] + h
        below = above
    return states


def drawn_parameters(layer: Layer, seed: int) -> dict[str, Nested]:
    """The weights that the constructor draws after `torch.manual_seed(seed)`, by their names in `state_dict()`."""
    bound, draws = float32(1 / math.sqrt(layer.hidden_size)), mersenne_twister(seed)

    def vector(size: int) -> list[Nested]:
        return [float32((next(draws) & 0xFFFFFF) / 2**24 * float32(2 * bound) - bound) for _ in range(size)]

    parameters: dict[str, Nested] = {}
    for shape in layer.parameters():
        *rows, columns = (size for size in shape.expected if size is not None)  # the layer determines all of them
        parameters[shape.name] = [vector(columns) for _ in range(rows[0])] if rows else vector(columns)
    return parameters


def mersenne_twister(seed: int) -> Iterator[int]:
    """The 32-bit draws after `torch.manual_seed(seed)`. Python's generator is the same one, seeded in another way."""
    state = [seed & 0xFFFFFFFF]
    for j in range(1, 624):
        state.append((1812433253 * (state[-1] ^ state[-1] >> 30) + j) & 0xFFFFFFFF)
    generator = random.Random()
    generator.setstate((3, (*state, 624), None))
    while True:
        yield generator.getrandbits(32)


def next_states(layer: Layer, weights: Weights, x: Vector, h: Vector, c: Vector) -> tuple[Vector, Vector]:
    """One step of one layer in one direction: the new h, and the new c of an LSTM (of the others an empty one)."""
    hidden = layer.hidden_size
    from_x, from_h = linear(weights.weight_ih, x, weights.bias_ih), linear(weights.weight_hh, h, weights.bias_hh)
    gates = [
        list(zip(from_x[at : at + hidden], from_h[at : at + hidden], strict=True))
        for at in range(0, len(from_x), hidden)
    ]
    if layer.kind == "RNN":
        activation = math.tanh if layer.nonlinearity == "tanh" else relu
        return [float32(activation(p + q)) for p, q in gates[0]], []
    if layer.kind == "GRU":
        r, z = ([sigmoid(p + q) for p, q in gate] for gate in gates[:2])
        n = [math.tanh(p + r[k] * q) for k, (p, q) in enumerate(gates[2])]
        return [float32((1 - z[k]) * n[k] + z[k] * h[k]) for k in range(hidden)], []
    i, f, o = ([sigmoid(p + q) for p, q in gates[gate]] for gate in (0, 1, 3))
    g = [math.tanh(p + q) for p, q in gates[2]]
    c = [float32(f[k] * c[k] + i[k] * g[k]) for k in range(hidden)]
    h = [float32(o[k] * math.tanh(c[k])) for k in range(hidden)]
    return (linear(weights.weight_hr, h, None) if weights.weight_hr else h), c


def linear(weight: Matrix, x: Vector, bias: Vector | None) -> Vector:
    """`weight @ x + bias`.

    Raises:
        ValueError: the weight has another number of columns than x has numbers.
    """
    if len(weight[0]) != len(x):
        raise ValueError(f"A vector of {len(x)} meets weights for {len(weight[0])}.")
    return [sum(map(float.__mul__, row, x), bias[k] if bias else 0.0) for k, row in enumerate(weight)]


def relu(value: float) -> float:
    return max(value, 0.0)


def sigmoid(value: float) -> float:
    return 0.5 * (1 + math.tanh(value / 2))


def float32(value: float) -> float:
    return c_float(value).value


def samples(settings: Settings) -> Batch:
    """x, sample by sample, each (L, input_size); one sample where there is no batch.

    Raises:
        ValueError: x has another number of axes than 2 or 3, or no number at all.
    """
    x, width = settings.input, settings.input_size
    if x is None or x == "sin":
        value: Callable[[float], float] = math.sin if x else float
        N, L = settings.N if settings.batched else 1, settings.L
        return [[[float32(value((n * L + t) * width + k)) for k in range(width)] for t in range(L)] for n in range(N)]
    values = float32_values(x, lambda index, size: float(index))
    if count_axes(values) == 2:
        return [_matrix(values)]
    if count_axes(values) != 3:
        raise ValueError("x has 2 or 3 axes.")
    batch = _batch(values)
    return batch if settings.batch_first else [list(sample) for sample in zip(*batch, strict=True)]


def initial_states(states: Nested | Shaped | None, rows: int, N: int, width: int) -> Batch:
    """h_0 or c_0, each (rows, N, width); zeros where none is given.

    Raises:
        ValueError: it has another shape.
    """
    if states is None:
        return [[[0.0] * width] * N] * rows
    values = float32_values(states, lambda index, size: index / size)
    axes = count_axes(values)
    batch = [[row] for row in _matrix(values)] if axes == 2 else _batch(values) if axes == 3 else []
    sizes = [len(batch), *{len(row) for row in batch}, *{len(state) for row in batch for state in row}]
    if sizes != [rows, N, width]:
        raise ValueError(f"An initial state has to be {(rows, N, width)}.")
    return batch


def float32_values(tensor: Nested | Shaped, fill: Callable[[int, int], float]) -> Nested:
    """The tensor as nested lists of float32 numbers.

    Args:
        tensor: nested lists, or a shape.
        fill: the number at an index of so many, where only the shape is given.

    Raises:
        ValueError: the shape has no room for a number.
    """
    if isinstance(tensor, dict):
        shape, size = tensor["shape"], math.prod(tensor["shape"])
        if size == 0:
            raise ValueError(f"A tensor of shape {tuple(shape)} has no number to show.")
        values: list[Nested] = [float32(fill(index, size)) for index in range(size)]
        for length in reversed(shape[1:]):
            values = [values[at : at + length] for at in range(0, len(values), length)]
        return values
    return [float32_values(part, fill) for part in tensor] if isinstance(tensor, list) else float32(tensor)


def count_axes(values: Nested) -> int:
    if not isinstance(values, list):
        return 0
    return 1 + (count_axes(values[0]) if values else 0)


def _batch(values: Nested) -> Batch:
    return [_matrix(part) for part in _list(values)]


def _matrix(values: Nested) -> Matrix:
    return [_vector(part) for part in _list(values)]


def _vector(values: Nested) -> Vector:
    return [_number(part) for part in _list(values)]


def _list(values: Nested) -> list[Nested]:
    if isinstance(values, list):
        return values
    raise ValueError(UNEVEN)


def _number(value: Nested) -> float:
    if isinstance(value, list):
        raise ValueError(UNEVEN)
    return float(value)
