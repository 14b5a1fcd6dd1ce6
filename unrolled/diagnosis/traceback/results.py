"""Which values in sight a recurrent layer returned: by autograd's graph, or by their numbers.

That a tensor has the sizes of a result proves nothing: other layers' have them too. What proves it is the graph above
the tensor, or the one corner where output and h_n hold the same numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.diagnosis.traceback.autograd_graph import layer_above
from unrolled.diagnosis.traceback.frames import Traceback
from unrolled.diagnosis.values import features_of, is_dense, is_tensor, looks_like_result, split_result
from unrolled.shapes import Dim, Layer, TensorShape

UNKNOWN = (Dim("?", "unknown", None),)
MAX_TENSORS = 100
"""Tensors in sight that are compared with each other."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one layer in sight returned: output, and h_n."""

    module: nn.Module
    output: torch.Tensor
    h: torch.Tensor


def made_by(trace: Traceback, value: Any) -> nn.Module | None:
    """The layer in sight whose features the tensor `value` still has, by its graph or by where its numbers are."""
    if not is_tensor(value):
        return None
    if value.grad_fn is not None:
        layer: nn.Module | None = layer_above(value.grad_fn, trace.recurrent_layers)
        return layer
    if not is_dense(value):
        return None
    storage = value.untyped_storage().data_ptr()
    for result in results_in_sight(trace):
        own = [result.output, result.h]
        same = any(storage == tensor.untyped_storage().data_ptr() for tensor in own)
        if same or any(_is_part(value, state) for state in (result.h[-1], torch.cat(tuple(result.h[-2:]), dim=-1))):
            return result.module
    return None


def _is_part(value: torch.Tensor, state: torch.Tensor) -> bool:
    return value.shape == state.shape and value.device == state.device and torch.equal(value, state)


def results_in_sight(trace: Traceback) -> Iterator[Result]:
    """The results of recurrent layers that your code names, output and h_n apart or in one tuple."""
    things = list(trace.tensors_in_sight())
    things += [state for thing in things if looks_like_result(thing) for state in split_result(thing)[1]]
    tensors = [thing for thing in things if is_dense(thing) and thing.dim() in (2, 3)][:MAX_TENSORS]
    for module in trace.recurrent_layers if tensors else ():
        layer = Layer.of(module)
        for output in tensors if not layer.is_cell else ():
            for h in tensors:
                if h is not output and _fits(layer, output, (h,)) and _meets(layer, output, h):
                    yield Result(module=module, output=output, h=h)


def _fits(layer: Layer, output: Any, states: Sequence[Any]) -> bool:
    """Whether `layer` returns sizes like these; of the states as many as are given."""
    if layer.is_cell or features_of(output).shape[-1:] != (layer.D * layer.H_out,):
        return False
    batches = output.batch_sizes.tolist() if isinstance(output, PackedSequence) else None
    rules = layer.read(tuple(features_of(output).shape), batches).tensors()
    expected = [shape.expected for shape in rules if shape.name in ("h_n", "c_n")]
    return expected[: len(states)] == [tuple(state.shape) for state in states]


def _meets(layer: Layer, output: Any, h: torch.Tensor) -> bool:
    """Whether output and h_n hold the same numbers where they meet: each direction's last step of the top layer."""
    H = layer.H_out
    if isinstance(output, PackedSequence):
        if not (is_dense(output.data) and is_dense(h)):
            return False
        padded, lengths = pad_packed_sequence(output, batch_first=True)
        last, first = padded[torch.arange(len(padded)), lengths - 1], padded[:, 0]
    else:
        time = 1 if layer.batch_first and output.dim() == 3 else 0
        if not (is_dense(output) and is_dense(h)) or output.shape[time] == 0:
            return False
        last, first = output.select(time, -1), output.select(time, 0)
    if last.device != h.device or last.dtype != h.dtype:
        return False
    ends = [(last[..., :H], h[-layer.D])] + [(first[..., H:], h[-1])] * (layer.D == 2)
    return all(torch.allclose(a, b, rtol=0, atol=1e-6, equal_nan=True) for a, b in ends)


def result_layer(trace: Traceback, value: Any) -> nn.Module | None:
    """The layer in sight that returned `value`, an output or a tuple (output, h_n); None where nothing shows it."""
    output, states = split_result(value)
    features = features_of(output)
    for module in trace.recurrent_layers:
        layer = Layer.of(module)
        if not _fits(layer, output, states) or (layer.has_cell_state and len(states) == 1):
            continue
        if states and (_meets(layer, output, states[0]) or _both_from(module, trace, features, states[0])):
            return module
        if not states and made_by(trace, features) is module:
            return module
        if not states and any(
            is_dense(h) and _fits(layer, output, (h,)) and _meets(layer, output, h) for h in trace.tensors_in_sight()
        ):
            return module
    return None


