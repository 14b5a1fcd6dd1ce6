"""The layers' inner functions: a layer's stack of runs, each of which a kernel computes, and the cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import _kernels
import torch
from torch import _dtypes
from torch._linalg import linear
from torch._missing import missing
from torch._parts import cat, stack
from torch._storage import text
from torch._tensor import Tensor, fresh
from torch._views import infer_size
from torch.autograd.grad_mode import is_grad_enabled
from torch.autograd.graph import node_class
from torch.overrides import overridable

ONE_DNN = "MkldnnRnnLayerBackward0"
"""The node of an LSTM in float32 without a projection: oneDNN computes it, one direction of one layer at a time."""


def _layer(
    mode: str,
    x: Tensor,
    h: Tensor,
    c: Tensor | None,
    weights: Sequence[Tensor],
    bias: bool,
    sizes: str,
    reverse: bool,
    name: str,
) -> tuple[Tensor, Tensor, Tensor | None]:
    """One direction of one layer: `x` (rows, I), `h` (N, P), `c` (N, H)."""
    w_ih, w_hh = weights[:2]
    b_ih, b_hh = weights[2:4] if bias else (None, None)
    w_hr = weights[-1] if len(weights) % 2 else None
    optional = [None if tensor is None else tensor.view_handle() for tensor in (c, w_ih, w_hh, b_ih, b_hh, w_hr)]
    ran = _kernels.recurrent(mode, x.view_handle(), h.view_handle(), *optional, sizes, reverse)
    width = h.shape[1]
    output = fresh(ran.output, x.dtype, (x.shape[0], width))
    h_n = fresh(ran.h_n, x.dtype, h.shape)
    c_n = None if c is None else fresh(ran.c_n, x.dtype, c.shape)
    inputs = [x, *weights, h] + [c] * (c is not None)
    if not (is_grad_enabled() and any(tensor.requires_grad for tensor in inputs)):
        return output, h_n, c_n
    tape = ran.tape

    def back(d_output: Any, d_h: Any = None, d_c: Any = None) -> tuple[Any, ...]:
        if any(gradient is not None and gradient.requires_grad for gradient in (d_output, d_h, d_c)):
            raise missing("a second gradient through a recurrent layer")
        zeros = [
            output.new_zeros(output.shape) if d_output is None else d_output,
            h.new_zeros(h.shape) if d_h is None else d_h,
        ]
        handles = [tensor.view_handle() for tensor in zeros]
        found = _kernels.recurrentBackward(tape, *handles, None if d_c is None else d_c.view_handle())
        names = [
            "weight_ih",
            "weight_hh",
            *(("bias_ih", "bias_hh") if bias else ()),
            *(("weight_hr",) if w_hr is not None else ()),
        ]
        pairs = [("x", x), *zip(names, weights, strict=True), ("h_0", h)] + [("c_0", c)] * (c is not None)
        return tuple(
            fresh(getattr(found, key), x.dtype, tensor.shape) if tensor.requires_grad else None for key, tensor in pairs
        )

    saved = [w_hh, w_ih, x, *([w_hr] if w_hr is not None else [])]
    results = [output, h_n] + ([c_n] if c_n is not None else [])
    node = node_class(name)(inputs, back, saved, outputs=len(results))
    if name != ONE_DNN:
        node.transposed = {0, 1}
    for place, result in enumerate(results):
        result._node, result._output_number = node, place
    return output, h_n, c_n


def _check_states(x: Tensor, weight: Tensor, states: Sequence[Tensor]) -> None:
    for state in states:
        if state.device.type != x.device.type:
            raise RuntimeError(
                f"Input and hidden tensors are not at the same device, found input tensor at {x.device} and hidden "
                f"tensor at {state.device}"
            )
    if weight.device.type != x.device.type:
        raise RuntimeError(
            f"Input and parameter tensors are not at the same device, found input tensor at {x.device} and parameter "
            f"tensor at {weight.device}"
        )
    for state in states[:1]:
        if state.dtype != weight.dtype:
            raise RuntimeError(
                f"mat1 and mat2 must have the same dtype, but got {state.dtype.legacy} and {weight.dtype.legacy}"
            )


def _stacked(
    mode: str,
    rows: Tensor,
    sizes: str,
    states: Sequence[Tensor],
    params: Sequence[Tensor],
    bias: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    packed: bool,
) -> tuple[Tensor, list[Tensor]]:
    """All layers on top of each other, on rows of steps; the last states, a list for h and one for c, are stacked."""
    directions = 2 if bidirectional else 1
    per_run = len(params) // (num_layers * directions)
    projected = mode == "LSTM" and per_run % 2 == 1
    one_dnn = mode == "LSTM" and not packed and not projected and rows.dtype is _dtypes.float32
    name = ONE_DNN if one_dnn else "CatBackward0" if packed else "StackBackward0"
    lasts: list[list[Tensor]] = [[] for _ in states]
    first = [state.unbind(0) for state in states]
    for layer in range(num_layers):
        outputs = []
        for direction in range(directions):
            run = layer * directions + direction
            weights = params[run * per_run : (run + 1) * per_run]
            c = first[1][run] if len(states) == 2 else None
            output, *last = _layer(mode, rows, first[0][run], c, weights, bias, sizes, direction == 1, name)
            outputs.append(output)
            for kind, state in zip(lasts, last, strict=False):
                kind.append(state)
        rows = outputs[0] if directions == 1 else cat(outputs, -1)
        if dropout and train and layer < num_layers - 1:
            rows = torch.dropout(rows, dropout, train)
    return rows, [stack(kind) for kind in lasts]


def _run(
    mode: str, args: tuple[Any, ...], states: Sequence[Tensor], weights: Sequence[Tensor], rest: tuple[Any, ...]
) -> Any:
    input, batch_sizes = args
    if batch_sizes is not None:
        bias, num_layers, dropout, train, bidirectional = rest
        sizes = [int(size) for size in batch_sizes.tolist()]
        _check_states(input, weights[0], states)
        start = 0
        for size in sizes:
            if start + size > input.shape[0]:
                raise RuntimeError(f"start ({start}) + length ({size}) exceeds dimension size ({input.shape[0]}).")
            start += size
        return _stacked(
            mode, input, text(sizes), states, weights, bias, num_layers, dropout, train, bidirectional, True
        )
    bias, num_layers, dropout, train, bidirectional, batch_first = rest
    _check_states(input, weights[0], states)
    steps = input.transpose(0, 1) if batch_first else input
    L, N = steps.shape[:2]
    if L == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    if input.is_meta:
        return _meta(mode, steps, states, weights, bidirectional, batch_first)
    rows = _merged(steps)
    rows, lasts = _stacked(
        mode, rows, text([N] * L), states, weights, bias, num_layers, dropout, train, bidirectional, False
    )
    output = _split(rows, (L, N, rows.shape[1]))
    if batch_first:
        one_dnn = mode == "LSTM"
        output = torch.transpose(output, 0, 1, name=f"TransposeBackward{0 if one_dnn else 1}")
    return output, lasts


def _merged(steps: Tensor) -> Tensor:
    """(L, N, I) as rows, without a node of its own: the layer's input is the tensor that it was given."""
    L, N, width = steps.shape
    plain = steps if steps.is_contiguous() else steps.detach().contiguous()
    result = Tensor(plain._storage, (L * N, width), None, plain._offset)
    result._versions = steps._versions
    if is_grad_enabled() and steps.requires_grad:
        node = node_class("ViewBackward0")((steps,), lambda g: g.reshape(steps.shape))
        result._node = node
    return result


