"""`torch.nn`"""

from __future__ import annotations

from typing import Any

from torch._missing import missing
from torch.nn.parameter import Buffer, Parameter, UninitializedParameter

from torch.nn import init, utils  # isort: skip
from torch.nn.modules import *  # isort: skip
from torch.nn import functional, modules  # isort: skip

__all__ = ["Buffer", "Parameter", "UninitializedParameter", "functional", "init", "modules", "utils"]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'torch.nn' has no attribute '{name}'")
    raise missing(f"nn.{name}")
