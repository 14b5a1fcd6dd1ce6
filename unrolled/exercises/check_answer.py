"""`check` and `hint`: what a student asks of an exercise, in a notebook. They need torch and numpy."""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable
from textwrap import fill

from unrolled.exercises.exercise import Exercise, trial, verdict
from unrolled.exercises.json_results import outcomes
from unrolled.exercises.sets import exercise
from unrolled.missing_torch import MissingTorchError, require_torch

WIDTH = 96
"""The widest line of an answer, in columns: some hosts break a longer one inside a word."""

_hints_given: dict[str, int] = {}


def check(id: str, function: Callable[..., object]) -> None:
    """Say whether `function` answers the exercise `id`, on new random cases each time.

    A known wrong answer is told what it got wrong; another is shown the smallest case on which it fails.
    """
    try:
        require_torch("check")
        asked = exercise(id)
    except (MissingTorchError, LookupError) as error:
        print(error)
        return
    for line in f"{id}: {_judged(asked, function)}".splitlines():
        print(
            fill(line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
            if len(line) > WIDTH
            else line
        )


def hint(id: str) -> None:
    """The next hint for the exercise `id`. They come in steps, from a nudge to nearly all of it."""
    try:
        require_torch("hint")
        hints = exercise(id).hints
    except (MissingTorchError, LookupError) as error:
        print(error)
        return
    step = _hints_given.get(id, 0)
    _hints_given[id] = min(step + 1, len(hints) - 1)
    print(f"Hint {step + 1} of {len(hints)}: {hints[step]}")


def _judged(asked: Exercise, function: Callable[..., object]) -> str:
    if complaint := _unfit(asked, function):
        return complaint
    tried = trial(asked, random.randrange(2**32))
    found = verdict(tried, outcomes(function, tried.cases))
    message = found.message + _read_from_notebook(function, asked.name)
    if found.status == "wrong":
        message += f'\n  For a hint: hint("{asked.id}")'
    return message


def _read_from_notebook(function: Callable[..., object], name: str) -> str:
    """A line about tensors and modules that the function does not get as arguments: what it reads instead lies about in the notebook."""
    import torch

    try:
        read = inspect.getclosurevars(function).globals
    except TypeError:  # something callable that is not a function
        return ""
    stray = [variable for variable, value in read.items() if isinstance(value, (torch.Tensor, torch.nn.Module))]
    return f"\n  {name} reads {', '.join(stray)} of the notebook, not of its arguments." if stray else ""


def _unfit(asked: Exercise, function: object) -> str | None:
    """Why this cannot be checked at all, in a sentence."""
    if not callable(function):
        return f'check takes the function itself: check("{asked.id}", {asked.name})'
    try:
        inspect.signature(function).bind(*asked.parameters)
    except TypeError:
        given = ", ".join(inspect.signature(function).parameters)
        return f"{asked.name} has to take ({', '.join(asked.parameters)}); yours takes ({given})."
    except ValueError:  # a built-in function that does not tell its parameters
        return None
    return None
