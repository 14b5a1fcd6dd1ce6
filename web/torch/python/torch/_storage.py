"""Memory that several tensors may look at, and what is said of shapes and strides."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import _kernels
from torch._dtypes import dtype
from torch._missing import missing

_next_address = [0x5581_0000_0000]


class Storage:
    """An array of numbers, which a kernel keeps; `handle` is the kernel's view of all of it, row by row."""

    __slots__ = ("address", "dtype", "handle", "shape", "size")

    def __init__(self, handle: Any, kind: dtype, shape: tuple[int, ...]) -> None:
        self.handle, self.dtype, self.shape, self.size = handle, kind, shape, prod(shape)
        self.address = _next_address[0]
        _next_address[0] += 64 + self.size * kind.itemsize // 64 * 64

    def data_ptr(self) -> int:
        """The address of its beginning."""
        return self.address

    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.size


def text(numbers: Sequence[int]) -> str:
    """A shape or strides as the kernels read them."""
    return ",".join(map(str, numbers))


def full(shape: Sequence[int], value: float, kind: dtype) -> Storage:
    """Memory for this shape, filled."""
    if not kind.computed:
        raise missing(repr(kind))
    return Storage(_kernels.full(kind.name, text(shape), value), kind, tuple(shape))


def contiguous_strides(shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor that is in memory row by row."""
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= max(length, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements, row by row, are a run of the memory."""
    expected = 1
    for length, stride in zip(reversed(shape), reversed(strides), strict=True):
        if length == 0:
            return True
        if length != 1:
            if stride != expected:
                return False
            expected *= length
    return True


def is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    """Whether the elements, in some order, are a run of the memory and no two are the same."""
    expected = 1
    for stride, length in sorted(zip(strides, shape, strict=True)):
        if length > 1:
            if stride != expected:
                return False
            expected *= length
    return True


def memory_order(shape: Sequence[int], operands: Sequence[Sequence[int]]) -> tuple[int, ...] | None:
    """The strides that an operation gives its result, after those of its operands; None for row by row.

    As at::TensorIterator orders the axes: the one with the smallest strides is innermost.
    """
    order = list(reversed(range(len(shape))))
    for i in range(1, len(order)):
        place = i
        for other in reversed(range(i)):
            compared = _compare(shape, operands, order[other], order[place])
            if compared > 0:
                order[other], order[place] = order[place], order[other]
                place = other
            elif compared < 0:
                break
    strides, step = [0] * len(shape), 1
    for dim in order:
        strides[dim] = step
        step *= max(shape[dim], 1)
    result = tuple(strides)
    return None if result == contiguous_strides(shape) else result


def _compare(shape: Sequence[int], operands: Sequence[Sequence[int]], one: int, other: int) -> int:
    for strides in operands:
        if strides[one] == 0 or strides[other] == 0:
            continue
        if strides[one] != strides[other]:
            return -1 if strides[one] < strides[other] else 1
        if shape[one] > shape[other]:
            return 1
    return 0


def broadcast_strides(own: Sequence[int], strides: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
    """The strides of a tensor of the shape `own` that is repeated to `shape`."""
    missing_axes = len(shape) - len(own)
    return (0,) * missing_axes + tuple(
        0 if length == 1 and shape[missing_axes + dim] != 1 else stride
        for dim, (length, stride) in enumerate(zip(own, strides, strict=True))
    )


def broadcast_shapes(*shapes: Sequence[int]) -> tuple[int, ...]:
    """The shape that all of them are broadcast to.

    Raises:
        RuntimeError: there is none; the text is PyTorch's of two tensors.
    """
    result: list[int] = []
    for shape in shapes:
        result = [1] * (len(shape) - len(result)) + result
        for place in range(1, len(shape) + 1):
            one, other = result[-place], shape[-place]
            if one != other and 1 not in (one, other):
                dim = len(result) - place
                raise RuntimeError(
                    f"The size of tensor a ({one}) must match the size of tensor b ({other}) "
                    f"at non-singleton dimension {dim}"
                )
            result[-place] = other if one == 1 else one
    return tuple(result)
