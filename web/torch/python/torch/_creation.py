"""Tensors from shapes, numbers and lists."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence
from typing import Any

import _kernels
from torch import _dtypes
from torch._missing import missing
from torch._size import sizes
from torch._storage import Storage, text
from torch._storage import full as filled
from torch._tensor import Tensor, as_device

MAX_RANK = 64


def _made(
    shape: Sequence[int], value: float, dtype: Any, device: Any, requires_grad: bool, name: str = "full"
) -> Tensor:
    kind = dtype or _dtypes.default
    for length in shape:
        if length < 0:
            raise RuntimeError(f"{name}: Dimension size must be non-negative.")
    if as_device(device).type == "meta":
        result = Tensor(None, shape, dtype=kind)
    else:
        result = Tensor(filled(shape, value, kind), shape)
    if requires_grad and not kind.is_floating_point:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if requires_grad:
        result.requires_grad = True
    return result


def _creator(name: str, value: float) -> Callable[..., Tensor]:
    def function(
        *size: Any,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        layout: Any = None,
        pin_memory: bool = False,
        memory_format: Any = None,
        out: Any = None,
    ) -> Tensor:
        return _made(_lengths(name, size), value, dtype, device, requires_grad, name)

    function.__name__ = name
    return function


def _lengths(name: str, size: tuple[Any, ...]) -> tuple[int, ...]:
    if len(size) == 1 and isinstance(size[0], float):
        raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not float")
    for each in size if len(size) != 1 or not isinstance(size[0], (tuple, list)) else size[0]:
        if isinstance(each, float):
            if len(size) == 1 and isinstance(size[0], (tuple, list)):
                raise TypeError(
                    f"{name}(): argument 'size' failed to unpack the object at pos 1 with error \"type must be tuple of "
                    'ints,but got float"'
                )
            raise TypeError(
                f"{name}(): argument 'size' (position 1) must be tuple of ints, but found element of type float at pos 0"
            )
    return sizes(size)


def _like(value: float | None, random: str | None = None) -> Callable[..., Tensor]:
    def function(
        input: Tensor,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        memory_format: Any = None,
        layout: Any = None,
        pin_memory: bool = False,
    ) -> Tensor:
        where = input.device if device is None else device
        result = _made(input.shape, value or 0, dtype or input.dtype, where, False)
        from torch._elementwise import order_of

        strides = order_of(input.shape, [input])
        if strides is not None:
            result = Tensor(result._storage, input.shape, strides, dtype=result.dtype)
        if random is not None:
            getattr(result, random)()
        if requires_grad:
            result.requires_grad = True
        return result

    return function


def full(size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """One number in each element."""
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    return _made(sizes((size,)), value, dtype or _dtypes.of_number(value), device, requires_grad)


def full_like(
    input: Tensor, fill_value: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """One number in each element, in the shape and dtype of `input`."""
    return full(
        input.shape,
        fill_value,
        dtype=dtype or input.dtype,
        device=input.device if device is None else device,
        requires_grad=requires_grad,
    )


def from_numbers(values: Sequence[float], shape: Sequence[int], dtype: _dtypes.dtype) -> Tensor:
    """The numbers, row by row, in this shape."""
    from pyodide.ffi import to_js

    if not dtype.computed:
        raise missing(repr(dtype))
    handle = _kernels.fromList(dtype.name, text(shape), to_js(array("d", values)))
    return Tensor(Storage(handle, dtype, tuple(shape)), shape)


def _shape_of(data: Any) -> list[int]:
    shape: list[int] = []
    while isinstance(data, (list, tuple, range)) or (isinstance(data, Tensor) and data.dim()):
        shape.append(len(data))
        if len(shape) > MAX_RANK:
            raise ValueError("too many dimensions")
        if not len(data):
            break
        data = data[0]
    return shape


def _collect(data: Any, shape: Sequence[int], dim: int, values: list[Any]) -> None:
    if dim == len(shape):
        if isinstance(data, Tensor) and data.numel() == 1:
            data = data.item()
        elif isinstance(data, Tensor):
            raise TypeError("only integer tensors of a single element can be converted to an index")
        if isinstance(data, (list, tuple)):
            raise TypeError(f"must be real number, not {type(data).__name__}")
        if isinstance(data, str):
            raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
        if not isinstance(data, (int, float)):
            if hasattr(data, "__float__"):
                data = float(data)
            else:
                raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")
        values.append(data)
        return
    if isinstance(data, Tensor):
        data = data.tolist()
    if not isinstance(data, (list, tuple, range)):
        raise TypeError("not a sequence")
    if len(data) != shape[dim]:
        raise ValueError(f"expected sequence of length {shape[dim]} at dim {dim} (got {len(data)})")
    for each in data:
        _collect(each, shape, dim + 1, values)


def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A tensor of the numbers of nested lists."""
    if isinstance(data, Tensor):
        import warnings

        warnings.warn(
            "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
            "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor).",
            stacklevel=2,
        )
        result = data.detach().clone() if dtype is None else data.detach().to(dtype, copy=True)
        return result.requires_grad_() if requires_grad else result
    if hasattr(data, "tolist") and hasattr(data, "dtype"):
        dtype = dtype or getattr(_dtypes, str(data.dtype).replace("bool", "bool_"), None)
        data = data.tolist()
    shape = _shape_of(data)
    values: list[Any] = []
    if 0 not in shape:
        _collect(data, shape, 0, values)
    kind = dtype or _inferred(values)
    if as_device(device).type == "meta":
        result = Tensor(None, shape, dtype=kind)
    else:
        result = from_numbers(_converted(values, kind), shape, kind)
    if requires_grad and not kind.is_floating_point:
        raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
    if requires_grad:
        result.requires_grad = True
    return result


