"""What the course's package asks of PyTorch's inside."""

from __future__ import annotations

from typing import Any

from torch.random import Generator

__all__ = ["Generator"]


class _functorch:
    """Wrapped tensors, of which there are none here."""

    @staticmethod
    def is_functorch_wrapped_tensor(_: Any) -> bool:
        """False."""
        return False
