"""A folder of returned notebooks, as learning platforms export them: whose they are, and the code that is in them."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 100_000_000
MAX_CODE_CHARACTERS = 1_000_000
# What Moodle adds to a student's name (a number that tells namesakes apart, and what was submitted), and what Canvas
# adds.
MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_file.*")
CANVAS = re.compile(r"(?P<name>[^_]+)_(?:LATE_)?(?P<number>\d{3,})_\d{3,}_.+")
NOT_HANDED_IN = {".ipynb_checkpoints", "__MACOSX"}


class Unreadable(Exception):
    """A file that is no notebook; the message says in what way."""


@dataclass(frozen=True, kw_only=True)
class Submission:
    """All notebooks of one student."""

    student: str
    paths: tuple[Path, ...]

    @property
    def digest(self) -> str:
        """Of the files' names and contents: whether they are still what was graded."""
        digest = hashlib.sha256()
        for path in self.paths:
            readable = os.access(path, os.R_OK) and path.stat().st_size <= MAX_BYTES
            content = path.read_bytes() if readable else b""
            digest.update(path.name.encode(errors="replace") + b"\0" + hashlib.sha256(content).digest())
        return digest.hexdigest()[:16]

    def read(self) -> dict[Path, list[str] | Unreadable]:
        """The code cells of each notebook, or why it has none."""
        return {path: _code_cells_or_reason(path) for path in self.paths}


def find_submissions(folder: Path) -> list[Submission]:
    """Every student with a notebook below `folder`, by name.

    A folder inside it belongs to one student, and so does a file beside these folders.
    """
    paths: dict[str, list[Path]] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() == ".ipynb"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part in NOT_HANDED_IN or part.startswith(".") for part in parts):
            paths.setdefault(student_name(parts), []).append(path)
    return [Submission(student=student, paths=tuple(own)) for student, own in sorted(paths.items())]


def without_notebook(folder: Path, submissions: Sequence[Submission]) -> list[str]:
    """The names of what is in `folder` and has no notebook of the class: a zip file, a folder with a Python file."""
    of_submissions = {path.relative_to(folder).parts[0] for submission in submissions for path in submission.paths}
    names = {path.name for path in folder.iterdir()}
    return sorted(name for name in names - of_submissions - NOT_HANDED_IN if not name.startswith("."))


def students_without_notebook(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The student of each of these names in `folder` that certainly has one: folders, and files that a platform has
    named.
    """
    of_students = [
        name for name in names if (folder / name).is_dir() or MOODLE.fullmatch(name) or CANVAS.fullmatch(name)
    ]
    return {name: student_name((name, "")) for name in of_students}


def student_name(parts: Sequence[str]) -> str:
    """The student of a notebook, from its path below the folder of submissions.

    `Ana Lima (1234)` where the platform gives a number.
    """
    own = parts[0] if len(parts) > 1 else Path(parts[0]).stem
    for platform in (MOODLE, CANVAS):
        if match := platform.fullmatch(own):
            return f"{match['name']} ({match['number']})"
    return own


def _code_cells_or_reason(path: Path) -> list[str] | Unreadable:
    try:
        return code_cells(path)
    except Unreadable as reason:
        return reason


def code_cells(path: Path) -> list[str]:
    """The sources of the notebook's code cells, whatever else is in it or missing from it.

    Raises:
        Unreadable: the file is empty, too large, or not a notebook.
    """
    content = _content(path)
    try:
        # Not by nbformat: it refuses what lacks its metadata, and only the code counts here.
        notebook = json.loads(content.decode("utf-8-sig"))
        # Format 3 has worksheets and inputs.
        sheets = [notebook] if "cells" in notebook else notebook["worksheets"]
        cells = [cell for sheet in sheets for cell in sheet["cells"] if cell["cell_type"] == "code"]
        code = ["".join(cell["source"] if "source" in cell else cell["input"]) for cell in cells]
    except Exception as error:  # whatever is wrong with it, it is the file's fault, and this student's alone
        raise Unreadable(f"the file is not a notebook ({type(error).__name__})") from error
    if sum(map(len, code)) > MAX_CODE_CHARACTERS:
        raise Unreadable(
            f"its code has {sum(map(len, code))} characters; the most that is read is {MAX_CODE_CHARACTERS}"
        )
    return code


def _content(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable(f"the file has {size / 1e6:.0f} MB; the most that is read is {MAX_BYTES / 1e6:.0f} MB")
        content = path.read_bytes()
    except OSError as error:
        raise Unreadable(f"the file cannot be opened ({error.strerror})") from error
    if not content.strip():
        raise Unreadable("the file is empty")
    return content
