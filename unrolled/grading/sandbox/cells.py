"""A notebook's cells and the exercises' functions, run one after the other as in a notebook.

An exception ends its cell, as it did in front of the student. What only this machine lacks, such as a package, ends
nothing: in the notebook the cell went on. A statement that was lost takes the names with it that it would have bound or
changed, and an answer that depends on such a name is reported with the statement, so that nobody gets 0 points for it.
"""

from __future__ import annotations
import __future__

import ast
import asyncio
import builtins
import inspect
import linecache
import re
import sys
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, field
from types import CodeType, ModuleType
from typing import Any, Protocol

from unrolled.exercises.results import raised
from unrolled.grading.sandbox.dependencies import global_names, names_touched, reaches_everything
from unrolled.grading.sandbox.lacking import what_is_lacking
from unrolled.grading.sandbox.protocol import Tasks

UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
RUNS_ITS_CODE = {"time", "timeit", "capture", "prun"}  # magics that run the Python that follows them
BOUND = re.compile(r"^[ \t]*(?:(?:async[ \t]+)?def|class|import)[ \t]+(\w+)|^[ \t]*(\w+)[ \t]*=", re.MULTILINE)


class Write(Protocol):
    """Writes one line of results."""

    def __call__(self, **line: Any) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Lost:
    """A statement that did not run, or not to its end, and the names that may lack something for it."""

    label: str
    names: Set[str]
    everything: bool = False
    result: Any = None
    """The exception that it ended with, as a result."""


@dataclass(kw_only=True)
class Notebook:
    """The state of a notebook that is run: its names, and what was lost."""

    namespace: dict[str, Any]
    write: Write
    skip: Set[str]
    exercise_names: Set[str]
    lost: list[Lost] = field(default_factory=list)
    flags: int = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT

    def lose(self, label: str, statement: ast.AST, result: Any = None) -> None:
        """Note what the statement would have bound or changed. `result`: the exception that it ended with."""
        unchanged = {name for name, value in self.namespace.items() if isinstance(value, ModuleType)}
        names = names_touched(statement, unchanged | self.exercise_names)
        everything = reaches_everything(statement)
        self.lost.append(Lost(label=label, names=names, everything=everything, result=result))

    def cause_of(self, error: BaseException) -> Lost | None:
        """The lost statement that a missing name should have come from."""
        if not isinstance(error, NameError):
            return None
        return next((lost for lost in self.lost if error.name in lost.names or lost.everything), None)


def run_cells(cells: Sequence[str], skip: Set[str], tasks: Tasks, write: Write) -> None:
    """Run the cells and then every exercise's function, but those labelled in `skip`, and write a line for each."""
    notebook = Notebook(
        namespace=_new_namespace(), write=write, skip=skip, exercise_names={task.name for task in tasks.values()}
    )
    for number, source in enumerate(cells, start=1):
        _run_cell(number, source, notebook)
    for id, task in tasks.items():
        if id in skip:
            continue
        write(start=id)
        function = notebook.namespace.get(task.name)
        if callable(function):
            lacks = _lost_for(function, task.name, notebook)
            write(exercise=id, outcomes=task.run(function), lacks=lacks)
        else:
            lacks = [lost.label for lost in notebook.lost if task.name in lost.names or lost.everything]
            write(exercise=id, missing=True, lacks=lacks)


def _new_namespace() -> dict[str, Any]:
    """The names of a fresh notebook, in a module of their own, which pickle and dataclasses look for."""
    import torch

    module = ModuleType("__main__")
    sys.modules["__main__"] = module
    namespace = vars(module)
    shell = Shell(namespace)
    namespace |= {"torch": torch, "nn": torch.nn, "display": do_nothing, "get_ipython": lambda: shell}
    builtins.input = lambda *_: ""
    return namespace


def do_nothing(*_: object, **__: object) -> None:
    """In the place of what only shows something, such as `display` or `check`."""


def _lost_for(function: Callable[..., object], name: str, notebook: Notebook) -> list[str]:
    """The labels of the lost statements that this answer depends on."""
    needed = global_names(function, notebook.namespace) | {name}
    return [lost.label for lost in notebook.lost if lost.everything or needed & lost.names]


