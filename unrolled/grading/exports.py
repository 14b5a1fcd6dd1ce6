"""Tables with a row for each student, and what Canvas and Moodle import."""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unrolled.grading.grade_log import Grade
from unrolled.grading.pages import file_stem
from unrolled.grading.spreadsheet import read_table, without_formula

CANVAS_COLUMNS = ("Student", "ID", "SIS Login ID", "Section")


class ExportError(ValueError):
    """The gradebook that was named cannot be filled in; the message says why."""


@dataclass(frozen=True, kw_only=True)
class StudentRow:
    """One student: points for each set, and what could not be graded.

    A set of which something could not be graded has points too.
    """

    student: str
    number: str
    late: bool
    points: Mapping[str, float]
    not_graded: Sequence[str]

    @property
    def name(self) -> str:
        """The name without the platform's number."""
        return self.student.removesuffix(f" ({self.number})")

    def complete(self, exercise_set: str) -> bool:
        """Whether all of the set could be graded."""
        return not any(id.rpartition("-")[0] == exercise_set for id in self.not_graded)


def student_rows(grades: Sequence[Grade], numbers: Mapping[str, str], late: Mapping[str, bool]) -> list[StudentRow]:
    """A row for each student, from the grades of each exercise."""
    own: dict[str, list[Grade]] = {}
    for grade in grades:
        own.setdefault(grade.student, []).append(grade)
    rows = []
    for student, of_student in own.items():
        points: dict[str, float] = {}
        for grade in of_student:
            name = grade.exercise_set
            points[name] = points.get(name, 0) + (grade.points or 0)
        rows.append(
            StudentRow(
                student=student,
                number=numbers.get(student, ""),
                late=late.get(student, False),
                points=points,
                not_graded=[grade.exercise for grade in of_student if grade.points is None],
            )
        )
    return rows


def write_by_student(path: Path, rows: Sequence[StudentRow], sets: Sequence[str]) -> None:
    """Write the id, the name, a column for each set, a total, whether it was late, and what could not be graded."""
    with path.open("w", newline="", encoding="utf-8-sig", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "name", *sets, "total", "late", "could not grade"])
        for row in rows:
            points = [row.points.get(name, "") for name in sets]
            values = [row.number, row.name, *points, sum(row.points.values()), "late" if row.late else ""]
            writer.writerow([without_formula(value) for value in [*values, ", ".join(row.not_graded)]])


def write_for_canvas(path: Path, gradebook: Path, rows: Sequence[StudentRow], maximum: Mapping[str, int]) -> list[str]:
    """Fill in the gradebook that was exported from Canvas; return the students that it does not have.

    The columns that Canvas wants come first, as they are in the gradebook; then one for each set: the gradebook's own,
    where its name begins with the set's. A set of which something could not be graded stays empty: look at it, and fill
    it in.

    Raises:
        ExportError: the file is not a gradebook.
    """
    header, students = read_table(gradebook)
    if not {"Student", "ID"} <= set(header):
        raise ExportError(f"{gradebook} is not a gradebook of Canvas: it has no columns Student and ID.")
    columns = {name: _column(header, name) for name in maximum}
    by_number = {row.number: row for row in rows if row.number}
    by_name = {_plain(row.name): row for row in rows}
    used: set[str] = set()
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        kept = [name for name in header if name in CANVAS_COLUMNS or name == "SIS User ID"]
        writer.writerow([*kept, *columns.values()])
        for student in students:
            about = [student.get(name, "") for name in kept]
            if "Points Possible" in student.get("Student", "").strip():
                writer.writerow([*about, *maximum.values()])
                continue
            names = (_plain(student.get("Student", "")), _plain(student.get("SIS Login ID", "")))
            row = by_number.get(student.get("ID", "")) or next(
                (by_name[name] for name in names if name in by_name), None
            )
            if row is not None:
                used.add(row.student)
            writer.writerow([*about, *(_points(row, name) for name in columns)])
    return [row.student for row in rows if row.student not in used]


def write_for_moodle(path: Path, worksheet: Path, rows: Sequence[StudentRow], maximum: Mapping[str, int]) -> list[str]:
    """Fill in the grading worksheet that was exported from Moodle; return the students that it does not have.

    Its column `Grade` gets the sum, out of `Maximum Grade` where the worksheet gives one. Who has something that could
    not be graded stays empty.

    Raises:
        ExportError: the file is not a grading worksheet.
    """
    header, students = read_table(worksheet)
    if "Identifier" not in header and "Email address" not in header and "ID number" not in header:
        raise ExportError(f"{worksheet} is not a grading worksheet of Moodle: it has no column Identifier.")
    by_number = {row.number: row for row in rows if row.number}
    by_name = {_plain(row.name): row for row in rows}
    used: set[str] = set()
    columns = header if "Grade" in header else [*header, "Grade"]
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for student in students:
            number = re.sub(r"\D", "", student.get("Identifier", ""))
            row = by_number.get(number) or by_name.get(_plain(student.get("Full name", "")))
            if row is not None and not row.not_graded:
                student["Grade"] = _scaled(
                    sum(row.points.values()), sum(maximum.values()), student.get("Maximum Grade", "")
                )
            if row is not None:
                used.add(row.student)
            writer.writerow([student.get(name, "") for name in columns])
    return [row.student for row in rows if row.student not in used]


def write_moodle_feedback(path: Path, pages: Path, rows: Sequence[StudentRow]) -> None:
    """Write the pages as a zip for Moodle's “Upload multiple feedback files in a zip”, in folders of its names."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for row in rows:
            page = pages / f"{file_stem(row.student)}.html"
            if row.number and page.is_file():
                archive.write(page, f"{row.name}_{row.number}_assignsubmission_file_/feedback.html")


def _column(header: Sequence[str], name: str) -> str:
    """The gradebook's column for a set: `directions (12345)`, or the set's name where there is none."""
    own = re.compile(rf"{re.escape(name)}(?: \(\d+\))?", re.IGNORECASE)
    return next((column for column in header if own.fullmatch(column.strip())), name)


def _points(row: StudentRow | None, name: str) -> str:
    if row is None or name not in row.points or not row.complete(name):
        return ""
    return f"{row.points[name]:g}"


def _scaled(points: float, out_of: int, maximum: str) -> str:
    """The points out of the platform's maximum."""
    try:
        most = float(maximum.replace(",", "."))
    except ValueError:
        return f"{points:g}"
    return f"{points * most / out_of:.2f}" if out_of and most > 0 else f"{points:g}"


def _plain(name: str) -> str:
    """A name for comparison: `Lima, Ana` is `ana lima`, and Canvas writes `limaana` in the names of files."""
    last, comma, first = name.partition(",")
    letters = f"{last}{first}" if comma else "".join(reversed(name.rsplit(" ", 1)))
    return re.sub(r"\W", "", letters).casefold()


def lines_of_export(missing: Sequence[str], path: Path) -> Iterator[str]:
    """What the run says about an export."""
    yield f"For import: {path}"
    if missing:
        yield f"Not in the gradebook that you named: {', '.join(missing)}."
