"""Views: other shapes and strides of the same memory. What cannot be one is refused, or copied by `reshape`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from torch._size import Size, sizes, wrap_dim, wrap_dims
from torch._storage import contiguous_strides
from torch._tensor import Tensor, alias, record


def infer_size(shape: Sequence[int], count: int) -> tuple[int, ...]:
    """The shape with its -1 filled in.

    Raises:
        RuntimeError: so many elements do not have this shape.
    """
    shape = tuple(int(length) for length in shape)
    unknown = [place for place, length in enumerate(shape) if length == -1]
    if len(unknown) > 1:
        raise RuntimeError("only one dimension can be inferred")
    for length in shape:
        if length < -1:
            raise RuntimeError(f"invalid shape dimension {length}")
    known = prod(length for length in shape if length != -1)
    if not unknown and known == count:
        return shape
    if unknown and known and count % known == 0:
        return tuple(count // known if length == -1 else length for length in shape)
    if unknown and not known and not count:
        raise RuntimeError(
            f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 "
            "can be any value and is ambiguous"
        )
    raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {count}")


def view_strides(shape: Sequence[int], strides: Sequence[int], new: Sequence[int]) -> tuple[int, ...] | None:
    """The strides of a view of the shape `new`; None where its axes would not be runs (at::detail::computeStride)."""
    if prod(shape) == 0:
        return tuple(strides) if tuple(shape) == tuple(new) else contiguous_strides(new)
    result = [0] * len(new)
    if not shape:
        return (1,) * len(new)
    place = len(new) - 1
    chunk_stride, elements, taken = strides[-1], 1, 1
    for dim in reversed(range(len(shape))):
        elements *= shape[dim]
        if dim == 0 or (shape[dim - 1] != 1 and strides[dim - 1] != elements * chunk_stride):
            while place >= 0 and (taken < elements or new[place] == 1):
                result[place] = taken * chunk_stride
                taken *= new[place]
                place -= 1
            if taken != elements:
                return None
            if dim > 0:
                chunk_stride, elements, taken = strides[dim - 1], 1, 1
    return tuple(result) if place == -1 else None


def _viewed(input: Tensor, shape: Sequence[int], strides: Sequence[int], name: str = "ViewBackward0") -> Tensor:
    own = input.shape
    return alias(input, shape, strides, input._offset, name, lambda g: g.reshape(own))


def view(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in their order, in another shape, without a copy."""
    import torch

    if len(shape) == 1 and isinstance(shape[0], torch.dtype):
        raise torch._missing.missing("Tensor.view(dtype)")
    new = infer_size(sizes(shape), input.numel())
    strides = view_strides(input.shape, input._strides, new)
    if strides is None:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        )
    return _viewed(input, new, strides)


def reshape(input: Tensor, *shape: Any) -> Tensor:
    """The same elements in their order, in another shape; copied where a view cannot have it."""
    new = infer_size(sizes(shape), input.numel())
    strides = view_strides(input.shape, input._strides, new)
    if strides is not None:
        return _viewed(input, new, strides)
    copy = input.contiguous()
    own = input.shape
    result = Tensor(copy._storage, new, dtype=input.dtype)
    return record(result, "UnsafeViewBackward0", (copy,), lambda g: g.reshape(own))


def view_as(input: Tensor, other: Tensor) -> Tensor:
    """A view in the shape of `other`."""
    return view(input, other.shape)


def reshape_as(input: Tensor, other: Tensor) -> Tensor:
    """In the shape of `other`."""
    return reshape(input, other.shape)


