"""Every exercise's reference and known wrong answers get in the page the verdicts that they get with PyTorch."""

from __future__ import annotations

import json
import random

import pytest
from page_python import run
from run_size import cases

from unrolled.exercises.exercise import draw_cases, judge
from unrolled.exercises.results import results_of
from unrolled.exercises.sets import SETS, exercise_set, find_exercise

SEED = 1

VERDICTS = """
import json
from unrolled.exercises.exercise import draw_cases, judge
from unrolled.exercises.results import results_of
from unrolled.exercises.sets import find_exercise

def verdicts(id, seed, chosen):
    exercise = find_exercise(id)
    drawn = draw_cases(exercise, seed)
    forbidden = drawn.task.forbidden
    answers = [exercise.reference, *(each.answer for each in exercise.misconceptions)]
    result = []
    for place in chosen:
        verdict = judge(drawn, results_of(answers[place], drawn.cases, forbidden=forbidden))
        result.append([verdict.status, verdict.message, verdict.misconception])
    return result
"""

EXERCISES = [exercise.id for name in SETS for exercise in exercise_set(name).values()]
EXCEPTIONS = {
    # exercise: why its verdicts are others in the page
}


def chosen(id: str) -> list[int]:
    """Places of the answers that are tried: the reference, and known wrong ones, all of them in a long run."""
    wrong = list(range(1, 1 + len(find_exercise(id).misconceptions)))
    random.Random(id).shuffle(wrong)
    return [0, *wrong[: cases(1000) // 100]]


def verdicts(id: str, places: list[int]) -> list[list[str | None]]:
    """What CPython and PyTorch say of the answers at these places."""
    exercise = find_exercise(id)
    drawn = draw_cases(exercise, SEED)
    answers = [exercise.reference, *(each.answer for each in exercise.misconceptions)]
    result = []
    for place in places:
        verdict = judge(drawn, results_of(answers[place], drawn.cases, forbidden=drawn.task.forbidden))
        result.append([verdict.status, verdict.message, verdict.misconception])
    return result


@pytest.mark.parametrize("id", [id for id in EXERCISES if id not in EXCEPTIONS])
def test_answers_get_the_verdicts_that_they_get_with_pytorch(id):
    places = chosen(id)
    run(VERDICTS, namespace="exercises")
    answer = run(f"print(json.dumps(verdicts({id!r}, {SEED}, {places})))", namespace="exercises")
    assert answer.error is None, answer.error
    assert json.loads(answer.text) == verdicts(id, places)
