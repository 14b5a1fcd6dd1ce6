"""What a grade depends on besides the submission: the exercise, and the package's rules.

Where these change, the grade is made again.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterable, Iterator
from functools import cache
from types import FunctionType

from unrolled.exercises.exercise import Exercise
from unrolled.grading.sandbox.dependencies import global_names
from unrolled.grading.sandbox.folders import PACKAGE

RULES = (
    *("exercises/exercise.py", "exercises/comparison.py", "exercises/results.py", "exercises/predicates.py"),
    *("grading/judge.py", "grading/judging.py", "grading/notebook_file.py"),
    *("grading/sandbox/cells.py", "grading/sandbox/dependencies.py", "grading/sandbox/lacking.py"),
)


@cache
def rules_digest() -> str:
    """Of the package's files that decide on a grade."""
    return _digest((PACKAGE / name).read_bytes() for name in RULES)


def exercise_digest(exercise: Exercise) -> str:
    """Of everything in the exercise that decides on a grade, the functions that its functions call included."""
    functions: list[object] = [exercise.reference, exercise.draw, exercise.accepts]
    ban = [*sorted(exercise.ban.calls), exercise.ban.sentence] if exercise.ban else []
    texts = [exercise.id, exercise.kind, exercise.name, str(exercise.cases), *ban]
    for misconception in exercise.misconceptions:
        values = vars(misconception).values()
        functions += [value for value in values if callable(value)]
        texts += [str(value) for value in values if not callable(value)]
    for function in functions:
        texts += _sources(function)
    return _digest(text.encode(errors="surrogatepass") for text in texts)


def _sources(function: object) -> Iterator[str]:
    """The source of a function, of what it closes over, and of the functions and constants that it needs."""
    if not isinstance(function, FunctionType):
        return
    yield _source(function)
    for cell in function.__closure__ or ():
        value = cell.cell_contents
        yield _source(value) if isinstance(value, FunctionType) else _constant(value)
    for name in sorted(global_names(function, function.__globals__)):
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType):
            if value.__module__ == function.__module__:
                yield _source(value)
        else:
            yield f"{name} = {_constant(value)}"


@cache
def _source(function: FunctionType) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return repr(function.__code__.co_code)


def _constant(value: object) -> str:
    return (
        repr(value)
        if isinstance(value, str | int | float | bool | tuple | list | dict | None)
        else type(value).__name__
    )


def _digest(parts: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:16]
