"""The grades of a class, and the log of them that a run continues."""

from __future__ import annotations

import json
import secrets
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unrolled.grading.digests import rules_digest
from unrolled.grading.sandbox.protocol import Limits
from unrolled.grading.submissions import Submission
from unrolled.text import counted

COULD_NOT_GRADE = "could not grade"
MAX_ENDED_RUNS = 2  # in the middle of one submission, before it is left out
ENDED_RUNS = "grading it has ended the whole run twice, so it was not run again. Look at it yourself"
POINTS = {"right": 1, "wrong": 0, "not attempted": 0, COULD_NOT_GRADE: None}


class LogError(ValueError):
    """The log cannot be continued; the message says what to do."""


@dataclass(frozen=True, kw_only=True)
class Grade:
    """One exercise of one student. `points` is None where it could not be graded, and `feedback` then says why."""

    student: str
    exercise: str
    status: str
    feedback: str
    misconception: str | None = None
    notebook: str = ""
    given: float | None = None
    """Points that a teacher gave, whatever the status."""
    remark: str = ""

    @property
    def exercise_set(self) -> str:
        """The name of the set that the exercise is of."""
        return self.exercise.rpartition("-")[0]

    @property
    def points(self) -> float | None:
        """What a teacher gave, or else 1 or 0; None where it could not be graded."""
        if self.given is not None:
            return int(self.given) if self.given == int(self.given) else self.given
        return POINTS[self.status]