def _inferred(values: Sequence[Any]) -> _dtypes.dtype:
    if not values or any(type(value) is float for value in values):
        return _dtypes.default
    return _dtypes.bool_ if all(type(value) is bool for value in values) else _dtypes.int64


def _converted(values: Sequence[Any], kind: _dtypes.dtype) -> Sequence[float]:
    if kind is _dtypes.bool_:
        return [float(bool(value)) for value in values]
    if not kind.is_floating_point:
        for value in values:
            if isinstance(value, float) and not math.isfinite(value):
                raise ValueError(f"cannot convert float {'NaN' if math.isnan(value) else 'infinity'} to integer")
        return [int(value) for value in values]
    return values


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` itself where it is a tensor of this dtype, or else a tensor of it."""
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype)
    return tensor(data, dtype=dtype, device=device)


def arange(
    start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """The numbers from `start` (0) to below `end`."""
    if end is None:
        start, end = 0, start
    start, end, step = (each.item() if isinstance(each, Tensor) else each for each in (start, end, step))
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    kind = dtype or (_dtypes.int64 if all(isinstance(each, int) for each in (start, end, step)) else _dtypes.default)
    count = math.ceil((end - start) / step)
    return _placed(
        from_numbers([start + place * step for place in range(count)], (count,), kind), device, requires_grad
    )


def _placed(result: Tensor, device: Any, requires_grad: bool) -> Tensor:
    if as_device(device).type == "meta":
        result = Tensor(None, result.shape, dtype=result.dtype)
    if requires_grad:
        result.requires_grad = True
    return result


def linspace(
    start: Any, end: Any, steps: int, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """So many numbers from `start` to `end`, both included."""
    gap = (end - start) / (steps - 1) if steps > 1 else 0
    half = steps // 2
    values = [start + gap * place if place < half else end - gap * (steps - 1 - place) for place in range(steps)]
    values = values if steps != 1 else [start]
    return _placed(from_numbers(values, (steps,), dtype or _dtypes.default), device, requires_grad)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """1 on the diagonal, 0 elsewhere."""
    columns = n if m is None else m
    values = [float(row == column) for row in range(n) for column in range(columns)]
    return _placed(from_numbers(values, (n, columns), dtype or _dtypes.default), device, requires_grad)


def from_numpy(values: Any) -> Tensor:
    """A tensor of an array's numbers; here a copy."""
    return tensor(values)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (arange, as_tensor, eye, from_numpy, full, full_like, linspace, tensor)
}
FUNCTIONS |= {name: _creator(name, value) for name, value in (("empty", 0), ("ones", 1), ("zeros", 0))}
FUNCTIONS |= {"empty_like": _like(0), "ones_like": _like(1), "zeros_like": _like(0)}
FUNCTIONS |= {"rand_like": _like(0, "uniform_"), "randn_like": _like(0, "normal_")}
