"""`no_grad` and its like: context managers that are decorators too."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

_enabled = True


def is_grad_enabled() -> bool:
    """Whether operations are recorded."""
    return _enabled


def _set(mode: bool) -> None:
    global _enabled
    _enabled = mode


class _Mode:
    mode = True

    def __init__(self) -> None:
        self._before: list[bool] = []

    def __enter__(self) -> None:
        self._before.append(_enabled)
        _set(self.mode)

    def __exit__(self, *_: object) -> None:
        _set(self._before.pop())

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):

            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                with type(self)():
                    yield from function(*args, **kwargs)

            return generator

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return wrapper


class no_grad(_Mode):
    """`with torch.no_grad():` nothing is recorded."""

    mode = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        made = super().__new__(cls)
        if function is None:
            return made
        made._before = []
        return made(function)

    def __init__(self, function: Callable[..., Any] | None = None) -> None:
        super().__init__()


class inference_mode(no_grad):
    """As `no_grad`: what it makes is not told apart from other tensors here."""

    def __new__(cls, mode: Any = True) -> Any:
        return super().__new__(cls, mode if callable(mode) else None)

    def __init__(self, mode: Any = True) -> None:
        super().__init__()


class enable_grad(no_grad):
    """`with torch.enable_grad():` operations are recorded again."""

    mode = True


class set_grad_enabled(_Mode):
    """`torch.set_grad_enabled(mode)`: acts at once, and is undone at the end of a `with`."""

    def __init__(self, mode: bool) -> None:
        self._before = [_enabled]
        self.mode = mode
        _set(mode)

    def __enter__(self) -> None:
        _set(self.mode)
