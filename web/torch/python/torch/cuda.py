"""`torch.cuda`: there is no GPU."""

from __future__ import annotations

from typing import Any


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0"""
    return 0


def manual_seed(_: int) -> None:
    """Accepted, to no effect."""


def manual_seed_all(_: int) -> None:
    """Accepted, to no effect."""


def __getattr__(name: str) -> Any:
    from torch._missing import missing

    raise missing(f"torch.cuda.{name}")
