"""Which of your names a failing expression holds, read from the bytecode of its frame: Python 3.11 to 3.14.

The source may not be at hand (a notebook's cell, `exec`), the bytecode always is, with the place of each instruction
in the source. Nothing here runs your code, and nothing needs torch.
"""

from __future__ import annotations

import ast
import dis
import linecache
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any

MAX_DOTS = 4
"""Dots that are followed in an expression such as `self.model.encoder.rnn(x)`."""

NO_NAMES = ("LOAD_CONST", "LOAD_SMALL_INT", "LOAD_COMMON_CONSTANT", "LOAD_SPECIAL", "LOAD_BUILD_CLASS")
"""Instructions that load something else than what a name stands for: `d["x"]` does not name x."""

Place = tuple[int, int]
"""A line and a column of the source."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """A name that an instruction loads: a variable's, or an attribute's behind a dot."""

    name: str
    begin: Place
    end: Place
    is_attribute: bool


@dataclass(frozen=True, kw_only=True)
class FailingCode:
    """A frame of a traceback, its instructions, and the one that failed, or waits for the call that failed."""

    frame: FrameType
    steps: tuple[dis.Instruction, ...]
    failed: int
    """The index of the instruction that failed."""

    @property
    def begin(self) -> Place:
        """Where the expression that failed begins."""
        return _span(self.steps[self.failed])[0]

    @property
    def end(self) -> Place:
        return _span(self.steps[self.failed])[1]

    @property
    def scope(self) -> dict[str, Any]:
        """What the names of the frame stand for."""
        return {**self.frame.f_globals, **self.frame.f_locals}

    def loads(self) -> Iterator[Load]:
        """The names that the code loads, in order.

        From Python 3.13 on, two neighbouring locals are one instruction, placed where the first is. The second is
        placed at the end of the first or, where the failing expression begins between the two, at that beginning.
        """
        straddling = self._straddling()
        for index, step in enumerate(self.steps):
            is_attribute = "ATTR" in step.opname or step.opname == "LOAD_METHOD"
            begin, end = _span(step)
            names = _loaded(step)
            for name in names:
                if index == straddling and name is names[-1]:
                    begin = end = self.begin
                yield Load(name=name, begin=begin, end=end, is_attribute=is_attribute)
                begin = end

    def _straddling(self) -> int | None:
        """The instruction that loads both the last operand before the failing expression and its first one.

        Found by counting back what the failing instruction takes from the stack; every instruction says by how much it
        makes the stack grow.
        """
        missing = 1 - _growth(self.steps[self.failed])
        for index in range(self.failed - 1, -1, -1):
            if missing <= 0:
                return None
            step = self.steps[index]
            if step.opname == "STORE_FAST_LOAD_FAST":  # the name of a comprehension, and the first in its expression
                if missing == 1:
                    return index
                continue
            missing -= _growth(step)
            if missing < 0:
                return index
        return None

    def in_expression(self) -> list[Load]:
        """The names in the very expression that failed: `net`, `rnn` and `x` in `net.rnn(x)[0]`."""
        return [load for load in self.loads() if self.begin <= load.begin and load.end <= self.end]

    def at_start(self) -> list[Load]:
        """The names where that expression begins: `hn` in `hn.permute(1, 0, 2).view(N, -1)`."""
        return [load for load in self.loads() if self.begin == load.begin and load.end <= self.end]

    def callees(self, first: Place, last: Place) -> list[Any]:
        """What is called between two places of the source, where names alone lead to it: `net.rnn` in `net.rnn(x)`."""
        loads = list(self.loads())
        callees = []
        for step in self.steps:
            begin, end = _span(step)
            if step.opname.startswith("CALL") and first <= begin and end <= last:
                path = [load for load in loads if load.begin == begin and load.end < end]
                callees += self._value(path)
        return callees

    def callees_in_lines(self) -> list[Any]:
        """What is called in the lines that failed; an assignment that fails does so at its left side."""
        return self.callees((self.begin[0], 0), (self.end[0], 1 << 30))

    def callees_in_expression(self) -> list[Any]:
        """What is called in the expression that failed."""
        return self.callees(self.begin, self.end)

    def _value(self, path: Sequence[Load]) -> list[Any]:
        """What a name and the attributes behind it lead to: one thing, or nothing where code would have to run."""
        if not path or path[0].is_attribute or path[0].name not in self.scope:
            return []
        value = self.scope[path[0].name]
        for load in path[1:]:
            if not load.is_attribute or load.name not in attribute_names(value):
                return []
            value = getattr(value, load.name)
        return [value]

    def values(self, loads: Iterable[Load]) -> list[Any]:
        """The values of these names, those behind a dot included."""
        names = {load.name for load in loads}
        values = [value for name, value in self.scope.items() if name in names]
        new = values
        for _ in range(MAX_DOTS):
            new = [getattr(value, name) for value in new for name in names if name in attribute_names(value)]
            values = values + new
        return values

    def is_made_anew(self, name: str, method: str = "") -> bool:
        """Whether the variable `name` is assigned again before each time that the failing instruction runs.

        So also where `method` is called between the assignment and the failure: `a.backward(); b.backward()`.
        """
        stores = [at for at, step in enumerate(self.steps[: self.failed]) if name in _stored(step)]
        if not stores:
            return False
        between = self.steps[stores[-1] + 1 : self.failed]
        calls = [step for step in between if step.argval == method and step.opname in ("LOAD_ATTR", "LOAD_METHOD")]
        if len(calls) > 1:  # the failing call loads it once itself
            return False
        begin, failing = self.steps[stores[-1]].offset, self.steps[self.failed].offset
        loops = [step.argval for step in self.steps[self.failed :] if step.opname.startswith("JUMP_BACKWARD")]
        return not any(begin < target <= failing for target in loops)

    def call(self) -> ast.Call | None:
        """The call that failed, as its source has it; None where it is no call, or the source is not at hand."""
        (first, begin), (last, end) = self.begin, self.end
        lines = [linecache.getline(self.frame.f_code.co_filename, line).encode() for line in range(first, last + 1)]
        if not lines:
            return None
        lines[-1] = lines[-1][:end]  # columns count bytes
        lines[0] = lines[0][begin:]
        try:
            expression = ast.parse(f"({b''.join(lines).decode()})", mode="eval").body
        except (SyntaxError, ValueError):
            return None
        return expression if isinstance(expression, ast.Call) else None

    def targets(self) -> str | None:
        """What the result of the failing expression is assigned to: `"output, (h, c)"`; None where no names are."""
        operations = deque(_assignments(self.steps[self.failed + 1 :]))
        target = _target(operations)
        return None if target is None else target.removeprefix("(").removesuffix(")")


def code_at(frame: FrameType, offset: int) -> FailingCode | None:
    """The code of `frame` that fails (or waits for a call) at the instruction with this offset."""
    steps = tuple(dis.get_instructions(frame.f_code))
    # a frame that waits for a call points into the room behind its instruction
    failed = max((index for index, step in enumerate(steps) if step.offset <= offset), default=None)
    return None if failed is None else FailingCode(frame=frame, steps=steps, failed=failed)


def _loaded(step: dis.Instruction) -> list[str]:
    """The names that an instruction loads: two of `LOAD_FAST_LOAD_FAST`, one of `STORE_FAST_LOAD_FAST`."""
    if "LOAD_" not in step.opname or step.opname in NO_NAMES:
        return []
    if isinstance(step.argval, tuple):
        parts = re.findall(r"(LOAD|STORE)_FAST", step.opname)
        return [name for part, name in zip(parts, step.argval, strict=False) if part == "LOAD"]
    return [step.argval] if isinstance(step.argval, str) else []


def _assignments(steps: Iterable[dis.Instruction]) -> Iterator[tuple[str, Any]]:
    """The operations of an assignment, one after the other: unpack, store, and the load before a dot's store."""
    for step in steps:
        if step.opname == "UNPACK_SEQUENCE":
            yield "unpack", step.arg
        elif step.opname == "STORE_ATTR":
            yield "attribute", step.argval
        elif isinstance(step.argval, tuple):
            parts = re.findall(r"(LOAD|STORE)_FAST", step.opname)
            yield from zip((part.lower() for part in parts), step.argval, strict=False)
        elif step.opname.startswith("STORE_") and step.opname not in ("STORE_SUBSCR", "STORE_SLICE"):
            yield "store", step.argval
        elif step.opname.startswith("LOAD_") and step.opname not in NO_NAMES and isinstance(step.argval, str):
            yield "load", step.argval
        else:
            return


