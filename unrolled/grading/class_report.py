"""The report on the class, for the teacher, and all pages of a class together."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from unrolled.exercises.exercise import Exercise
from unrolled.grading.grade_log import Grade
from unrolled.grading.pages import file_stem, write_page
from unrolled.grading.student_page import write_student_page

# Status and its colour in the plot, told apart by those who do not see red or green.
COLOURS = {"right": "#0072b2", "wrong": "#e69f00", "not attempted": "#bbbbbb", "could not grade": "#777777"}


@dataclass(frozen=True, kw_only=True)
class ClassResults:
    """The grades of a class and what is to be said about them.

    `isolation`: what all submissions were kept from; None where none ran. `left_out`: names in the folder that have no
    notebook. `without_set`: for each set the students who were not graded on it, since their notebooks have no exercise
    of it. `identical`: students whose notebooks have the same code, and the sets that it is of. `former_students`:
    those who are no longer there, whose pages are deleted.
    """

    grades: Sequence[Grade]
    exercises: Sequence[Exercise]
    seed: int
    isolation: Sequence[str] | None
    left_out: Sequence[str]
    without_set: Mapping[str, Sequence[str]]
    identical: Sequence[tuple[Sequence[str], Sequence[str]]]
    former_students: Sequence[str]

    @property
    def of_student(self) -> dict[str, list[Grade]]:
        """The grades of each student."""
        grades: dict[str, list[Grade]] = {}
        for grade in self.grades:
            grades.setdefault(grade.student, []).append(grade)
        return grades


@dataclass(frozen=True, kw_only=True)
class MisconceptionCount:
    """Who has a misconception."""

    exercise: str
    sentence: str
    students: Sequence[str]

    @property
    def of_one_student(self) -> bool:
        """Whether nobody else has it."""
        return len(self.students) == 1


@dataclass(frozen=True, kw_only=True)
class NotGraded:
    """Exercises of a student that could not be graded for the same reason."""

    student: str
    exercises: Sequence[str]
    reason: str


@dataclass(frozen=True, kw_only=True)
class Points:
    """A student's points: a dash where there are none to add, which is not 0."""

    sum: str
    not_graded: int


def write_pages(folder: Path, results: ClassResults) -> Path:
    """Write a page for each student and the class report into `folder`; return the report's path."""
    for student in results.former_students:
        (folder / f"{file_stem(student)}.html").unlink(missing_ok=True)
    functions = {exercise.id: exercise.name for exercise in results.exercises}
    for student, own in results.of_student.items():
        write_student_page(folder / f"{file_stem(student)}.html", student, own, functions)
    report = folder / "report.html"
    write_class_report(report, results)
    return report


def write_class_report(path: Path, results: ClassResults) -> None:
    """Write each exercise's results, which misconception how many have, and what could not be graded."""
    counts = {
        exercise.id: Counter(grade.status for grade in results.grades if grade.exercise == exercise.id)
        for exercise in results.exercises
    }
    write_page(
        path,
        "report.html",
        seed=results.seed,
        how_it_ran=how_it_ran(results.isolation),
        plot=plot(counts),
        counts=counts,
        statuses=list(COLOURS),
        misconceptions=_misconceptions(results),
        unknown_mistakes=sum(grade.status == "wrong" and grade.misconception is None for grade in results.grades),
        not_graded=_not_graded(results.grades),
        left_out=results.left_out,
        without_set=results.without_set,
        identical=results.identical,
        points_of_student={student: _points(own) for student, own in results.of_student.items()},
    )


def how_it_ran(isolation: Sequence[str] | None) -> str:
    """What the submissions' processes were kept from, in a sentence; none where none ran."""
    if isolation is None:
        return ""
    if isolation:
        return f"Each submission ran in a process of its own, with limits and with {', '.join(isolation)}."
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return (
        "Each submission ran in a process of its own, with limits. Nothing else kept the submissions from the rest of "
        f"this computer{', and they ran as root' if root else ''}: they could read and write what you can. "
        "--require-isolation refuses such a run."
    )


def plot(counts: Mapping[str, Counter[str]]) -> Markup:
    """The results of each exercise as a bar, drawn by matplotlib."""
    from matplotlib.figure import Figure

    from unrolled.drawing.figures import picture

    figure = Figure(figsize=(4.2, 0.6 + 0.3 * len(counts)))
    axes = figure.subplots()
    left = [0] * len(counts)
    for status, colour in COLOURS.items():
        widths = [count[status] for count in counts.values()]
        axes.barh(list(counts), widths, left=left, color=colour, label=status, height=0.7)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("students")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(ncols=2, loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    alternative = (
        "How many students have each exercise right, wrong, not attempted or not graded; "
        "the table below has the numbers."
    )
    drawn = picture(figure, alternative)
    return Markup(drawn._repr_html_())


def _misconceptions(results: ClassResults) -> list[MisconceptionCount]:
    """The most frequent first, with those who have it."""
    sentences = {
        (exercise.id, one.name): one.sentence for exercise in results.exercises for one in exercise.misconceptions
    }
    students: dict[tuple[str, str], list[str]] = {}
    for grade in results.grades:
        key = (grade.exercise, grade.misconception or "")
        if key in sentences:
            students.setdefault(key, []).append(grade.student)
    counts = [
        MisconceptionCount(exercise=key[0], sentence=sentences[key], students=having)
        for key, having in students.items()
    ]
    return sorted(counts, key=lambda one: -len(one.students))


def _not_graded(grades: Sequence[Grade]) -> list[NotGraded]:
    exercises: dict[tuple[str, str], list[str]] = {}
    for grade in grades:
        if grade.points is None:
            exercises.setdefault((grade.student, grade.feedback), []).append(grade.exercise)
    return [NotGraded(student=student, exercises=ids, reason=reason) for (student, reason), ids in exercises.items()]


def _points(grades: Sequence[Grade]) -> Points:
    points = [grade.points for grade in grades if grade.points is not None]
    total = sum(points)
    shown = str(int(total) if total == int(total) else total)
    return Points(sum=shown if points else "–", not_graded=len(grades) - len(points))
