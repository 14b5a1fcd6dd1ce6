"""`torch.optim`: `SGD`, `Adam`, `AdamW`, `RMSprop`, in PyTorch's order of operations."""

from __future__ import annotations

from typing import Any

from torch._missing import missing
from torch.optim import lr_scheduler
from torch.optim.algorithms import SGD, Adagrad, Adam, AdamW, RMSprop
from torch.optim.optimizer import Optimizer

__all__ = ["SGD", "Adagrad", "Adam", "AdamW", "Optimizer", "RMSprop", "lr_scheduler"]


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'torch.optim' has no attribute '{name}'")
    raise missing(f"torch.optim.{name}")
