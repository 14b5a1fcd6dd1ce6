"""`nn.Parameter`: a tensor that a module counts among its parameters."""

from __future__ import annotations

from typing import Any

from torch._tensor import Tensor


class Parameter(Tensor):
    """A leaf that requires a gradient."""

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        return super().__new__(cls)

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        import torch

        source = torch.empty(0) if data is None else data
        super().__init__(source._storage, source.shape, source._strides, source._offset, source.dtype)
        self._versions = source._versions
        self.requires_grad = requires_grad


Parameter.__module__ = "torch.nn.parameter"


class Buffer(Tensor):
    """A tensor that a module keeps in its state, and does not learn."""


class UninitializedParameter:
    """Not here."""
