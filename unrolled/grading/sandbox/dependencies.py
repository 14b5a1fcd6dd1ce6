"""Which global names a statement binds or changes, and which a function depends on."""

from __future__ import annotations

import ast
import builtins
import dis
import functools
from collections.abc import Iterator, Mapping, Set
from types import CodeType, FunctionType
from typing import Any

REACH_EVERYTHING = {"exec", "eval", "globals", "vars", "locals", "compile", "run_line_magic", "run_cell_magic"}
MAX_NAMES = 10_000


def names_touched(statement: ast.AST, unchanged: Set[str]) -> set[str]:
    """The names that the statement binds, deletes or may change.

    It may change what it mentions, such as `parts` in `parts.append(2)`, but not a function that it only calls, nor a
    builtin, nor what is in `unchanged`.

    >>> sorted(names_touched(ast.parse("total = sum(parts)"), set()))
    ['parts', 'total']
    """
    bound, mentioned, called = set(), set(), set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(id(node.func))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        if isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            if not isinstance(node.ctx, ast.Load):
                bound.add(node.id)
            elif id(node) not in called:
                mentioned.add(node.id)
    return bound | {name for name in mentioned - unchanged if not hasattr(builtins, name)}


def reaches_everything(statement: ast.AST) -> bool:
    """Whether the statement may bind names that it does not mention: by `exec`, `globals()`, `from … import *`."""
    names = {node.id for node in ast.walk(statement) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
    imported = {node.name for node in ast.walk(statement) if isinstance(node, ast.alias)}
    return bool(names & REACH_EVERYTHING) or "*" in imported


def global_names(value: object, namespace: Mapping[str, Any]) -> set[str]:
    """The global names that a function, a class or a partial of one reads, and those that these in turn read."""
    names: set[str] = set()
    seen: set[int] = set()
    waiting = [value]
    while waiting and len(names) < MAX_NAMES:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        for code in _codes(one):
            new = _names_in(code) - names
            names |= new
            waiting += [namespace[name] for name in new if name in namespace]
        waiting += _parts(one)
    return names


def _codes(value: object) -> Iterator[CodeType]:
    code = getattr(value, "__code__", None)
    if isinstance(code, CodeType):
        yield code
    if isinstance(value, type) and value.__module__ == "__main__":
        for member in vars(value).values():
            yield from _codes(getattr(member, "__func__", getattr(member, "fget", member)))


def _parts(value: object) -> list[object]:
    """What else belongs to a function: what it wraps, closes over or has as defaults."""
    if isinstance(value, functools.partial):
        return [value.func, *value.args, *value.keywords.values()]
    parts: list[object] = []
    if isinstance(value, FunctionType):
        cells = value.__closure__ or ()
        parts += [cell.cell_contents for cell in cells if _filled(cell)]
        parts += [*(value.__defaults__ or ()), *(value.__kwdefaults__ or {}).values()]
    elif type(value).__module__ == "__main__" and not isinstance(value, type):
        parts.append(type(value))  # an object with a `__call__`
    return parts


def _filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018 asking for it is the only way to know
    except ValueError:
        return False
    return True


def _names_in(code: CodeType) -> set[str]:
    names = {
        str(instruction.argval)
        for instruction in dis.get_instructions(code)
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    }
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            names |= _names_in(constant)
    return names
