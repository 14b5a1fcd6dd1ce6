"""What a spreadsheet would run as a formula is text in the table of grades."""

import csv

import pytest

from unrolled.grading.grade_log import Grade
from unrolled.grading.grade_table import write_grades


def cells_of(path, **values: str) -> dict[str, str]:
    """The row of one grade with these values, as the table holds it."""
    grade = {"student": "Ana", "exercise": "axes-1", "status": "wrong", "feedback": "not yet"} | values
    write_grades(path / "grades.csv", [Grade(**grade)])
    with (path / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        return next(csv.DictReader(file))


@pytest.mark.parametrize("beginning", ["=", "+", "-", "@", "\t"], ids=["equals", "plus", "minus", "at", "tab"])
@pytest.mark.parametrize("column", ["student", "feedback", "misconception", "notebook"])
def test_text_that_begins_like_a_formula_has_an_apostrophe(tmp_path, column, beginning):
    text = f"{beginning}HYPERLINK(1)"
    assert cells_of(tmp_path, **{column: text})[column] == f"'{text}"


@pytest.mark.parametrize("text", ["a=1", "1-2", "Ana", "'quoted", "", "a\tb"])
def test_other_text_is_as_it_was(tmp_path, text):
    assert cells_of(tmp_path, feedback=text)["feedback"] == text


def test_points_stay_numbers(tmp_path):
    assert cells_of(tmp_path)["points"] == "0"
