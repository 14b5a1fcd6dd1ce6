"""Grading a class: who is graded on what, and who is graded already; the runs; the table and the pages."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from unrolled.exercises.exercise import DrawnCases, Exercise, draw_cases
from unrolled.exercises.sets import SETS, exercise_set
from unrolled.grading.class_report import ClassResults, write_pages
from unrolled.grading.console import warn
from unrolled.grading.digests import exercise_digest
from unrolled.grading.exports import (
    StudentRow,
    lines_of_export,
    student_rows,
    write_by_student,
    write_for_canvas,
    write_for_moodle,
    write_moodle_feedback,
)
from unrolled.grading.grade_log import COULD_NOT_GRADE, ENDED_RUNS, Grade, GradeLog
from unrolled.grading.grade_table import write_grades
from unrolled.grading.handed_in_sets import (
    Contents,
    common_sets,
    contents,
    folder_of_a_class,
    identical_notebooks,
    sets_of_few,
    sets_to_grade,
)
from unrolled.grading.judge import Tools, grade_submission
from unrolled.grading.judging import Judge
from unrolled.grading.overrides import OVERRIDES, Override, check_for_changes, of_nobody, read_overrides, with_overrides
from unrolled.grading.sandbox.box import Sandbox, warm_process
from unrolled.grading.sandbox.protocol import Limits
from unrolled.grading.submissions import (
    Submission,
    find_submissions,
    links,
    students_without_notebook,
    without_notebook,
)

LAST_TABLE = "table.csv"
NO_NOTEBOOK = "there is no notebook in what was handed in"
NO_ISOLATION = (
    "This system lets no process be isolated, so the submissions would run with your rights, and --require-isolation "
    "is given. Nothing was run. Grade on Linux, where user namespaces are allowed."
)


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
    require_isolation: bool = False
    best_attempt: bool = False
    platform: str | None = None
    gradebook: Path | None = None

    @property
    def pages(self) -> Path:
        """The folder of the pages and the log."""
        return self.out.with_suffix("")


@dataclass(frozen=True, kw_only=True)
class GradedClass:
    """What a run has written, and how it ran.

    `isolation` is of all whose grades these are; None where none ran.
    """

    report: Path
    grades: Sequence[Grade]
    seed: int
    isolation: Sequence[str] | None


@dataclass(frozen=True, kw_only=True)
class HandedIn:
    """A class and what it has handed in. `wanted`: the sets that the command line asks for; None where it does not."""

    folder: Path
    submissions: Sequence[Submission]
    contents: Mapping[str, Contents]
    wanted: Sequence[str] | None

    @cached_property
    def sets(self) -> list[str]:
        """The sets that somebody handed in, in the order of the chapters."""
        return [name for name in SETS if any(name in own.sets for own in self.contents.values())]

    @cached_property
    def graded_sets(self) -> list[str]:
        """Those that are graded."""
        return [name for name in SETS if name in (self.wanted or self.sets)]

    @cached_property
    def common(self) -> list[str]:
        """Those that who handed in nothing readable is graded on."""
        return self.graded_sets if self.wanted else common_sets(self.contents)

    @cached_property
    def own_sets(self) -> dict[str, list[str]]:
        """Those of each student."""
        if self.wanted:
            return dict.fromkeys(self.contents, self.graded_sets)
        return sets_to_grade(self.contents, self.common)

    @cached_property
    def left_out(self) -> list[str]:
        """What is in the folder and has no notebook."""
        return without_notebook(self.folder, self.submissions)


def read_class(folder: Path, sets: Sequence[str] | None) -> HandedIn:
    """Read all notebooks of a folder.

    Raises:
        NothingToGrade: there is no exercise in them, or none of `sets`, or the folder is of several classes.
    """
    submissions = find_submissions(folder)
    of_students = {submission.student: contents(submission) for submission in submissions}
    handed_in = HandedIn(folder=folder, submissions=submissions, contents=of_students, wanted=sets)
    if not handed_in.sets:
        raise NothingToGrade(f"No notebook in {folder} has a function that an exercise asks for.")
    if missing := [name for name in sets or () if name not in handed_in.sets]:
        raise NothingToGrade(
            f"No notebook in {folder} holds an exercise of {', '.join(missing)}. They hold those of "
            f"{', '.join(handed_in.sets)}.",
            status=1,
        )
    if inner := folder_of_a_class(folder, submissions, of_students):
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
    if options.limits.fork:
        warm_process()  # it imports torch while this one reads the class
    handed_in = read_class(options.folder, options.sets)
    if options.limits.fork and any(own.trains for own in handed_in.contents.values()):
        warm_process().warm_optimizers()
    submissions = handed_in.submissions
    names = handed_in.graded_sets
    log = GradeLog(options.pages / "results.jsonl", options.limits)
    overrides = read_overrides(options.out.with_name(OVERRIDES))
    check_for_changes(options.out, options.pages / LAST_TABLE, overrides)
    seed = log.open(names, options.seed, options.folder, submissions)
    if not_followed := links(options.folder):
        warn(f"A symbolic link is not followed: {', '.join(not_followed)}.")
    _say_what_is_odd("" if options.sets else sets_of_few(handed_in.contents), handed_in.left_out)
    plan = make_plan(handed_in.own_sets, names)
    waiting = [submission for submission in submissions if not log.has(submission, plan.digests_of(submission))]
    for sentence in log.what_changed(waiting, plan.digests):
        warn(sentence)
    _say_what_is_graded(len(waiting), len(submissions))
    drawn = {exercise.id: draw_cases(exercise, seed) for exercise in _exercises(names)} if waiting else {}
    grade_submissions(waiting, plan, drawn, options, log)
    results = _class_results(handed_in, log, overrides, seed)
    for student, exercise in of_nobody(results.grades, overrides):
        warn(f"{OVERRIDES} has points for {student}, {exercise}: there is no such row.")
    report = write_results(options, results, submissions, names)
    return GradedClass(
        report=report,
        grades=results.grades,
        seed=seed,
        isolation=results.isolation,
    )


def _class_results(
    handed_in: HandedIn, log: GradeLog, overrides: Mapping[tuple[str, str], Override], seed: int
) -> ClassResults:
    """The grades of everybody, with what is to be said about them."""
    submissions, own_sets, names = handed_in.submissions, handed_in.own_sets, handed_in.graded_sets
    without = students_without_notebook(handed_in.folder, handed_in.left_out)
    absent, common = sorted(set(without.values()) - own_sets.keys()), _exercises(handed_in.common)
    grades = [
        *log.grades(submissions),
        *(grade for student in absent for grade in _grades_without_points(student, common, NO_NOTEBOOK)),
    ]
    return ClassResults(
        grades=with_overrides(sorted(grades, key=lambda grade: grade.student), overrides),
        exercises=_exercises(names),
        seed=seed,
        isolation=log.isolation(submissions),
        left_out=[name for name in handed_in.left_out if name not in without],
        without_set={
            name: students for name in names if (students := [one for one, own in own_sets.items() if name not in own])
        },
        identical=identical_notebooks(
            handed_in.contents,
            {(one.student, one.exercise_set) for one in grades if one.status in ("right", "wrong")},
        ),
        former_students=log.former_students(submissions),
    )


def write_results(
    options: Options, results: ClassResults, submissions: Sequence[Submission], sets: Sequence[str]
) -> Path:
    """Write the tables, the pages and what a platform imports; return the path of the report."""
    kept = write_grades(options.out, results.grades, options.pages / LAST_TABLE)
    if kept is not None:
        warn(f"Rows of {options.out} have changed. The older table is kept: {kept}")
    rows = student_rows(
        results.grades,
        numbers={submission.student: submission.number for submission in submissions},
        late={submission.student: submission.late for submission in submissions},
    )
    write_by_student(options.out.with_name(f"{options.out.stem}-by-student.csv"), rows, sets)
    report = write_pages(options.pages, results)
    if options.platform is not None and options.gradebook is not None:
        maximum = {name: len(exercise_set(name)) for name in sets}
        for line in _export(options.platform, options.gradebook, options, rows, maximum):
            warn(line)
    return report


def _export(
    platform: str, gradebook: Path, options: Options, rows: Sequence[StudentRow], maximum: Mapping[str, int]
) -> Iterator[str]:
    """Write what the platform imports; yield what to say about it."""
    path = options.out.with_name(f"{options.out.stem}-{platform}.csv")
    if platform == "canvas":
        yield from lines_of_export(write_for_canvas(path, gradebook, rows, maximum), path)
        return
    yield from lines_of_export(write_for_moodle(path, gradebook, rows, maximum), path)
    feedback = options.out.with_name(f"{options.out.stem}-moodle-feedback.zip")
    write_moodle_feedback(feedback, options.pages, rows)
    yield f"Feedback files for upload: {feedback}"


def _exercises(names: Sequence[str]) -> list[Exercise]:
    return [exercise for name in names for exercise in exercise_set(name).values()]


def _grades_without_points(student: str, exercises: Sequence[Exercise], reason: str) -> list[Grade]:
    """Rows for a student of whom nothing can be graded."""
    return [
        Grade(student=student, exercise=exercise.id, status=COULD_NOT_GRADE, feedback=reason) for exercise in exercises
    ]


def _say_what_is_odd(few: str, left_out: Sequence[str]) -> None:
    if few:
        warn(few)
    if left_out:
        warn(f"There is no notebook (.ipynb) in {', '.join(left_out)}: not graded.")


def _say_what_is_graded(waiting: int, students: int) -> None:
    if waiting < students:
        rest = "going on with the rest" if waiting else "nothing is left to run"
        warn(f"{students - waiting} of {students} students are graded already; {rest}.")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The exercises of each student, and the digest of each exercise."""

    exercises: Mapping[str, Sequence[Exercise]]
    digests: Mapping[str, str]

    def digests_of(self, submission: Submission) -> dict[str, str]:
        """Those of the student's exercises."""
        return {exercise.id: self.digests[exercise.id] for exercise in self.exercises[submission.student]}


