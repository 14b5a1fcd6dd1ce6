"""From a submission to its grades: run its notebooks, have what they wrote judged, and go on where one ended its
process.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from unrolled.exercises.exercise import Exercise
from unrolled.grading.grade_log import COULD_NOT_GRADE, Grade
from unrolled.grading.judging import COULD_NOT_READ, Judge
from unrolled.grading.notebook_file import DAMAGED, Unreadable
from unrolled.grading.sandbox.box import Sandbox
from unrolled.grading.sandbox.protocol import End, Limits
from unrolled.grading.submissions import Submission

NOT_DEFINED = "there is no function of this name in the notebook"
# Processes for one notebook: each time something in it ends the process, the rest is run in a new one.
MAX_RESTARTS = 12


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one notebook gets for one exercise."""

    status: str
    feedback: str
    misconception: str | None = None


def could_not_grade(reason: str) -> Outcome:
    """A result without points."""
    return Outcome(status=COULD_NOT_GRADE, feedback=reason)


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What grading a submission takes: a process that runs it, and one that judges it."""

    sandbox: Sandbox
    judge: Judge


def grade_submission(
    submission: Submission,
    notebooks: Mapping[Path, list[str] | Unreadable],
    exercises: Sequence[Exercise],
    tools: Tools,
) -> list[Grade]:
    """A grade for each exercise, from all of the student's notebooks together."""
    names = {exercise.id: exercise.name for exercise in exercises}
    deadline = time.monotonic() + 60 * tools.sandbox.limits.minutes
    shown = _shown_names(submission.paths)
    of_notebooks = []
    for path, cells in notebooks.items():
        if isinstance(cells, Unreadable):
            outcomes = dict.fromkeys(names, could_not_grade(str(cells)))
        else:
            outcomes = grade_notebook(cells, names, tools, deadline)
        of_notebooks.append(
            {
                id: Grade(
                    student=submission.student,
                    exercise=id,
                    status=outcome.status,
                    feedback=outcome.feedback,
                    misconception=outcome.misconception,
                    notebook=shown[path],
                )
                for id, outcome in outcomes.items()
            }
        )
    return [_combined([grades[exercise.id] for grades in of_notebooks], exercise) for exercise in exercises]


def _shown_names(paths: Sequence[Path]) -> dict[Path, str]:
    """The name of each notebook, with its folders where two have the same."""
    names = Counter(path.name for path in paths)
    common = os.path.commonpath([path.parent for path in paths]) if paths else ""
    return {path: path.name if names[path.name] == 1 else os.path.relpath(path, common) for path in paths}


def _combined(grades: Sequence[Grade], exercise: Exercise) -> Grade:
    """The grade of a student whose notebooks may answer the exercise more than once."""
    answered = [grade for grade in grades if grade.status in ("right", "wrong")]
    answered = answered or [grade for grade in grades if grade.status == "not attempted"]
    if not answered:
        return min(grades, key=lambda grade: grade.feedback.startswith(NOT_DEFINED))
    if len({grade.status for grade in answered}) == 1:
        return answered[-1]
    which = ", ".join(f"{grade.notebook} ({grade.status})" for grade in answered)
    reason = f"two notebooks answer it differently: {which}. Ask which one counts, and move the other away"
    return Grade(
        student=answered[0].student,
        exercise=exercise.id,
        status=COULD_NOT_GRADE,
        feedback=reason,
        notebook=", ".join(grade.notebook for grade in answered),
    )


@dataclass(kw_only=True)
class NotebookGrading:
    """What is known of a notebook so far, while its process is started again and again."""

    cells: Sequence[str]
    names: Mapping[str, str]
    outcomes: dict[str, Outcome]
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unreadable: dict[int, str] = field(default_factory=dict)


