"""The table of grades, which a spreadsheet program opens."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from unrolled.grading.grade_log import Grade

COLUMNS = ("student", "exercise", "status", "points", "misconception", "feedback", "notebook")


def write_grades(path: Path, grades: Sequence[Grade]) -> None:
    """Write a row for each student and exercise. A byte-order mark tells spreadsheet programs the encoding."""
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
            }
            writer.writerow([without_formula(values[column]) for column in COLUMNS])


def without_formula(value: object) -> object:
    """The value, with an apostrophe before text that a spreadsheet would take for a formula and run."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t")) else value
