"""`torch.func.functional_call`"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch._missing import missing


def functional_call(
    module: Any, parameter_and_buffer_dicts: Mapping[str, Any], args: Any = (), kwargs: Any = None, **_: Any
) -> Any:
    """The call of a module with these tensors in place of its own."""
    given = args if isinstance(args, tuple) else (args,)
    before = []
    for name, value in parameter_and_buffer_dicts.items():
        path, _, last = name.rpartition(".")
        owner = module.get_submodule(path)
        members = owner._parameters if last in owner._parameters else owner._buffers
        before.append((members, last, members[last]))
        members[last] = value
    try:
        return module(*given, **(kwargs or {}))
    finally:
        for members, last, value in reversed(before):
            members[last] = value


def __getattr__(name: str) -> Any:
    raise missing(f"torch.func.{name}")
