"""`tensor[...]`: integers, slices, None and dots make views; tensors, lists and masks pick copies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import _kernels
from torch import _dtypes
from torch._missing import missing
from torch._storage import broadcast_shapes, text
from torch._tensor import Tensor, alias, fresh, record, write
from torch._views import permute, select, slice_axis, unsqueeze

SCALAR = (
    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim "
    "tensor to a number"
)


def get(input: Tensor, index: Any) -> Tensor:
    """`input[index]`"""
    result, picks = _views(input, index)
    if picks:
        return _picked(result, picks)
    if result is input:
        return alias(input, input.shape, input._strides, input._offset, "AliasBackward0", lambda g: g)
    return result


def put(input: Tensor, index: Any, value: Any) -> None:
    """`input[index] = value`"""
    import torch

    place, picks = _views(input, index)
    if not isinstance(value, Tensor):
        value = torch.tensor(value, dtype=input.dtype if not isinstance(value, (list, tuple)) else None)
    if picks:
        _put_picked(input, place, picks, value)
        return
    while value.dim() > place.dim() and value.shape[0] == 1:
        value = value.squeeze(0)
    if place is input:
        write(input, value.to(input.dtype).expand(input.shape))
        return
    place.copy_(value, assigned=True)


def _is_index(entry: Any) -> bool:
    return isinstance(entry, int) and not isinstance(entry, bool)


def _as_entry(entry: Any) -> Any:
    import torch

    if isinstance(entry, (list, tuple, range)):
        return torch.tensor(list(entry)) if len(entry) else torch.zeros(0, dtype=torch.int64)
    if isinstance(entry, bool):
        return torch.tensor(entry)
    if isinstance(entry, Tensor) and entry.dim() == 0 and entry.dtype in (_dtypes.int64, _dtypes.int32):
        return int(entry.item())
    if hasattr(entry, "__index__") and not isinstance(entry, (int, Tensor)):
        return entry.__index__()
    return entry


def _axes_of(entry: Any) -> int:
    """How many axes of the tensor an entry is about."""
    if entry is None or entry is ...:
        return 0
    if isinstance(entry, Tensor) and entry.dtype in (_dtypes.bool_, _dtypes.uint8):
        return entry.dim()
    return 1


def _views(input: Tensor, index: Any) -> tuple[Tensor, list[tuple[int, Tensor]]]:
    """What the integers, slices, dots and Nones give, and the tensors that then index an axis each."""
    # long: one branch for each kind of entry
    bare = not isinstance(index, tuple)
    entries = [_as_entry(entry) for entry in ((index,) if bare else index)]
    if bare and input.dim() == 0:
        _check_scalar(entries[0])
    named = sum(map(_axes_of, entries))
    if named > input.dim():
        raise IndexError(f"too many indices for tensor of dimension {input.dim()}")
    result, dim, taken = input, 0, 0
    picks: list[tuple[int, Tensor]] = []
    seen_dots = False
    for place, entry in enumerate(entries):
        if _is_index(entry):
            result = select(result, dim, entry, what=place)
            taken += 1
        elif isinstance(entry, slice):
            start, stop, step = _bounds(entry, result.shape[dim])
            if (start, stop, step) != (0, result.shape[dim], 1):
                result = slice_axis(result, dim, start, stop, step)
            dim, taken = dim + 1, taken + 1
        elif entry is ...:
            if seen_dots:
                dim += 0
            else:
                dim += input.dim() - named
                seen_dots = True
        elif entry is None:
            result = unsqueeze(result, dim)
            dim += 1
        elif isinstance(entry, Tensor):
            picks += _tensor_entry(result, dim, entry)
            if entry.dim() == 0 and entry.dtype is _dtypes.bool_:
                result = unsqueeze(result, dim)
                dim += 1
            else:
                dim += max(_axes_of(entry), 1)
        else:
            raise _not_an_index(entry)
    return result, picks


def _not_an_index(entry: Any) -> Exception:
    if isinstance(entry, float):
        return IndexError(
            "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices "
            "(got float)"
        )
    if isinstance(entry, str):
        return TypeError("new(): invalid data type 'str'")
    return IndexError(
        "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got "
        f"{type(entry).__name__})"
    )


def _tensor_entry(whole: Tensor, dim: int, entry: Tensor) -> list[tuple[int, Tensor]]:
    if entry.dtype in (_dtypes.bool_, _dtypes.uint8):
        if entry.dim() == 0:
            return [(dim, entry.reshape(1).nonzero().reshape(-1))]
        for axis, length in enumerate(entry.shape):
            if whole.shape[dim + axis] != length:
                raise IndexError(
                    f"The shape of the mask {list(entry.shape)} at index {axis} does not match the shape of the "
                    f"indexed tensor {list(whole.shape)} at index {dim + axis}"
                )
        places = entry.nonzero()
        return [(dim + axis, places[:, axis]) for axis in range(entry.dim())]
    if entry.dtype not in (_dtypes.int64, _dtypes.int32, _dtypes.int16, _dtypes.int8):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    return [(dim, entry)]


def _check_scalar(entry: Any) -> None:
    if isinstance(entry, slice):
        _bounds(entry, 0)
        raise IndexError("slice() cannot be applied to a 0-dim tensor.")
    if _is_index(entry):
        raise IndexError(SCALAR if entry == 0 else f"index {entry} is out of bounds for dimension 0 with size 0")


def _number(bound: Any) -> int:
    return int(bound.item()) if isinstance(bound, Tensor) else bound.__index__()


def _bounds(entry: slice, length: int) -> tuple[int, int, int]:
    step = 1 if entry.step is None else _number(entry.step)
    if step == 0:
        raise ValueError("slice step cannot be zero")
    if step < 0:
        raise ValueError("step must be greater than zero")
    for bound in (entry.start, entry.stop):
        if bound is not None and not hasattr(bound, "__index__"):
            raise TypeError("slice indices must be integers or None or have an __index__ method")
    start = None if entry.start is None else _number(entry.start)
    stop = None if entry.stop is None else _number(entry.stop)
    start, stop, _ = slice(start, stop).indices(length)
    return start, max(stop, start), step


def _arranged(whole: Tensor, picks: Sequence[tuple[int, Tensor]]) -> tuple[Tensor, list[Tensor], tuple[int, ...], int]:
    """The tensor with the indexed axes first, the indices (none negative), their shape, and where it goes in the result."""
    dims = [dim for dim, _ in picks]
    together = dims == list(range(dims[0], dims[0] + len(dims)))
    try:
        shape = broadcast_shapes(*(index.shape for _, index in picks))
    except RuntimeError:
        shapes = ", ".join(str(list(index.shape)) for _, index in picks)
        raise IndexError(
            f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}"
        ) from None
    indices = []
    for dim, index in picks:
        length = whole.shape[dim]
        low, high = _kernels.extremes(index.view_handle())
        if index.numel() and not (-length <= low and high < length):
            wrong = int(low if low < -length else high)
            raise IndexError(f"index {wrong} is out of bounds for dimension {dim} with size {length}")
        indices.append(index if low >= 0 else _wrapped(index, length))
    order = [*dims, *(dim for dim in range(whole.dim()) if dim not in dims)]
    from torch.autograd.grad_mode import no_grad

    with no_grad():
        first = permute(whole, order) if order != list(range(whole.dim())) else whole
    return first, indices, shape, dims[0] if together else 0


def _wrapped(index: Tensor, length: int) -> Tensor:
    from torch._elementwise import binary

    return binary("remainder", index, length)


def _picked(whole: Tensor, picks: Sequence[tuple[int, Tensor]]) -> Tensor:
    first, indices, shape, place = _arranged(whole, picks)
    handles = [index.view_handle() for index in indices]
    result = fresh(
        _kernels.take(first.view_handle(), text(shape), *handles), whole.dtype, (*shape, *first.shape[len(indices) :])
    )
    if place:
        from torch.autograd.grad_mode import no_grad

        rank, count = result.dim(), len(shape)
        order = [*range(count, count + place), *range(count), *range(count + place, rank)]
        with no_grad():
            result = permute(result, order).contiguous()

    def back(gradient: Tensor) -> Tensor:
        if gradient.requires_grad:
            raise missing("a second gradient through an index with tensors")
        total = gradient.new_zeros(whole.shape)
        _add_picked(total, picks, gradient)
        return total

    return record(result, "IndexBackward0", (whole,), back)


def _add_picked(total: Tensor, picks: Sequence[tuple[int, Tensor]], value: Tensor, add: bool = True) -> None:
    first, indices, shape, place = _arranged(total, picks)
    if place:
        extra = first.dim() - len(indices) + len(shape) - value.dim()
        value = value.reshape((1,) * extra + tuple(value.shape)) if extra > 0 else value
        rank, count = value.dim(), len(shape)
        value = permute(value, [*range(place, place + count), *range(place), *range(place + count, rank)])
    handles = [index.view_handle() for index in indices]
    _kernels.put(first.view_handle(), value.view_handle(), add, text(shape), *handles)


def _put_picked(input: Tensor, place: Tensor, picks: Sequence[tuple[int, Tensor]], value: Tensor) -> None:
    _, _, shape, first = _arranged(place, picks)
    rest = [length for dim, length in enumerate(place.shape) if dim not in [dim for dim, _ in picks]]
    target = (*rest[:first], *shape, *rest[first:])
    extra = value.dim() - len(target)
    if extra > 0 and all(length == 1 for length in value.shape[:extra]):
        value = value.reshape(value.shape[extra:])
    try:
        fits = broadcast_shapes(value.shape, target) == target
    except RuntimeError:
        fits = False
    if not fits:
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(value.shape)} cannot be broadcast to indexing result of "
            f"shape {list(target)}"
        )
    if value.dtype != input.dtype and value.dim():
        kinds = f"got {input.dtype.legacy} for the destination and {value.dtype.legacy} for the source."
        raise RuntimeError(f"Index put requires the source and destination dtypes match, {kinds}")
    value = value.to(input.dtype)
    new = place.detach().clone()
    _add_picked(new, picks, value.detach().expand(target), add=False)

    def back(gradient: Tensor) -> tuple[Any, Any]:
        from torch._elementwise import sum_to

        rest = gradient.clone()
        _add_picked(rest, picks, gradient.new_zeros(()).expand(target), add=False)
        return rest, sum_to(_picked(gradient, picks), value)

    write(place, record(new, "IndexPutBackward0", (place, value), back))