def _split(rows: Tensor, shape: Sequence[int]) -> Tensor:
    """Rows as (L, N, ...): the same node with another shape."""
    result = Tensor(rows._storage, infer_size(shape, rows.numel()))
    node = rows._node
    if node is not None:
        own = rows.shape
        apply = node.apply
        assert apply is not None
        number = rows._output_number

        def back(*gradients: Any) -> Any:
            changed = list(gradients)
            if changed[number] is not None:
                changed[number] = changed[number].reshape(own)
            return apply(*changed)

        node.apply = back
        node.shapes = [result.shape]
        result._node, result._output_number = node, number
    return result


def _meta(
    mode: str, steps: Tensor, states: Sequence[Tensor], weights: Any, bidirectional: bool, batch_first: bool
) -> Any:
    L, N = steps.shape[:2]
    width = states[0].shape[2] * (2 if bidirectional else 1)
    shape = (N, L, width) if batch_first else (L, N, width)
    return Tensor(None, shape, dtype=steps.dtype), [Tensor(None, state.shape, dtype=state.dtype) for state in states]


def _parsed(args: tuple[Any, ...]) -> tuple[Any, Any, Any, tuple[Any, ...]]:
    """(input, batch_sizes or None), hx, weights and the rest of a call."""
    if isinstance(args[2], Tensor) or (isinstance(args[2], tuple) and isinstance(args[3], list)):
        return (args[0], args[1]), args[2], args[3], args[4:]
    return (args[0], None), args[1], args[2], args[3:]


