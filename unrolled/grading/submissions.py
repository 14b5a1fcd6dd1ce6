"""A folder of returned notebooks, as learning platforms export them: whose they are, and the code that is in them."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unrolled.grading import notebook_file
from unrolled.grading.notebook_file import Unreadable, read_cells
from unrolled.grading.platforms import GRADESCOPE, Named, gradescope_students, read_name

MAX_BYTES = 100_000_000
MAX_BYTES_HERE = 1_000_000  # read in this process
NOT_HANDED_IN = {".ipynb_checkpoints", "__MACOSX", GRADESCOPE}


@dataclass(frozen=True, kw_only=True)
class Submission:
    """All notebooks of one student.

    `attempts`: those of each attempt, the last one last; `number`: the platform's, for the student.
    """

    student: str
    attempts: tuple[tuple[Path, ...], ...]
    number: str = ""
    late: bool = False

    @property
    def paths(self) -> tuple[Path, ...]:
        """The notebooks of the last attempt."""
        return self.attempts[-1]

    def each_attempt(self) -> list[Submission]:
        """A submission of each attempt alone."""
        return [replace(self, attempts=(paths,)) for paths in self.attempts]

    @property
    def digest(self) -> str:
        """Of the files' names and contents: whether they are still what was graded."""
        digest = hashlib.sha256()
        for path in (path for paths in self.attempts for path in paths):
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
    listed = gradescope_students(folder)
    attempts: dict[str, dict[str, list[Path]]] = {}
    about: dict[str, Named] = {}
    for path in sorted(_files(folder)):
        parts = path.relative_to(folder).parts
        handed_in = not any(part in NOT_HANDED_IN or part.startswith(".") for part in parts)
        if handed_in and path.suffix.lower() == ".ipynb" and path.is_file() and not path.is_symlink():
            named = read_name(parts, listed)
            attempts.setdefault(named.student, {}).setdefault(named.attempt, []).append(path)
            about[named.student] = named
    return [
        Submission(
            student=student,
            number=about[student].number,
            late=about[student].late,
            attempts=tuple(tuple(own[attempt]) for attempt in sorted(own)),
        )
        for student, own in sorted(attempts.items())
    ]


def _files(folder: Path) -> Iterator[Path]:
    """All files below the folder. A symbolic link is not followed: it may lead to a classmate's notebook."""
    for place, _, names in os.walk(folder, followlinks=False):
        yield from (Path(place, name) for name in names)


def links(folder: Path) -> list[str]:
    """The symbolic links below the folder, which are not followed."""
    return sorted(
        os.path.relpath(path, folder)
        for place, folders, files in os.walk(folder, followlinks=False)
        for name in [*folders, *files]
        if (path := Path(place, name)).is_symlink()
    )


def without_notebook(folder: Path, submissions: Sequence[Submission]) -> list[str]:
    """The names of what is in `folder` and has no notebook of the class: a zip file, a folder with a Python file."""
    of_submissions = {path.relative_to(folder).parts[0] for submission in submissions for path in submission.paths}
    names = {path.name for path in folder.iterdir()}
    return sorted(name for name in names - of_submissions - NOT_HANDED_IN if not name.startswith("."))


def students_without_notebook(folder: Path, names: Sequence[str]) -> dict[str, str]:
    """The student of each of these names in `folder` that certainly has one: folders, and files that a platform has
    named.
    """
    of_students = [name for name in names if (folder / name).is_dir() or read_name((name,)).certain]
    return {name: student_name((name, "")) for name in of_students}


def student_name(parts: Sequence[str]) -> str:
    """The student of a notebook, from its path below the folder of submissions."""
    return read_name(parts).student


def _code_cells_or_reason(path: Path) -> list[str] | Unreadable:
    try:
        return code_cells(path)
    except Unreadable as reason:
        return reason


def code_cells(path: Path) -> list[str]:
    """The sources of the notebook's code cells, whatever else is in it or missing from it.

    A large file is read in a process of its own: a few characters of it may take a hundred times as much memory.

    Raises:
        Unreadable: the file is empty, too large, or not a notebook.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise Unreadable(f"the file has {size / 1e6:.0f} MB; the most that is read is {MAX_BYTES / 1e6:.0f} MB")
        if size <= MAX_BYTES_HERE:
            return read_cells(path.read_bytes())
        path.open("rb").close()
    except OSError as error:
        raise Unreadable(f"the file cannot be opened ({error.strerror})") from error
    command = [sys.executable, "-I", "-S", notebook_file.__file__, os.path.abspath(path)]
    reading = subprocess.run(command, capture_output=True, check=False)
    if reading.returncode:
        raise Unreadable(f"{notebook_file.NO_NOTEBOOK} that can be read within limits")
    answer = json.loads(reading.stdout)
    if "reason" in answer:
        raise Unreadable(answer["reason"])
    cells: list[str] = answer["cells"]
    return cells
