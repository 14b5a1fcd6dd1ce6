"""`python -m unrolled grade SUBMISSIONS --out grades.csv`: grade a folder of returned notebooks.

An answer is found by its function's name, run in a process that knows no answers (`sandbox/`), and judged outside it,
on random cases that no student has seen. The same submissions and seed give the same grades. What is done is written
down as it comes, so that an interrupted run continues where it stopped.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from unrolled.exercises.sets import SETS
from unrolled.grading.class_report import how_it_ran
from unrolled.grading.console import say, warn
from unrolled.grading.exports import ExportError
from unrolled.grading.grade_log import POINTS, LogError
from unrolled.grading.overrides import OverrideError
from unrolled.grading.pipeline import GradedClass, NothingToGrade, Options, grade_class
from unrolled.grading.sandbox.protocol import Limits
from unrolled.grading.submissions import find_submissions

SET_HELP = (
    "grade everybody on this set and on no other; give it again for each further set. "
    "Without it, each submission is graded on the sets that it holds exercises of"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Tell the parser what the command takes."""
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
        "--minutes",
        type=float,
        default=Limits.minutes,
        help="the time by the clock that one student may take in all (default: %(default)s)",
    )
    parser.add_argument(
        "--memory", type=int, default=Limits.memory, help="the MB that one submission may use (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="submissions at a time (default: as many as processors)"
    )
    parser.add_argument(
        "--attempts",
        choices=("last", "best"),
        default="last",
        help="which one counts where the platform has exported several attempts of a student (default: %(default)s)",
    )
    parser.add_argument(
        "--for",
        dest="platform",
        choices=("canvas", "moodle"),
        help="write what this platform imports, too: see --gradebook",
    )
    parser.add_argument(
        "--gradebook",
        type=Path,
        metavar="FILE",
        help="with --for: the gradebook that you exported from Canvas, or the grading worksheet from Moodle",
    )
    parser.add_argument(
        "--require-isolation",
        action="store_true",
        help="run nothing where submissions cannot be kept from this computer",
    )


def run(arguments: argparse.Namespace) -> int:
    """Grade, with progress on standard error; return the process' exit status."""
    if complaint := _complaint(arguments):
        warn(complaint)
        return 2
    options = Options(
        folder=arguments.submissions,
        out=arguments.out,
        sets=arguments.set,
        seed=arguments.seed,
        limits=Limits(seconds=arguments.seconds, minutes=arguments.minutes, memory=arguments.memory),
        jobs=arguments.jobs,
        require_isolation=arguments.require_isolation,
        best_attempt=arguments.attempts == "best",
        platform=arguments.platform,
        gradebook=arguments.gradebook,
    )
    try:
        graded = grade_class(options)
    except NothingToGrade as reason:
        warn(reason)
        return reason.status
    except (ExportError, LogError, OverrideError) as reason:
        warn(reason)
        return 2
    except KeyboardInterrupt:
        warn("\nInterrupted. The same command goes on where it stopped.")
        return 130
    _print_summary(options.out, graded)
    return 0


def _complaint(arguments: argparse.Namespace) -> str | None:
    """What is wrong with the arguments, in a sentence."""
    folder, out = arguments.submissions, arguments.out
    if not folder.is_dir():
        return f"{folder} is not a folder. Name the folder that holds the students' notebooks."
    if not find_submissions(folder):
        return f"There is no notebook (.ipynb) in {folder}. If the platform gave you a zip file, unpack it first."
    if unknown := [name for name in arguments.set or () if name not in SETS]:
        return f"There is no exercise set {unknown[0]}. The sets are {', '.join(SETS)}."
    if out.suffix != ".csv":
        return f"--out is {out}; it has to end in .csv."
    if not out.parent.is_dir():
        return f"The folder {out.parent} for {out.name} does not exist."
    hidden = folder.resolve()
    if out.with_suffix("").resolve().is_relative_to(hidden):
        elsewhere = hidden.parent / f"{hidden.name}-grades.csv"
        return (
            f"--out {out} puts grades into the folder of submissions, which is hidden from them while they run. "
            f"Name a file elsewhere: --out {elsewhere}"
        )
    if arguments.seconds <= 0 or arguments.memory <= 0:
        return "--seconds and --memory have to be above 0."
    if (arguments.platform is None) != (arguments.gradebook is None):
        return "--for and --gradebook go together: name the gradebook that you exported from the platform."
    if arguments.gradebook is not None and not arguments.gradebook.is_file():
        return f"{arguments.gradebook} is not a file."
    if arguments.minutes <= 0:
        return "--minutes has to be above 0."
    if arguments.jobs < 1:
        return f"--jobs is {arguments.jobs}; it has to be 1 or more."
    return None


def _print_summary(out: Path, graded: GradedClass) -> None:
    counts = {status: sum(grade.status == status for grade in graded.grades) for status in POINTS}
    say(", ".join(f"{count} {status}" for status, count in counts.items() if count))
    if graded.isolation is not None:
        say(how_it_ran(graded.isolation))
    say(f"Grades: {out}\nReport: {graded.report}\nThe same cases again: --seed {graded.seed}")
