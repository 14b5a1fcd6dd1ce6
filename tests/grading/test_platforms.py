"""What platforms export is understood, and what they import is written as they want it."""

import csv
import zipfile

import pytest
from classroom import RIGHT, grade, handed_in, notebook, table

from unrolled.grading.platforms import gradescope_students, read_name
from unrolled.grading.submissions import find_submissions

FOUR_ROWS = "def four_rows():\n    return 'b'"
WRONG = "def final_states(output, hn):\n    return output[:, -1]"


@pytest.mark.parametrize(
    ("parts", "student", "late"),
    [
        (("Ana Lima_1234_assignsubmission_file_", "directions.ipynb"), "Ana Lima (1234)", False),
        (("Ana Lima_1234_assignsubmission_onlinetext_", "onlinetext.html"), "Ana Lima (1234)", False),
        (("Ana Lima_1234_assignsubmission_onlinetext_onlinetext.html",), "Ana Lima (1234)", False),
        (("limaana_LATE_1234_98765_directions-2.ipynb",), "limaana (1234)", True),
        (("limaana_1234_98765_directions.ipynb",), "limaana (1234)", False),
        (("Week 3_alima_attempt_2026-03-01-10-11-12_directions.ipynb",), "alima", False),
        (("Week_3_alima_attempt_2026-03-01-10-11-12.ipynb",), "alima", False),
        (("12345-67890 - Ana Lima - Mar 1, 2026 1011 PM", "directions.ipynb"), "Ana Lima", False),
        (("12345-67890 - Ana Lima - Mar 1, 2026 911 AM - directions.ipynb",), "Ana Lima", False),
        (("Ana Lima - directions.ipynb",), "Ana Lima", False),
        (("Ana Lima - directions (1).ipynb",), "Ana Lima", False),
        (("directions-analima", "directions.ipynb"), "directions-analima", False),
        (("Ana - Maria Lima", "directions.ipynb"), "Ana - Maria Lima", False),
    ],
)
def test_whose_it_is_and_whether_it_was_late(parts, student, late):
    named = read_name(parts)
    assert (named.student, named.late) == (student, late)


def test_a_submission_of_moodle_in_two_folders_is_one_students(tmp_path):
    handed_in(tmp_path / "Ana Lima_12346_assignsubmission_file_" / "directions.ipynb", notebook(RIGHT))
    (tmp_path / "Ana Lima_12346_assignsubmission_onlinetext_").mkdir()
    (tmp_path / "Ana Lima_12346_assignsubmission_onlinetext_" / "onlinetext.html").touch()
    assert [one.student for one in find_submissions(tmp_path)] == ["Ana Lima (12346)"]


TWO_ATTEMPTS = {
    "ana": ("Week 3_ana_attempt_2026-03-01-10-11-12_d.ipynb", "Week 3_ana_attempt_2026-03-02-09-11-12_d.ipynb"),
    "Ben Okafor": ("1-2 - Ben Okafor - Sep 30, 2026 1159 PM/d.ipynb", "1-2 - Ben Okafor - Oct 1, 2026 1201 AM/d.ipynb"),
    "Cem Kaya": ("1-2 - Cem Kaya - Oct 1, 2026 959 AM/d.ipynb", "1-2 - Cem Kaya - Oct 1, 2026 1000 AM/d.ipynb"),
}


def test_the_last_attempt_counts_or_the_best(tmp_path):
    for first, second in TWO_ATTEMPTS.values():
        handed_in(tmp_path / "class" / first, notebook(RIGHT))
        handed_in(tmp_path / "class" / second, notebook(WRONG))
    found = {one.student: one.paths for one in find_submissions(tmp_path / "class")}
    last = {student: (tmp_path / "class" / second,) for student, (_, second) in TWO_ATTEMPTS.items()}
    assert found == last
    for attempts, status in (("last", "wrong"), ("best", "right")):
        assert grade(tmp_path / "class", tmp_path / f"{attempts}.csv", "--attempts", attempts).returncode == 0
        rows = table(tmp_path / f"{attempts}.csv")
        assert {student: rows[student, "directions-3"]["status"] for student in found} == dict.fromkeys(found, status)


def test_gradescopes_list_names_the_students(tmp_path):
    listing = (
        "---\nsubmission_11:\n  :submitters:\n  - :name: Ana Lima\n    :sid: '1'\nsubmission_12:\n  :submitters:\n"
        "  - :name: Ben Okafor\n    :sid: '2'\n  - :name: Cem Aydın\n"
    )
    (tmp_path / "submission_metadata.yml").write_text(listing, encoding="utf-8")
    assert gradescope_students(tmp_path) == {"submission_11": "Ana Lima", "submission_12": "Ben Okafor, Cem Aydın"}
    handed_in(tmp_path / "submission_11" / "directions.ipynb", notebook(RIGHT))
    assert [one.student for one in find_submissions(tmp_path)] == ["Ana Lima"]


def test_two_notebooks_of_one_name_are_told_apart(tmp_path):
    handed_in(tmp_path / "class" / "Ana" / "first" / "directions.ipynb", notebook(RIGHT))
    handed_in(tmp_path / "class" / "Ana" / "second" / "directions.ipynb", notebook(WRONG))
    assert grade(tmp_path / "class", tmp_path / "grades.csv").returncode == 0
    said = table(tmp_path / "grades.csv")["Ana", "directions-3"]["feedback"]
    assert "first/directions.ipynb (right), second/directions.ipynb (wrong)" in said