@overridable
def rnn_tanh(*args: Any) -> tuple[Tensor, Tensor]:
    """An `nn.RNN` with tanh."""
    source, hx, weights, rest = _parsed(args)
    output, (h_n,) = _run("RNN_TANH", source, [hx], weights, rest)
    return output, h_n


@overridable
def rnn_relu(*args: Any) -> tuple[Tensor, Tensor]:
    """An `nn.RNN` with relu."""
    source, hx, weights, rest = _parsed(args)
    output, (h_n,) = _run("RNN_RELU", source, [hx], weights, rest)
    return output, h_n


@overridable
def gru(*args: Any) -> tuple[Tensor, Tensor]:
    """An `nn.GRU`."""
    source, hx, weights, rest = _parsed(args)
    output, (h_n,) = _run("GRU", source, [hx], weights, rest)
    return output, h_n


@overridable
def lstm(*args: Any) -> tuple[Tensor, Tensor, Tensor]:
    """An `nn.LSTM`."""
    source, hx, weights, rest = _parsed(args)
    if len(hx) != 2:
        raise RuntimeError("lstm expects two hidden states")
    if any(not isinstance(state, Tensor) for state in hx):
        raise TypeError("lstm() received an invalid combination of arguments")
    output, (h_n, c_n) = _run("LSTM", source, list(hx), weights, rest)
    return output, h_n, c_n


def _check_cell(input: Tensor, states: Sequence[Tensor], w_ih: Tensor, w_hh: Tensor) -> None:
    if input.shape[1] != w_ih.shape[1]:
        raise RuntimeError(f"input has inconsistent input_size: got {input.shape[1]} expected {w_ih.shape[1]}")
    for number, state in enumerate(states):
        if input.shape[0] != state.shape[0]:
            raise RuntimeError(
                f"Input batch size {input.shape[0]} doesn't match hidden{number} batch size {state.shape[0]}"
            )
        if state.shape[1] != w_hh.shape[1]:
            raise RuntimeError(
                f"hidden{number} has inconsistent hidden_size: got {state.shape[1]}, expected {w_hh.shape[1]}"
            )


def rnn_tanh_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Tensor:
    """tanh(W_ih x + b_ih + W_hh h + b_hh)"""
    _check_cell(input, [hx], w_ih, w_hh)
    return (linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh)).tanh()


def rnn_relu_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Tensor:
    """relu(W_ih x + b_ih + W_hh h + b_hh)"""
    _check_cell(input, [hx], w_ih, w_hh)
    return (linear(input, w_ih, b_ih) + linear(hx, w_hh, b_hh)).relu()