class GradeLog:
    """What has been graded, a line for each student, appended as it comes. A run that finds it continues it.

    With other limits, who could not be graded is graded again: what did not end in 10 s may do so in 60.
    """

    def __init__(self, path: Path, limits: Limits) -> None:
        self.path = path
        self._limits = {"seconds": limits.seconds, "memory": limits.memory}
        self._graded: dict[str, dict[str, Any]] = {}
        self._lock = threading.Lock()
        self._begun_path = path.with_name("begun.jsonl")
        self._unfinished = Counter(
            (line["student"], line["digest"])
            for line in _lines(self._begun_path)
            if {"student", "digest"} <= line.keys()
        )

    def open(self, sets: Sequence[str], seed: int | None, folder: Path, submissions: Sequence[Submission]) -> int:
        """Read what is there, or begin; return the run's seed. The submissions are in `folder`.

        Raises:
            LogError: what is there belongs to another run.
        """
        try:
            self.path.parent.mkdir(exist_ok=True)
        except FileExistsError:
            message = f"{self.path.parent} is a file, and the pages need a folder of that name. Name another --out."
            raise LogError(message) from None
        lines = list(_lines(self.path))
        if not lines:
            return self._begin(sets, seed, folder)
        head = lines.pop(0)
        last = self._checked(head, lines, sets, folder, submissions)
        if head["sets"] != list(sets) or seed not in (None, head["seed"]):
            raise LogError(self._of_another_run(head, sets))
        self._graded = last
        head["folder"] = str(folder.resolve())
        # A line that was cut off when the run ended is written anew, in a file that replaces the log at once: what is
        # graded is
        # never half there.
        whole = self.path.with_suffix(".new")
        whole.write_text("".join(json.dumps(line) + "\n" for line in [head, *self._graded.values()]), encoding="utf-8")
        whole.replace(self.path)
        return int(head["seed"])

    def _begin(self, sets: Sequence[str], seed: int | None, folder: Path) -> int:
        begun = secrets.randbelow(2**31) if seed is None else seed
        self._write({"seed": begun, "sets": list(sets), "folder": str(folder.resolve())}, "w")
        return begun

    def _checked(
        self,
        head: dict[str, Any],
        lines: Sequence[dict[str, Any]],
        sets: Sequence[str],
        folder: Path,
        submissions: Sequence[Submission],
    ) -> dict[str, dict[str, Any]]:
        """The last line of each student, if this is a log of this class and of these exercises."""
        keys = {"student", "digest", "limits", "grades"}
        is_log = {"seed", "sets"} <= head.keys() and all(keys <= line.keys() for line in lines)
        last = {line["student"]: line for line in lines} if is_log else {}
        place = self.path.parent
        if last and not _same_class(last, head.get("folder"), folder, submissions):
            raise LogError(
                f"{place} holds the results of another class than that in {folder}. Name another --out, or delete "
                f"{place} to begin anew."
            )
        if not is_log:
            message = "is not a record of this version's exercises. Name another --out, or delete"
            raise LogError(f"{self.path} {message} {place}.")
        return last

    def _of_another_run(self, head: Mapping[str, Any], sets: Sequence[str]) -> str:
        """What the log is of, in a sentence, where that is another run than this one."""
        cure = ". Name"
        if head["sets"] != list(sets):
            go_on = " ".join(f"--set {name}" for name in head["sets"])
            cure = f", and this is of {', '.join(sets)}; {go_on} goes on with it. Or name"
        return (
            f"{self.path.parent} holds the results of {', '.join(head['sets'])} with the seed {head['seed']}"
            f"{cure} another --out, or delete that folder to begin anew."
        )

    def _write(self, line: dict[str, Any], mode: str) -> None:
        with self.path.open(mode, encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def has(self, submission: Submission, digests: Mapping[str, str]) -> bool:
        """Whether this very submission is graded on these exercises, as they are now. `digests`: by exercise, as in
        `digests.py`.

        A file that has changed since is graded again, and so is everybody where an exercise or the rules of grading
        have.
        """
        line = self._graded.get(submission.student)
        if line is None or line["digest"] != submission.digest or line.get("exercises") != dict(digests):
            return False
        if line.get("rules") != rules_digest():
            return False
        return bool(line["limits"] == self._limits) or all(
            grade["status"] != COULD_NOT_GRADE for grade in line["grades"]
        )

    def what_changed(self, submissions: Sequence[Submission], digests: Mapping[str, str]) -> list[str]:
        """Why submissions that did not change themselves are graded again: an exercise, or the rules of grading, in a
        sentence each.
        """
        lines = [
            line
            for submission in submissions
            if (line := self._graded.get(submission.student)) and line["digest"] == submission.digest
        ]
        changed = Counter(
            id
            for line in lines
            for id, digest in line.get("exercises", {}).items()
            if digests.get(id, digest) != digest
        )
        rules = sum(line.get("rules") != rules_digest() for line in lines)
        said = [
            f"{id} has changed since it was graded: {counted(count, 'student')} graded again."
            for id, count in changed.items()
        ]
        if rules:
            said.append(
                f"The rules of grading have changed with this version: {counted(rules, 'student')} graded again."
            )
        return said

    def begin(self, submission: Submission) -> None:
        """Note that grading the submission begins, so that the next run knows in the middle of what this one ended."""
        with self._lock:
            _append(self._begun_path, {"student": submission.student, "digest": submission.digest})

    def ends_runs(self, submission: Submission) -> bool:
        """Whether so many runs have ended while they graded this very submission that it must be its fault."""
        return self._unfinished[submission.student, submission.digest] >= MAX_ENDED_RUNS

    def ended_well(self) -> None:
        """Note that the run has ended or was ended on purpose, and by no submission."""
        self._begun_path.unlink(missing_ok=True)

    def add(
        self,
        submission: Submission,
        grades: Sequence[Grade],
        digests: Mapping[str, str],
        isolation: Sequence[str] | None,
    ) -> None:
        """Note grades.

        `digests`: by exercise; `isolation`: what the submission was kept from; None where nothing of it ran.
        """
        line = {
            "student": submission.student,
            "digest": submission.digest,
            "limits": self._limits,
            "exercises": dict(digests),
            "rules": rules_digest(),
            "isolation": isolation,
            "grades": [asdict(grade) for grade in grades],
        }
        with self._lock:
            self._graded[submission.student] = line
            _append(self.path, line)
            self._unfinished.pop((submission.student, submission.digest), None)

    def isolation(self, submissions: Sequence[Submission]) -> list[str] | None:
        """What all of these submissions that ran were kept from.

        None where none ran, or an earlier version did not write it down.
        """
        lines = [self._graded[submission.student] for submission in submissions]
        known = [line["isolation"] for line in lines if line.get("isolation") is not None]
        if not known or any("isolation" not in line for line in lines):
            return None
        return [one for one in known[0] if all(one in other for other in known)]

    def former_students(self, submissions: Sequence[Submission]) -> list[str]:
        """The students who were graded and are no longer there."""
        return sorted(self._graded.keys() - {submission.student for submission in submissions})

    def grades(self, submissions: Sequence[Submission]) -> list[Grade]:
        """The grades of these students, in their order."""
        return [Grade(**grade) for submission in submissions for grade in self._graded[submission.student]["grades"]]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log, up to one that was cut off when the run ended."""
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            value = json.loads(line)
        except json.JSONDecodeError:
            return
        yield value if isinstance(value, dict) else {}


def _append(path: Path, line: Mapping[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def _same_class(
    lines: Mapping[str, Mapping[str, Any]], logged_folder: str | None, folder: Path, submissions: Sequence[Submission]
) -> bool:
    """Whether the logged students, whose notebooks were in `logged_folder`, are this class; some may have left or
    joined.

    In the same folder one common name is enough. Another folder may have the same class, moved: then most files are the
    same too, and in a class that only has the same names they are not.
    """
    digests = {submission.student: submission.digest for submission in submissions}
    if logged_folder in (None, str(folder.resolve())):
        return bool(digests.keys() & lines.keys())
    unchanged = sum(bool(digests.get(student) == line["digest"]) for student, line in lines.items())
    return 2 * unchanged >= len(lines)
