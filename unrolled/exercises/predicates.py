"""Tests that recognise a wrong answer by one thing that is wrong in it, for `Exercise.mistake(…, matches=…)`.

Each function returns a test of (arguments, result). Without them, a prediction of three items would need a
misconception for every combination of wrong items.
"""

from __future__ import annotations

from collections.abc import Callable

from unrolled.exercises.results import Arguments, Result

Predicate = Callable[[Arguments, Result], bool]


def item_is(index: int, *values: object) -> Predicate:
    """Item `index` of the answer is one of `values`. Tuples and lists are the same, True is not 1."""
    wanted = [_as_lists(value) for value in values]
    return item_passes(index, lambda item: any(item == value and type(item) is type(value) for value in wanted))


def item_passes(index: int, test: Callable[[Result], bool]) -> Predicate:
    """Item `index` of the answer passes the test."""
    return lambda arguments, result: isinstance(result, list) and len(result) > index and test(result[index])


def text_passes(test: Callable[[str], bool]) -> Predicate:
    """The answer is a string that passes the test; the test gets it in lower case."""
    return lambda arguments, result: isinstance(result, str) and test(result.strip().casefold())


def not_letters_of(options: str) -> Predicate:
    """The answer is not a string of letters out of `options`."""
    return lambda arguments, result: not isinstance(result, str) or not set(result.strip().casefold()) <= set(options)


def shape_of(result: Result) -> list[int] | None:
    """The shape of a result that is a tensor."""
    return result["tensor"]["shape"] if isinstance(result, dict) and "tensor" in result else None


def _as_lists(value: object) -> object:
    return [_as_lists(item) for item in value] if isinstance(value, (tuple, list)) else value
