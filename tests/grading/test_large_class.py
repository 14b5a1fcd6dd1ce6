"""A large class: every submission is graded right or reported as not gradable, and nobody's grade touches another's."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import classroom
import pytest
from classroom import HOSTILE, command, grading, handed_in, hostile_notebook, master, notebook, table
from run_size import is_long
from student_notebooks import solution_notebook, student_notebook

from unrolled.exercises.exercise import Exercise
from unrolled.exercises.sets import SETS, exercise_set
from unrolled.grading.submissions import find_submissions

PLAIN = 51 if is_long() else 6  # students who are right, beside those who are special
AT_LEAST = 300 if is_long() else 85  # students in all
SECONDS = "3"
THREE_AND_FIVE = ("directions-3", "directions-5")


def wrong_numbers(exercises: dict[str, Exercise]) -> range:
    """The wrong answers that are handed in, by number; `tests/exercises` has them all in every run."""
    most = max(sum(not m.given for m in exercise.misconceptions) for exercise in exercises.values())
    return range(most if is_long() else 1)


def hand_in_set(folder: Path, name: str) -> None:
    """One who is right, one who did nothing, and one for each misconception (in a smaller run, one for each exercise)."""
    handed_in(folder / f"right {name}.ipynb", solution_notebook(master(name)))
    handed_in(folder / f"blank {name}.ipynb", student_notebook(master(name)))
    for number in wrong_numbers(exercise_set(name)):
        handed_in(folder / f"wrong {name} {number}.ipynb", classroom.with_misconceptions(exercise_set(name), number))


@pytest.fixture(scope="module")
def large_class(tmp_path_factory) -> Path:
    """One set: those who rather would not be graded, and among them everybody else; with little time for an answer."""
    folder = tmp_path_factory.mktemp("class") / "returned notebooks"
    hand_in_set(folder, "directions")
    for name, (cells, _, _) in HOSTILE.items():
        handed_in(folder / name / "directions.ipynb", hostile_notebook(cells))
    right = solution_notebook(master("directions"))
    handed_in(folder / "Zoë Ångström_77_assignsubmission_file_" / "directions.ipynb", right)
    handed_in(folder / "two" / "first.ipynb", right)
    handed_in(
        folder / "two" / "second.ipynb",
        notebook(classroom.IMPORTS, "def final_states(output, hn):\n    return output[:, -1]"),
    )
    handed_in(folder / "large.ipynb", right)
    large = json.loads((folder / "large.ipynb").read_text(encoding="utf-8"))
    large["cells"][1]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 50_000_000}]
    (folder / "large.ipynb").write_text(json.dumps(large), encoding="utf-8")
    (folder / "empty.ipynb").write_bytes(b"")
    (folder / "invalid.ipynb").write_text('{"cells": [', encoding="utf-8")
    for number in range(PLAIN):
        handed_in(folder / f"student {number:03} – ü.ipynb", right)
    return folder


@pytest.fixture(scope="module")
def other_sets(tmp_path_factory) -> Path:
    """Every other set, some of which train; with the time that an answer has unless somebody says otherwise."""
    folder = tmp_path_factory.mktemp("other sets") / "returned notebooks"
    for name in set(SETS) - {"directions"}:
        hand_in_set(folder, name)
    return folder


def graded_by_the_command(folder: Path, out: Path, *options: str) -> Path:
    result = subprocess.run(
        command(*grading(folder, out, *options)), capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 0, result.stderr
    kept_from = "with no network, no other process in sight, no file to write but its own, no other submission to read."
    assert kept_from in result.stdout or sys.platform != "linux"
    return out


@pytest.fixture(scope="module")
def graded(large_class, tmp_path_factory) -> Path:
    return graded_by_the_command(large_class, tmp_path_factory.mktemp("graded") / "grades.csv", "--seconds", SECONDS)


@pytest.fixture(scope="module")
def rows(graded, other_sets, tmp_path_factory) -> dict[tuple[str, str], dict[str, str]]:
    out = graded_by_the_command(other_sets, tmp_path_factory.mktemp("graded others") / "grades.csv")
    return table(graded) | table(out)


def test_everybody_has_a_row_for_every_exercise_of_the_own_set(rows, large_class, other_sets):
    students = [one.student for folder in (large_class, other_sets) for one in find_submissions(folder)]
    assert len(students) >= AT_LEAST
    of_name = {student: student.split()[1] for student in students if student.split()[0] in ("right", "blank", "wrong")}
    assert list(rows) == [
        (student, id) for student in students for id in exercise_set(of_name.get(student, "directions"))
    ]


@pytest.mark.parametrize("name", SETS)
def test_solutions_get_full_marks_and_blanks_none(rows, name):
    for id in exercise_set(name):
        assert rows[f"right {name}", id]["status"] == "right"
        blank = rows[f"blank {name}", id]
        assert (blank["status"], blank["points"], blank["misconception"]) == ("not attempted", "0", "")


@pytest.mark.parametrize("name", SETS)
def test_every_misconception_is_named(rows, name):
    exercises = exercise_set(name)
    for number in wrong_numbers(exercises):
        for id, misconception in classroom.expected_misconceptions(exercises, number).items():
            row = rows[f"wrong {name} {number}", id]
            assert (row["status"], row["misconception"]) == ("wrong", misconception), row


@pytest.mark.parametrize("student", HOSTILE)
def test_hostile_code_is_graded_right_or_reported(rows, student):
    for id, wanted in zip(THREE_AND_FIVE, HOSTILE[student][1:], strict=True):
        row = rows[student, id]
        status, _, feedback = wanted.partition(": ")
        assert row["status"] == status, row
        assert feedback in row["feedback"], row
        assert row["points"] == {"right": "1", "wrong": "0"}.get(status, "")


def test_nobody_elses_grade_is_touched(rows, large_class):
    others = [s.student for s in find_submissions(large_class) if s.student.startswith("student ")]
    assert len(others) == PLAIN
    for student in [*others, "large", "Zoë Ångström (77)"]:
        assert {rows[student, id]["status"] for id in exercise_set("directions")} == {"right"}


def test_what_is_not_gradable_says_why_and_is_no_zero(rows):
    reasons = {
        "empty": "the file is empty",
        "invalid": "the file is not a notebook",
        "two": "two notebooks answer it differently: first.ipynb (right), second.ipynb (wrong)",
    }
    for student, reason in reasons.items():
        row = rows[student, "directions-3"]
        assert row["status"] == "could not grade"
        assert reason in row["feedback"]
        assert row["points"] == ""
    assert rows["two", "directions-5"]["status"] == "right"


def test_no_file_was_left_behind(large_class, graded):
    assert [path for folder in (large_class, graded.parent) for path in folder.parent.rglob("intruder.txt")] == []
    assert not list(Path("/").glob("intruder.txt"))
    assert not list(Path("/tmp").glob("intruder.txt"))


def test_the_pages_say_the_same(rows, graded, large_class):
    page = (graded.with_suffix("") / "wrong directions 0.html").read_text(encoding="utf-8")
    assert "Your backward half has read one step: that is <code>output[:, -1, H:]</code>." in page
    report = (graded.with_suffix("") / "report.html").read_text(encoding="utf-8")
    counts = Counter(row["misconception"] for row in rows.values() if row["exercise"] == "directions-3")
    assert f"<b>{counts['last_output']}</b>directions-3. Your backward half has read one step" in report
    assert '<a href="wrong%20directions%200.html">wrong directions 0</a>' in report
    assert "<svg" in report
    assert "the file is empty" in report
    identical = report[report.index("<h2>Identical notebooks</h2>") : report.index("<h2>Students</h2>")]
    assert identical.count(">student 0") == PLAIN
    assert "blank" not in identical
    assert len(list(graded.with_suffix("").glob("*.html"))) == len(find_submissions(large_class)) + 1
