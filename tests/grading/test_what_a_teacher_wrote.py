"""What a teacher wrote stays: points by hand, and grades whose exercise has not changed."""

import csv
import json
import shutil

import pytest
from classroom import RIGHT, grade, handed_in, notebook, table
from run_size import is_long

from unrolled.exercises.sets import exercise_set
from unrolled.grading import digests
from unrolled.grading.digests import exercise_digest
from unrolled.grading.overrides import OverrideError, check_for_changes, number, read_overrides

FOUR_ROWS = "def four_rows():\n    return 'b'"


@pytest.fixture(scope="module")
def graded_once(tmp_path_factory):
    """Ana is right, Ben's notebook cannot be graded on one exercise."""
    place = tmp_path_factory.mktemp("graded once")
    handed_in(place / "class" / "Ana.ipynb", notebook(RIGHT, FOUR_ROWS))
    handed_in(place / "class" / "Ben.ipynb", notebook("def final_states(output, hn)\n    return hn", FOUR_ROWS))
    assert grade(place / "class", place / "grades.csv").returncode == 0
    return place


@pytest.fixture
def graded(graded_once, tmp_path):
    """A copy of that, as if it had been graded here."""
    shutil.copytree(graded_once, tmp_path, dirs_exist_ok=True)
    record = tmp_path / "grades" / "results.jsonl"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace(str(graded_once), str(tmp_path), 1), encoding="utf-8")
    return tmp_path


