"""Norms, variances, and what compares or counts values."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from math import prod
from typing import Any

from torch import _dtypes
from torch._missing import missing
from torch._reduce import reduced, spread
from torch._size import wrap_dims
from torch._tensor import Tensor, record


def norm(
    input: Tensor, p: Any = "fro", dim: Any = None, keepdim: bool = False, out: Any = None, dtype: Any = None
) -> Tensor:
    """The 2-norm of all elements or over some axes; `p=1` and `p=inf` too."""
    order = 2 if p in ("fro", None) else p
    if not input.dtype.is_floating_point:
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + input.dtype.legacy
        )
    dims = wrap_dims(dim, input.dim())
    if order == 2:
        squares = reduced("squares", input, dims, keepdim, _dtypes.float64)
        from torch._elementwise import unary

        result = unary("sqrt", squares, input.dtype)

        def back(g: Tensor) -> Tensor:
            scale = spread(g / result, input, dims)
            return (input * scale).masked_fill(spread(result == 0, input, dims), 0)

        return record(result, "LinalgVectorNormBackward0", (input,), back, (input, result))
    if order == 1:
        return input.abs().sum(dims, keepdim=keepdim)
    if order == float("inf"):
        return input.abs().amax(dims, keepdim=keepdim)
    raise missing(f"Tensor.norm(p={p})")


def var(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """The variance; `correction` is what is taken from the count."""
    result, _, _, _ = _variance(input, dim, unbiased, keepdim, correction)
    return result


def _variance(input: Tensor, dim: Any, unbiased: bool, keepdim: bool, correction: Any) -> Any:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    dims = wrap_dims(dim, input.dim())
    less = int(unbiased) if correction is None else correction
    count = prod(input.shape[each] for each in dims)
    from torch.autograd.grad_mode import no_grad

    with no_grad():
        centred = input.double() - input.double().mean(dims, keepdim=True)
        result = (centred.square().sum(dims, keepdim=keepdim) / max(count - less, 0)).to(input.dtype)
    if not input.requires_grad:
        return result, dims, count - less, centred

    def back(g: Tensor) -> Tensor:
        return spread(g, input, dims) * (input - input.mean(dims, keepdim=True)) * (2 / (count - less))

    return record(result, "VarBackward0", (input,), back, (input,)), dims, count - less, centred


def std(
    input: Tensor, dim: Any = None, unbiased: bool = True, keepdim: bool = False, *, correction: Any = None
) -> Tensor:
    """The square root of the variance."""
    variance, dims, count, _ = _variance(input.detach(), dim, unbiased, keepdim, correction)
    result = variance.sqrt()

    def back(g: Tensor) -> Tensor:
        scale = (g / (result * count)).masked_fill(result == 0, 0)
        return spread(scale, input, dims) * (input - input.mean(dims, keepdim=True))

    return record(result, "StdBackward0", (input,), back, (input, result))


def equal(input: Tensor, other: Tensor) -> bool:
    """Whether shapes and all elements are the same."""
    from torch._arguments import tensor_argument

    tensor_argument("equal", "input", 1, input)
    tensor_argument("equal", "other", 2, other)
    if input.shape != other.shape:
        return False
    return bool(reduced("all", input == other, range(input.dim()), False, _dtypes.bool_).item())


def isclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """|a - b| <= atol + rtol * |b|, element by element."""
    if input.dtype != other.dtype:
        raise RuntimeError(f"{input.dtype.legacy} did not match {other.dtype.legacy}")
    one, two = input.detach(), other.detach()
    result = one == two
    if equal_nan:
        result = result | (one.isnan() & two.isnan())
    if one.dtype.is_floating_point:
        near = (one - two).abs() <= atol + (rtol * two).abs()
        return result | (near & two.isfinite() & one.isfinite())
    return result | ((one.double() - two.double()).abs() <= atol + (rtol * two.double()).abs())


def allclose(input: Tensor, other: Tensor, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> bool:
    """Whether all elements are close."""
    if input.dtype != other.dtype:
        raise RuntimeError(f"{input.dtype.legacy} did not match {other.dtype.legacy}")
    return bool(isclose(input, other, rtol, atol, equal_nan).all().item())


def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Which elements are among the others."""
    import torch

    elements = torch.as_tensor(elements)
    known = set(torch.as_tensor(test_elements).numbers())
    result = [(value in known) != invert for value in elements.numbers()]
    return torch.tensor(result, dtype=torch.bool).reshape(elements.shape)


def unique(
    input: Tensor, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: Any = None
) -> Any:
    """The values that occur, in rising order."""
    import torch

    if dim is not None:
        raise missing("torch.unique(dim=...)")
    values = input.flatten().tolist()
    found = builtins.sorted(set(values))
    parts = [torch.tensor(found, dtype=input.dtype)]
    if return_inverse:
        parts.append(torch.tensor([found.index(value) for value in values]).reshape(input.shape))
    if return_counts:
        parts.append(torch.tensor([values.count(value) for value in found]))
    return parts[0] if len(parts) == 1 else tuple(parts)


def bincount(input: Tensor, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each whole number occurs."""
    import torch

    values = input.tolist()
    counts = [0] * max([minlength, *(value + 1 for value in values)])
    for value in values:
        counts[value] += 1
    return torch.tensor(counts, dtype=torch.int64)


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0) -> Tensor:
    """How far each row of the one is from each row of the other."""
    return (x1.unsqueeze(-2) - x2.unsqueeze(-3)).norm(p, -1)


def corrcoef(input: Tensor) -> Tensor:
    """The correlation of each row with each."""
    centred = input - input.mean(-1, keepdim=True)
    scaled = centred / centred.norm(dim=-1, keepdim=True)
    return scaled @ scaled.t() if input.dim() == 2 else (scaled * scaled).sum()


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (allclose, bincount, cdist, corrcoef, equal, isclose, isin, norm, std, unique, var)
}
