"""`torch.Size`, and axes as they are written: negative ones count from the end."""

from __future__ import annotations

from math import prod
from typing import Any


class Size(tuple):
    """A shape: a tuple that prints as `torch.Size([2, 3])`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"torch.Size([{', '.join(map(str, self))}])"

    def numel(self) -> int:
        """The product of the lengths."""
        return prod(self)

    def __getitem__(self, index: Any) -> Any:
        part = super().__getitem__(index)
        return Size(part) if isinstance(index, slice) else part

    def __add__(self, other: Any) -> Any:
        return Size(super().__add__(tuple(other)))

    def __radd__(self, other: Any) -> Any:
        return Size((*other, *self))

    def __mul__(self, count: int) -> Any:
        return Size(super().__mul__(count))


def wrap_dim(dim: int, rank: int) -> int:
    """The axis `dim` of a tensor with `rank` axes, counted from 0.

    Raises:
        IndexError: there is no such axis.
    """
    last = max(rank, 1)
    if not -last <= dim < last:
        raise IndexError(
            f"Dimension out of range (expected to be in range of [{-last}, {last - 1}], but got {int(dim)})"
        )
    return int(dim) % last


def wrap_dims(dim: Any, rank: int) -> tuple[int, ...]:
    """One axis, several or (None or an empty tuple) all."""
    if dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0):
        return tuple(range(rank))
    dims = tuple(wrap_dim(each, rank) for each in (dim if isinstance(dim, (tuple, list)) else (dim,)))
    for each in dims:
        if dims.count(each) > 1:
            raise RuntimeError(f"dim {each} appears multiple times in the list of dims")
    return dims if rank else ()


def sizes(given: tuple[Any, ...]) -> tuple[int, ...]:
    """The lengths of `view(2, 3)`, `view((2, 3))` and `view(torch.Size([2, 3]))` alike."""
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = tuple(given[0])
    return tuple(int(length) for length in given)