def lstm_cell(input: Tensor, hx: Any, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Any:
    """c' = f * c + i * g and h' = o * tanh(c')"""
    if isinstance(hx, Tensor):
        raise TypeError("lstm_cell(): argument 'hx' (position 2) must be tuple of Tensors, not Tensor")
    if len(hx) != 2:
        raise RuntimeError("lstm_cell expects two hidden states")
    h, c = hx
    _check_cell(input, hx, w_ih, w_hh)
    i, f, g, o = (linear(input, w_ih, b_ih) + linear(h, w_hh, b_hh)).chunk(4, 1)
    after = f.sigmoid() * c + i.sigmoid() * g.tanh()
    return o.sigmoid() * after.tanh(), after


def gru_cell(input: Tensor, hx: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Any = None, b_hh: Any = None) -> Tensor:
    """h' = (1 - z) * n + z * h"""
    _check_cell(input, [hx], w_ih, w_hh)
    from_x, from_h = linear(input, w_ih, b_ih).chunk(3, 1), linear(hx, w_hh, b_hh).chunk(3, 1)
    r = (from_h[0] + from_x[0]).sigmoid()
    z = (from_h[1] + from_x[1]).sigmoid()
    n = (from_x[2] + from_h[2] * r).tanh()
    return (hx - n) * z + n


@overridable
def _pack_padded_sequence(input: Tensor, lengths: Tensor, batch_first: bool) -> tuple[Tensor, Tensor]:
    """The rows of the steps that there are, step by step, and how many sequences are running at each step."""
    if input.numel() == 0:
        raise RuntimeError("Cannot pack empty tensors.")
    padded = input.transpose(0, 1) if batch_first else input
    if lengths.dim() != 1 or lengths.is_meta:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {lengths.dim()}D {lengths.device} "
            f"{lengths.dtype.legacy} tensor"
        )
    values = lengths.tolist()
    if padded.shape[1] != len(values):
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(values)} (batch_size={padded.shape[1]})"
        )
    if values[-1] <= 0:
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0"
        )
    if any(later > earlier for earlier, later in pairwise(values)):
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can "
            "pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this requirement if you do "
            "not need ONNX exportability."
        )
    sizes = [sum(length > step for length in values) for step in range(values[0])]
    steps = [step for step, size in enumerate(sizes[: padded.shape[0]]) for _ in range(size)]
    samples = [sample for size in sizes[: padded.shape[0]] for sample in range(size)]
    with torch.no_grad():
        data = padded[torch.tensor(steps), torch.tensor(samples)]
    if is_grad_enabled() and input.requires_grad:
        node = node_class("PackPaddedSequenceBackward0")(
            (padded,), lambda g: _spread(g, steps, samples, padded.shape), outputs=2
        )
        data._node = node
    return data, torch.tensor(sizes, dtype=torch.int64)


def _spread(rows: Tensor, steps: Sequence[int], samples: Sequence[int], shape: Sequence[int]) -> Tensor:
    result = rows.new_zeros(shape)
    with torch.no_grad():
        result[torch.tensor(steps), torch.tensor(samples)] = rows.detach()
    return result


@overridable
def _pad_packed_sequence(
    data: Tensor, batch_sizes: Tensor, batch_first: bool, padding_value: float, total_length: int
) -> tuple[Tensor, Tensor]:
    """Steps with their padding again, and the lengths."""
    sizes = [int(size) for size in batch_sizes.tolist()]
    longest = len(sizes)
    if total_length > 0:
        if total_length < longest:
            raise RuntimeError(
                f"Expected total_length to be at least the length of the longest sequence in input, but got "
                f"total_length={total_length} and max sequence length being {longest}"
            )
        longest = total_length
    steps = [step for step, size in enumerate(sizes) for _ in range(size)]
    samples = [sample for size in sizes for sample in range(size)]
    at = (torch.tensor(steps), torch.tensor(samples))
    padded = data.new_full((longest, sizes[0], *data.shape[1:]), padding_value)
    padded[at] = data
    lengths = [sum(size > sample for size in sizes) for sample in range(sizes[0])]
    return padded.transpose(0, 1) if batch_first else padded, torch.tensor(lengths, dtype=torch.int64)
