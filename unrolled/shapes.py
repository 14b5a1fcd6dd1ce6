"""The rules of shape of PyTorch's recurrent layers: every tensor of a call, axis by axis.

The rules are those of `torch.nn.RNN`, `LSTM`, `GRU` and their cells as of PyTorch 2.13. This module
knows no tensor, only sizes, and needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar

from unrolled.text import tuple_text

AXES = {
    "N": "samples in the batch",
    "L": "time steps",
    "D": "directions",
    "H_in": "features of the input",
    "H_cell": "features of a cell",
    "H_out": "features of a hidden state",
}
"""The axis symbols and what each counts. A dimension's name is made of them: `"D·H_out"`."""

Sizes = tuple["int | None", ...]


@dataclass(frozen=True)
class Dim:
    """One axis of a tensor: its name (`"N"`, `"D·num_layers"`), what it counts, its size or None."""

    name: str
    meaning: str
    size: int | None


@dataclass(frozen=True)
class TensorShape:
    """A tensor's axes by the rules, and its sizes as they are (None: not given, or not made yet)."""

    name: str
    axes: tuple[Dim, ...]
    sizes: tuple[int, ...] | None = None

    @property
    def expected(self) -> Sizes:
        """The sizes that the rules ask for; None where the input does not determine one."""
        return tuple(axis.size for axis in self.axes)

    @property
    def wrong(self) -> bool:
        """Whether the sizes break the rules."""
        return self.sizes is not None and (
            len(self.sizes) != len(self.axes)
            or any(axis.size not in (None, size) for axis, size in zip(self.axes, self.sizes, strict=True))
        )


