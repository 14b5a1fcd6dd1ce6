"""`python -m unrolled grade SUBMISSIONS --out grades.csv`: grade a folder of returned notebooks.

An answer is found by its function's name, run in a process that knows no answers (`sandbox.py`), and judged here, on random
cases that no student has seen. The same submissions and seed give the same grades. What is done is written down as it comes,
so that an interrupted run continues where it stopped.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from unrolled.exercises.exercise import DrawnCases, Exercise, draw_cases, judge
from unrolled.exercises.sets import SETS, exercise_set
from unrolled.grading import feedback
from unrolled.grading.grade_log import COULD_NOT_GRADE, POINTS, Grade, Record
from unrolled.grading.handed_in_sets import common_sets, folder_of_a_class, found_in_few, sets_in, sets_of_each
from unrolled.grading.sandbox import Limits, Sandbox
from unrolled.grading.submissions import (
    Submission,
    Unreadable,
    code_cells,
    students_without_notebook,
    submissions,
    without_notebook,
)

NO_NOTEBOOK = "there is no notebook in what was handed in"
NOT_THERE = "there is no function of this name in the notebook"
MOST_FEEDBACK = 4000  # characters; a student's exception can hold millions
MOST_RESTARTS = (
    12  # processes for one notebook: each time something in it ends the process, the rest is run in a new one
)
SET_HELP = (
    "grade everybody on this set and on no other; give it again for each further set. "
    "Without it, each submission is graded on the sets that it holds exercises of"
)
_judging = threading.Lock()
"""Judging may run a reference answer, whose printing is turned away by exchanging the process's own streams: one at a time."""
COLUMNS = ("student", "exercise", "status", "points", "misconception", "feedback", "notebook")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "submissions",
        type=Path,
        metavar="SUBMISSIONS",
        help="the folder of notebooks: a file or a folder for each student",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("grades.csv"),
        metavar="FILE",
        help="the table of grades; pages of feedback go to a folder of its name beside it",
    )
    parser.add_argument("--set", action="append", metavar="NAME", help=SET_HELP)
    parser.add_argument("--seed", type=int, help="draw the same cases as another run; without it, new ones")
    parser.add_argument(
        "--seconds", type=float, default=Limits.seconds, help="the time that one answer may take (default: %(default)s)"
    )
    parser.add_argument(
        "--memory", type=int, default=Limits.memory, help="the MB that one submission may use (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="submissions at a time (default: as many as processors)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Grade, with progress on standard error; return the process' exit status."""
    if complaint := _complaint(arguments):
        print(complaint, file=sys.stderr)
        return 2
    class_of = submissions(arguments.submissions)
    code = {submission.student: dict(_read(submission)) for submission in class_of}
    held = {student: sets_in(notebooks) for student, notebooks in code.items()}
    found = [name for name in SETS if any(name in own for own in held.values())]
    if misfit := _misfit(arguments, class_of, code, found):
        print(misfit[0], file=sys.stderr)
        return misfit[1]
    names = [name for name in SETS if name in (arguments.set or found)]
    common = names if arguments.set else common_sets(held)
    own_sets = dict.fromkeys(held, names) if arguments.set else sets_of_each(held, code, common)
    folder = arguments.out.with_suffix("")
    limits = Limits(seconds=arguments.seconds, memory=arguments.memory)
    record = Record(folder / "results.jsonl", limits)
    try:
        seed = record.open(names, arguments.seed, arguments.submissions, class_of)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    exercises = [exercise for name in names for exercise in exercise_set(name).values()]
    trials = {exercise.id: draw_cases(exercise, seed) for exercise in exercises}
    own_trials = {
        student: {id: trials[id] for name in own for id in exercise_set(name)} for student, own in own_sets.items()
    }
    if not arguments.set and (told := found_in_few(held)):
        print(told, file=sys.stderr)
    if left_out := without_notebook(arguments.submissions, class_of):
        print(f"There is no notebook (.ipynb) in {', '.join(left_out)}: not graded.", file=sys.stderr)
    waiting = [submission for submission in class_of if not record.has(submission, own_trials[submission.student])]
    if len(waiting) < len(class_of):
        rest = "going on with the rest" if waiting else "nothing is left to run"
        print(
            f"{len(class_of) - len(waiting)} of {len(class_of)} students are graded already; {rest}.", file=sys.stderr
        )
    try:
        ran = grade_all(
            waiting, code, trials, own_trials, limits, arguments.jobs, record, hidden=[arguments.submissions, folder]
        )
    except KeyboardInterrupt:
        print("\nInterrupted. The same command goes on where it stopped.", file=sys.stderr)
        return 130
    without = students_without_notebook(arguments.submissions, left_out)
    ids = [id for name in common for id in exercise_set(name)]
    absent = [
        Grade(student, id, COULD_NOT_GRADE, NO_NOTEBOOK)
        for student in sorted(set(without.values()) - own_sets.keys())
        for id in ids
    ]
    grades = sorted([*record.grades(class_of), *absent], key=lambda grade: grade.student)
    isolation = record.isolation(class_of)
    write_csv(arguments.out, grades)
    lacking = {
        name: lack for name in names if (lack := [student for student, own in own_sets.items() if name not in own])
    }
    report = feedback.write(
        folder,
        grades,
        exercises,
        seed,
        isolation,
        [name for name in left_out if name not in without],
        lacking,
        record.former(class_of),
    )
    _print_summary(arguments.out, report, grades, seed, isolation, nothing_kept=ran == [])
    return 0


def _complaint(arguments: argparse.Namespace) -> str | None:
    """What is wrong with the arguments, in a sentence."""
    if not arguments.submissions.is_dir():
        return f"{arguments.submissions} is not a folder. Name the folder that holds the students' notebooks."
    if not submissions(arguments.submissions):
        return f"There is no notebook (.ipynb) in {arguments.submissions}. If the platform gave you a zip file, unpack it first."
    if unknown := [name for name in arguments.set or () if name not in SETS]:
        return f"There is no exercise set {unknown[0]}. The sets are {', '.join(SETS)}."
    if arguments.out.suffix != ".csv":
        return f"--out is {arguments.out}; it has to end in .csv."
    if not arguments.out.parent.is_dir():
        return f"The folder {arguments.out.parent} for {arguments.out.name} does not exist."
    hidden = arguments.submissions.resolve()
    if arguments.out.with_suffix("").resolve().is_relative_to(hidden):
        elsewhere = hidden.parent / f"{hidden.name}-grades.csv"
        return f"--out {arguments.out} puts grades into the folder of submissions, which is hidden from them while they run. Name a file elsewhere: --out {elsewhere}"
    if arguments.seconds <= 0 or arguments.memory <= 0:
        return "--seconds and --memory have to be above 0."
    if arguments.jobs < 1:
        return f"--jobs is {arguments.jobs}; it has to be 1 or more."
    return None


def _misfit(
    arguments: argparse.Namespace,
    class_of: Sequence[Submission],
    code: Mapping[str, Mapping[Path, list[str] | Unreadable]],
    found: Sequence[str],
) -> tuple[str, int] | None:
    """Why what lies in the folder is nothing to grade, in a sentence, and the exit status. `found`: the sets of which there are exercises."""
    folder = arguments.submissions
    if not found:
        return f"No notebook in {folder} has a function that an exercise asks for.", 2
    if missing := [name for name in arguments.set or () if name not in found]:
        return (
            f"No notebook in {folder} holds an exercise of {', '.join(missing)}. They hold those of {', '.join(found)}.",
            1,
        )
    if one := folder_of_a_class(folder, class_of, code):
        return (
            f"{folder} looks like a folder of classes: in {one} there are notebooks of several students. Name one class: {folder / one}",
            2,
        )
    return None


def _read(submission: Submission) -> Iterator[tuple[Path, list[str] | Unreadable]]:
    for path in submission.paths:
        try:
            yield path, code_cells(path)
        except Unreadable as reason:
            yield path, reason


def grade_all(
    waiting: Sequence[Submission],
    code: Mapping[str, Mapping[Path, list[str] | Unreadable]],
    trials: Mapping[str, DrawnCases],
    own_trials: Mapping[str, Mapping[str, DrawnCases]],
    limits: Limits,
    jobs: int,
    record: Record,
    hidden: Sequence[Path],
) -> list[str] | None:
    """Grade the submissions into `record`, `jobs` at a time; return what their processes were kept from, the folders `hidden` included; None where none ran.

    `own_trials`: those of each student, out of `trials`.
    """
    from tqdm import tqdm

    cases = {id: (tried.exercise.name, tried.cases) for id, tried in trials.items()}
    local = threading.local()
    opened: list[Sandbox] = []

    def grade(submission: Submission) -> None:
        if not hasattr(local, "sandbox"):
            local.sandbox = Sandbox(cases, limits, hidden)
            opened.append(local.sandbox)
        grades = grade_submission(submission, code[submission.student], own_trials[submission.student], local.sandbox)
        record.add(submission, grades, local.sandbox.isolation)

    try:
        with (
            ThreadPoolExecutor(jobs) as pool,
            tqdm(total=len(waiting), unit=" students", disable=not waiting) as progress,
        ):
            for _ in pool.map(grade, waiting):
                progress.update()
        return next((sandbox.isolation for sandbox in opened if sandbox.isolation is not None), None)
    finally:
        for sandbox in opened:
            sandbox.__exit__()


def grade_submission(
    submission: Submission,
    notebooks: Mapping[Path, list[str] | Unreadable],
    trials: Mapping[str, DrawnCases],
    sandbox: Sandbox,
) -> list[Grade]:
    """A grade for each exercise, from all of the student's notebooks together."""
    found = []
    for path, cells in notebooks.items():
        if isinstance(cells, Unreadable):
            outcome = {id: (COULD_NOT_GRADE, str(cells), None) for id in trials}
        else:
            outcome = grade_notebook(cells, trials, sandbox)
        found.append({id: Grade(submission.student, id, *parts, path.name) for id, parts in outcome.items()})
    return [_combined([grades[id] for grades in found], trials[id].exercise) for id in trials]


def _combined(grades: Sequence[Grade], exercise: Exercise) -> Grade:
    """The grade of a student of whom several notebooks may hold the exercise."""
    told = [grade for grade in grades if grade.status in ("right", "wrong")]
    told = told or [grade for grade in grades if grade.status == "not attempted"]
    if not told:
        return min(grades, key=lambda grade: grade.feedback == NOT_THERE)
    if len({grade.status for grade in told}) == 1:
        return told[-1]
    which = ", ".join(f"{grade.notebook} ({grade.status})" for grade in told)
    reason = f"two notebooks answer it differently: {which}. Ask which one counts, and move the other away"
    return Grade(
        told[0].student, exercise.id, COULD_NOT_GRADE, reason, None, ", ".join(grade.notebook for grade in told)
    )


def grade_notebook(
    cells: Sequence[str], trials: Mapping[str, DrawnCases], sandbox: Sandbox
) -> dict[str, tuple[str, str, str | None]]:
    """Status, feedback and misconception for each exercise.

    What ends the process, whether a statement or an answer, is left out of the next one, so that the rest is graded all the same.
    """
    absent = [
        id for id, tried in trials.items() if not any(re.search(rf"\b{tried.exercise.name}\b", cell) for cell in cells)
    ]
    grades = dict.fromkeys(absent, (COULD_NOT_GRADE, NOT_THERE, None))
    skipped: dict[str, str] = {}
    unreadable: list[dict[str, Any]] = []
    not_here: list[str] = []
    for _ in range(MOST_RESTARTS):
        missing = [id for id in trials if id not in grades]
        if not missing:
            return grades
        run = sandbox.run(cells, [*skipped, *grades])
        begun = ""
        unreadable = [line for line in run.lines if "unreadable" in line] or unreadable
        not_here = [message for line in run.lines if (message := _missing_package(line))] or not_here
        for line in run.lines:
            begun = line.get("start", begun) if isinstance(line.get("start", ""), str) else begun
            id = line.get("exercise")
            if isinstance(id, str) and id in missing and id == begun and id not in grades:
                grades[id] = _graded(line, cells, trials[id], unreadable, skipped)
                if not_here and grades[id][0] == "wrong" and "raised NameError" in grades[id][1]:
                    grades[id] = (
                        COULD_NOT_GRADE,
                        f"the notebook imports what is not installed here: {not_here[0]}",
                        None,
                    )
                begun = ""
        if begun in missing and begun not in grades:
            grades[begun] = (COULD_NOT_GRADE, _ended(run.end, trials[begun].exercise.name, sandbox), None)
        elif begun:
            skipped[begun] = _ended(run.end, f"the statement in {begun}", sandbox)
    reason = f"its code ended the process that ran it {MOST_RESTARTS} times, and the rest was not tried"
    return grades | {id: (COULD_NOT_GRADE, reason, None) for id in trials if id not in grades}


def _missing_package(line: dict[str, Any]) -> str | None:
    """What an import at the top level did not find, if that is what this line tells."""
    outcome = line.get("outcome")
    error = outcome.get("raised") if isinstance(outcome, dict) else None
    if (
        "failed" not in line
        or not isinstance(error, dict)
        or error.get("type") not in ("ModuleNotFoundError", "ImportError")
    ):
        return None
    return str(error.get("message"))


def _ended(end: str, what: str, sandbox: Sandbox) -> str:
    """Why there is no result of `what`."""
    if end == "time":
        return f"{what} did not end within {sandbox.limits.seconds:g} s of computing"
    if end == "flooded":
        return f"{what} returned more than is read"
    return f"{what} ended the process that ran it (os._exit, a crash, or too much memory)"


def _graded(
    line: dict[str, Any],
    cells: Sequence[str],
    tried: DrawnCases,
    unreadable: Sequence[dict[str, Any]],
    skipped: Mapping[str, str],
) -> tuple[str, str, str | None]:
    name = tried.exercise.name
    if line.get("missing"):
        return COULD_NOT_GRADE, _why_missing(name, cells, unreadable, skipped), None
    outcomes = line.get("outcomes")
    if not isinstance(outcomes, list) or len(outcomes) != len(tried.cases):
        return COULD_NOT_GRADE, f"{name} answered in a form that cannot be read", None
    try:
        with _judging:
            found = judge(tried, outcomes)
    except Exception:  # these are the words of a process that nobody trusts: they can be anything
        return COULD_NOT_GRADE, f"{name} answered in a form that cannot be read", None
    message = found.message if len(found.message) <= MOST_FEEDBACK else f"{found.message[:MOST_FEEDBACK]} …"
    return found.status, message, found.misconception


def _why_missing(
    name: str, cells: Sequence[str], unreadable: Sequence[dict[str, Any]], skipped: Mapping[str, str]
) -> str:
    """Why the notebook has no such function: it is not written there, or its cell could not be run."""
    defined = re.compile(rf"\b{name}\b")
    for line in unreadable:
        number = line["unreadable"]
        if isinstance(number, int) and 0 < number <= len(cells) and defined.search(cells[number - 1]):
            return f"code cell {number}, in which {name} stands, cannot be read: line {line.get('line')}, {line.get('message')}"
    reasons = [reason for label, reason in skipped.items() if label.startswith("cell")]
    if reasons and any(re.search(rf"^\s*(def\s+{name}\b|{name}\s*=)", cell, re.MULTILINE) for cell in cells):
        return reasons[0]
    return NOT_THERE


def write_csv(path: Path, grades: Sequence[Grade]) -> None:
    """The table of grades, which a spreadsheet program opens: a byte-order mark tells it the encoding."""
    with path.open("w", newline="", encoding="utf-8-sig", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for grade in grades:
            points = "" if grade.points is None else grade.points
            writer.writerow(
                map(
                    _cell,
                    (
                        grade.student,
                        grade.exercise,
                        grade.status,
                        points,
                        grade.misconception or "",
                        grade.feedback,
                        grade.notebook,
                    ),
                )
            )


def _cell(value: object) -> object:
    """A spreadsheet takes what begins like this for a formula and runs it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value


def _print_summary(
    out: Path, report: Path, grades: Sequence[Grade], seed: int, isolation: Sequence[str] | None, nothing_kept: bool
) -> None:
    """`isolation`: of all whose grades these are; `nothing_kept`: whether some ran just now without any."""
    counts = {status: sum(grade.status == status for grade in grades) for status in POINTS}
    print(", ".join(f"{count} {status}" for status, count in counts.items() if count))
    if isolation:
        print(feedback.how_it_ran(isolation))
    elif nothing_kept and hasattr(os, "geteuid") and os.geteuid() == 0:
        print(
            "Nothing kept the submissions from the rest of this computer, and they ran as root. Grade as another user, or in a container."
        )
    print(f"Grades: {out}\nReport: {report}\nThe same cases again: --seed {seed}")
