"""Names of what learning platforms export: whose submission it is, which attempt, and whether it was late."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from unrolled.exercises.sets import SETS

# Moodle adds a number that tells namesakes apart, and what was submitted: files or an online text.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(?:file|onlinetext).*")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?P<late>LATE_)?(?P<number>\d{3,})_\d{3,}_.+")
BLACKBOARD = re.compile(r".+?_(?P<name>[^_]+)_attempt_(?P<attempt>\d{4}(?:-\d\d){5})(?:_.*)?")
# Brightspace (D2L): `12345-67890 - Ana Lima - Jan 31, 2026 1234 PM`, and a file's name after it.
D2L = re.compile(r"\d+-\d+ - (?P<name>.+?) ?- (?P<attempt>[A-Z][a-z]+ \d{1,2}, \d{4} \d{3,4} [AP]M)(?: ?- .*)?")
CLASSROOM = re.compile(rf"(?P<name>\w[\w .,'’-]*?) - (?:{'|'.join(SETS)})(?: ?\(\d+\))?", re.IGNORECASE)
PLATFORMS = (MOODLE, CANVAS, BLACKBOARD, D2L, CLASSROOM)
GRADESCOPE = "submission_metadata.yml"


@dataclass(frozen=True, kw_only=True)
class Named:
    """What a name tells. `number`: the platform's, for the student; `attempt`: sorts after those before it."""

    student: str
    number: str = ""
    late: bool = False
    attempt: str = ""

    @property
    def certain(self) -> bool:
        """Whether a platform has given this name."""
        return bool(self.number or self.attempt)


def read_name(parts: Sequence[str], gradescope: Mapping[str, str] | None = None) -> Named:
    """Whose it is, from its path below the folder of submissions: `Ana Lima (1234)` where the platform gives a number.

    `gradescope`: the students by folder, where Gradescope has listed them.
    """
    own = parts[0] if len(parts) > 1 else Path(parts[0]).stem
    if gradescope and own in gradescope:
        return Named(student=gradescope[own])
    for platform in PLATFORMS:
        if match := platform.fullmatch(own):
            groups = match.groupdict()
            number, name = groups.get("number") or "", match["name"].strip()
            return Named(
                student=f"{name} ({number})" if number else name,
                number=number,
                late=bool(groups.get("late")),
                attempt=_sortable(groups.get("attempt") or ""),
            )
    return Named(student=own)


def _sortable(attempt: str) -> str:
    """The time of an attempt in a form that sorts."""
    words = attempt.split()
    if len(words) != 5:
        return attempt
    month, day, year, clock, half = words
    for pattern in ("%b %d, %Y %I%M %p", "%B %d, %Y %I%M %p"):
        try:
            return datetime.strptime(f"{month} {day} {year} {clock:0>4} {half}", pattern).isoformat()
        except ValueError:
            continue
    return attempt


def gradescope_students(folder: Path) -> dict[str, str]:
    """The students of Gradescope's folders, `submission_123`, from the list that it exports beside them."""
    listing = folder / GRADESCOPE
    students: dict[str, str] = {}
    submission = ""
    for line in listing.read_text(encoding="utf-8", errors="replace").splitlines() if listing.is_file() else ():
        if match := re.fullmatch(r"(submission_\d+):\s*", line):
            submission = match[1]
        elif (match := re.fullmatch(r"\s*-? *:name: *(.+?)\s*", line)) and submission:
            name = match[1].strip("'\"")
            students[submission] = f"{students[submission]}, {name}" if submission in students else name
    return students
