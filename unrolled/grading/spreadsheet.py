"""Tables as spreadsheet programs save and open them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

FORMULA, BREAKS, BLANK = ("=", "+", "-", "@"), ("\t", "\r", "\n"), " \t\r\n\u00a0\ufeff\u200b"


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The header and the rows of a table as a program may have saved it.

    With commas, semicolons or tabs, and in its own encoding.
    """
    content = path.read_bytes()
    try:
        text = content.decode("utf-16" if content.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", errors="replace")
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name or "" for name in rows.fieldnames or ()]
    return header, [{name or "": value or "" for name, value in row.items() if isinstance(value, str)} for row in rows]


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of a table, with the names of the columns in lower case."""
    return [{name.strip().casefold(): value for name, value in row.items()} for row in read_table(path)[1]]


def number(text: str) -> float | None:
    """The number that is written there, with a point or a comma; None for anything else."""
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if 0 <= value < 1e9 else None


def without_formula(value: object) -> object:
    """The value, with an apostrophe before text that a spreadsheet would take for a formula and run."""
    if not isinstance(value, str):
        return value
    formula = value.startswith(BREAKS) or value.lstrip(BLANK).startswith(FORMULA)
    return f"'{value}" if formula else value
