"""Grading a class: who is graded on what, and who is graded already; the runs; the table and the pages."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from unrolled.exercises.exercise import DrawnCases, Exercise, draw_cases
from unrolled.exercises.sets import SETS, exercise_set
from unrolled.grading.class_report import ClassResults, write_pages
from unrolled.grading.grade_log import COULD_NOT_GRADE, Grade, GradeLog
from unrolled.grading.grade_table import write_grades
from unrolled.grading.handed_in_sets import common_sets, folder_of_a_class, sets_in, sets_of_few, sets_to_grade
from unrolled.grading.judge import grade_submission
from unrolled.grading.sandbox.box import Sandbox
from unrolled.grading.sandbox.protocol import Limits
from unrolled.grading.submissions import (
    Submission,
    Unreadable,
    find_submissions,
    students_without_notebook,
    without_notebook,
)

NO_NOTEBOOK = "there is no notebook in what was handed in"


class NothingToGrade(Exception):
    """What is in the folder cannot be graded, in a sentence."""

    def __init__(self, sentence: str, status: int = 2) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Options:
    """What the command line asks for. `sets` is None where the notebooks tell."""

    folder: Path
    out: Path
    sets: Sequence[str] | None
    seed: int | None
    limits: Limits
    jobs: int

    @property
    def pages(self) -> Path:
        """The folder of the pages and the log."""
        return self.out.with_suffix("")


@dataclass(frozen=True, kw_only=True)
class GradedClass:
    """What a run has written, and how it ran.

    `isolation` is of all whose grades these are; None where none ran. `ran_bare`: some ran just now with no isolation.
    """

    report: Path
    grades: Sequence[Grade]
    seed: int
    isolation: Sequence[str] | None
    ran_bare: bool


@dataclass(frozen=True, kw_only=True)
class HandedIn:
    """A class and what it has handed in: the code of each student, and the sets that it is of."""

    folder: Path
    submissions: Sequence[Submission]
    code: Mapping[str, Mapping[Path, list[str] | Unreadable]]
    sets_of_student: Mapping[str, Sequence[str]]

    @property
    def sets(self) -> list[str]:
        """The sets that somebody handed in, in the order of the chapters."""
        return [name for name in SETS if any(name in own for own in self.sets_of_student.values())]


def read_class(folder: Path, sets: Sequence[str] | None) -> HandedIn:
    """Read all notebooks of a folder.

    Raises:
        NothingToGrade: there is no exercise in them, or none of `sets`, or the folder is of several classes.
    """
    submissions = find_submissions(folder)
    code = {submission.student: submission.read() for submission in submissions}
    sets_of_student = {student: sets_in(notebooks) for student, notebooks in code.items()}
    handed_in = HandedIn(folder=folder, submissions=submissions, code=code, sets_of_student=sets_of_student)
    if not handed_in.sets:
        raise NothingToGrade(f"No notebook in {folder} has a function that an exercise asks for.")
    if missing := [name for name in sets or () if name not in handed_in.sets]:
        raise NothingToGrade(
            f"No notebook in {folder} holds an exercise of {', '.join(missing)}. They hold those of "
            f"{', '.join(handed_in.sets)}.",
            status=1,
        )
    if inner := folder_of_a_class(folder, submissions, code):
        raise NothingToGrade(
            f"{folder} looks like a folder of classes: in {inner} there are notebooks of several students. "
            f"Name one class: {folder / inner}"
        )
    return handed_in


def grade_class(options: Options) -> GradedClass:
    """Grade a folder of notebooks, with progress on standard error, and write table and pages.

    Raises:
        NothingToGrade: what is in the folder cannot be graded.
        LogError: the folder of pages has the log of another run.
    """
    handed_in = read_class(options.folder, options.sets)
    submissions = handed_in.submissions
    names = [name for name in SETS if name in (options.sets or handed_in.sets)]
    common = names if options.sets else common_sets(handed_in.sets_of_student)
    own_sets = (
        dict.fromkeys(handed_in.sets_of_student, names)
        if options.sets
        else sets_to_grade(handed_in.sets_of_student, handed_in.code, common)
    )
    log = GradeLog(options.pages / "results.jsonl", options.limits)
    seed = log.open(names, options.seed, options.folder, submissions)
    drawn = {id: draw_cases(exercise, seed) for name in names for id, exercise in exercise_set(name).items()}
    own_cases = {
        student: {id: drawn[id] for name in own for id in exercise_set(name)} for student, own in own_sets.items()
    }
    left_out = without_notebook(options.folder, submissions)
    _say_what_is_odd("" if options.sets else sets_of_few(handed_in.sets_of_student), left_out)
    waiting = [submission for submission in submissions if not log.has(submission, own_cases[submission.student])]
    _say_what_is_graded(len(waiting), len(submissions))
    ran = grade_submissions(waiting, handed_in.code, ClassCases(all=drawn, of_student=own_cases), options, log)
    without = students_without_notebook(options.folder, left_out)
    absent = sorted(set(without.values()) - own_sets.keys())
    grades = [*log.grades(submissions), *_grades_without_notebook(absent, common)]
    results = ClassResults(
        grades=sorted(grades, key=lambda grade: grade.student),
        exercises=_exercises(names),
        seed=seed,
        isolation=log.isolation(submissions),
        left_out=[name for name in left_out if name not in without],
        without_set={
            name: students for name in names if (students := [one for one, own in own_sets.items() if name not in own])
        },
        former_students=log.former_students(submissions),
    )
    write_grades(options.out, results.grades)
    return GradedClass(
        report=write_pages(options.pages, results),
        grades=results.grades,
        seed=seed,
        isolation=results.isolation,
        ran_bare=ran == [],
    )


def _exercises(names: Sequence[str]) -> list[Exercise]:
    return [exercise for name in names for exercise in exercise_set(name).values()]


def _grades_without_notebook(students: Sequence[str], sets: Sequence[str]) -> list[Grade]:
    """Rows for who handed in something, and no notebook."""
    return [
        Grade(student=student, exercise=exercise.id, status=COULD_NOT_GRADE, feedback=NO_NOTEBOOK)
        for student in students
        for exercise in _exercises(sets)
    ]


def _say_what_is_odd(few: str, left_out: Sequence[str]) -> None:
    if few:
        print(few, file=sys.stderr)
    if left_out:
        print(f"There is no notebook (.ipynb) in {', '.join(left_out)}: not graded.", file=sys.stderr)


def _say_what_is_graded(waiting: int, students: int) -> None:
    if waiting < students:
        rest = "going on with the rest" if waiting else "nothing is left to run"
        print(f"{students - waiting} of {students} students are graded already; {rest}.", file=sys.stderr)


@dataclass(frozen=True, kw_only=True)
class ClassCases:
    """The exercises' random cases: of all exercises, and those that each student is graded on."""

    all: Mapping[str, DrawnCases]
    of_student: Mapping[str, Mapping[str, DrawnCases]]


def grade_submissions(
    waiting: Sequence[Submission],
    code: Mapping[str, Mapping[Path, list[str] | Unreadable]],
    drawn: ClassCases,
    options: Options,
    log: GradeLog,
) -> list[str] | None:
    """Grade the submissions into `log`, several at a time.

    Return what their processes were kept from; None where none ran.
    """
    from tqdm import tqdm

    tasks = {id: one.task for id, one in drawn.all.items()}
    local = threading.local()
    opened: list[Sandbox] = []

    def grade(submission: Submission) -> None:
        if not hasattr(local, "sandbox"):
            local.sandbox = Sandbox(tasks, options.limits, [options.folder, options.pages])
            opened.append(local.sandbox)
        own = drawn.of_student[submission.student]
        grades = grade_submission(submission, code[submission.student], own, local.sandbox)
        log.add(submission, grades, local.sandbox.isolation)

    try:
        with (
            ThreadPoolExecutor(options.jobs) as pool,
            tqdm(total=len(waiting), unit=" students", disable=not waiting) as progress,
        ):
            for _ in pool.map(grade, waiting):
                progress.update()
        return next((sandbox.isolation for sandbox in opened if sandbox.isolation is not None), None)
    finally:
        for sandbox in opened:
            sandbox.close()
