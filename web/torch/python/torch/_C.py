"""What the course's package asks of PyTorch's inside."""

from __future__ import annotations

from typing import Any

from torch.random import Generator

__all__ = ["Generator"]


class DisableTorchFunction:
    """While it is open, subclasses of tensors are not asked: there are none here that would be."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass


class _functorch:
    """Wrapped tensors, of which there are none here."""

    @staticmethod
    def is_functorch_wrapped_tensor(_: Any) -> bool:
        """False."""
        return False