def _both_from(module: nn.Module, trace: Traceback, output: torch.Tensor, h: torch.Tensor) -> bool:
    """Whether the graphs of both lead to `module`: output may have gone through a dropout since."""
    if output.grad_fn is None or h.grad_fn is None:
        return False
    return all(layer_above(tensor.grad_fn, trace.recurrent_layers) is module for tensor in (output, h))


def result_shapes(module: nn.Module | None, output: Any, states: Sequence[Any]) -> list[TensorShape]:
    """output, h_n and c_n with their axes, or with unnamed axes when no layer in sight returned them."""
    sizes = [tuple(features_of(tensor).shape) for tensor in (output, *states)]
    batches = output.batch_sizes.tolist() if isinstance(output, PackedSequence) else None
    names = ["output" if batches is None else "output.data", "h_n", "c_n"]
    if module is None:
        axes = [UNKNOWN * len(size) for size in sizes]
        if batches is not None and len(sizes[0]) == 2:
            axes[0] = (Dim("ΣL", "real time steps of all samples", sum(batches)), Dim("features", "features", None))
        return [TensorShape(name, own, size) for name, own, size in zip(names, axes, sizes, strict=False)]
    rules = {shape.name: shape for shape in Layer.of(module).read(sizes[0], batches).tensors()}
    return [TensorShape(name, rules[name].axes, size) for name, size in zip(names, sizes, strict=False)]


def states_layer(trace: Traceback, value: Any) -> nn.Module | None:
    """The LSTM in sight that returned `value` as its (h_n, c_n), or starts from it; None where nothing shows it."""
    if type(value) is not tuple or len(value) != 2 or not all(is_tensor(state) and state.dim() for state in value):
        return None
    h, c = value
    sizes, c_sizes = tuple(h.shape), tuple(c.shape)
    for module in trace.recurrent_layers:
        layer = Layer.of(module)
        rows = () if layer.is_cell else (layer.D * layer.num_layers,)
        fits = sizes[-1] == layer.H_out and c_sizes == (*sizes[:-1], layer.hidden_size) and sizes[: len(rows)] == rows
        if not layer.has_cell_state or not fits or len(sizes) - len(rows) not in (1, 2):
            continue
        shown = layer.proj_size > 0 or belongs(h, c) if h.grad_fn is None else made_by(trace, h) is module
        if shown:
            return module
    return None


def belongs(h: torch.Tensor, c: torch.Tensor) -> bool:
    """Whether `c` can be the cell state of `h`: h is tanh(c) times a gate between 0 and 1. Both may be zeros."""
    if not (is_dense(h) and is_dense(c)) or h.dtype != c.dtype or h.device != c.device or h.shape != c.shape:
        return False
    if not h.dtype.is_floating_point:
        return False
    with torch.no_grad():
        bound = c.tanh()
        return bool(((h * bound >= 0) & (h.abs() <= bound.abs() + 1e-6)).all())


def states_in_sight(trace: Traceback) -> Iterator[tuple[Layer, torch.Tensor]]:
    """The states of several layers or directions that your code names, each with the layer that returned it."""
    results = list(results_in_sight(trace))
    for thing in trace.tensors_in_sight():
        if not is_dense(thing) or thing.dim() != 3:
            continue
        if any(thing is result.output for result in results) or _is_output(thing):
            continue
        if thing.grad_fn is not None:
            module = layer_above(thing.grad_fn, trace.recurrent_layers)
        else:
            own = (result.module for result in results if thing is result.h or belongs(result.h, thing))
            module = next(own, None)
        if module is not None and are_states(Layer.of(module), thing.shape[0], thing.shape[2]):
            yield Layer.of(module), thing


def _is_output(thing: torch.Tensor) -> bool:
    """Whether the graph shows that `thing` is a layer's output and not its h_n, whose rows are put together last.

    Of RNN and GRU with batch_first=False and one direction it does not.
    """
    node = thing.grad_fn
    if node is None:
        return False
    return node.name().startswith(("Transpose", "MkldnnRnn", "Cat")) or ("Cudnn" in node.name() and not thing.output_nr)


def are_states(layer: Layer, rows: int, width: int) -> bool:
    """Whether `layer` returns `rows` states of a sample, more than one, each `width` wide."""
    widths = (layer.H_out, layer.hidden_size) if layer.has_cell_state else (layer.H_out,)
    return not layer.is_cell and rows == layer.D * layer.num_layers > 1 and width in widths