@dataclass(frozen=True)
class Layer:
    """The arguments of a recurrent layer or cell that decide shapes, by PyTorch's names."""

    kind: str
    input_size: int
    hidden_size: int
    num_layers: int = 1
    nonlinearity: str = "tanh"
    bias: bool = True
    batch_first: bool = False
    dropout: float = 0.0
    bidirectional: bool = False
    proj_size: int = 0

    @classmethod
    def of(cls, module: object) -> Layer:
        """The layer that `module` is.

        Raises:
            TypeError: `module` is not an `nn.RNN`, `nn.LSTM`, `nn.GRU` or one of their cells.
        """
        kind = recurrent_kind(module)
        if kind is None:
            raise TypeError(
                f"expected nn.RNN, nn.LSTM, nn.GRU or one of their cells, got {type(module).__name__}{_inside(module)}"
            )
        names = [field.name for field in fields(cls) if field.name != "kind"]
        return cls(kind, **{name: getattr(module, name) for name in names if hasattr(module, name)})

    @property
    def is_cell(self) -> bool:
        return self.kind.endswith("Cell")

    @property
    def has_cell_state(self) -> bool:
        return self.kind.startswith("LSTM")

    @property
    def gates(self) -> int:
        return {"R": 1, "L": 4, "G": 3}[self.kind[0]]

    @property
    def D(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def H_out(self) -> int:
        return self.proj_size or self.hidden_size

    def source(self, **changes: Any) -> str:
        """The line of Python that makes this layer, with some arguments changed."""
        layer = replace(self, **changes)
        options = [
            f"{field.name}={getattr(layer, field.name)!r}"
            for field in fields(layer)[3:]
            if getattr(layer, field.name) != field.default
        ]
        return f"nn.{layer.kind}({', '.join([str(layer.input_size), str(layer.hidden_size), *options])})"

    def dim(self, *factors: str | int) -> Dim:
        """The axis whose size is a product: `dim("D", "H_out")`, or `dim(4, "H_cell")` for four gates."""
        known: dict[str, tuple[int, str]] = {
            "D": (self.D, "directions"),
            "num_layers": (self.num_layers, "layers"),
            "H_in": (self.input_size, "input_size"),
            "H_cell": (self.hidden_size, "hidden_size"),
            "H_out": (self.H_out, "proj_size" if self.proj_size else "hidden_size"),
        }
        size, names, meanings = 1, [], []
        for factor in factors:
            value, meaning = (factor, f"{factor} gates") if isinstance(factor, int) else known[factor]
            size *= value
            if factor != 1:
                names.append(str(factor))
                meanings.append(meaning)
        return Dim("·".join(names), " × ".join(meanings), size)

    def parameters(self) -> list[TensorShape]:
        """The rule for each parameter, in PyTorch's order (gate order: LSTM i, f, g, o; GRU r, z, n)."""
        gates = self.dim(self.gates, "H_cell")
        shapes = []
        for layer in range(self.num_layers):
            below = self.dim("H_in") if layer == 0 else self.dim("D", "H_out")
            for suffix in ("", "_reverse")[: self.D]:
                end = "" if self.is_cell else f"_l{layer}{suffix}"
                shapes.append(TensorShape(f"weight_ih{end}", (gates, below)))
                shapes.append(TensorShape(f"weight_hh{end}", (gates, self.dim("H_out"))))
                if self.bias:
                    shapes.append(TensorShape(f"bias_ih{end}", (gates,)))
                    shapes.append(TensorShape(f"bias_hh{end}", (gates,)))
                if self.proj_size:
                    shapes.append(TensorShape(f"weight_hr{end}", (self.dim("H_out"), self.dim("H_cell"))))
        return shapes

    def read(self, sizes: Sequence[int] | None, batch_sizes: Sequence[int] | None = None) -> KnownCall | UnknownCall:
        """How this layer reads an input of these sizes.

        `sizes` is None for something that has none; a packed input brings the sizes of its `data`
        and its `batch_sizes`. An input of the wrong number of axes counts as a batch of unknown sizes.
        """
        if batch_sizes is not None:
            return PackedCall(layer=self, N=batch_sizes[0], L=len(batch_sizes), rows=sum(batch_sizes))
        axes = 1 if self.is_cell else 2
        if sizes is None or len(sizes) not in (axes, axes + 1):
            return UnknownCall(layer=self)
        if self.is_cell:
            return BatchedStep(layer=self, N=sizes[0]) if len(sizes) == 2 else UnbatchedStep(layer=self)
        if len(sizes) == 2:
            return UnbatchedCall(layer=self, L=sizes[0])
        N, L = sizes[:2] if self.batch_first else (sizes[1], sizes[0])
        return BatchedCall(layer=self, N=N, L=L)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of a layer: how the input is read, and so the shape of every tensor of the call.

    Its forms below say which sizes are known. N is None where there is no batch axis or its size is not known, L
    where the layer is a cell or L is not known.
    """

    layer: Layer
    N: int | None
    L: int | None

    has_batch_axis: ClassVar[bool] = True

    @property
    def time_axis(self) -> int:
        return 1 if self.layer.batch_first and self.has_batch_axis else 0

    @property
    def batch_axis(self) -> int:
        return 1 - self.time_axis

    def sequence(self, features: Dim) -> tuple[Dim, ...]:
        """The axes of a padded sequence of `features`, in this call's layout."""
        N, L = Dim("N", AXES["N"], self.N), Dim("L", AXES["L"], self.L)
        if self.layer.is_cell:
            return (N, features) if self.has_batch_axis else (features,)
        if not self.has_batch_axis:
            return (L, features)
        return (N, L, features) if self.layer.batch_first else (L, N, features)

    def state(self, width: Dim) -> tuple[Dim, ...]:
        """The axes of a state `width` wide: `batch_first` does not touch them."""
        batch = (Dim("N", AXES["N"], self.N),) if self.has_batch_axis else ()
        if self.layer.is_cell:
            return (*batch, width)
        return (self.layer.dim("D", "num_layers"), *batch, width)

    def tensors(self) -> list[TensorShape]:
        """The rule for each tensor that goes in and comes out, in the order of PyTorch's signature."""
        layer = self.layer
        widths = {"h": layer.dim("H_out")}
        if layer.has_cell_state:
            widths["c"] = layer.dim("H_cell")
        before = [TensorShape(f"{state}_0", self.state(width)) for state, width in widths.items()]
        end = "1" if layer.is_cell else "n"
        after = [TensorShape(f"{state}_{end}", self.state(width)) for state, width in widths.items()]
        return [*self._given(), *before, *self._returned(), *after]

    def _given(self) -> list[TensorShape]:
        return [TensorShape("input", self.sequence(self.layer.dim("H_in")))]

    def _returned(self) -> list[TensorShape]:
        """What comes out beside the states: nothing of a cell."""
        return [] if self.layer.is_cell else [TensorShape("output", self.sequence(self.layer.dim("D", "H_out")))]


@dataclass(frozen=True, kw_only=True)
class UnknownCall(Call):
    """A call whose input has no sizes, or not as many axes as the layer reads."""

    N: None = None
    L: None = None


@dataclass(frozen=True, kw_only=True)
class BatchedCall(Call):
    """A layer's call on a padded batch: (L, N, H_in), or (N, L, H_in) with `batch_first=True`."""

    N: int
    L: int


@dataclass(frozen=True, kw_only=True)
class UnbatchedCall(Call):
    """A layer's call on one sequence, (L, H_in)."""

    N: None = None
    L: int
    has_batch_axis: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class PackedCall(Call):
    """A layer's call on a `PackedSequence` of N samples, L steps at most, `rows` real steps in all."""

    N: int
    L: int
    rows: int

    @property
    def equal_lengths(self) -> bool:
        """Whether all samples have L time steps."""
        return self.rows == self.N * self.L

    def packed(self, features: Dim) -> tuple[Dim, ...]:
        """The axes of the `data` of a `PackedSequence` of `features`."""
        return (Dim("ΣL", "real time steps of all samples", self.rows), features)

    def _given(self) -> list[TensorShape]:
        return [TensorShape("input.data", self.packed(self.layer.dim("H_in")))]

    def _returned(self) -> list[TensorShape]:
        return [TensorShape("output.data", self.packed(self.layer.dim("D", "H_out"))), *super()._returned()]


@dataclass(frozen=True, kw_only=True)
class BatchedStep(Call):
    """A cell's call on one step of a batch, (N, H_in)."""

    N: int
    L: None = None


@dataclass(frozen=True, kw_only=True)
class UnbatchedStep(Call):
    """A cell's call on one step of one sample, (H_in)."""

    N: None = None
    L: None = None
    has_batch_axis: ClassVar[bool] = False


KnownCall = BatchedCall | UnbatchedCall | PackedCall | BatchedStep | UnbatchedStep
"""A call whose input has as many axes as the layer reads."""


def packing(sizes: Sequence[int], batch_first: bool, lengths: tuple[int, ...]) -> list[TensorShape]:
    """The arguments of `pack_padded_sequence`, of `sizes` (any number of feature axes) and `lengths`, axis by axis."""
    N, L = sizes[:2] if batch_first else (sizes[1], sizes[0])
    batch, time = Dim("N", AXES["N"], N), Dim("L", AXES["L"], L)
    features = tuple(Dim("*", "features", size) for size in sizes[2:])
    layout = (batch, time) if batch_first else (time, batch)
    return [
        TensorShape("input", layout + features, tuple(sizes)),
        TensorShape("lengths", (batch,), lengths),
    ]


RECURRENT_MODULES = ("torch.nn.modules.rnn", "torch.ao.nn.quantized.dynamic.modules.rnn")
"""Where torch defines its recurrent layers, and those with quantised weights."""


def recurrent_kind(thing: object) -> str | None:
    """`"LSTM"` for an `nn.LSTM` or a subclass of it, `"GRUCell"` for an `nn.GRUCell`, …, else None."""
    for base in type(thing).__mro__:
        if base.__module__ in RECURRENT_MODULES and base.__name__.removesuffix("Cell") in ("RNN", "LSTM", "GRU"):
            return base.__name__
    return None


def _inside(module: object) -> str:
    """Where to find the first recurrent layer inside `module`, as words that end a sentence."""
    modules = module.named_modules() if hasattr(module, "named_modules") and not isinstance(module, type) else ()
    path = next((path for path, inner in modules if recurrent_kind(inner)), None)
    if path is None:
        return ""
    names = "".join(f"[{name}]" if name.isdigit() else f".{name}" for name in path.split("."))
    return f"; pass the layer itself, for example explain(net{names}, x)"


@dataclass(frozen=True)
class Slice:
    """An expression over `output`, `hn`, `cn` and `lengths`: what it is, its shape, and an equal expression."""

    expression: str
    meaning: str
    shape: tuple[int, ...]
    equals: str = ""


def slices(call: Call, ragged: bool) -> list[Slice]:
    """The slices that people look for, for this very call; none while N or L is unknown.

    `ragged`: samples have lengths, and output is padded (packed, run and padded back).
    """
    if not isinstance(call, BatchedCall | UnbatchedCall | PackedCall):
        return []
    return [*_top_layer_slices(call, ragged), *_each_layer_slices(call), *_cell_state_slices(call)]


def _step(call: Call, time: str, features: str = "") -> str:
    """`output` at one time step, in this call's layout; `features` cuts its last axis."""
    batch_first, N = call.layer.batch_first, call.N
    index = [time] if N is None else [":", time] if batch_first else [time, ":"]
    if "lengths" in time:
        samples = f"torch.arange({N})"
        index = [samples, time] if batch_first else [time, samples]
    elif index[-1] == ":" and not features:
        index = index[:1]
    return f"output[{', '.join(index + [features] * bool(features))}]"


def _top_layer_slices(call: BatchedCall | UnbatchedCall | PackedCall, ragged: bool) -> list[Slice]:
    """The last states of the top layer, and what output holds of them."""
    H, L = call.layer.H_out, call.L
    batch = () if call.N is None else (call.N,)
    time, final = ("lengths - 1", "last valid step") if ragged else ("-1", "last step")
    if call.layer.D == 1:
        meaning = f"top layer, {final}: feed this to a classifier"
        return [Slice("hn[-1]", meaning, (*batch, H), _step(call, time))]
    forward, backward = _step(call, time, f":{H}"), _step(call, "0", f"{H}:")
    everywhere = (*batch, L) if call.layer.batch_first else (L, *batch)
    return [
        Slice("hn[-2]", f"top layer, forward, {final}", (*batch, H), forward),
        Slice("hn[-1]", "top layer, backward, its last step (t = 0)", (*batch, H), backward),
        Slice(
            "torch.cat([hn[-2], hn[-1]], dim=-1)",
            "both directions' last states: feed this to a classifier",
            (*batch, 2 * H),
            f"torch.cat([{forward}, {backward}], dim=-1)",
        ),
        Slice(_step(call, time, f"{H}:"), "backward after ONE step: it has not read the sequence", (*batch, H)),
        Slice(f"output.unflatten(-1, (2, {H}))", "every step, directions apart", (*everywhere, 2, H)),
    ]


def _each_layer_slices(call: Call) -> Iterator[Slice]:
    """The rows of h_n, layer by layer, of a stack."""
    H, K, D = call.layer.H_out, call.layer.num_layers, call.layer.D
    batch = () if call.N is None else (call.N,)
    for layer in range(K if K > 1 else 0):
        place = "bottom layer" if layer == 0 else "top layer" if layer == K - 1 else f"layer {layer}"
        grid = f"hn.view{tuple_text((K, D, *batch, H))}[{layer}]"
        if D == 1:
            yield Slice(f"hn[{layer}]", f"{place}, its last state", (*batch, H), f"{grid}[0]")
        else:
            rows = f"hn[{2 * layer}:{2 * layer + 2}]"
            yield Slice(rows, f"{place}, its last states: forward, backward", (2, *batch, H), grid)


def _cell_state_slices(call: Call) -> list[Slice]:
    """The last cell states of an LSTM's top layer."""
    H = call.layer.hidden_size
    batch = () if call.N is None else (call.N,)
    if not call.layer.has_cell_state:
        return []
    meaning = "top layer, its last cell state: output does not hold it"
    if call.layer.D == 1:
        return [Slice("cn[-1]", meaning, (*batch, H))]
    return [Slice("cn[-2:]", f"{meaning}; forward, backward", (2, *batch, H))]
