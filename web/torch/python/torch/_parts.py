"""Tensors put together and taken apart: `cat`, `stack`, `split` and the like."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import _kernels
from torch import _dtypes
from torch._arguments import tensors_argument
from torch._size import sizes, wrap_dim
from torch._storage import broadcast_shapes, full
from torch._tensor import Tensor, record
from torch._views import expand, reshape, slice_axis, unsqueeze
from torch.autograd.graph import node_class
from torch.autograd.grad_mode import is_grad_enabled


def cat(tensors: Sequence[Tensor], dim: int = 0, *, name: str = "cat", stacked: bool = False) -> Tensor:
    """One after the other along an axis."""
    given = tensors_argument(name, "tensors", 1, tensors)
    if not given:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    parts = [tensor for tensor in given if tensor.shape != (0,)] or list(given)
    for place, tensor in enumerate(given):
        if tensor.dim() == 0:
            raise RuntimeError(f"zero-dimensional tensor (at position {place}) cannot be concatenated")
    first = parts[0]
    axis = wrap_dim(dim, first.dim())
    for place, tensor in enumerate(given):
        if tensor.shape == (0,):
            continue
        if tensor.dim() != first.dim():
            raise RuntimeError(f"Tensors must have same number of dimensions: got {first.dim()} and {tensor.dim()}")
        for other in range(first.dim()):
            if other != axis and tensor.shape[other] != first.shape[other]:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {axis}. Expected size {first.shape[other]} but "
                    f"got size {tensor.shape[other]} for tensor number {place} in the list."
                )
    kind = given[0].dtype
    for tensor in given[1:]:
        kind = _dtypes.promote(kind, tensor.dtype) or kind
    shape = list(first.shape)
    shape[axis] = sum(tensor.shape[axis] for tensor in parts)
    if any(tensor.is_meta for tensor in parts):
        return Tensor(None, shape, dtype=kind)
    result = Tensor(full(shape, 0, kind), shape)
    _kernels.concatenate(result.view_handle(), axis, *(tensor.view_handle() for tensor in parts))
    return record(result, "CatBackward0", given, lambda g: _pieces(g, given, axis), dim=dim % 2**64)


def _pieces(gradient: Tensor, tensors: Sequence[Tensor], axis: int) -> tuple[Any, ...]:
    result, start = [], 0
    for tensor in tensors:
        if tensor.shape == (0,):
            result.append(gradient.new_zeros(0))
            continue
        stop = start + tensor.shape[axis]
        result.append(slice_axis(gradient, axis, start, stop, 1).to(tensor.dtype))
        start = stop
    return tuple(result)


def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """Side by side along a new axis."""
    given = tensors_argument("stack", "tensors", 1, tensors)
    if not given:
        raise RuntimeError("stack expects a non-empty TensorList")
    axis = wrap_dim(dim, given[0].dim() + 1)
    for place, tensor in enumerate(given):
        if tensor.shape != given[0].shape:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(given[0].shape)} at entry 0 and "
                f"{list(tensor.shape)} at entry {place}"
            )
    from torch.autograd.grad_mode import no_grad

    with no_grad():
        result = cat([unsqueeze(tensor, axis) for tensor in given], axis)
    return record(
        result,
        "StackBackward0",
        given,
        lambda g: tuple(g.select(axis, place).to(tensor.dtype) for place, tensor in enumerate(given)),
        dim=dim % 2**64,
    )


def _many(input: Tensor, name: str, cut: Callable[[Tensor], list[Tensor]]) -> tuple[Tensor, ...]:
    """The views that `cut` makes of a tensor, as the results of one operation."""
    from torch.autograd.grad_mode import no_grad

    with no_grad():
        parts = cut(input)
    if not (is_grad_enabled() and input.requires_grad):
        return tuple(parts)

    def apply(*gradients: Any) -> Tensor:
        known = next(gradient for gradient in gradients if gradient is not None)
        whole = known.new_zeros(input.shape)
        for part, gradient in zip(cut(whole), gradients, strict=True):
            if gradient is not None:
                _kernels.copyInto(part.view_handle(), gradient.view_handle())
        return whole

    node = node_class(name)((input,), apply, outputs=len(parts), self_sym_sizes=input.shape)
    for place, part in enumerate(parts):
        part._node, part._output_number = node, place
        part._history = part._base._history if part._base is not None else 0
    return tuple(parts)


def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of this length along an axis (the last may be shorter), or of these lengths."""
    axis = wrap_dim(dim, tensor.dim())
    length = tensor.shape[axis]
    if not isinstance(split_size_or_sections, (tuple, list)):
        step = int(split_size_or_sections)
        if step < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={step}")
        if step == 0 and length:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {length}")
        lengths = [min(step, length - start) for start in range(0, length, max(step, 1))] or [length]
        name = "SplitBackward0"
    else:
        lengths, name = [int(each) for each in split_size_or_sections], "SplitWithSizesBackward0"
        if sum(lengths) != length:
            raise RuntimeError(
                f"split_with_sizes expects split_sizes to sum exactly to {length} (input tensor's size at dimension "
                f"{dim}), but got split_sizes={lengths}"
            )

    def cut(whole: Tensor) -> list[Tensor]:
        starts = [sum(lengths[:place]) for place in range(len(lengths))]
        return [slice_axis(whole, axis, start, start + each, 1) for start, each in zip(starts, lengths, strict=True)]

    return _many(tensor, name, cut)


