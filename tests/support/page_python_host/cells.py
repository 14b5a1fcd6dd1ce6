r"""Run a cell as a notebook does, and write down what it prints, in the words of IPython.

>>> run_cell("print(1); 2", {})
{'text': '1\\n2', 'error': None}
"""

from __future__ import annotations

import ast
import inspect
import itertools
import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

WIDTH = 79
"""Columns of a value that IPython prints in one line."""

MAX_ITEMS = 1000
"""Items of a list that are printed."""

_numbers = itertools.count(1)


class _Stream:
    """Standard output or error, as a list of what was written."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write
        self.encoding = "utf-8"

    def flush(self) -> None:
        """Nothing waits."""

    def isatty(self) -> bool:
        """False."""
        return False


@contextmanager
def _streams(write: Callable[[str], None]) -> Iterator[None]:
    before = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = _Stream(write)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def run_cell(source: str, namespace: dict[str, Any], show: Callable[[Any], None] | None = None) -> dict[str, Any]:
    """Run the source in the namespace: what a notebook prints, and the error as `Type: message` (or None).

    `show` is given the last value, where there is one, once the cell has run: for what has more than a text.
    """
    namespace.setdefault("__name__", "__main__")
    name = f"<cell {next(_numbers)}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    written: list[str] = []
    with _streams(written.append):
        error = None
        try:
            value = _last_value(source, name, namespace)
            if value is not None:
                namespace["_"] = value
                written.append(pretty(value))
                if show is not None:
                    show(value)
        except BaseException as raised:
            error = raised
            sys.last_value = raised
    return {"text": "".join(written), "error": None if error is None else _one_line(error)}


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def _last_value(source: str, name: str, namespace: dict[str, Any]) -> Any:
    """Run the cell; the value of its last line, where that is an expression without a semicolon behind it."""
    tree = ast.parse(source, name)
    shown = bool(tree.body) and isinstance(tree.body[-1], ast.Expr) and not source.rstrip().endswith(";")
    last = tree.body.pop() if shown else None
    exec(compile(tree, name, "exec"), namespace)
    if not isinstance(last, ast.Expr):
        return None
    return eval(compile(ast.Expression(last.value), name, "eval"), namespace)


def pretty(value: Any, indent: int = 0, seen: tuple[int, ...] = ()) -> str:
    """The value as IPython prints it: containers over several lines where one is too short."""
    kind = type(value)
    if isinstance(value, type):
        return value.__qualname__ if value.__module__ == "builtins" else f"{value.__module__}.{value.__qualname__}"
    if inspect.isfunction(value):
        return f"<function {value.__module__}.{value.__qualname__}{inspect.signature(value)}>"
    brackets = next(
        (pair for base, pair in BRACKETS.items() if isinstance(value, base) and kind.__repr__ is base.__repr__), None
    )
    if brackets is None or not value:
        lines = repr(value).splitlines() or [""]
        return f"\n{' ' * indent}".join(lines)
    if id(value) in seen:
        return f"{brackets[0]}...{brackets[1]}"
    inside = (*seen, id(value))
    inner = indent + len(brackets[0])
    if isinstance(value, dict):
        parts = []
        for key, item in list(value.items())[:MAX_ITEMS]:
            start = pretty(key, inner, inside) + ": "
            parts.append(start + pretty(item, inner + len(start), inside))
    else:
        items = _sorted(value) if isinstance(value, (set, frozenset)) else list(value)
        parts = [pretty(item, inner, inside) for item in items[:MAX_ITEMS]]
    if len(value) > MAX_ITEMS:
        parts.append("...")
    end = ",)" if isinstance(value, tuple) and len(value) == 1 else brackets[1]
    flat = brackets[0] + ", ".join(parts) + end
    if "\n" not in flat and indent + len(flat) <= WIDTH:
        return flat
    return brackets[0] + f",\n{' ' * inner}".join(parts) + end


def _sorted(items: Any) -> list[Any]:
    try:
        return sorted(items)
    except TypeError:
        return list(items)


BRACKETS: dict[type, tuple[str, str]] = {
    tuple: ("(", ")"),
    list: ("[", "]"),
    dict: ("{", "}"),
    set: ("{", "}"),
    frozenset: ("frozenset({", "})"),
}
