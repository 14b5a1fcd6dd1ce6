"""What is a method of a tensor and no function of torch: conversions, copies, Python's operators, changes in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import _kernels
from torch import _arithmetic, _dtypes, _elementwise, random
from torch._size import sizes
from torch._storage import broadcast_shapes, is_dense, text
from torch._storage import full as filled
from torch._tensor import Tensor, as_device, fresh, record, write


def number(self: Tensor) -> Any:
    """`int(self)` and `float(self)` before they are rounded."""
    if self.numel() != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return item(self)


def item(self: Tensor) -> Any:
    """Its only element as a number of Python's."""
    if self.numel() != 1:
        raise RuntimeError(f"a Tensor with {self.numel()} elements cannot be converted to Scalar")
    if self.is_meta:
        raise RuntimeError("Tensor.item() cannot be called on meta tensors")
    return _python(_kernels.item(self.view_handle()), self.dtype)


def _python(value: float, dtype: _dtypes.dtype) -> Any:
    if dtype is _dtypes.bool_:
        return bool(value)
    return float(value) if dtype.is_floating_point else int(value)


def tolist(self: Tensor) -> Any:
    """Its elements in nested lists."""
    values: list[Any] = self.numbers()
    if not self.dtype.is_floating_point:
        values = [_python(value, self.dtype) for value in values]
    if self.dim() == 0:
        return values[0]
    for length in reversed(self.shape[1:]):
        count = len(values) // length if length else self.numel() or 1
        values = [values[place * length : (place + 1) * length] for place in range(count)]
    return values if self.numel() else _empty(self.shape)


def _empty(shape: Any) -> list[Any]:
    return [_empty(shape[1:]) for _ in range(shape[0])] if shape else []