def _run_cell(number: int, source: str, notebook: Notebook) -> None:
    name = f"<cell {number}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    label = f"cell {number}"
    if label in notebook.skip:  # reading it has ended the process
        notebook.lost.append(Lost(label=label, names=_bound_in(source), everything=True))
        return
    notebook.write(start=label)
    try:
        body = python_of(source, name).body
    except UNREADABLE as error:
        _write_unreadable(number, error, notebook)
        notebook.lost.append(Lost(label=label, names=_bound_in(source)))
        return
    for position, statement in enumerate(body):
        if not _goes_on(number, name, statement, notebook):
            for rest in body[position + 1 :]:
                notebook.lose(f"cell {number}, line {statement.lineno}", rest)
            return


def _bound_in(source: str) -> set[str]:
    """The names that an unreadable cell seems to bind."""
    return {name for match in BOUND.finditer(source) for name in match.groups() if name}


def _goes_on(number: int, name: str, statement: ast.stmt, notebook: Notebook) -> bool:
    """Run one statement; return whether the cell goes on after it."""
    label = f"cell {number}, line {statement.lineno}"
    if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
        for alias in statement.names:
            notebook.flags |= getattr(getattr(__future__, alias.name, None), "compiler_flag", 0)
    try:  # some errors of syntax show only now, such as a break outside a loop
        code = _compiled(statement, name, notebook.flags)
    except UNREADABLE as error:
        _write_unreadable(number, error, notebook)
        notebook.lose(label, statement)
        return True
    if label in notebook.skip:
        notebook.lose(label, statement)
        return True
    notebook.write(start=label)
    try:
        _run(code, isinstance(statement, ast.Expr), notebook.namespace)
    except BaseException as error:
        cause = notebook.cause_of(error)
        result = raised(error)
        if cause is not None and cause.result is not None:
            result = cause.result
        notebook.write(failed=label, outcome=result)
        notebook.lose(label, statement, result)
        return cause is not None or bool(what_is_lacking(result["raised"]))
    return True


def _compiled(statement: ast.stmt, name: str, flags: int) -> CodeType:
    expression = isinstance(statement, ast.Expr)
    tree = ast.Expression(statement.value) if isinstance(statement, ast.Expr) else ast.Module([statement], [])
    code: CodeType = compile(tree, name, "eval" if expression else "exec", flags=flags, dont_inherit=True)
    return code


def _run(code: CodeType, expression: bool, namespace: dict[str, Any]) -> None:
    value = eval(code, namespace)
    if code.co_flags & inspect.CO_COROUTINE:
        value = asyncio.run(value)
    if expression:
        namespace["_"] = value


def _write_unreadable(number: int, error: BaseException, notebook: Notebook) -> None:
    message = getattr(error, "msg", type(error).__name__)
    notebook.write(unreadable=number, line=getattr(error, "lineno", None), message=message)


def python_of(source: str, name: str) -> ast.Module:
    """The cell as Python: as it is, or else with magics and shell commands as calls of the notebook's shell.

    Raises:
        SyntaxError: it is neither; the line is that of the cell as it is.
    """
    try:
        return ast.parse(source, name)
    except SyntaxError as error:
        try:
            from IPython.core.inputtransformer2 import TransformerManager

            transformer: Any = TransformerManager  # IPython declares no types
            python: str = transformer().transform_cell(source)
            return ast.parse(python, name)
        except (SyntaxError, ImportError):
            raise error from None


class Shell:
    """What a notebook's magics call here. Those that run Python do; a shell command does nothing, and has no output."""

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace

    def run_line_magic(self, name: str, line: str, *_: object, **__: object) -> None:
        """`%time x = f()` runs its code, other magics do nothing."""
        if name in RUNS_ITS_CODE and not line.startswith("-"):
            exec(line, self._namespace)

    def run_cell_magic(self, name: str, line: str, cell: str) -> None:
        """`%%time` and its like run the cell, `%%writefile` writes it, others do nothing."""
        if name in RUNS_ITS_CODE:
            exec(cell, self._namespace)
        if name == "writefile":
            with open(line.split()[-1], "a" if "-a" in line.split()[:-1] else "w", encoding="utf-8") as file:
                file.write(cell)

    def system(self, command: str) -> None:
        """`!command` does nothing."""

    def getoutput(self, command: str, **_: object) -> None:
        """`x = !command`.

        Raises:
            FileNotFoundError: always; there is no shell.
        """
        raise FileNotFoundError(f"there is no shell for {command}")

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("__"):
            raise AttributeError(name)
        return do_nothing