def read(path):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_student_and_canvas(tmp_path):
    handed_in(tmp_path / "class" / "limaana_LATE_1234_98765_directions.ipynb", notebook(RIGHT, FOUR_ROWS))
    handed_in(tmp_path / "class" / "okaforben_77_98766_directions.ipynb", notebook(RIGHT, FOUR_ROWS))
    gradebook = tmp_path / "gradebook.csv"
    gradebook.write_text(
        "Student,ID,SIS Login ID,Section,directions (55),Final Score\n"
        "    Points Possible,,,,7,\n"
        '"Lima, Ana",1234,ana,A,,\n"Okafor, Ben",77,ben,A,,\n"Nobody, Else",5,else,A,,\n',
        encoding="utf-8",
    )
    out = tmp_path / "grades.csv"
    assert grade(tmp_path / "class", out, "--for", "canvas", "--gradebook", str(gradebook)).returncode == 0
    by_student = {row["id"]: row for row in read(tmp_path / "grades-by-student.csv")}
    assert (by_student["1234"]["name"], by_student["1234"]["late"]) == ("limaana", "late")
    assert by_student["1234"]["directions"] == by_student["1234"]["total"] == "2"
    assert "directions-1" in by_student["1234"]["could not grade"]
    rows = read(tmp_path / "grades-canvas.csv")
    assert list(rows[0]) == ["Student", "ID", "SIS Login ID", "Section", "directions (55)"]
    assert rows[0]["directions (55)"] == "7"
    # Five exercises are not in the notebook: they could not be graded, and the sum is not handed over as if they were 0.
    assert [row["directions (55)"] for row in rows[1:]] == ["", "", ""]
    names = [f"directions-{number}" for number in (1, 2, 4, 6, 7)]
    lines = "".join(f"limaana (1234),{name},0,\n" for name in names)
    (tmp_path / "overrides.csv").write_text(f"student,exercise,points,remark\n{lines}", encoding="utf-8")
    assert grade(tmp_path / "class", out, "--for", "canvas", "--gradebook", str(gradebook)).returncode == 0
    assert [row["directions (55)"] for row in read(tmp_path / "grades-canvas.csv")[1:]] == ["2", "", ""]


def test_moodle_gets_its_worksheet_and_a_zip(tmp_path):
    handed_in(tmp_path / "class" / "Ana Lima_1234_assignsubmission_file_" / "d.ipynb", notebook(RIGHT, FOUR_ROWS))
    worksheet = tmp_path / "worksheet.csv"
    worksheet.write_text(
        "Identifier,Full name,Email address,Grade,Maximum Grade\nParticipant 1234,Ana Lima,ana@example.org,,10.00\n"
        "Participant 9,Ben Okafor,ben@example.org,,10.00\n",
        encoding="utf-8",
    )
    names = [f"directions-{number}" for number in (1, 2, 4, 6, 7)]
    lines = "".join(f"Ana Lima (1234),{name},0,\n" for name in names)
    (tmp_path / "overrides.csv").write_text(f"student,exercise,points,remark\n{lines}", encoding="utf-8")
    options = ("--for", "moodle", "--gradebook", str(worksheet))
    assert grade(tmp_path / "class", tmp_path / "grades.csv", *options).returncode == 0
    rows = read(tmp_path / "grades-moodle.csv")
    assert [(row["Identifier"], row["Grade"]) for row in rows] == [("Participant 1234", "2.86"), ("Participant 9", "")]
    with zipfile.ZipFile(tmp_path / "grades-moodle-feedback.zip") as archive:
        assert archive.namelist() == ["Ana Lima_1234_assignsubmission_file_/feedback.html"]


def test_a_file_that_is_no_gradebook_is_named(tmp_path):
    handed_in(tmp_path / "class" / "Ana.ipynb", notebook(RIGHT))
    (tmp_path / "x.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    for platform in ("canvas", "moodle"):
        options = ("--for", platform, "--gradebook", str(tmp_path / "x.csv"))
        refused = grade(tmp_path / "class", tmp_path / "grades.csv", *options)
        assert refused.returncode == 2
        assert "x.csv is not a grad" in refused.stderr
    assert grade(tmp_path / "class", tmp_path / "grades.csv", "--for", "moodle").returncode == 2


def test_identical_notebooks_are_pointed_out_where_something_was_answered(tmp_path):
    """Whatever the files are called, and whatever is in them beside the code."""
    for student in ("Ana", "Ben", "Cem"):
        handed_in(tmp_path / "class" / student / f"{student}.ipynb", notebook("# mine", RIGHT))
        handed_in(
            tmp_path / "class" / student / "lengths.ipynb",
            notebook("def mean_of_real_steps(output, lengths):\n    return ..."),
        )
    handed_in(tmp_path / "class" / "Cem" / "Cem.ipynb", notebook("# my own", RIGHT))
    twice = notebook("# mine", RIGHT)
    twice.cells[0].metadata["mine"] = "another"
    handed_in(tmp_path / "class" / "Ben" / "Ben.ipynb", twice)
    assert grade(tmp_path / "class", tmp_path / "grades.csv").returncode == 0
    report = (tmp_path / "grades" / "report.html").read_text(encoding="utf-8")
    assert 'directions: <a href="Ana.html">Ana</a>, <a href="Ben.html">Ben</a></li>' in report
    assert report.count("<li>directions: ") == 1
    assert "<li>lengths" not in report
