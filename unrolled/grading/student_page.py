"""The page of feedback for each student, in the sentences of `check`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unrolled.grading.grade_log import Grade
from unrolled.grading.pages import write_page
from unrolled.text import counted


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What the page says about one exercise: a sentence, and the lines under it."""

    exercise: str
    function: str
    status: str
    sentence: str
    details: str
    given: str


def write_student_page(path: Path, student: str, grades: Sequence[Grade], functions: Mapping[str, str]) -> None:
    """Write each exercise, its status, and what `check` would have said.

    `functions`: the name asked for by each exercise.
    """
    feedback = [_feedback(grade, functions[grade.exercise]) for grade in grades]
    write_page(path, "student.html", student=student, summary=_summary(grades), feedback=feedback)


def _summary(grades: Sequence[Grade]) -> str:
    left = sum(grade.points is None for grade in grades)
    if left == len(grades):
        return "Nothing could be graded. Your teacher will look at it."
    right = f"{sum(grade.status == 'right' for grade in grades)} of {len(grades)} exercises right."
    if not left:
        return right
    them = "it" if left == 1 else "them"
    return f"{right} {counted(left, 'exercise')} could not be graded: your teacher will look at {them}."


def _feedback(grade: Grade, function: str) -> Feedback:
    first, *rest = grade.feedback.splitlines() or [""]
    sentence = first.removeprefix("not yet").removeprefix("not attempted").lstrip(".: ")
    if grade.status == "right":
        sentence = first.removeprefix("right").lstrip(", ")
    return Feedback(
        exercise=grade.exercise,
        function=function,
        status="not yet" if grade.status == "wrong" else grade.status,
        sentence=_capitalized(sentence),
        details=_dedented(rest),
        given="" if grade.given is None else f"{grade.points} by your teacher. {grade.remark}".strip(),
    )


def _capitalized(text: str) -> str:
    """With a capital at its beginning, unless that is a name in the code."""
    return text if re.match(r"\w*_", text) else text[:1].upper() + text[1:]


def _dedented(lines: Iterable[str]) -> str:
    return "\n".join(line.removeprefix("  ") for line in lines)
