"""Sums and their like, extremes, orders."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import _kernels
from torch import _dtypes
from torch._missing import missing
from torch._size import wrap_dim, wrap_dims
from torch._storage import text
from torch._tensor import Tensor, fresh, record


def reduced(name: str, input: Tensor, dims: Sequence[int], keepdim: bool, dtype: _dtypes.dtype) -> Tensor:
    """A kernel's reduction over some axes."""
    kept = [length for dim, length in enumerate(input.shape) if dim not in dims]
    if input.is_meta:
        return Tensor(None, kept, dtype=dtype)
    result = fresh(_kernels.reduce(name, input.view_handle(), text(dims), dtype.name), dtype, kept)
    return _kept(result, input, dims) if keepdim else result


def _kept(result: Tensor, input: Tensor, dims: Sequence[int]) -> Tensor:
    shape = [1 if dim in dims else length for dim, length in enumerate(input.shape)]
    return Tensor(result._storage, shape)


def spread(gradient: Tensor, input: Tensor, dims: Sequence[int]) -> Tensor:
    """The gradient of a sum, for each element of what was summed."""
    shape = [1 if dim in dims else length for dim, length in enumerate(input.shape)]
    return gradient.reshape(shape).expand(input.shape)


def sum(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum of all elements, or over some axes."""
    kind = dtype or (input.dtype if input.dtype.is_floating_point else _dtypes.int64)
    dims = wrap_dims(dim, input.dim())
    result = reduced("sum", input, dims, keepdim, kind)
    return record(
        result, f"SumBackward{int(dim is not None)}", (input,), lambda g: spread(g, input, dims).to(input.dtype)
    )


def mean(input: Tensor, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean of all elements, or over some axes."""
    if dtype is not None:
        input = input.to(dtype)
    if not input.dtype.is_floating_point:
        kind = {"Long": "Long", "Bool": "Bool"}.get(input.dtype.legacy, input.dtype.legacy)
        raise RuntimeError(
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
            f"Got: {kind}"
        )
    dims = wrap_dims(dim, input.dim())
    count = prod(input.shape[each] for each in dims)
    total = reduced("sum", input, dims, keepdim, _dtypes.float64)
    from torch._elementwise import binary

    result = binary("div", total, count, input.dtype) if count else total.to(input.dtype) * float("nan")
    return record(result, f"MeanBackward{int(dim is not None)}", (input,), lambda g: spread(g, input, dims) / count)


def _test(name: str) -> Callable[..., Tensor]:
    def function(input: Tensor, dim: Any = None, keepdim: bool = False) -> Tensor:
        return reduced(name, input, wrap_dims(dim, input.dim()), keepdim, _dtypes.bool_)

    function.__name__ = name
    return function


def count_nonzero(input: Tensor, dim: Any = None) -> Tensor:
    """How many elements are not 0."""
    return reduced("count_nonzero", input, wrap_dims(dim, input.dim()), False, _dtypes.int64)


def prod_(input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product of all elements, or over one axis."""
    kind = dtype or (input.dtype if input.dtype.is_floating_point else _dtypes.int64)
    dims = wrap_dims(dim, input.dim())
    result = reduced("prod", input, dims, keepdim, kind)
    return record(
        result,
        f"ProdBackward{int(dim is not None)}",
        (input,),
        lambda g: spread(g * result, input, dims) / input,
        (input, result),
    )


def _extreme(name: str) -> Callable[..., Any]:
    """`max` and `min`: of all elements, over an axis with the indices, or of two tensors."""
    camel = name.capitalize()
    pair = namedtuple(name, ("values", "indices"))

    def along(input: Tensor, dim: int, keepdim: bool) -> Any:
        axis = wrap_dim(dim, input.dim())
        if input.dim() and input.shape[axis] == 0:
            raise IndexError(f"{name}(): Expected reduction dim {axis} to have non-zero size.")
        indices = arg_best(name, input, axis, keepdim)
        values = reduced(name, input, (axis,) if input.dim() else (), keepdim, input.dtype)

        def back(g: Tensor) -> Tensor:
            at, gradient = (indices, g) if keepdim else (indices.unsqueeze(axis), g.unsqueeze(axis))
            return g.new_zeros(input.shape).scatter_(axis, at, gradient)

        return returned(pair, record(values, f"{camel}Backward0", (input,), back), indices)

    def function(input: Tensor, dim: Any = None, keepdim: bool = False, other: Any = None) -> Any:
        import torch

        if isinstance(dim, Tensor) or other is not None:
            return getattr(torch, f"{name}imum")(input, dim if other is None else other)
        if dim is not None:
            return along(input, dim, keepdim)
        if input.numel() == 0:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim "
                "with the 'dim' argument."
            )
        result = reduced(name, input, tuple(range(input.dim())), False, input.dtype)

        def back(g: Tensor) -> Tensor:
            best = (input == result).to(g.dtype)
            return best * (g / best.sum())

        return record(result, f"{camel}Backward1", (input,), back, (input, result))

    function.__name__ = name
    return function


def returned(kind: Any, *parts: Any) -> Any:
    """A named tuple that prints as PyTorch's `torch.return_types`."""
    name = kind.__name__
    shown = type(name, (kind,), {"__repr__": _printed, "__slots__": ()})
    return shown(*parts)


def _printed(self: Any) -> str:
    lines = ",\n".join(f"{field}={value!r}" for field, value in zip(self._fields, self, strict=True))
    return f"torch.return_types.{type(self).__name__}(\n{lines})"


def _extremes(name: str) -> Callable[..., Tensor]:
    """`amax` and `amin`."""

    def function(input: Tensor, dim: Any = (), keepdim: bool = False) -> Tensor:
        dims = wrap_dims(dim, input.dim())
        result = reduced(name, input, dims, keepdim, input.dtype)

        def back(g: Tensor) -> Tensor:
            best = (input == spread(result, input, dims)).to(g.dtype)
            return best * spread(g, input, dims) / best.sum(dims, keepdim=True)

        return record(result, f"A{name}Backward0", (input,), back, (input, result))

    function.__name__ = f"a{name}"
    return function


def arg_best(name: str, input: Tensor, dim: int | None, keepdim: bool) -> Tensor:
    """Where the extreme element of an axis is, or of all elements row by row."""
    whole = input.detach()
    if dim is None or not input.dim():
        if input.numel() == 0:
            raise IndexError(
                f"arg{name}(): Expected reduction dim to be specified for input.numel() == 0. "
                "Specify the reduction dim with the 'dim' argument."
            )
        whole = whole.reshape(-1)
    axis = wrap_dim(dim or 0, whole.dim())
    kept = [length for place, length in enumerate(whole.shape) if place != axis]
    result = fresh(_kernels.argBest(name == "max", whole.view_handle(), axis), _dtypes.int64, kept)
    if keepdim and dim is not None:
        return _kept(result, input, (axis,))
    return result


def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the largest element is."""
    return arg_best("max", input, dim, keepdim)


def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """Where the smallest element is."""
    return arg_best("min", input, dim, keepdim)


def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort an axis."""
    axis = wrap_dim(dim, input.dim())
    last = input.detach().transpose(axis, -1) if input.dim() else input.detach()
    order = fresh(_kernels.argsort(last.view_handle(), descending), _dtypes.int64, last.shape)
    return order.transpose(axis, -1).contiguous() if axis != input.dim() - 1 and input.dim() else order


_sort = namedtuple("sort", ("values", "indices"))
_topk = namedtuple("topk", ("values", "indices"))


def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """An axis sorted, and the indices that sort it."""
    order = argsort(input, dim, descending)
    return returned(_sort, _ordered(input, dim, order, "SortBackward0"), order)


def _ordered(input: Tensor, dim: int, order: Tensor, name: str) -> Tensor:
    from torch.autograd.grad_mode import no_grad

    axis = wrap_dim(dim, input.dim())
    with no_grad():
        values = input.gather(axis, order) if input.dim() else input.clone()
    return record(values, name, (input,), lambda g: g.new_zeros(input.shape).scatter_(axis, order, g))


def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The k largest (or smallest) elements of an axis, and where they are."""
    if k > (input.shape[dim] if input.dim() else 1):
        raise RuntimeError("selected index k out of range")
    order = argsort(input, dim, largest).narrow(dim, 0, k)
    return returned(_topk, _ordered(input, dim, order, "TopkBackward0"), order)


def _cumulated(name: str) -> Callable[..., Tensor]:
    def function(input: Tensor, dim: int, *, dtype: Any = None) -> Tensor:
        axis = wrap_dim(dim, input.dim())
        kind = dtype or (input.dtype if input.dtype.is_floating_point else _dtypes.int64)
        last = input.detach().transpose(axis, -1) if input.dim() else input.detach()
        result = fresh(_kernels.cumulate(name, last.view_handle(), kind.name), kind, last.shape)
        result = result.transpose(axis, -1).contiguous() if input.dim() else result

        def back(g: Tensor) -> Tensor:
            if name == "prod":
                raise missing("the gradient of cumprod")
            return g.flip(axis).cumsum(axis).flip(axis)

        return record(result, f"Cum{name}Backward0", (input,), back)

    function.__name__ = f"cum{name}"
    return function


def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not 0: a row for each, or a tensor for each axis."""
    handle = _kernels.nonzero(input.view_handle())
    rows = fresh(handle, _dtypes.int64, (handle.shape[0], input.dim()))
    if as_tuple:
        return tuple(rows[:, dim] for dim in range(max(input.dim(), 1)))
    return rows


def logsumexp(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """log(sum(exp(x)))"""
    dims = wrap_dims(dim, input.dim())
    from torch.autograd.grad_mode import no_grad

    with no_grad():
        top = reduced("max", input, dims, True, input.dtype)
        total = (input - top).exp().sum(dims, keepdim=True).log() + top
        result = total if keepdim else total.squeeze(dims)
    result._base = None
    return record(
        result,
        "LogsumexpBackward0",
        (input,),
        lambda g: spread(g, input, dims) * (input - spread(result, input, dims)).exp(),
        (input, result),
    )


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "all": _test("all"),
    "amax": _extremes("max"),
    "amin": _extremes("min"),
    "any": _test("any"),
    "argmax": argmax,
    "argmin": argmin,
    "argsort": argsort,
    "count_nonzero": count_nonzero,
    "cumprod": _cumulated("prod"),
    "cumsum": _cumulated("sum"),
    "logsumexp": logsumexp,
    "max": _extreme("max"),
    "mean": mean,
    "min": _extreme("min"),
    "nonzero": nonzero,
    "prod": prod_,
    "sort": sort,
    "sum": sum,
    "topk": topk,
}
