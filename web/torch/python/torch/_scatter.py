"""What reads and writes by tensors of indices or by masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import _kernels
from torch import _dtypes
from torch._size import wrap_dim
from torch._tensor import Tensor, fresh, record


def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """These indices of an axis, copied."""
    axis = wrap_dim(dim, input.dim())
    if index.dim() > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    if index.dtype not in (_dtypes.int64, _dtypes.int32):
        raise RuntimeError(f"index_select(): Expected dtype int32 or int64 for index but got: {index.dtype}")
    length = input.shape[axis]
    low, high = _kernels.extremes(index.view_handle())
    if index.numel() and (low < 0 or high >= length):
        outside = int(low if low < 0 else high)
        if axis == 1 and input.dim() > 1:
            raise RuntimeError(f"INDICES element is out of DATA bounds, id={outside} axis_dim={length}")
        raise IndexError("index out of range in self")
    from torch.autograd.grad_mode import no_grad

    with no_grad():
        front = input.movedim(axis, 0)
        handle = _kernels.take(front.view_handle(), str(index.numel()), index.view_handle())
        rows = fresh(handle, input.dtype, (index.numel(), *front.shape[1:]))
        result = rows.movedim(0, axis).contiguous() if axis else rows

    def back(g: Tensor) -> Tensor:
        return g.new_zeros(input.shape).index_add_(axis, index, g)

    return record(result, "IndexSelectBackward0", (input,), back)


def _checked(input: Tensor, dim: int, index: Tensor, name: str) -> int:
    axis = wrap_dim(dim, input.dim())
    if index.dtype not in (_dtypes.int64, _dtypes.int32):
        raise RuntimeError(f"{name}(): Expected dtype int32/int64 for index")
    if index.numel() and index.dim() != input.dim():
        what = "input" if name == "gather" else "self"
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {what} tensor")
    if index.dim() == input.dim():
        for other in range(input.dim()):
            if other != axis and index.shape[other] > input.shape[other]:
                raise RuntimeError(
                    f"Size does not match at dimension {other} expected index {list(index.shape)} to be no larger than "
                    f"self {list(input.shape)} apart from dimension {axis}"
                )
    low, high = _kernels.extremes(index.view_handle())
    length = input.shape[axis] if input.dim() else 1
    if index.numel() and (low < 0 or high >= length):
        wrong = int(low if low < 0 else high)
        raise RuntimeError(f"index {wrong} is out of bounds for dimension {axis} with size {length}")
    return axis


def gather(input: Tensor, dim: int, index: Tensor, *, sparse_grad: bool = False) -> Tensor:
    """Along an axis, for each place of `index` the element at the index that is there."""
    axis = _checked(input, dim, index, "gather")
    result = fresh(_kernels.gather(input.view_handle(), axis, index.view_handle()), input.dtype, index.shape)
    return record(
        result,
        "GatherBackward0",
        (input,),
        lambda g: g.new_zeros(input.shape).scatter_add_(axis, index, g),
    )


def _scattered(input: Tensor, dim: int, index: Tensor, source: Any, add: bool) -> Tensor:
    axis = _checked(input, dim, index, "scatter")
    if not isinstance(source, Tensor):
        value: Any = input.new_full((), source).expand(index.shape)
    else:
        value = source[tuple(slice(length) for length in index.shape)] if source.shape != index.shape else source
        if source.dtype != input.dtype:
            raise RuntimeError("scatter(): Expected self.dtype to be equal to src.dtype")
    result = input.detach().clone()
    _kernels.scatter(result.view_handle(), axis, index.view_handle(), value.detach().view_handle(), add)

    def back(g: Tensor) -> tuple[Any, Any]:
        own = g if add else g.scatter(axis, index, 0)
        return own, g.gather(axis, index) if isinstance(source, Tensor) and source.requires_grad else None

    name = "ScatterAddBackward0" if add else f"ScatterBackward{int(not isinstance(source, Tensor))}"
    return record(result, name, (input, source if isinstance(source, Tensor) else None), back)


def scatter(
    input: Tensor, dim: int, index: Tensor, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """A copy in which `src` is where the indices say, along an axis."""
    source = value if src is None else src
    return _scattered(input, dim, index, source, reduce == "add")


def scatter_add(input: Tensor, dim: int, index: Tensor, src: Tensor) -> Tensor:
    """A copy to which `src` is added where the indices say, along an axis."""
    return _scattered(input, dim, index, src, True)


def index_add(input: Tensor, dim: int, index: Tensor, source: Tensor, *, alpha: float = 1) -> Tensor:
    """A copy to whose indices of an axis `source` is added."""
    axis = wrap_dim(dim, input.dim())
    shape = [1] * input.dim()
    shape[axis] = index.numel()
    spread = index.view(shape).expand(source.shape)
    return _scattered(input, axis, spread, source if alpha == 1 else source * alpha, True)


def index_copy(input: Tensor, dim: int, index: Tensor, source: Tensor) -> Tensor:
    """A copy in whose indices of an axis `source` is."""
    axis = wrap_dim(dim, input.dim())
    shape = [1] * input.dim()
    shape[axis] = index.numel()
    return _scattered(input, axis, index.view(shape).expand(source.shape), source, False)


def index_fill(input: Tensor, dim: int, index: Tensor, value: float) -> Tensor:
    """A copy in whose indices of an axis this number is."""
    lengths = [index.numel() if axis == wrap_dim(dim, input.dim()) else n for axis, n in enumerate(input.shape)]
    result = index_copy(input.detach(), dim, index, input.new_full(lengths, value))
    return record(result, "IndexFillBackward0", (input,), lambda g: index_fill(g, dim, index, 0))


def masked_fill(input: Tensor, mask: Tensor, value: Any) -> Tensor:
    """A copy with this number where the mask is true."""
    if mask.dtype is not _dtypes.bool_:
        raise RuntimeError(f"masked_fill_ only supports boolean masks, but got mask with dtype {_c_name(mask.dtype)}")
    from torch._arithmetic import where
    from torch.autograd.grad_mode import no_grad

    filler = value if isinstance(value, Tensor) else input.new_full((), value)
    with no_grad():
        result = where(mask, filler.to(input.dtype), input)
    return record(result, "MaskedFillBackward0", (input,), lambda g: _unfilled(g, mask, input))


def _c_name(dtype: _dtypes.dtype) -> str:
    return {"Long": "long long", "Float": "float", "Double": "double", "Int": "int", "Byte": "unsigned char"}.get(
        dtype.legacy, dtype.legacy
    )


def _unfilled(gradient: Tensor, mask: Tensor, input: Tensor) -> Tensor:
    from torch._elementwise import sum_to

    return sum_to(masked_fill(gradient, mask, 0), input)


def masked_select(input: Tensor, mask: Tensor) -> Tensor:
    """The elements where the mask is true."""
    from torch._storage import broadcast_shapes

    shape = broadcast_shapes(input.shape, mask.shape)
    return input.expand(shape)[mask.expand(shape)]


def take_along_dim(input: Tensor, indices: Tensor, dim: int) -> Tensor:
    """As `gather`, with the other axes broadcast."""
    shape = list(input.shape)
    axis = wrap_dim(dim, input.dim())
    shape[axis] = indices.shape[axis]
    return gather(input, axis, indices.expand(shape))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        gather, index_add, index_copy, index_fill, index_select, masked_fill, masked_select, scatter, scatter_add,
        take_along_dim,
    )
}  # fmt: skip