def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Several axes as one."""
    if input.dim() == 0:
        return reshape(input, 1)
    start, end = wrap_dim(start_dim, input.dim()), wrap_dim(end_dim, input.dim())
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if start == end:
        return input
    shape = input.shape
    return reshape(input, (*shape[:start], prod(shape[start : end + 1]), *shape[end + 1 :]))


def unflatten(input: Tensor, dim: int, sizes: Sequence[int]) -> Tensor:
    """One axis as several."""
    place = wrap_dim(dim, input.dim())
    length = input.shape[place]
    if -1 not in sizes and prod(sizes) != length:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {place} ({length}) "
            "in the input tensor"
        )
    return view(input, (*input.shape[:place], *infer_size(sizes, length), *input.shape[place + 1 :]))


def ravel(input: Tensor) -> Tensor:
    """All axes as one."""
    return reshape(input, -1)


def _permuted(input: Tensor, order: Sequence[int], name: str, back: Callable[[Any], Any], **facts: Any) -> Tensor:
    shape = [input.shape[dim] for dim in order]
    return alias(input, shape, [input._strides[dim] for dim in order], input._offset, name, back, **facts)


def transpose(input: Tensor, dim0: int, dim1: int, *, name: str = "TransposeBackward0") -> Tensor:
    """Two axes exchanged: a view."""
    one, other = wrap_dim(dim0, input.dim()), wrap_dim(dim1, input.dim())
    order = list(range(input.dim()))
    if order:
        order[one], order[other] = order[other], order[one]
    return _permuted(input, order, name, lambda g: transpose(g, one, other), dim0=dim0, dim1=dim1)


def permute(input: Tensor, *dims: Any) -> Tensor:
    """The axes in another order: a view."""
    given = sizes(dims)
    if len(given) != input.dim():
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired "
            f"ordering of dimensions i.e. input.dim() = {input.dim()} is not equal to len(dims) = {len(given)}"
        )
    order = [wrap_dim(dim, input.dim()) for dim in given]
    if len(set(order)) < len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    back = [order.index(dim) for dim in range(len(order))]
    return _permuted(input, order, "PermuteBackward0", lambda g: permute(g, back))


def t(input: Tensor) -> Tensor:
    """A matrix transposed."""
    if input.dim() > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {input.dim()}D")
    order = list(reversed(range(input.dim())))
    return _permuted(input, order, "TBackward0", t)


def reversed_axes(input: Tensor) -> Tensor:
    """`tensor.T`"""
    if input.dim() not in (0, 2):
        import warnings

        warnings.warn(
            "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will "
            "throw an error in a future release. Consider `x.mT` to transpose batches of matrices or "
            "`x.permute(*torch.arange(x.ndim - 1, -1, -1))` to reverse the dimensions of a tensor.",
            stacklevel=2,
        )
    return permute(input, list(reversed(range(input.dim()))))


def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """Axes moved to other places; the others keep their order."""
    sources = wrap_dims(source, input.dim())
    places = dict(zip(wrap_dims(destination, input.dim()), sources, strict=True))
    rest = iter(dim for dim in range(input.dim()) if dim not in sources)
    return permute(input, [places[dim] if dim in places else next(rest) for dim in range(input.dim())])


def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A new axis of length 1."""
    place = wrap_dim(dim, input.dim() + 1)
    shape, strides = list(input.shape), list(input._strides)
    stride = shape[place] * strides[place] if place < len(shape) else 1
    shape.insert(place, 1)
    strides.insert(place, stride)
    return alias(input, shape, strides, input._offset, "UnsqueezeBackward0", lambda g: squeeze(g, place), dim=dim)


