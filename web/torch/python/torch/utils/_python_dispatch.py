"""Modes that see every operation: there are none open here."""

from __future__ import annotations

from typing import Any


class TorchDispatchMode:
    """Not here: whoever opens one gets the sentence."""

    def __enter__(self) -> Any:
        from torch._missing import missing

        raise missing("torch.utils._python_dispatch.TorchDispatchMode")

    def __exit__(self, *_: object) -> None:
        pass


def _get_current_dispatch_mode_stack() -> list[Any]:
    return []
