"""The table of grades, which a spreadsheet program opens."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Sequence
from pathlib import Path

from unrolled.grading.grade_log import Grade
from unrolled.grading.spreadsheet import read_rows, without_formula

COLUMNS = ("student", "exercise", "status", "points", "misconception", "feedback", "notebook", "remark")


def write_grades(path: Path, grades: Sequence[Grade], last_written: Path | None = None) -> Path | None:
    """Write a row for each student and exercise, and the same to `last_written`, from which the next run learns what
    was changed.

    Where anything but additions changes in the table, the older one is kept as a copy; return its path, or None.
    """
    if last_written is None:
        _write(path, grades)
        return None
    new = last_written.with_suffix(".new")
    _write(new, grades)
    kept = None
    if path.exists() and not _only_adds(path, new):
        kept = next(
            name
            for count in range(1, 10_000)
            if not (name := path.with_name(f"{path.stem}-before-{count}.csv")).exists()
        )
        shutil.copy2(path, kept)
    shutil.copyfile(new, path)
    new.replace(last_written)
    return kept


def _only_adds(old: Path, new: Path) -> bool:
    rows = {tuple(sorted(row.items())) for row in read_rows(new)}
    return all(tuple(sorted(row.items())) in rows for row in read_rows(old))


def _write(path: Path, grades: Sequence[Grade]) -> None:
    """A byte-order mark tells spreadsheet programs the encoding."""
    with path.open("w", newline="", encoding="utf-8-sig", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for grade in grades:
            values: dict[str, object] = {
                "student": grade.student,
                "exercise": grade.exercise,
                "status": grade.status,
                "points": "" if grade.points is None else grade.points,
                "misconception": grade.misconception or "",
                "feedback": grade.feedback,
                "notebook": grade.notebook,
                "remark": grade.remark,
            }
            writer.writerow([without_formula(values[column]) for column in COLUMNS])