def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without its axes of length 1, or without these of them."""
    dims = wrap_dims(dim, input.dim())
    kept = [place for place, length in enumerate(input.shape) if length != 1 or place not in dims]
    own = input.shape
    number = 0 if dim is None else 2 if isinstance(dim, (tuple, list)) else 1
    return alias(
        input,
        [own[place] for place in kept],
        [input._strides[place] for place in kept],
        input._offset,
        f"SqueezeBackward{number}",
        lambda g: g.reshape(own),
        dim=dim,
    )


def expand(input: Tensor, *shape: Any) -> Tensor:
    """Repeated to this shape without a copy: repeated axes have the stride 0."""
    new = sizes(shape)
    extra = len(new) - input.dim()
    if extra < 0:
        kind = f"torch.{input.dtype.legacy}Tensor{{{list(input.shape)}}}"
        raise RuntimeError(
            f"expand({kind}, size={list(new)}): the number of sizes provided ({len(new)}) must be greater or equal to "
            f"the number of dimensions in the tensor ({input.dim()})"
        )
    lengths, strides = [], []
    for dim, length in enumerate(new):
        own = input.shape[dim - extra] if dim >= extra else 1
        stride = input._strides[dim - extra] if dim >= extra else 0
        if length == -1:
            if dim < extra:
                raise RuntimeError(
                    f"The expanded size of the tensor ({length}) isn't allowed in a leading, non-existing dimension {dim}"
                )
            length = own
        elif own != length and own != 1:
            raise RuntimeError(
                f"The expanded size of the tensor ({length}) must match the existing size ({own}) at non-singleton "
                f"dimension {dim}.  Target sizes: {list(new)}.  Tensor sizes: {list(input.shape)}"
            )
        lengths.append(length)
        strides.append(stride if own == length else 0)

    def back(gradient: Tensor) -> Tensor:
        from torch._elementwise import sum_to

        return sum_to(gradient, input)

    return alias(input, lengths, strides, input._offset, "ExpandBackward0", back)


def expand_as(input: Tensor, other: Tensor) -> Tensor:
    """Repeated to the shape of `other` without a copy."""
    return expand(input, other.shape)


def select(input: Tensor, dim: int, index: int, *, what: int | None = None) -> Tensor:
    """One index of an axis, which is then gone. `what`: the axis that an error names."""
    place = wrap_dim(dim, input.dim())
    length = input.shape[place]
    if not -length <= index < length:
        if what is None:
            raise IndexError(
                f"select(): index {index} out of range for tensor of size {list(input.shape)} at dimension {dim}"
            )
        raise IndexError(f"index {index} is out of bounds for dimension {what} with size {length}")
    index = int(index)
    at = index % length
    shape, strides = list(input.shape), list(input._strides)
    del shape[place]
    stride = strides.pop(place)
    own = input.shape

    def back(gradient: Tensor) -> Tensor:
        return embedded(gradient, own, lambda whole: select(whole, place, at), gradient.requires_grad)

    return alias(
        input,
        shape,
        strides,
        input._offset + at * stride,
        "SelectBackward0",
        back,
        dim=dim % 2**64,
        index=index % 2**64,
    )


def embedded(gradient: Tensor, shape: Size, part: Callable[[Tensor], Tensor], recorded: bool = False) -> Tensor:
    """Zeros of this shape, but for the part that is the gradient."""
    whole = gradient.new_zeros(shape)
    if recorded:
        part(whole).copy_(gradient)
    else:
        import _kernels

        _kernels.copyInto(part(whole).view_handle(), gradient.view_handle())
    return whole


def narrow(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """`length` indices of an axis from `start` on."""
    place = wrap_dim(dim, input.dim())
    start, size = int(start), input.shape[place]
    start = start + size if start < 0 else start
    if start + length > size:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({size}).")
    return slice_axis(input, place, start, start + length, 1)


def slice_axis(input: Tensor, dim: int, start: int, stop: int, step: int) -> Tensor:
    """Each `step`-th index of an axis; `start` and `stop` are in its range."""
    shape, strides = list(input.shape), list(input._strides)
    shape[dim] = max(-(-(stop - start) // step), 0)
    offset = input._offset + start * strides[dim]
    strides[dim] *= step
    own = input.shape

    def back(gradient: Tensor) -> Tensor:
        return embedded(gradient, own, lambda whole: slice_axis(whole, dim, start, stop, step), gradient.requires_grad)

    return alias(input, shape, strides, offset, "SliceBackward0", back, dim=dim, start=start, end=stop, step=step)


def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The elements whose indices on two axes are the same, the second `offset` larger: a view, its axis the last."""
    one, other = wrap_dim(dim1, input.dim()), wrap_dim(dim2, input.dim())
    count = max(min(input.shape[one] - max(-offset, 0), input.shape[other] - max(offset, 0)), 0)
    rest = [dim for dim in range(input.dim()) if dim not in (one, other)]
    start = offset * input._strides[other] if offset > 0 else -offset * input._strides[one]
    own = input.shape

    def back(gradient: Tensor) -> Tensor:
        return embedded(gradient, own, lambda whole: diagonal(whole, offset, one, other))

    shape = [*(input.shape[dim] for dim in rest), count]
    strides = [*(input._strides[dim] for dim in rest), input._strides[one] + input._strides[other]]
    return alias(input, shape, strides, input._offset + start, "DiagonalBackward0", back)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        diagonal, expand, expand_as, flatten, movedim, narrow, permute, ravel, reshape, reshape_as, select, squeeze, t,
        transpose, unflatten, unsqueeze, view, view_as,
    )
}  # fmt: skip
FUNCTIONS |= {"swapaxes": transpose, "swapdims": transpose, "moveaxis": movedim}
