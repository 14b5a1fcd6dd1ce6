"""Ways to tell a wrong answer by one thing that is wrong in it, whatever else is: for `Exercise.mistake(…, told_by=…)`.

Each gives a test of (arguments, outcome). Without them, a prediction of three parts needs a misconception for every
combination of wrong parts.
"""

from __future__ import annotations

from collections.abc import Callable

from unrolled.exercises.json_results import Plain

Test = Callable[[tuple, Plain], bool]


def part(index: int, *values: object) -> Test:
    """Part `index` of the answer is one of `values`. Tuples and lists are the same, True is not 1."""
    wanted = [_listed(value) for value in values]
    return part_that(index, lambda value: any(value == one and type(value) is type(one) for one in wanted))


def part_that(index: int, test: Callable[[Plain], bool]) -> Test:
    """Part `index` of the answer passes the test."""
    return lambda arguments, outcome: isinstance(outcome, list) and len(outcome) > index and test(outcome[index])


def letters(test: Callable[[str], bool]) -> Test:
    """The answer is a string that passes the test; it is given in lower case."""
    return lambda arguments, outcome: isinstance(outcome, str) and test(outcome.strip().casefold())


def not_of(options: str) -> Test:
    """The answer is not a string of letters out of `options`."""
    return lambda arguments, outcome: (
        not isinstance(outcome, str) or not set(outcome.strip().casefold()) <= set(options)
    )


def shape(outcome: Plain) -> list[int] | None:
    """The shape of an outcome that is a tensor."""
    return outcome["tensor"]["shape"] if isinstance(outcome, dict) and "tensor" in outcome else None


def _listed(value: object) -> object:
    return [_listed(one) for one in value] if isinstance(value, (tuple, list)) else value