def make_plan(own_sets: Mapping[str, Sequence[str]], sets: Sequence[str]) -> Plan:
    """The plan for these sets. `own_sets`: those of each student."""
    return Plan(
        exercises={student: _exercises(own) for student, own in own_sets.items()},
        digests={exercise.id: exercise_digest(exercise) for exercise in _exercises(sets)},
    )


def grade_submissions(
    waiting: Sequence[Submission],
    plan: Plan,
    drawn: Mapping[str, DrawnCases],
    options: Options,
    log: GradeLog,
) -> None:
    """Grade the submissions into `log`, several at a time.

    Raises:
        NothingToGrade: there is no isolation here, and it was required.
    """
    from tqdm import tqdm

    if not waiting:
        return
    tasks = pickle.dumps({id: one.task for id, one in drawn.items()})
    local = threading.local()
    opened: list[Sandbox] = []
    judge = Judge(drawn)

    def sandbox() -> Sandbox:
        own = Sandbox(tasks, options.limits, [options.folder, options.pages, options.out.parent])
        opened.append(own)
        own.start()
        return own

    def grade(submission: Submission) -> None:
        if not hasattr(local, "sandbox"):
            local.sandbox = free.pop() if free else sandbox()
        exercises, digests = plan.exercises[submission.student], plan.digests_of(submission)
        if log.ends_runs(submission):
            warn(f"{submission.student}: {ENDED_RUNS}.")
            log.add(submission, _grades_without_points(submission.student, exercises, ENDED_RUNS), digests, None)
            return
        log.begin(submission)
        tools = Tools(sandbox=local.sandbox, judge=judge)
        attempts = submission.each_attempt() if options.best_attempt else [submission]
        of_attempts = [grade_submission(attempt, attempt.read(), exercises, tools) for attempt in attempts]
        grades = max(reversed(of_attempts), key=lambda own: sum(grade.points or 0 for grade in own))
        log.add(submission, grades, digests, local.sandbox.isolation)

    try:
        free = [sandbox()]
        if options.require_isolation and not free[0].isolation:
            raise NothingToGrade(NO_ISOLATION)
        with (
            ThreadPoolExecutor(options.jobs) as pool,
            tqdm(total=len(waiting), unit=" students") as progress,
        ):
            for _ in pool.map(grade, waiting):
                progress.update()
    except KeyboardInterrupt:
        log.ended_well()
        raise
    finally:
        for one in opened:
            one.close()
        judge.close()
    log.ended_well()
