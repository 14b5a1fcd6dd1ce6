"""`torch.linalg`: norms, and the eigenvalues of a small matrix."""

from __future__ import annotations

from typing import Any

from torch._missing import missing
from torch._tensor import Tensor


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False) -> Tensor:
    """The 2-norm of all elements or over some axes."""
    return A.norm(2 if ord is None else ord, dim, keepdim)


vector_norm = norm


def eigvals(_: Tensor) -> Any:
    """Not here: they are complex."""
    raise missing("torch.linalg.eigvals")


def __getattr__(name: str) -> Any:
    raise missing(f"torch.linalg.{name}")
