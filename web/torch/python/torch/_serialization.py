"""`torch.save` and `torch.load`, to and from a file of the page's own Python: pickled, as a state that only this page reads."""

from __future__ import annotations

import io
import pickle
from typing import Any

from torch import _dtypes
from torch._tensor import Tensor


def _rebuilt(values: list[float], shape: tuple[int, ...], dtype: str, requires_grad: bool, kind: type) -> Tensor:
    from torch._creation import from_numbers

    result = from_numbers(values, shape, getattr(_dtypes, "bool_" if dtype == "bool" else dtype))
    result.__class__ = kind
    result.requires_grad = requires_grad
    return result


def reduce(self: Tensor, _: int = 2) -> Any:
    """How a tensor is pickled: its numbers."""
    return _rebuilt, (self.numbers(), tuple(self.shape), self.dtype.name, self._leaf_requires_grad, type(self))


def save(obj: Any, f: Any) -> None:
    """Write an object, with its tensors, to a file."""
    if isinstance(f, str) or hasattr(f, "__fspath__"):
        with open(f, "wb") as file:
            pickle.dump(obj, file)
    else:
        pickle.dump(obj, f)


def load(f: Any, map_location: Any = None, weights_only: bool = True, **_: Any) -> Any:
    """Read what `save` wrote."""
    if isinstance(f, str) or hasattr(f, "__fspath__"):
        with open(f, "rb") as file:
            return pickle.load(io.BytesIO(file.read()))
    return pickle.load(f)


Tensor.__reduce_ex__ = reduce  # type: ignore[method-assign]
