"""Arithmetic and comparison of two operands, with gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import _kernels
from torch import _dtypes
from torch._elementwise import binary, floating, sum_to
from torch._storage import broadcast_shapes, text
from torch._tensor import Tensor, fresh, record


def _is_bool(*operands: Any) -> bool:
    return _dtypes.result_type(*operands) is _dtypes.bool_


def _saved(*pairs: tuple[Any, Any]) -> tuple[Tensor, ...]:
    """Of (tensor, other operand), the tensors that the gradient of the other one takes."""
    return tuple(one for one, other in pairs if isinstance(one, Tensor) and _requires(other))


def _requires(value: Any) -> bool:
    return isinstance(value, Tensor) and value.requires_grad


def _inputs(*operands: Any) -> tuple[Any, ...]:
    return tuple(operand if isinstance(operand, Tensor) else None for operand in operands)


def _grad(needed: Any, gradient: Callable[[], Tensor]) -> Any:
    return sum_to(gradient(), needed) if _requires(needed) else None


def add(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input + alpha * other"""
    if alpha != 1:
        other = binary("mul", other, alpha) if not _requires(other) else other * alpha
    name = "logical_or" if _is_bool(input, other) else "add"
    result = binary(name, input, other)
    return record(
        result,
        "AddBackward0",
        _inputs(input, other),
        lambda g: (_grad(input, lambda: g), _grad(other, lambda: g)),
    )


def sub(input: Any, other: Any, *, alpha: float = 1) -> Tensor:
    """input - alpha * other"""
    for operand in (input, other):
        if (isinstance(operand, Tensor) and operand.dtype is _dtypes.bool_) or isinstance(operand, bool):
            both = all(getattr(each, "dtype", None) is _dtypes.bool_ for each in (input, other))
            words = "two bool tensors" if both else "a bool tensor"
            fix = "`^` or `logical_xor()`" if both else "`~` or `logical_not()`"
            use = f"Use the {fix} operator instead." if both else ""
            aim = "" if both else f"If you are trying to invert a mask, use the {fix} operator instead."
            raise RuntimeError(f"Subtraction, the `-` operator, with {words} is not supported. {use}{aim}")
    if alpha != 1:
        other = other * alpha
    return _difference(input, other, "SubBackward0")


def _difference(input: Any, other: Any, name: str) -> Tensor:
    return record(
        binary("sub", input, other),
        name,
        _inputs(input, other),
        lambda g: (_grad(input, lambda: g), _grad(other, lambda: -g)),
    )


def rsub(input: Tensor, other: Any) -> Tensor:
    """other - input"""
    result = binary("sub", other, input)
    return record(result, "RsubBackward1", (input,), lambda g: -g)


def mul(input: Any, other: Any) -> Tensor:
    """input * other"""
    name = "logical_and" if _is_bool(input, other) else "mul"
    return record(
        binary(name, input, other),
        "MulBackward0",
        _inputs(input, other),
        lambda g: (_grad(input, lambda: g * other), _grad(other, lambda: g * input)),
        _saved((input, other), (other, input)),
    )


def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other, or with its fraction cut off (`trunc`) or rounded down (`floor`)."""
    if rounding_mode is not None:
        return _rounded(input, other, f"{rounding_mode}_divide")
    result = binary("div", input, other, floating(_dtypes.result_type(input, other)))
    return record(
        result,
        "DivBackward0",
        _inputs(input, other),
        lambda g: (_grad(input, lambda: g / other), _grad(other, lambda: -g * ((input / other) / other))),
        _saved((other, input), (input, other), (other, other)),
    )


def _rounded(input: Any, other: Any, name: str) -> Tensor:
    kind = _dtypes.result_type(input, other)
    if not kind.is_floating_point and _has_zero(other):
        raise RuntimeError("ZeroDivisionError")
    result = binary(name.replace("floor_", "floor_"), input, other, kind)
    return record(result, "DivBackward1", _inputs(input, other), lambda g: (g * 0, None))


def _has_zero(value: Any) -> bool:
    return bool((value == 0).any()) if isinstance(value, Tensor) else value == 0


def floor_divide(input: Any, other: Any) -> Tensor:
    """input // other"""
    return _rounded(input, other, "floor_divide")


def remainder(input: Any, other: Any) -> Tensor:
    """input % other, with the sign of `other`."""
    kind = _dtypes.result_type(input, other)
    if not kind.is_floating_point and _has_zero(other):
        raise RuntimeError("ZeroDivisionError")
    result = binary("remainder", input, other, kind)
    return record(result, "RemainderBackward0", _inputs(input, other), lambda g: (g, None))


