"""A notebook's cells and the exercises' functions, run one after the other."""

from __future__ import annotations

import ast
import linecache
import re
from collections.abc import Iterator, Sequence, Set
from types import CodeType
from typing import Any, Protocol

from unrolled.exercises.results import raised
from unrolled.grading.sandbox.protocol import Tasks

RUNS_AT_TOP_LEVEL = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Try, ast.If, ast.With, ast.For),
)
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
# What IPython reads and Python does not: a magic, a shell command, its result taken, a question.
MAGIC = re.compile(r"^[ \t]*(?:[%!]|\w+[ \t]*=[ \t]*[%!]|[\w.]+\?+[ \t]*$).*$", re.MULTILINE)


class Write(Protocol):
    """Writes one line of results."""

    def __call__(self, **line: Any) -> None: ...


def run_cells(cells: Sequence[str], skip: Set[str], tasks: Tasks, write: Write) -> None:
    """Run the cells' definitions and every exercise's function but those in `skip`, and write a line for each."""
    import torch

    namespace: dict[str, Any] = {"__name__": "__main__", "torch": torch, "nn": torch.nn}
    for label, code in statements(cells, write):
        if label not in skip:
            write(start=label)
            try:
                exec(code, namespace)
            except (Exception, SystemExit) as error:
                write(failed=label, outcome=raised(error))
    for id, task in tasks.items():
        if id in skip:
            continue
        write(start=id)
        if callable(namespace.get(task.name)):
            write(exercise=id, outcomes=task.run(namespace[task.name]))
        else:
            write(exercise=id, missing=True)


def _parsed(source: str, name: str) -> ast.Module:
    """The cell as Python: as it is, or else without the lines that only IPython reads."""
    try:
        return ast.parse(source, name)
    except SyntaxError:
        return ast.parse(MAGIC.sub("", source), name)


def _write_unreadable(number: int, error: BaseException, write: Write) -> None:
    message = getattr(error, "msg", type(error).__name__)
    write(unreadable=number, line=getattr(error, "lineno", None), message=message)


def statements(cells: Sequence[str], write: Write) -> Iterator[tuple[str, CodeType]]:
    """Each definition, import and assignment at the top level of the cells, compiled, with a label.

    What cannot be read is written.
    """
    for number, source in enumerate(cells, start=1):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            body = _parsed(source, name).body
        except UNREADABLE as error:
            _write_unreadable(number, error, write)
            continue
        for statement in body:
            if not isinstance(statement, RUNS_AT_TOP_LEVEL):
                continue
            try:  # some errors of syntax show only now, such as a break outside a loop
                code = compile(ast.Module([statement], []), name, "exec")
            except UNREADABLE as error:
                _write_unreadable(number, error, write)
                continue
            yield f"cell {number}, line {statement.lineno}", code
