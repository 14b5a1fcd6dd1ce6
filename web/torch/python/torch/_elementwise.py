"""Operations on each element: how operands are broadcast and promoted, and the gradients of the functions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import _kernels
from torch import _dtypes
from torch._storage import broadcast_shapes, broadcast_strides, is_contiguous, memory_order, text
from torch._tensor import Tensor, fresh, record


def order_of(shape: Sequence[int], tensors: Sequence[Tensor]) -> tuple[int, ...] | None:
    """The strides of the result of an operation on these tensors; None for row by row."""
    if all(tensor.shape == shape and is_contiguous(shape, tensor._strides) for tensor in tensors):
        return None
    return memory_order(shape, [broadcast_strides(tensor.shape, tensor._strides, shape) for tensor in tensors])


def unary(name: str, a: Tensor, dtype: _dtypes.dtype | None = None) -> Tensor:
    """A kernel's function of each element."""
    kind = dtype or a.dtype
    if a._storage is None:
        return Tensor(None, a.shape, dtype=kind)
    strides = order_of(a.shape, [a])
    handle = _kernels.unary(name, a.view_handle(), kind.name, text(strides or ()))
    return fresh(handle, kind, a.shape, strides)


def _operand(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.view_handle()
    return float(value) if isinstance(value, float) else int(value)


def binary(name: str, a: Any, b: Any, dtype: _dtypes.dtype | None = None) -> Tensor:
    """A kernel's function of two elements; either operand may be a number."""
    kind = dtype or _dtypes.result_type(a, b)
    tensors = [operand for operand in (a, b) if isinstance(operand, Tensor)]
    shape = tensors[0].shape if len(tensors) == 1 or tensors[0].shape == tensors[1].shape else None
    if shape is None:
        shape = broadcast_shapes(*(tensor.shape for tensor in tensors))
    if any(tensor._storage is None for tensor in tensors):
        return Tensor(None, shape, dtype=kind)
    strides = order_of(shape, tensors)
    return fresh(_kernels.binary(name, _operand(a), _operand(b), kind.name, text(strides or ())), kind, shape, strides)


def cast(a: Tensor, dtype: _dtypes.dtype) -> Tensor:
    """A copy in this dtype."""
    from torch._missing import missing

    if not dtype.computed:
        raise missing(repr(dtype))
    if a._storage is None:
        return Tensor(None, a.shape, dtype=dtype)
    strides = order_of(a.shape, [a])
    return fresh(_kernels.cast(a.view_handle(), dtype.name, text(strides or ())), dtype, a.shape, strides)


def sum_to(gradient: Any, operand: Any) -> Any:
    """The gradient of an operand that was broadcast: summed over the axes along which it was repeated."""
    if not isinstance(operand, Tensor):
        return None
    if gradient.shape != operand.shape:
        extra = gradient.dim() - operand.dim()
        axes = [*range(extra)]
        axes += [extra + dim for dim, length in enumerate(operand.shape) if length == 1 != gradient.shape[extra + dim]]
        gradient = gradient.sum(axes, keepdim=True) if axes else gradient
        gradient = gradient.reshape(operand.shape)
    return gradient if gradient.dtype == operand.dtype else gradient.to(operand.dtype)


def floating(dtype: _dtypes.dtype) -> _dtypes.dtype:
    """What a function such as `exp` makes of integers."""
    return dtype if dtype.is_floating_point else _dtypes.default


Derivative = Callable[[Tensor, Tensor, Tensor], Tensor]

DERIVATIVES: dict[str, tuple[str, Derivative]] = {
    # the gradient from (that of the result, the input, the result), and which of the two is saved
    "acos": ("self", lambda g, a, r: -g * (1 - a * a).rsqrt()),
    "asin": ("self", lambda g, a, r: g * (1 - a * a).rsqrt()),
    "atan": ("self", lambda g, a, r: g / (1 + a * a)),
    "cos": ("self", lambda g, a, r: -g * a.sin()),
    "cosh": ("self", lambda g, a, r: g * a.sinh()),
    "erf": ("self", lambda g, a, r: g * (-a * a).exp() * 1.1283791670955126),
    "exp": ("result", lambda g, a, r: g * r),
    "expm1": ("result", lambda g, a, r: g * (r + 1)),
    "log": ("self", lambda g, a, r: g / a),
    "log10": ("self", lambda g, a, r: g / (a * 2.302585092994046)),
    "log1p": ("self", lambda g, a, r: g / (a + 1)),
    "log2": ("self", lambda g, a, r: g / (a * 0.6931471805599453)),
    "reciprocal": ("result", lambda g, a, r: -g * r * r),
    "rsqrt": ("result", lambda g, a, r: -0.5 * g * r * r * r),
    "sigmoid": ("result", lambda g, a, r: chained("sigmoid_backward", g, r)),
    "sin": ("self", lambda g, a, r: g * a.cos()),
    "sinh": ("self", lambda g, a, r: g * a.cosh()),
    "sqrt": ("result", lambda g, a, r: g / (2 * r)),
    "tan": ("result", lambda g, a, r: g * (1 + r * r)),
    "tanh": ("result", lambda g, a, r: chained("tanh_backward", g, r)),
}


def chained(name: str, gradient: Tensor, result: Tensor) -> Tensor:
    """The gradient of tanh, sigmoid or relu from their result: one kernel, or operations that are recorded."""
    if not (gradient.requires_grad or result.requires_grad):
        return binary(name, gradient, result)
    factor = {"tanh_backward": lambda: 1 - result * result, "sigmoid_backward": lambda: (1 - result) * result}
    return gradient * factor[name]() if name in factor else gradient * (result > 0)


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_")) + "Backward0"


def _function(name: str) -> Callable[[Tensor], Tensor]:
    saved, derivative = DERIVATIVES[name]

    def function(input: Tensor) -> Tensor:
        from torch._arguments import tensor_argument

        tensor_argument(name, "input", 1, input)
        result = unary(name, input, floating(input.dtype))
        keep = (input,) if saved == "self" else (result,)
        return record(result, _camel(name), (input,), lambda g: derivative(g, input, result), keep)

    function.__name__ = name
    return function


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(x, 0)"""
    from torch._arguments import tensor_argument

    tensor_argument("relu", "input", 1, input)
    result = unary("relu", input)
    return record(result, "ReluBackward0", (input,), lambda g: chained("relu_backward", g, result), (result,))


def abs(input: Tensor) -> Tensor:
    """The magnitude of each element."""
    return record(unary("abs", input), "AbsBackward0", (input,), lambda g: g * input.sign(), (input,))


def neg(input: Tensor) -> Tensor:
    """-x"""
    if input.dtype is _dtypes.bool_:
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, "
            "use the `~` or `logical_not()` operator instead."
        )
    return record(unary("neg", input), "NegBackward0", (input,), lambda g: -g)


def square(input: Tensor) -> Tensor:
    """x ** 2"""
    return input**2


def _step(name: str, backward: str) -> Callable[[Tensor], Tensor]:
    """A function whose gradient is 0."""

    def function(input: Tensor) -> Tensor:
        result = unary(name, input) if input.dtype.is_floating_point else input.clone()
        return record(result, backward, (input,), lambda g: g * 0)

    function.__name__ = name
    return function


def round(input: Tensor, *, decimals: int = 0) -> Tensor:
    """To the nearest number with so many decimals; half goes to the even one."""
    if not input.dtype.is_floating_point:
        return input.clone()
    scale = 10 ** builtin_abs(decimals)
    if decimals > 0:
        result = binary("div", unary("round", binary("mul", input, scale)), scale)
    elif decimals < 0:
        result = binary("mul", unary("round", binary("div", input, scale)), scale)
    else:
        result = unary("round", input)
    return record(result, f"RoundBackward{int(decimals != 0)}", (input,), lambda g: g * 0)


builtin_abs = __builtins__["abs"] if isinstance(__builtins__, dict) else __builtins__.abs


def _test(name: str) -> Callable[[Tensor], Tensor]:
    def function(input: Tensor) -> Tensor:
        return unary(name, input, _dtypes.bool_)

    function.__name__ = name
    return function


def bitwise_not(input: Tensor) -> Tensor:
    """~x: of a bool, the other one."""
    if input.dtype.is_floating_point:
        raise NotImplementedError(f"\"bitwise_not_cpu\" not implemented for '{input.dtype.legacy}'")
    return unary("logical_not" if input.dtype is _dtypes.bool_ else "bitwise_not", input)


def softplus(input: Tensor, beta: float = 1, threshold: float = 20) -> Tensor:
    """log(1 + exp(x))"""
    result = unary("softplus", input)
    return record(result, "SoftplusBackward0", (input,), lambda g: g * input.sigmoid(), (input,))


def sign(input: Tensor) -> Tensor:
    """-1, 0 or 1"""
    return record(unary("sign", input), "SignBackward0", (input,), lambda g: g * 0)


FUNCTIONS: dict[str, Callable[..., Any]] = {name: _function(name) for name in DERIVATIVES}
FUNCTIONS |= {name: _step(name, f"{name.capitalize()}Backward0") for name in ("ceil", "floor", "trunc")}
FUNCTIONS |= {name: _test(name) for name in ("isfinite", "isinf", "isnan", "logical_not")}
FUNCTIONS |= {
    "abs": abs,
    "absolute": abs,
    "bitwise_not": bitwise_not,
    "neg": neg,
    "negative": neg,
    "relu": relu,
    "round": round,
    "sign": sign,
    "square": square,
}