def grade_notebook(cells: Sequence[str], names: Mapping[str, str], tools: Tools, deadline: float) -> dict[str, Outcome]:
    """The outcome of each exercise. `names`: the name of its function; `deadline`: when `time.monotonic` is there, the
    rest is left.

    What ends the process, whether a statement or an answer, is left out of the next one, so that the rest is graded all
    the same.
    """
    absent = [id for id, name in names.items() if not any(re.search(rf"\b{name}\b", cell) for cell in cells)]
    grading = NotebookGrading(
        cells=cells, names=names, outcomes=dict.fromkeys(absent, could_not_grade(_not_defined(cells)))
    )
    limits = tools.sandbox.limits
    reason = f"its code ended the process that ran it {MAX_RESTARTS} times, and the rest was not tried"
    for _ in range(MAX_RESTARTS):
        open_ids = [id for id in names if id not in grading.outcomes]
        left = deadline - time.monotonic()
        if not open_ids:
            return grading.outcomes
        if left <= 0:
            reason = f"the {limits.minutes:g} minutes that one student may take were over before it ended"
            break
        run = tools.sandbox.run(cells, [*grading.skipped, *grading.outcomes], left)
        unfinished = _add_lines(tools.judge.judged(run.written, open_ids), grading)
        if run.end == "budget":
            continue
        if unfinished in open_ids and unfinished not in grading.outcomes:
            grading.outcomes[unfinished] = could_not_grade(_why_ended(run.end, names[unfinished], limits))
        elif unfinished:
            grading.skipped[unfinished] = _why_ended(run.end, f"the statement in {unfinished}", limits)
    return grading.outcomes | {id: could_not_grade(reason) for id in names if id not in grading.outcomes}


def _add_lines(lines: Sequence[Mapping[str, Any]], grading: NotebookGrading) -> str:
    """Add what one process wrote, as judged, to `grading`; return the label of what it had begun and not ended."""
    for line in lines:
        if "failed" in line:
            grading.failed[line["failed"]] = line["reason"]
        if "unreadable" in line:
            grading.unreadable[line["unreadable"]] = f"line {line['line']}, {line['message']}"
    for line in lines:
        if "id" in line and line["id"] not in grading.outcomes:
            grading.outcomes[line["id"]] = _outcome(line, grading)
    return next((str(line["begun"]) for line in lines if "begun" in line), "")


def _outcome(line: Mapping[str, Any], grading: NotebookGrading) -> Outcome:
    name = grading.names[line["id"]]
    reasons = {**grading.failed, **grading.skipped}
    lacking = next((reasons[label] for label in line["lacks"] if label in reasons), None)
    if "missing" in line:
        return could_not_grade(_where_unreadable(name, grading) or lacking or _not_defined(grading.cells))
    if "could_not_read" in line:
        return could_not_grade(f"{name} {COULD_NOT_READ}")
    if "needs" in line:
        return could_not_grade(lacking or f"{name} needs {line['needs']}")
    if line["status"] == "wrong" and line["lacks"]:
        return could_not_grade(lacking or f"{name} depends on {line['lacks'][0]}, which did not run")
    return Outcome(status=line["status"], feedback=line["feedback"], misconception=line["misconception"])


def _why_ended(end: End, what: str, limits: Limits) -> str:
    """Why there is no result of `what`."""
    if end == "time":
        return f"{what} did not end within {limits.seconds:g} s of computing"
    if end == "flooded":
        return f"{what} returned more than is read"
    if end == "memory":
        return f"{what} took more than {limits.memory} MB of memory"
    if end == "processes":
        return f"{what} started more than {limits.processes} processes"
    return f"{what} ended the process that ran it (os._exit, a crash, or too much memory)"


def _where_unreadable(name: str, grading: NotebookGrading) -> str | None:
    """Which cell with the function in it is not Python."""
    for number, what in grading.unreadable.items():
        if 0 < number <= len(grading.cells) and re.search(rf"\b{name}\b", grading.cells[number - 1]):
            return f"code cell {number}, which holds {name}, cannot be read: {what}"
    return None


def _not_defined(cells: Sequence[str]) -> str:
    """That there is no such function, and which cells it may have been in."""
    damaged = [str(number) for number, cell in enumerate(cells, start=1) if cell == DAMAGED]
    if not damaged:
        return NOT_DEFINED
    return f"{NOT_DEFINED}, and code cell {', '.join(damaged)} of its file is damaged"
