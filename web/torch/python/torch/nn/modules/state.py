"""A module's state: collected into a dict, and loaded from one, with what PyTorch says where they do not fit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch._tensor import Tensor


def collect(module: Any, prefix: str, keep_vars: bool) -> dict[str, Any]:
    """All parameters and buffers by name."""
    result: OrderedDict[str, Any] = OrderedDict()
    for path, inner in module.named_modules(prefix=prefix.removesuffix("."), remove_duplicate=False):
        start = f"{path}." if path else ""
        for name, value in _own(inner):
            result[start + name] = value if keep_vars else value.detach()
    return result


def _own(module: Any) -> list[tuple[str, Any]]:
    kept = [*module._parameters.items()]
    kept += [pair for pair in module._buffers.items() if pair[0] not in module._non_persistent_buffers_set]
    return [(name, value) for name, value in kept if value is not None]


def load(module: Any, state: Mapping[str, Any], assign: bool) -> tuple[list[str], list[str], list[str]]:
    """Copy what fits; the names that are missing and that are too many, and what does not fit."""
    missing, problems = [], []
    known = set()
    for path, inner in module.named_modules(remove_duplicate=False):
        start = f"{path}." if path else ""
        for name, value in _own(inner):
            key = start + name
            known.add(key)
            if key not in state:
                missing.append(key)
                continue
            problem = _copied(inner, name, key, value, state[key], assign)
            problems += [problem] * bool(problem)
    return missing, [key for key in state if key not in known], problems


def _copied(module: Any, name: str, key: str, value: Tensor, given: Any, assign: bool) -> str:
    if not isinstance(given, Tensor):
        return (
            f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
            f"but received {type(given)}"
        )
    if given.shape != value.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in current "
            f"model is {value.shape}."
        )
    with torch.no_grad():
        if assign:
            setattr(module, name, given if isinstance(given, torch.nn.Parameter) else torch.nn.Parameter(given))
        else:
            value.copy_(given)
    return ""
