"""A folder of returned notebooks, as learning platforms export them: whose they are, and the code that is in them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 100_000_000
MOST_CODE = 1_000_000  # characters
# What Moodle adds to a student's name (a number that tells namesakes apart, and what was submitted), and what Canvas adds.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_file.*")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<number>\d{3,})_\d{3,}_.+")
NOT_HANDED_IN = {".ipynb_checkpoints", "__MACOSX"}


class Unreadable(Exception):
    """A file that is no notebook; the message says in what way."""


@dataclass(frozen=True)
class Submission:
    """All notebooks of one student."""

    student: str
    paths: tuple[Path, ...]

    @property
    def digest(self) -> str:
        """Of the files' names and contents: whether they are still what was graded."""
        found = hashlib.sha256()
        for path in self.paths:
            readable = os.access(path, os.R_OK) and path.stat().st_size <= MOST_BYTES
            content = path.read_bytes() if readable else b""
            found.update(path.name.encode(errors="replace") + b"\0" + hashlib.sha256(content).digest())
        return found.hexdigest()[:16]


def submissions(folder: Path) -> list[Submission]:
    """Every student with a notebook below `folder`, by name. A folder of its own belongs to one student, and so does a file beside it."""
    found: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".ipynb"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part in NOT_HANDED_IN or part.startswith(".") for part in parts):
            found.setdefault(student_name(parts), []).append(path)
    return [Submission(student, tuple(paths)) for student, paths in sorted(found.items())]


def without_notebook(folder: Path, class_of: Sequence[Submission]) -> list[str]:
    """The names of what lies in `folder` and holds no notebook of the class: a zip file, a folder with a Python file, `exercise.ipynb.json`."""
    of_submissions = {path.relative_to(folder).parts[0] for submission in class_of for path in submission.paths}
    names = {path.name for path in folder.iterdir()}
    return sorted(name for name in names - of_submissions - NOT_HANDED_IN if not name.startswith("."))


def students_without_notebook(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """Whose each of these names in `folder` is, of those that are certainly somebody's: folders, and files that a platform has named."""
    somebodys = [name for name in names if (folder / name).is_dir() or MOODLE.fullmatch(name) or CANVAS.fullmatch(name)]
    return {name: student_name((name, "")) for name in somebodys}


def student_name(parts: Sequence[str]) -> str:
    """Whose notebook this is, from its path below the folder of submissions: `Ana Lima (1234)` where the platform gives a number."""
    own = parts[0] if len(parts) > 1 else Path(parts[0]).stem
    for platform in (MOODLE, CANVAS):
        if match := platform.fullmatch(own):
            return f"{match['name']} ({match['number']})"
    return own


def code_cells(path: Path) -> list[str]:
    """The sources of the notebook's code cells, whatever else is in it or missing from it.

    Raises:
        Unreadable: the file is empty, too large, or not a notebook.
    """
    try:
        if path.stat().st_size > MOST_BYTES:
            raise Unreadable(
                f"the file has {path.stat().st_size / 1e6:.0f} MB; the most that is read is {MOST_BYTES / 1e6:.0f} MB"
            )
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"the file cannot be opened ({error.strerror})") from error
    if not content.strip():
        raise Unreadable("the file is empty")
    try:
        # Not by nbformat: it refuses what lacks its metadata, and all that counts here is the code. Format 3 has worksheets and inputs.
        notebook = json.loads(content.decode("utf-8-sig"))
        cells = (
            notebook["cells"]
            if "cells" in notebook
            else [cell for sheet in notebook["worksheets"] for cell in sheet["cells"]]
        )
        sources = [
            cell["source"] if "source" in cell else cell["input"] for cell in cells if cell["cell_type"] == "code"
        ]
        code = ["".join(source) for source in sources]
    except Exception as error:  # whatever is wrong with it, it is the file's fault, and this student's alone
        raise Unreadable(f"the file is not a notebook ({type(error).__name__})") from error
    if sum(map(len, code)) > MOST_CODE:
        raise Unreadable(f"its code has {sum(map(len, code))} characters; the most that is read is {MOST_CODE}")
    return code
