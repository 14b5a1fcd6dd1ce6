"""`torch.backends`: what hardware libraries there are. None."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any


class cudnn:
    """NVIDIA's library, which is not here."""

    enabled, deterministic, benchmark, allow_tf32 = True, False, False, True

    @staticmethod
    def is_available() -> bool:
        """False."""
        return False

    @staticmethod
    @contextmanager
    def flags(*_: Any, **__: Any) -> Any:
        """Accepted, to no effect."""
        yield


class mkldnn:
    """oneDNN: the LSTM here answers as PyTorch's with it does."""

    @staticmethod
    def is_available() -> bool:
        """True, since errors and graphs are those of a PyTorch that has it."""
        return True
