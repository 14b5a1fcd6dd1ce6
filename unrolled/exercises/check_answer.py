"""`check` and `hint`: what a student asks of an exercise, in a notebook. They need torch and numpy."""

from __future__ import annotations

import inspect
import secrets
from collections.abc import Callable
from textwrap import fill

from unrolled.exercises.exercise import Exercise, draw_cases, judge
from unrolled.exercises.sets import find_exercise
from unrolled.missing_torch import MissingTorchError, require_torch
from unrolled.text import printable

WIDTH = 96
"""The widest line of an answer, in columns: some hosts break a longer one inside a word."""

_hints_given: dict[str, int] = {}


def check(id: str, function: Callable[..., object]) -> None:
    """Say whether `function` answers the exercise `id`, on new random cases each time.

    A known wrong answer gets the sentence that says what it got wrong; another is shown the smallest case on which
    it fails.

    Example:
        check("directions-3", final_states)
    """
    try:
        require_torch("check")
        exercise = find_exercise(id)
    except (MissingTorchError, LookupError) as error:
        print(error)
        return
    for line in f"{id}: {_message(exercise, function)}".splitlines():
        wrapped = fill(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        print(printable(wrapped if len(line) > WIDTH else line))


def hint(id: str) -> None:
    """The next hint for the exercise `id`. They come in steps, from a nudge to nearly all of it.

    Example:
        hint("directions-3")
    """
    try:
        require_torch("hint")
        hints = find_exercise(id).hints
    except (MissingTorchError, LookupError) as error:
        print(error)
        return
    step = _hints_given.get(id, 0)
    _hints_given[id] = min(step + 1, len(hints) - 1)
    print(printable(f"Hint {step + 1} of {len(hints)}: {hints[step]}"))


def _message(exercise: Exercise, function: Callable[..., object]) -> str:
    """What `check` prints behind the exercise's id."""
    if complaint := _cannot_be_checked(exercise, function):
        return complaint
    drawn = draw_cases(exercise, secrets.randbits(32))
    verdict = judge(drawn, drawn.task.run(function))
    message = verdict.message + _reads_globals(function, exercise.name)
    if verdict.status == "wrong":
        message += f'\n  For a hint: hint("{exercise.id}")'
    return message


def _reads_globals(function: Callable[..., object], name: str) -> str:
    """A line about the notebook's tensors and modules that the function reads in place of its arguments; or nothing."""
    import torch

    try:
        read = inspect.getclosurevars(function).globals
    except TypeError:  # something callable that is not a function
        return ""
    stray = [variable for variable, value in read.items() if isinstance(value, (torch.Tensor, torch.nn.Module))]
    return f"\n  {name} reads {', '.join(stray)} of the notebook, not of its arguments." if stray else ""


def _cannot_be_checked(exercise: Exercise, function: object) -> str | None:
    """Why this cannot be checked at all, in a sentence."""
    if not callable(function):
        return f'check takes the function itself: check("{exercise.id}", {exercise.name})'
    try:
        inspect.signature(function).bind(*exercise.parameters)
    except TypeError:
        given = ", ".join(inspect.signature(function).parameters)
        return f"{exercise.name} has to take ({', '.join(exercise.parameters)}); yours takes ({given})."
    except ValueError:  # a built-in function whose parameters cannot be asked for
        return None
    return None