def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """So many pieces along an axis, or fewer where the length does not allow it."""
    if input.dim() == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    length = input.shape[wrap_dim(dim, input.dim())]
    step = -(-length // chunks)
    return split(input, step, dim) if step else split(input, [0] * chunks, dim)


def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """All indices of an axis."""
    if input.dim() == 0:
        raise RuntimeError("Dimension specified as 0 but tensor has no dimensions")
    axis = wrap_dim(dim, input.dim())
    return _many(
        input, "UnbindBackward0", lambda whole: [whole.select(axis, place) for place in range(whole.shape[axis])]
    )


def repeat(input: Tensor, *repeats: Any) -> Tensor:
    """Copied side by side, so often along each axis."""
    counts = sizes(repeats)
    if len(counts) < input.dim():
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    own = (1,) * (len(counts) - input.dim()) + tuple(input.shape)
    pairs = [each for pair in zip(counts, own, strict=True) for each in pair]
    from torch.autograd.grad_mode import no_grad

    with no_grad():
        wide = reshape(input, [each for length in own for each in (1, length)])
        shape = [count * length for count, length in zip(counts, own, strict=True)]
        result = reshape(expand(wide, pairs).clone(memory_format="contiguous"), shape)
    result._base = None

    def back(gradient: Tensor) -> Tensor:
        return reshape(gradient, pairs).sum(list(range(0, len(pairs), 2))).reshape(input.shape)

    return record(result, "RepeatBackward0", (input,), back)


def tile(input: Tensor, *dims: Any) -> Tensor:
    """As `repeat`, where missing counts are 1."""
    counts = sizes(dims)
    return repeat(input, (1,) * (input.dim() - len(counts)) + counts)


def repeat_interleave(input: Tensor, repeats: Any, dim: int | None = None) -> Tensor:
    """Each index of an axis so often, one after the other."""
    import torch

    if dim is None:
        input, dim = input.flatten(), 0
    axis = wrap_dim(dim, input.dim())
    counts = repeats.tolist() if isinstance(repeats, Tensor) else repeats
    if isinstance(counts, int):
        counts = [counts] * input.shape[axis]
    if len(counts) == 1 != input.shape[axis]:
        counts = counts * input.shape[axis]
    if len(counts) != input.shape[axis]:
        raise RuntimeError("repeats must have the same size as input along dim")
    order = [place for place, count in enumerate(counts) for _ in range(count)]
    return input.index_select(axis, torch.tensor(order, dtype=torch.int64))


def flip(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """Backwards along these axes: a copy."""
    axes = [wrap_dim(dim, input.dim()) for dim in sizes((named["dims"],) if "dims" in named else dims)]
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"dim {axes[0]} appears multiple times in the list of dims")
    strides = [-stride if dim in axes else stride for dim, stride in enumerate(input._strides)]
    last = sum((input.shape[dim] - 1) * input._strides[dim] for dim in axes) if input.numel() else 0
    backwards = Tensor(input._storage, input.shape, strides, input._offset + last)
    from torch._elementwise import order_of
    from torch._storage import text
    from torch._tensor import fresh

    order = order_of(input.shape, [input])
    handle = _kernels.cast(backwards.view_handle(), input.dtype.name, text(order or ()))
    return record(fresh(handle, input.dtype, input.shape, order), "FlipBackward0", (input,), lambda g: flip(g, axes))


def roll(input: Tensor, shifts: Any, dims: Any = None) -> Tensor:
    """Each index of an axis moved on; what leaves at the end comes in at the beginning."""
    if dims is None:
        return roll(input.flatten(), shifts, 0).view(input.shape)
    shifts = shifts if isinstance(shifts, (tuple, list)) else (shifts,)
    dims = dims if isinstance(dims, (tuple, list)) else (dims,)
    from torch.autograd.grad_mode import no_grad

    result = input
    with no_grad():
        for shift, dim in zip(shifts, dims, strict=True):
            length = result.shape[wrap_dim(dim, input.dim())]
            start = (length - shift) % length if length else 0
            result = cat([result.narrow(dim, start, length - start), result.narrow(dim, 0, start)], dim)
    back = [-shift for shift in shifts]
    return record(result, "RollBackward0", (input,), lambda g: roll(g, back, dims))


def _triangle(name: str, keeps: Callable[[int, int], bool]) -> Callable[..., Tensor]:
    def function(input: Tensor, diagonal: int = 0) -> Tensor:
        import torch

        rows, columns = input.shape[-2:]
        mask = torch.tensor([[keeps(j - i, diagonal) for j in range(columns)] for i in range(rows)], dtype=torch.bool)
        with torch.no_grad():
            result = torch.where(mask, input, torch.zeros((), dtype=input.dtype))
        return record(result, f"{name.capitalize()}Backward0", (input,), lambda g: function(g, diagonal))

    function.__name__ = name
    return function


def broadcast_tensors(*tensors: Tensor) -> tuple[Tensor, ...]:
    """All of them repeated to one shape, without a copy."""
    shape = broadcast_shapes(*(tensor.shape for tensor in tensors))
    return tuple(tensor if tensor.shape == shape else expand(tensor, shape) for tensor in tensors)


def broadcast_to(input: Tensor, size: Sequence[int]) -> Tensor:
    """Repeated to this shape, without a copy."""
    return expand(input, size)


def hstack(tensors: Sequence[Tensor]) -> Tensor:
    """Along the second axis, or the only one."""
    return cat(tensors, 0 if tensors[0].dim() == 1 else 1)


def vstack(tensors: Sequence[Tensor]) -> Tensor:
    """Along the first axis, vectors as rows."""
    return cat([tensor if tensor.dim() > 1 else tensor.reshape(1, -1) for tensor in tensors])


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        broadcast_tensors,
        broadcast_to,
        cat,
        chunk,
        flip,
        hstack,
        repeat_interleave,
        roll,
        split,
        stack,
        tile,
        unbind,
        vstack,
    )
}
FUNCTIONS |= {"concat": cat, "concatenate": cat, "fliplr": lambda input: flip(input, 1)}
FUNCTIONS |= {"tril": _triangle("tril", lambda d, k: d <= k), "triu": _triangle("triu", lambda d, k: d >= k)}
METHODS: dict[str, Callable[..., Any]] = {"repeat": repeat}
