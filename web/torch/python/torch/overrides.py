"""`TorchFunctionMode`: who is asked before the functions that can be overridden here are called.

These are the layers' and packing's inner functions, as `torch._VF` has them.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

_modes: list[Any] = []


class TorchFunctionMode:
    """While it is open, its `__torch_function__` is called in place of the function."""

    def __enter__(self) -> TorchFunctionMode:
        _modes.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _modes.remove(self)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return func(*args, **(kwargs or {}))


def overridable(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that the open modes are asked about."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if not _modes:
            return function(*args, **kwargs)
        mode = _modes.pop()
        try:
            return mode.__torch_function__(wrapper, (), args, kwargs)
        finally:
            _modes.append(mode)

    return wrapper