def _target(operations: deque[tuple[str, Any]]) -> str | None:
    """One target of an assignment, a tuple in parentheses."""
    if not operations:
        return None
    operation, value = operations.popleft()
    if operation == "store":
        return str(value)
    if operation == "load" and operations and operations[0][0] == "attribute":
        return f"{value}.{operations.popleft()[1]}"
    if operation == "unpack":
        targets = [_target(operations) for _ in range(value)]
        return None if None in targets else f"({', '.join(map(str, targets))})"
    return None


def _stored(step: dis.Instruction) -> list[str]:
    """The names that an instruction assigns."""
    if isinstance(step.argval, tuple):
        parts = re.findall(r"(LOAD|STORE)_FAST", step.opname)
        return [name for part, name in zip(parts, step.argval, strict=False) if part == "STORE"]
    names = ("STORE_FAST", "STORE_NAME", "STORE_GLOBAL", "STORE_DEREF", "STORE_FAST_MAYBE_NULL")
    return [step.argval] if step.opname in names else []


def _growth(step: dis.Instruction) -> int:
    """By how much an instruction makes the stack grow, where it does not jump."""
    return dis.stack_effect(step.opcode, step.arg if step.opcode >= dis.HAVE_ARGUMENT else None, jump=False)


def _span(step: dis.Instruction) -> tuple[Place, Place]:
    """Where the source of an instruction begins and ends."""
    lines = step.positions
    if lines is None:
        return (0, 0), (0, 0)
    return (lines.lineno or 0, lines.col_offset or 0), (lines.end_lineno or 0, lines.end_col_offset or 0)


def attribute_names(thing: Any) -> set[str]:
    """What `thing` itself holds: looking these up runs none of your code."""
    own = getattr(thing, "__dict__", {})
    return set(own) | set(own.get("_modules", {}))
