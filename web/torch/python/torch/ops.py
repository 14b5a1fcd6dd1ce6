"""`torch.ops`: not here."""

from __future__ import annotations

from typing import Any

from torch._missing import missing


def __getattr__(name: str) -> Any:
    raise missing(f"torch.ops.{name}")