def clone(self: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy in memory of its own."""
    if memory_format is not None or self.is_meta:
        result = contiguous_copy(self)
    elif is_dense(self.shape, self._strides):
        handle = _kernels.cast(self.view_handle(), self.dtype.name, text(self._strides))
        result = fresh(handle, self.dtype, self.shape, self._strides)
    else:
        result = _elementwise.cast(self, self.dtype)
    return record(result, "CloneBackward0", (self,), lambda g: g)


def contiguous_copy(self: Tensor) -> Tensor:
    """A copy that is in memory row by row, outside the graph."""
    if self.is_meta:
        return Tensor(None, self.shape, dtype=self.dtype)
    return fresh(_kernels.cast(self.view_handle(), self.dtype.name, ""), self.dtype, self.shape)


def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """Itself where it is in memory row by row, or else such a copy."""
    return self if self.is_contiguous() else clone(self, memory_format="contiguous")


def to(self: Tensor, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False, **_: Any) -> Tensor:
    """In another dtype or on another device; itself where it is so already."""
    for given in args:
        if isinstance(given, _dtypes.dtype):
            dtype = given
        elif isinstance(given, Tensor):
            dtype, device = given.dtype, given.device
        elif not isinstance(given, bool) and given is not None:
            device = given
    place = self.device if device is None else as_device(device)
    kind = dtype or self.dtype
    if place.type != self.device.type:
        if place.type == "cpu":
            raise NotImplementedError("Cannot copy out of meta tensor; no data!")
        return record(Tensor(None, self.shape, dtype=kind), "ToCopyBackward0", (self,), lambda g: g)
    if kind is self.dtype:
        return clone(self) if copy else self
    result = _elementwise.cast(self, kind)
    if not kind.is_floating_point:
        return result
    own = self.dtype
    return record(result, "ToCopyBackward0", (self,), lambda g: g.to(own))


def type_(self: Tensor, dtype: Any = None) -> Any:
    """`torch.FloatTensor` and the like, or a conversion."""
    return f"torch.{self.dtype.legacy}Tensor" if dtype is None else to(self, dtype)


def _caster(dtype: _dtypes.dtype) -> Callable[[Tensor], Tensor]:
    return lambda self: to(self, dtype)


def cpu(self: Tensor) -> Tensor:
    """Itself: there is no other device with numbers here."""
    return to(self, device="cpu")


def cuda(self: Tensor, device: Any = None) -> Tensor:
    """An error: there is no GPU here."""
    return to(self, device="cuda")


def numpy(self: Tensor) -> Any:
    """Not here: the page has no numpy."""
    from torch._missing import missing

    if self.requires_grad:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead.")
    raise missing("Tensor.numpy")


def _new(fill: float | None) -> Callable[..., Tensor]:
    def function(
        self: Tensor, *size: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False
    ) -> Tensor:
        kind, shape = dtype or self.dtype, sizes(size)
        meta = self.is_meta if device is None else as_device(device).type == "meta"
        result = Tensor(None if meta else filled(shape, fill or 0, kind), shape, dtype=kind)
        if requires_grad:
            result.requires_grad = True
        return result

    return function


def new_full(self: Tensor, size: Any, fill_value: Any, *, dtype: Any = None, device: Any = None) -> Tensor:
    """One number in each element, in the dtype of this tensor."""
    kind, shape = dtype or self.dtype, sizes((size,))
    value = fill_value.item() if isinstance(fill_value, Tensor) else fill_value
    return Tensor(None if self.is_meta else filled(shape, value, kind), shape, dtype=kind)


def new_tensor(self: Tensor, data: Any, *, dtype: Any = None) -> Tensor:
    """A tensor of these numbers, in the dtype of this one."""
    import torch

    return torch.tensor(data, dtype=dtype or self.dtype)


def copy_(self: Tensor, src: Tensor, non_blocking: bool = False, *, assigned: bool = False) -> Tensor:
    """Write the numbers of `src`, broadcast, into this tensor."""
    try:
        fits = tuple(broadcast_shapes(src.shape, self.shape)) == tuple(self.shape)
    except RuntimeError:
        fits = False
    if not fits:
        own, other = list(self.shape), list(src.shape)
        if assigned and len(other) > len(own):
            words = f"value tensor of shape {other} cannot be broadcast to indexing result of shape {own}"
            raise RuntimeError(f"shape mismatch: {words}")
        raise _expansion(src, own)
    if self.is_meta or src.is_meta:
        return self

    def back(g: Tensor) -> tuple[Any, Any]:
        return None, _elementwise.sum_to(g, src)

    value = _elementwise.cast(src, self.dtype) if src.dtype != self.dtype else src.detach()
    return write(self, record(value.expand(self.shape).detach(), "CopyBackwards", (None, src), back))


def _expansion(src: Tensor, own: list[int]) -> RuntimeError:
    """What is said where the numbers have no place."""
    if len(src.shape) > len(own):
        return RuntimeError(
            f"expand(torch.{src.dtype.legacy}Tensor{{{list(src.shape)}}}, size={own}): the number of sizes provided "
            f"({len(own)}) must be greater or equal to the number of dimensions in the tensor ({src.dim()})"
        )
    extra = len(own) - src.dim()
    dim = next(d for d in reversed(range(extra, len(own))) if src.shape[d - extra] not in (1, own[d]))
    return RuntimeError(
        f"The expanded size of the tensor ({own[dim]}) must match the existing size ({src.shape[dim - extra]}) at "
        f"non-singleton dimension {dim}.  Target sizes: {own}.  Tensor sizes: {list(src.shape)}"
    )


def fill_(self: Tensor, value: Any) -> Tensor:
    """One number in each element."""
    number = value.item() if isinstance(value, Tensor) else value
    new = new_full(self, (), number).expand(self.shape)
    return write(self, record(new.detach(), "FillBackward0", (self,), lambda g: g * 0))


def zero_(self: Tensor) -> Tensor:
    """0 in each element."""
    new = new_full(self, (), 0).expand(self.shape)
    return write(self, record(new.detach(), "ZeroBackward0", (self,), lambda g: g * 0))


def uniform_(self: Tensor, from_: float = 0, to: float = 1, *, generator: Any = None, **names: float) -> Tensor:
    """Random numbers from `from` to below `to`."""
    low = names.get("from", names.get("a", from_))
    high = names.get("b", to)
    handle = random._kernel(generator).uniform(self.dtype.name, text(self.shape), low, high)
    return write(self, fresh(handle, self.dtype, self.shape))


def normal_(self: Tensor, mean: float = 0, std: float = 1, *, generator: Any = None) -> Tensor:
    """Random numbers of a normal distribution."""
    handle = random._kernel(generator).normal(self.dtype.name, text(self.shape), mean, std)
    return write(self, fresh(handle, self.dtype, self.shape))


def bernoulli_(self: Tensor, p: float = 0.5, *, generator: Any = None) -> Tensor:
    """1 with the probability p, or else 0."""
    return write(self, random.mask(self.shape, p, self.dtype))


def random_(self: Tensor, low: int = 0, high: Any = None, *, generator: Any = None) -> Tensor:
    """Random whole numbers."""
    low, high = (0, low or 2**24) if high is None else (low, high)
    return write(self, random.randint(low, high, self.shape, generator=generator).to(self.dtype))


def _in_place(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """`add_` from `add`."""

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        result = function(self, *args, **kwargs)
        if result.shape != self.shape:
            raise RuntimeError(
                f"output with shape {list(self.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )
        if result.dtype != self.dtype:
            _check_cast(result.dtype, self.dtype)
        return write(self, result)

    method.__name__ = f"{name}_"
    return method


def _check_cast(source: _dtypes.dtype, target: _dtypes.dtype) -> None:
    if (source.is_floating_point and not target.is_floating_point) or (
        target is _dtypes.bool_ and source is not _dtypes.bool_
    ):
        raise RuntimeError(f"result type {source.legacy} can't be cast to the desired output type {target.legacy}")


def squeeze_(self: Tensor, dim: Any = None) -> Tensor:
    """Drop axes of length 1 of the tensor itself."""
    return _reshaped(self, self.squeeze(dim))


def unsqueeze_(self: Tensor, dim: int) -> Tensor:
    """Give the tensor itself a new axis of length 1."""
    return _reshaped(self, self.unsqueeze(dim))


def _reshaped(self: Tensor, other: Tensor) -> Tensor:
    self.shape, self._strides, self._handle = other.shape, other._strides, None
    return self


def operator(function: Callable[..., Any], *, flipped: bool = False) -> Callable[[Tensor, Any], Any]:
    """A special method from a function of two operands; what is neither tensor nor number is left to the other one."""

    def method(self: Tensor, other: Any) -> Any:
        if not isinstance(other, (Tensor, int, float)):
            return NotImplemented
        return function(other, self) if flipped else function(self, other)

    return method


def compare(name: str) -> Callable[[Tensor, Any], Any]:
    """`==` and its like, which a string or None gives no answer of its own."""
    return operator(_arithmetic.FUNCTIONS[name])


def matmul_(self: Tensor, other: Any) -> Any:
    """`self @ other`"""
    from torch._linalg import matmul

    return matmul(self, other) if isinstance(other, Tensor) else NotImplemented


def invert(self: Tensor) -> Tensor:
    """`~self`"""
    if self.dtype.is_floating_point:
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return _elementwise.bitwise_not(self)


def truth(self: Tensor) -> bool:
    """`bool(self)`"""
    if self.numel() > 1:
        raise RuntimeError("Boolean value of Tensor with more than one value is ambiguous")
    if self.numel() == 0:
        raise RuntimeError("Boolean value of Tensor with no values is ambiguous")
    return bool(item(self))


def length(self: Tensor) -> int:
    """`len(self)`"""
    if self.dim() == 0:
        raise TypeError("len() of a 0-d tensor")
    return self.shape[0]


def iterate(self: Tensor) -> Iterator[Tensor]:
    """`iter(self)`: the indices of the first axis."""
    if self.dim() == 0:
        raise TypeError("iteration over a 0-d tensor")
    return iter(self.unbind(0))


def index(self: Tensor) -> int:
    """`operator.index(self)`"""
    if self.numel() != 1 or self.dtype.is_floating_point:
        raise TypeError("only integer tensors of a single element can be converted to an index")
    return int(item(self))


def contains(self: Tensor, element: Any) -> bool:
    """`element in self`"""
    return bool((self == element).any().item())


def formatted(self: Tensor, specification: str) -> str:
    """`f"{self:.4f}"`: of a tensor without axes, its number."""
    if self.dim() == 0 and not self.is_meta:
        return format(item(self), specification)
    return object.__format__(self, specification) if specification else str(self)
