"""What a teacher wrote stays: points in `overrides.csv`, and points that were changed in the table by hand."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unrolled.grading.grade_log import Grade
from unrolled.grading.spreadsheet import number, read_rows, without_formula

OVERRIDES = "overrides.csv"
HEADER = ("student", "exercise", "points", "remark")


class OverrideError(ValueError):
    """What a teacher wrote cannot be read, or would be lost; the message says what to do. Nothing has been written."""


@dataclass(frozen=True, kw_only=True)
class Override:
    """Points that a teacher gave, and why."""

    points: float
    remark: str = ""


Key = tuple[str, str]
"""A student and an exercise."""


def read_overrides(path: Path) -> dict[Key, Override]:
    """The points that a teacher wrote, by student and exercise.

    Raises:
        OverrideError: a row has no points, or a column is missing.
    """
    if not path.exists():
        return {}
    overrides: dict[Key, Override] = {}
    for line, row in enumerate(read_rows(path), start=2):
        if not any(value.strip() for value in row.values()):
            continue
        if not {"student", "exercise", "points"} <= row.keys():
            raise OverrideError(f"{path} needs the columns {', '.join(HEADER)} in its first line. Nothing was graded.")
        points = number(row["points"])
        if points is None:
            raise OverrideError(f"{path}, line {line}: {row['points']!r} is no number of points. Nothing was graded.")
        key = (without_apostrophe(row["student"].strip()), row["exercise"].strip())
        overrides[key] = Override(points=points, remark=row.get("remark", "").strip())
    return overrides


def without_apostrophe(name: str) -> str:
    """The name as it is, without what the table puts before a formula."""
    return name[1:] if name.startswith("'") and str(without_formula(name[1:])) == name else name


def with_overrides(grades: Sequence[Grade], overrides: Mapping[Key, Override]) -> list[Grade]:
    """The grades with the points that a teacher gave."""
    return [
        replace(grade, given=own.points, remark=own.remark)
        if (own := overrides.get((grade.student.strip(), grade.exercise)))
        else grade
        for grade in grades
    ]


def of_nobody(grades: Sequence[Grade], overrides: Mapping[Key, Override]) -> list[Key]:
    """Overrides for a student or exercise that there is none of."""
    known = {(grade.student.strip(), grade.exercise) for grade in grades}
    return [key for key in overrides if key not in known]


def check_for_changes(table: Path, last_written: Path, overrides: Mapping[Key, Override]) -> None:
    """Find points that were changed by hand in the table since a run wrote it.

    Raises:
        OverrideError: there are some that `overrides` does not hold; the message says how to keep them.
    """
    if not table.exists() or not last_written.exists() or table.read_bytes() == last_written.read_bytes():
        return
    written = {_key(row): row.get("points", "") for row in read_rows(last_written)}
    lost = [
        (key, now, written[key])
        for key, now in ((_key(row), row.get("points", "")) for row in read_rows(table))
        if key in written and not _same(now, written[key]) and not _kept(now, overrides.get(key))
    ]
    if lost:
        raise OverrideError("\n".join(_how_to_keep(table, lost)))


def _key(row: Mapping[str, str]) -> Key:
    return without_apostrophe(row.get("student", "")).strip(), row.get("exercise", "").strip()


def _same(one: str, other: str) -> bool:
    return one.strip() == other.strip() or (number(one) is not None and number(one) == number(other))


def _kept(now: str, override: Override | None) -> bool:
    return override is not None and number(now) == override.points


def _how_to_keep(table: Path, lost: Sequence[tuple[Key, str, str]]) -> Iterator[str]:
    overrides = table.with_name(OVERRIDES)
    yield f"Points were changed in {table} by hand, and this run would overwrite them. Nothing was graded or written."
    yield f"To keep them, write them into {overrides}, with these columns:"
    yield ",".join(HEADER)
    for (student, exercise), now, before in lost:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow([student, exercise, now, f"was {before or 'empty'}"])
        yield line.getvalue()
    yield f"To give them up, delete {table}. Then start the same command again."