def pow(input: Any, exponent: Any) -> Tensor:
    """input ** exponent"""
    if not isinstance(exponent, Tensor):
        if not input.dtype.is_floating_point and isinstance(exponent, int) and exponent < 0:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        result = binary("pow", input, exponent)
        return record(
            result,
            "PowBackward0",
            (input,),
            lambda g: g * (exponent * input ** (exponent - 1)) if exponent else g * 0,
            (input,),
        )
    result = binary("pow", input, exponent)
    return record(
        result,
        "PowBackward1",
        _inputs(input, exponent),
        lambda g: (
            _grad(input, lambda: g * exponent * input ** (exponent - 1)),
            _grad(exponent, lambda: g * result * (input.log() if isinstance(input, Tensor) else _log(input))),
        ),
        _inputs(input, exponent, result) if isinstance(input, Tensor) else (exponent, result),
    )


def _log(number: float) -> float:
    import math

    return math.log(number)


def _extreme(name: str) -> Callable[[Tensor, Tensor], Tensor]:
    def function(input: Tensor, other: Tensor) -> Tensor:
        wins = "gt" if name == "maximum" else "lt"

        def apply(g: Tensor) -> tuple[Any, Any]:
            share = binary(wins, input, other, g.dtype) + 0.5 * binary("eq", input, other, g.dtype)
            return _grad(input, lambda: g * share), _grad(other, lambda: g * (1 - share))

        result = binary(name, input, other)
        return record(result, f"{name.capitalize()}Backward0", (input, other), apply, (input, other))

    function.__name__ = name
    return function


def where(condition: Tensor, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition is true, `other` elsewhere."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    kind = _dtypes.result_type(input, other)
    one, two = (_as_tensor(each, kind) for each in (input, other))
    shape = broadcast_shapes(condition.shape, one.shape, two.shape)
    handles = (condition.view_handle(), one.view_handle(), two.view_handle())
    result = fresh(_kernels.where(*handles, kind.name, text(shape)), kind, shape)

    def apply(g: Tensor) -> tuple[Any, Any]:
        zero = g * 0 if g.requires_grad else g.new_zeros(())
        return _grad(input, lambda: where(condition, g, zero)), _grad(other, lambda: where(condition, zero, g))

    return record(result, "WhereBackward0", _inputs(input, other), apply)


def _as_tensor(value: Any, kind: _dtypes.dtype) -> Tensor:
    if isinstance(value, Tensor):
        return value
    return fresh(_kernels.full(kind.name, "", value), kind, ())


def clamp(input: Tensor, min: Any = None, max: Any = None) -> Tensor:
    """Each element, at least `min` and at most `max`."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    result = input
    kind = _dtypes.result_type(input, *(bound for bound in (min, max) if bound is not None))
    for bound, name in ((min, "maximum"), (max, "minimum")):
        if bound is not None:
            result = binary(name, result, bound, kind)

    def apply(g: Tensor) -> Any:
        inside = 1
        if min is not None:
            inside = inside * (input >= min)
        if max is not None:
            inside = inside * (input <= max)
        return g * inside

    tensors = any(isinstance(bound, Tensor) for bound in (min, max))
    return record(result, f"ClampBackward{int(not tensors) if not tensors else 0}", (input,), apply, (input,))


def _comparison(name: str) -> Callable[[Any, Any], Tensor]:
    def function(input: Any, other: Any) -> Tensor:
        return binary(name, input, other, _dtypes.bool_)

    function.__name__ = name
    return function


def _bitwise(name: str) -> Callable[[Any, Any], Tensor]:
    def function(input: Any, other: Any) -> Tensor:
        kind = _dtypes.result_type(input, other)
        if kind.is_floating_point:
            raise NotImplementedError(f"\"{name}_cpu\" not implemented for '{kind.legacy}'")
        return binary(name, input, other)

    function.__name__ = name
    return function


FUNCTIONS: dict[str, Callable[..., Any]] = {
    name: _comparison(name) for name in ("eq", "ne", "lt", "le", "gt", "ge", "logical_and", "logical_or", "logical_xor")
}
FUNCTIONS |= {name: _bitwise(name) for name in ("bitwise_and", "bitwise_or", "bitwise_xor")}
FUNCTIONS |= {name: _extreme(name) for name in ("maximum", "minimum")}
FUNCTIONS |= {
    "add": add,
    "clamp": clamp,
    "clip": clamp,
    "div": div,
    "divide": div,
    "floor_divide": floor_divide,
    "mul": mul,
    "multiply": mul,
    "pow": pow,
    "remainder": remainder,
    "rsub": rsub,
    "sub": sub,
    "subtract": sub,
    "true_divide": div,
    "where": where,
}