def edit(path, student, exercise, delimiter=",", **values):
    """Change cells as a spreadsheet program saves them."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if (row["student"], row["exercise"]) == (student, exercise):
            row.update(values)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0].keys(), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


SAVED = [(",", "1"), (";", "1.0"), ("\t", "0.5")]
SAVED_LONG = [(delimiter, points) for delimiter in (",", ";", "\t") for points in ("1", "1.0", "0.5")]


@pytest.mark.parametrize(("delimiter", "points"), SAVED_LONG if is_long() else SAVED)
def test_points_changed_by_hand_are_not_overwritten(graded, delimiter, points):
    out = graded / "grades.csv"
    edit(out, "Ben", "directions-3", delimiter, points=points)
    handed_in(graded / "class" / "Cem.ipynb", notebook(RIGHT, FOUR_ROWS))
    before = {path: path.read_bytes() for path in graded.rglob("*") if path.is_file()}
    refused = grade(graded / "class", out)
    assert refused.returncode == 2
    assert "Points were changed in" in refused.stderr
    assert f"Ben,directions-3,{points},was empty" in refused.stderr
    assert {path: path.read_bytes() for path in graded.rglob("*") if path.is_file()} == before
    lines = refused.stderr.splitlines()
    first = lines.index("student,exercise,points,remark")
    (graded / "overrides.csv").write_text("\n".join(lines[first : first + 2]) + "\n", encoding="utf-8")
    assert grade(graded / "class", out).returncode == 0
    assert number(table(out)["Ben", "directions-3"]["points"]) == number(points)
    assert table(out)["Cem", "directions-3"]["points"] == "1"


def test_overrides_are_read_at_each_run_and_never_written(graded):
    out, overrides = graded / "grades.csv", graded / "overrides.csv"
    written = "student;exercise;points;remark\nBen;directions-3;0,5;half right\nNobody;directions-3;1;\n"
    overrides.write_text(written, encoding="cp1252")
    result = grade(graded / "class", out)
    assert result.returncode == 0
    assert "overrides.csv has points for Nobody, directions-3: there is no such row." in result.stderr
    row = table(out)["Ben", "directions-3"]
    assert (row["points"], row["remark"]) == ("0.5", "half right")
    assert "0.5 by your teacher. half right" in (graded / "grades" / "Ben.html").read_text(encoding="utf-8")
    handed_in(graded / "class" / "Ben.ipynb", notebook(FOUR_ROWS))
    assert grade(graded / "class", out).returncode == 0
    assert table(out)["Ben", "directions-3"]["points"] == "0.5"
    overrides.unlink()
    assert grade(graded / "class", out).returncode == 0
    assert table(out)["Ben", "directions-3"]["points"] == ""
    overrides.write_text(written, encoding="cp1252")
    grade(graded / "class", out)
    assert overrides.read_text(encoding="cp1252") == written


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("student,points\nAna,1\n", "needs the columns student, exercise, points, remark"),
        ("student,exercise,points\nAna,directions-3,many\n", "line 2: 'many' is no number of points"),
        ("student,exercise,points\nAna,directions-3,-1\n", "line 2: '-1' is no number of points"),
    ],
)
def test_overrides_that_cannot_be_read_are_named(graded, content, said):
    (graded / "overrides.csv").write_text(content, encoding="utf-8")
    refused = grade(graded / "class", graded / "grades.csv")
    assert refused.returncode == 2
    assert said in refused.stderr


def test_an_empty_overrides_file_is_none(tmp_path):
    (tmp_path / "overrides.csv").write_text("\n\n", encoding="utf-8")
    assert read_overrides(tmp_path / "overrides.csv") == {}


def test_a_table_saved_again_is_not_changed(tmp_path):
    """Another spelling of the same numbers, other quotes, another encoding."""
    (tmp_path / "last.csv").write_text(
        "student,exercise,points\nAna,directions-3,1\nBen,directions-3,\n", encoding="utf-8"
    )
    table_path = tmp_path / "grades.csv"
    table_path.write_text(
        '"student";"exercise";"points"\n"Ana";"directions-3";"1,0"\n"Ben";"directions-3";""\n', encoding="utf-8"
    )
    check_for_changes(table_path, tmp_path / "last.csv", {})
    table_path.write_text("student;exercise;points\nAna;directions-3;0\n", encoding="utf-8")
    with pytest.raises(OverrideError, match="Ana,directions-3,0,was 1"):
        check_for_changes(table_path, tmp_path / "last.csv", {})


def test_the_older_table_is_kept_when_rows_change(graded):
    out = graded / "grades.csv"
    before = out.read_bytes()
    handed_in(graded / "class" / "Cem.ipynb", notebook(RIGHT, FOUR_ROWS))
    assert "kept" not in grade(graded / "class", out).stderr
    assert not list(graded.glob("grades-before-*.csv"))
    handed_in(graded / "class" / "Ana.ipynb", notebook("def final_states(output, hn):\n    return hn", FOUR_ROWS))
    older = out.read_bytes()
    assert f"The older table is kept: {graded / 'grades-before-1.csv'}" in grade(graded / "class", out).stderr
    assert (graded / "grades-before-1.csv").read_bytes() == older != before


def test_a_changed_exercise_is_graded_again(graded, monkeypatch):
    out = graded / "grades.csv"
    changed = exercise_set("directions")["directions-3"]

    def final_states(output, hn):
        return output[:, -1]

    monkeypatch.setattr(changed, "reference", final_states)
    result = grade(graded / "class", out)
    assert "directions-3 has changed since it was graded: 2 students graded again." in result.stderr
    assert "nothing is left to run" not in result.stderr
    assert table(out)["Ana", "directions-3"]["status"] == "wrong"
    assert "nothing is left to run" in grade(graded / "class", out).stderr


def test_changed_rules_are_said(graded, monkeypatch):
    monkeypatch.setattr("unrolled.grading.grade_log.rules_digest", lambda: "another")
    result = grade(graded / "class", graded / "grades.csv")
    assert "The rules of grading have changed with this version: 2 students graded again." in result.stderr
    lines = [
        json.loads(line) for line in (graded / "grades" / "results.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    ]
    assert {line["rules"] for line in {line["student"]: line for line in lines}.values()} == {"another"}


def test_the_digest_follows_the_functions_that_an_exercise_calls():
    exercises = {
        id: exercise for name in ("directions", "training", "classifier") for id, exercise in exercise_set(name).items()
    }
    found = {id: exercise_digest(exercise) for id, exercise in exercises.items()}
    assert len(set(found.values())) == len(found)
    assert found == {id: exercise_digest(exercise) for id, exercise in exercises.items()}
    for name in digests.RULES:
        assert (digests.PACKAGE / name).is_file()
