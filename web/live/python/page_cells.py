"""Run a cell as a notebook runs it: what it prints, the value of its last line, and of an error the reader's own lines.

The page calls `run`; what comes out is sent at once, so that a loop that prints is seen to print.
"""

from __future__ import annotations

import ast
import builtins
import io
import itertools
import json
import linecache
import sys
import time
import traceback
import types
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from ipython_pretty import pretty

Send = Callable[[str], None]
CELL = "<cell "
EXTENSION = "%load_ext unrolled", "%unload_ext unrolled"

MAX_CHARACTERS = 300_000
"""What one run prints at most."""
MORE = "\n… and more, which is not shown."
PORTION_SECONDS = 0.1

_numbers = itertools.count(1)
_explanations = {"of every error": False}


def new_namespace() -> dict[str, Any]:
    """The names of a page: those of a module `__main__`, as in a notebook."""
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    builtins.input = no_input
    return module.__dict__


def no_input(prompt: object = "") -> str:
    """In place of `input`: nobody could answer.

    Raises:
        RuntimeError: always.
    """
    raise RuntimeError("There is nothing to type into in the page: write the text into the cell.")


class Outbox:
    """Sends outputs in their order. What is printed goes in portions: a loop that prints must not drown the page."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._printed: list[tuple[str, str]] = []
        self._room = MAX_CHARACTERS
        self._sent = time.monotonic()

    def put(self, kind: str, **fields: Any) -> None:
        """Send an output, after what was printed before it."""
        self.flush()
        self._send(json.dumps({"kind": kind, **fields}))

    def print(self, stream: str, text: str) -> None:
        """Send this text, soon."""
        if self._room <= 0:
            return
        self._printed.append((stream, text[: self._room]))
        self._room -= len(text)
        if self._room <= 0:
            self._printed.append((stream, MORE))
        if time.monotonic() - self._sent > PORTION_SECONDS:
            self.flush()

    def flush(self) -> None:
        """Send what waits."""
        for stream, pieces in itertools.groupby(self._printed, key=lambda piece: piece[0]):
            self._send(json.dumps({"kind": "stream", "name": stream, "text": "".join(text for _, text in pieces)}))
        self._printed.clear()
        self._sent = time.monotonic()


class Stream(io.TextIOBase):
    """`sys.stdout` or `sys.stderr` of a cell."""

    def __init__(self, name: str, outbox: Outbox) -> None:
        self._name = name
        self._outbox = outbox

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self._outbox.print(self._name, text)
        return len(text)


def run(source: str, name: str, namespace: dict[str, Any], send: Send) -> str | None:
    """Run a cell's source in `namespace`. Return its error as `Type: message`, or None.

    `send` gets each output as JSON: `{"kind": "stream", "name", "text"}`, `{"kind": "result", "data": {mime: text}}`,
    `{"kind": "error", "text"}`.
    """
    outbox = Outbox(send)
    file = f"{CELL}{name or next(_numbers)}>"
    namespace["display"] = lambda *values: [outbox.put("result", data=formats(value)) for value in values] and None
    with redirect_stdout(Stream("stdout", outbox)), redirect_stderr(Stream("stderr", outbox)):
        try:
            value = execute(without_magics(source), file, namespace)
            if value is not None:
                namespace["_"] = value
                outbox.put("result", data=formats(value))
        except BaseException as error:
            if _explanations["of every error"]:
                from unrolled.diagnosis.clarify_error import add_explanation

                add_explanation(error)
            outbox.put("error", text=short_traceback(error, file))
            return one_line(error)
    outbox.flush()
    return None


def execute(source: str, file: str, namespace: dict[str, Any]) -> Any:
    """Run the statements; return the value of the last, if it is an expression without a semicolon behind it."""
    linecache.cache[file] = len(source), None, source.splitlines(keepends=True), file
    tree = ast.parse(source, file)
    last = tree.body[-1] if tree.body else None
    is_shown = isinstance(last, ast.Expr) and not source.rstrip().endswith(";")
    if is_shown:
        tree.body.pop()
    exec(compile(tree, file, "exec", dont_inherit=True), namespace)
    if not isinstance(last, ast.Expr) or not is_shown:
        return None
    return eval(compile(ast.Expression(last.value), file, "eval", dont_inherit=True), namespace)


def without_magics(source: str) -> str:
    """The source with IPython's commands carried out: of these the page knows the course's own extension."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if line.strip() in EXTENSION:
            _explanations["of every error"] = line.strip() == EXTENSION[0]
            lines[number] = ""
    return "\n".join(lines)


def formats(value: object) -> dict[str, str]:
    """The value in every form that it has: text, and HTML where it draws itself."""
    data = {}
    kind = type(value)
    if hasattr(kind, "_repr_mimebundle_"):
        bundle = value._repr_mimebundle_()  # type: ignore[attr-defined]
        data.update(bundle[0] if isinstance(bundle, tuple) else bundle or {})
    if "text/html" not in data and hasattr(kind, "_repr_html_"):
        data["text/html"] = value._repr_html_()  # type: ignore[attr-defined]
    data.setdefault("text/plain", pretty(value))
    return {mime: text for mime, text in data.items() if isinstance(text, str)}


def one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def short_traceback(error: BaseException, file: str) -> str:
    """The reader's own lines on the way to the error, then its type, message and notes."""
    render = getattr(error, "_render_traceback_", None)
    if render is not None:
        return "\n".join(render())
    lines = []
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename.startswith(CELL):
            where = "" if frame.filename == file else f" of {frame.filename[1:-1]}"
            inside = "" if frame.name == "<module>" else f", in {frame.name}"
            lines.append(f"line {frame.lineno}{where}{inside}\n    {frame.line}")
    said = "".join(traceback.format_exception_only(error)).rstrip()
    if isinstance(error, SyntaxError):
        said = said.replace(f'  File "{error.filename}", line', "line", 1)
    return "\n".join([*lines, said])
