"""The grades of a class, and the record of them that a run continues."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unrolled.exercises.sets import exercise_set
from unrolled.grading.sandbox import Limits
from unrolled.grading.submissions import Submission

COULD_NOT_GRADE = "could not grade"
POINTS = {"right": 1, "wrong": 0, "not attempted": 0, COULD_NOT_GRADE: None}


@dataclass(frozen=True)
class Grade:
    """One exercise of one student. `points` is None where it could not be graded, and `feedback` then says why."""

    student: str
    exercise: str
    status: str
    feedback: str
    misconception: str | None = None
    notebook: str = ""

    @property
    def points(self) -> int | None:
        return POINTS[self.status]


class Record:
    """What has been graded, a line a student, appended as it comes. A run that finds it continues it.

    With other limits, who could not be graded is graded again: what did not end in 10 s may do so in 60.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self._limits = {"seconds": limits.seconds, "memory": limits.memory}
        self._done: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()

    def open(self, sets: Sequence[str], seed: int | None, submitted: Path, class_of: Sequence[Submission]) -> int:
        """Read what is there, or begin; return the run's seed. `class_of`: the submissions, which lie in the folder `submitted`.

        Raises:
            ValueError: what is there is of another run; the message says what to do.
        """
        try:
            self.path.parent.mkdir(exist_ok=True)
        except FileExistsError:
            raise ValueError(
                f"{self.path.parent} is a file, and the pages need a folder of that name. Name another --out."
            ) from None
        lines = list(self._lines()) if self.path.exists() else []
        if not lines:
            head = {
                "seed": secrets.randbelow(2**31) if seed is None else seed,
                "sets": list(sets),
                "folder": str(submitted.resolve()),
            }
            self._write(head, "w")
            return head["seed"]
        head = lines[0]
        is_record = {"seed", "sets"} <= head.keys() and all(
            {"student", "digest", "limits", "grades"} <= line.keys() for line in lines[1:]
        )
        last = {line["student"]: line for line in lines[1:]} if is_record else {}
        if last and not _same_class(last, head.get("folder"), submitted, class_of):
            raise ValueError(
                f"{self.path.parent} holds the results of another class than that in {submitted}. Name another --out, or delete "
                f"{self.path.parent} to begin anew."
            )
        if not is_record or any(
            not _of_whole_sets(line["grades"], sets) for line in lines[1:] if head["sets"] == list(sets)
        ):
            raise ValueError(
                f"{self.path} is not a record of this version's exercises. Name another --out, or delete {self.path.parent}."
            )
        if head["sets"] != list(sets) or seed not in (None, head["seed"]):
            others = f"this is of {', '.join(sets)}; {' '.join(f'--set {name}' for name in head['sets'])} goes on with it. Or name"
            raise ValueError(
                f"{self.path.parent} holds the results of {', '.join(head['sets'])} with the seed {head['seed']}"
                f"{'. Name' if head['sets'] == list(sets) else f', and {others}'} another --out, or delete that folder to begin anew."
            )
        self._done = last
        head["folder"] = str(submitted.resolve())
        # A line that was cut off when the run ended is written anew.
        whole = self.path.with_suffix(".new")  # and takes its place at once: what is graded is never half there
        whole.write_text("".join(json.dumps(line) + "\n" for line in [head, *self._done.values()]), encoding="utf-8")
        whole.replace(self.path)
        return head["seed"]

    def _lines(self) -> Iterator[dict[str, Any]]:
        for line in self.path.read_text(encoding="utf-8").splitlines():
            try:
                value = json.loads(line)
            except json.JSONDecodeError:  # the run ended in the middle of it
                return
            yield value if isinstance(value, dict) else {}

    def _write(self, line: dict[str, Any], mode: str) -> None:
        with self.path.open(mode, encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def has(self, submission: Submission, exercises: Iterable[str]) -> bool:
        """Whether this very submission is graded on these exercises: a file that has changed since is graded again."""
        line = self._done.get(submission.student)
        if (
            line is None
            or line["digest"] != submission.digest
            or {grade["exercise"] for grade in line["grades"]} != set(exercises)
        ):
            return False
        return line["limits"] == self._limits or all(grade["status"] != COULD_NOT_GRADE for grade in line["grades"])

    def add(self, submission: Submission, grades: Sequence[Grade], isolation: Sequence[str] | None) -> None:
        """`isolation`: what the submission was kept from; None where nothing of it ran."""
        told = [asdict(grade) for grade in grades]
        line = {
            "student": submission.student,
            "digest": submission.digest,
            "limits": self._limits,
            "isolation": isolation,
            "grades": told,
        }
        with self._lock:
            self._done[submission.student] = line
            self._write(line, "a")

    def isolation(self, class_of: Sequence[Submission]) -> list[str] | None:
        """What all of these submissions that ran were kept from; None where none ran, or an earlier version did not write it down."""
        lines = [self._done[submission.student] for submission in class_of]
        known = [line["isolation"] for line in lines if line.get("isolation") is not None]
        if not known or any("isolation" not in line for line in lines):
            return None
        return [one for one in known[0] if all(one in kept for kept in known)]

    def former(self, class_of: Sequence[Submission]) -> list[str]:
        """The students who were graded and are no longer there."""
        return sorted(self._done.keys() - {submission.student for submission in class_of})

    def grades(self, class_of: Sequence[Submission]) -> list[Grade]:
        return [Grade(**grade) for submission in class_of for grade in self._done[submission.student]["grades"]]


def _same_class(
    lines: Mapping[str, Mapping[str, Any]], folder: str | None, submitted: Path, class_of: Sequence[Submission]
) -> bool:
    """Whether what was recorded by student, of the submissions in `folder`, is of this class, from which some may have gone and to which some may have come.

    In the same folder the names tell. Another one may hold the same class, moved: then most files are the same too, and in a class that
    only has the same names they are not.
    """
    here = {submission.student: submission.digest for submission in class_of}
    if folder in (None, str(submitted.resolve())):
        return bool(here.keys() & lines.keys())
    return 2 * sum(here.get(student) == line["digest"] for student, line in lines.items()) >= len(lines)


def _of_whole_sets(grades: Sequence[Mapping[str, Any]], sets: Sequence[str]) -> bool:
    """Whether these are grades of all exercises, as this version has them, of some of the sets."""
    found = {grade["exercise"] for grade in grades}
    return found == {id for name in sets for id in exercise_set(name) if found & exercise_set(name).keys()}
