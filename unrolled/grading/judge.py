"""From what a submission's process wrote to grades."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from unrolled.exercises.exercise import DrawnCases, Exercise, judge
from unrolled.grading.grade_log import COULD_NOT_GRADE, Grade
from unrolled.grading.sandbox.box import Sandbox
from unrolled.grading.sandbox.protocol import End, Run
from unrolled.grading.submissions import Submission, Unreadable

NOT_DEFINED = "there is no function of this name in the notebook"
MAX_FEEDBACK_CHARACTERS = 4000  # a student's exception can have millions
# Processes for one notebook: each time something in it ends the process, the rest is run in a new one.
MAX_RESTARTS = 12
_judging = threading.Lock()
"""Judging may run a reference answer, whose printing is turned away by exchanging the process's own streams: one at a
time."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one notebook gets for one exercise."""

    status: str
    feedback: str
    misconception: str | None = None


def could_not_grade(reason: str) -> Outcome:
    """A result without points."""
    return Outcome(status=COULD_NOT_GRADE, feedback=reason)


def grade_submission(
    submission: Submission,
    notebooks: Mapping[Path, list[str] | Unreadable],
    drawn: Mapping[str, DrawnCases],
    sandbox: Sandbox,
) -> list[Grade]:
    """A grade for each exercise, from all of the student's notebooks together."""
    of_notebooks = []
    for path, cells in notebooks.items():
        if isinstance(cells, Unreadable):
            results = dict.fromkeys(drawn, could_not_grade(str(cells)))
        else:
            results = grade_notebook(cells, drawn, sandbox)
        of_notebooks.append(
            {
                id: Grade(
                    student=submission.student,
                    exercise=id,
                    status=result.status,
                    feedback=result.feedback,
                    misconception=result.misconception,
                    notebook=path.name,
                )
                for id, result in results.items()
            }
        )
    return [_combined([grades[id] for grades in of_notebooks], drawn[id].exercise) for id in drawn]


def _combined(grades: Sequence[Grade], exercise: Exercise) -> Grade:
    """The grade of a student whose notebooks may answer the exercise more than once."""
    answered = [grade for grade in grades if grade.status in ("right", "wrong")]
    answered = answered or [grade for grade in grades if grade.status == "not attempted"]
    if not answered:
        return min(grades, key=lambda grade: grade.feedback == NOT_DEFINED)
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


@dataclass
class NotebookGrading:
    """What is known of a notebook so far, while its process is started again and again."""

    cells: Sequence[str]
    results: dict[str, Outcome]
    skipped: dict[str, str] = field(default_factory=dict)
    unreadable: list[Mapping[str, Any]] = field(default_factory=list)
    missing_packages: list[str] = field(default_factory=list)


def grade_notebook(cells: Sequence[str], drawn: Mapping[str, DrawnCases], sandbox: Sandbox) -> dict[str, Outcome]:
    """The result for each exercise.

    What ends the process, whether a statement or an answer, is left out of the next one, so that the rest is graded all
    the same.
    """
    names = {id: one.exercise.name for id, one in drawn.items()}
    absent = [id for id, name in names.items() if not any(re.search(rf"\b{name}\b", cell) for cell in cells)]
    grading = NotebookGrading(cells=cells, results=dict.fromkeys(absent, could_not_grade(NOT_DEFINED)))
    for _ in range(MAX_RESTARTS):
        open_ids = [id for id in drawn if id not in grading.results]
        if not open_ids:
            return grading.results
        run = sandbox.run(cells, [*grading.skipped, *grading.results])
        unfinished = _read_run(run, {id: drawn[id] for id in open_ids}, grading)
        if unfinished in open_ids and unfinished not in grading.results:
            reason = _why_ended(run.end, names[unfinished], sandbox)
            grading.results[unfinished] = could_not_grade(reason)
        elif unfinished:
            grading.skipped[unfinished] = _why_ended(run.end, f"the statement in {unfinished}", sandbox)
    reason = f"its code ended the process that ran it {MAX_RESTARTS} times, and the rest was not tried"
    return grading.results | {id: could_not_grade(reason) for id in drawn if id not in grading.results}


def _read_run(run: Run, drawn: Mapping[str, DrawnCases], grading: NotebookGrading) -> str:
    """Add what one process wrote to `grading`; return the label of what it had begun and not ended."""
    begun = ""
    grading.unreadable = [line for line in run.lines if "unreadable" in line] or grading.unreadable
    not_installed = [message for line in run.lines if (message := _missing_package(line))]
    grading.missing_packages = not_installed or grading.missing_packages
    for line in run.lines:
        begun = line.get("start", begun) if isinstance(line.get("start", ""), str) else begun
        id = line.get("exercise")
        if isinstance(id, str) and id in drawn and id == begun and id not in grading.results:
            grading.results[id] = _with_missing_packages(_result(line, drawn[id], grading), grading)
            begun = ""
    return begun


def _with_missing_packages(result: Outcome, grading: NotebookGrading) -> Outcome:
    """The result; could not grade where a name is missing that an import at the top level may have given."""
    if grading.missing_packages and result.status == "wrong" and "raised NameError" in result.feedback:
        return could_not_grade(f"the notebook imports what is not installed here: {grading.missing_packages[0]}")
    return result


def _missing_package(line: Mapping[str, Any]) -> str | None:
    """What an import at the top level did not find, if this line reports that."""
    outcome = line.get("outcome")
    error = outcome.get("raised") if isinstance(outcome, dict) else None
    if "failed" not in line or not isinstance(error, dict):
        return None
    return str(error.get("message")) if error.get("type") in ("ModuleNotFoundError", "ImportError") else None


def _why_ended(end: End, what: str, sandbox: Sandbox) -> str:
    """Why there is no result of `what`."""
    if end == "time":
        return f"{what} did not end within {sandbox.limits.seconds:g} s of computing"
    if end == "flooded":
        return f"{what} returned more than is read"
    return f"{what} ended the process that ran it (os._exit, a crash, or too much memory)"


def _result(line: Mapping[str, Any], drawn: DrawnCases, grading: NotebookGrading) -> Outcome:
    name = drawn.exercise.name
    if line.get("missing"):
        return could_not_grade(_why_missing(name, grading))
    outcomes = line.get("outcomes")
    unclear = could_not_grade(f"{name} answered in a form that cannot be read")
    if not isinstance(outcomes, list) or len(outcomes) != len(drawn.cases):
        return unclear
    try:
        with _judging:
            judged = judge(drawn, outcomes)
    except Exception:  # these are the words of a process that nobody trusts: they can be anything
        return unclear
    message = judged.message
    if len(message) > MAX_FEEDBACK_CHARACTERS:
        message = f"{message[:MAX_FEEDBACK_CHARACTERS]} …"
    return replace(unclear, status=judged.status, feedback=message, misconception=judged.misconception)


def _why_missing(name: str, grading: NotebookGrading) -> str:
    """Why the notebook has no such function: it is not written there, or its cell could not be run."""
    cells = grading.cells
    for line in grading.unreadable:
        number = line["unreadable"]
        if isinstance(number, int) and 0 < number <= len(cells) and re.search(rf"\b{name}\b", cells[number - 1]):
            where = f"code cell {number}, in which {name} stands"
            return f"{where}, cannot be read: line {line.get('line')}, {line.get('message')}"
    reasons = [reason for label, reason in grading.skipped.items() if label.startswith("cell")]
    if reasons and any(re.search(rf"^\s*(def\s+{name}\b|{name}\s*=)", cell, re.MULTILINE) for cell in cells):
        return reasons[0]
    return NOT_DEFINED
