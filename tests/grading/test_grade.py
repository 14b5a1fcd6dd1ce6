"""Grading small classes: runs that are interrupted and go on, what changed in between, whose sets and which files."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import classroom
import nbformat
import pytest
from classroom import command, grade, grading, handed_in, master, notebook, table
from student_notebooks import solution_notebook, student_notebook

from unrolled.__main__ import main
from unrolled.exercises.results import Task
from unrolled.exercises.sets import exercise_set
from unrolled.grading.judging import parsed_lines
from unrolled.grading.notebook_file import Unreadable
from unrolled.grading.sandbox.box import Sandbox
from unrolled.grading.sandbox.folders import remove_folder
from unrolled.grading.sandbox.protocol import Limits
from unrolled.grading.submissions import code_cells, student_name

NAMES = [exercise.name for exercise in exercise_set("directions").values()]
NOT_ATTEMPTED = "\n".join(f"def {name}(*_): return ..." for name in NAMES)


def write_small_class(folder: Path) -> Path:
    """Twelve students, each with another wrong answer to one exercise, and none to the others."""
    for number in range(12):
        answer = f"def final_states(output, hn):\n    return hn[0] + {number}"
        handed_in(folder / f"{number:02}.ipynb", notebook(NOT_ATTEMPTED, answer))
    return folder


@pytest.fixture
def small(tmp_path) -> Path:
    return write_small_class(tmp_path / "class")


@pytest.fixture(scope="module")
def graded_once(tmp_path_factory) -> Path:
    """The folder in which the small class has been graded."""
    place = tmp_path_factory.mktemp("graded once")
    assert grade(write_small_class(place / "class"), place / "grades.csv").returncode == 0
    return place


@pytest.fixture
def graded_small(graded_once, tmp_path) -> Path:
    """The small class, with its grades beside it, as if they had been made here."""
    shutil.copytree(graded_once, tmp_path, dirs_exist_ok=True)
    record = tmp_path / "grades" / "results.jsonl"
    text = record.read_text(encoding="utf-8")
    record.write_text(text.replace(str(graded_once), str(tmp_path), 1), encoding="utf-8")
    return tmp_path / "class"


def test_killed_at_half_and_resumed_it_gives_the_same(small, graded_once, tmp_path):
    whole, halved = graded_once / "grades.csv", tmp_path / "halved.csv"
    process = subprocess.Popen(
        command(*grading(small, halved, "--jobs", "1")), stderr=subprocess.DEVNULL, start_new_session=True
    )
    record = halved.with_suffix("") / "results.jsonl"
    while not record.exists() or record.read_text(encoding="utf-8").count("\n") < 5:
        assert process.poll() is None
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = record.read_text(encoding="utf-8")
    assert done.count("\n") < 12
    assert not halved.exists()
    record.write_text(done + '{"student": "05", "dig', encoding="utf-8")  # cut off in the middle of a line
    result = grade(small, halved)
    assert result.returncode == 0
    assert "students are graded already" in result.stderr
    assert record.read_text(encoding="utf-8").startswith(done)
    assert halved.read_bytes() == whole.read_bytes()
    for page in whole.with_suffix("").glob("*.html"):
        assert (halved.with_suffix("") / page.name).read_bytes() == page.read_bytes()


def test_interrupted_it_says_how_to_go_on(small, tmp_path):
    out = tmp_path / "grades.csv"
    heard = partial(
        signal.signal, signal.SIGINT, signal.default_int_handler
    )  # a shell turns it off for what it starts in the background
    process = subprocess.Popen(
        command(*grading(small, out, "--jobs", "1")),
        stderr=subprocess.PIPE,
        encoding="utf-8",
        preexec_fn=heard,  # noqa: PLW1509 this process has one thread
    )
    record = out.with_suffix("") / "results.jsonl"
    while not record.exists() or record.read_text(encoding="utf-8").count("\n") < 3:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    said = process.communicate()[1]
    assert process.returncode == 130
    assert "The same command goes on where it stopped." in said
    assert "Traceback" not in said
    assert record.read_text(encoding="utf-8").count("\n") < 13


def test_a_changed_submission_is_graded_again(graded_small, tmp_path):
    small, out = graded_small, tmp_path / "grades.csv"
    handed_in(small / "03.ipynb", solution_notebook(master("directions")))
    assert "11 of 12 students are graded already" in grade(small, out).stderr
    assert table(out)["03", "directions-3"]["status"] == "right"
    assert table(out)["02", "directions-3"]["status"] == "wrong"


def test_with_other_limits_who_could_not_be_graded_is_graded_again(small, tmp_path):
    slow = "import time\ndef final_states(output, hn):\n    end = time.process_time() + 0.1\n    while time.process_time() < end: pass\n    return torch.cat([hn[-2], hn[-1]], dim=1)"
    handed_in(small / "slow.ipynb", notebook(slow))
    out = tmp_path / "grades.csv"
    assert grade(small, out, "--seconds", "1").returncode == 0
    assert "did not end within 1 s" in table(out)["slow", "directions-3"]["feedback"]
    again = grade(small, out, "--seconds", "1")
    assert "13 of 13 students are graded already" in again.stderr
    assert "ran as root" not in again.stdout
    assert "12 of 13 students are graded already" in grade(small, out, "--seconds", "20").stderr
    assert table(out)["slow", "directions-3"]["status"] == "right"


def test_no_submission_reads_another_or_the_grades(small, tmp_path):
    reading = "import pathlib\ndef final_states(output, hn):\n    found = [path.name for folder in FOLDERS for path in pathlib.Path(folder).rglob('*')]\n    return found or torch.cat([hn[-2], hn[-1]], dim=1)"
    handed_in(small / "reader.ipynb", notebook(f"FOLDERS = {[str(small), str(tmp_path / 'grades')]}", reading))
    out = tmp_path / "grades.csv"
    assert grade(small, out).returncode == 0
    assert table(out)["reader", "directions-3"]["status"] == "right" or sys.platform != "linux"


def test_feedback_is_short_and_the_same_in_every_run(tmp_path):
    folder = tmp_path / "class"
    handed_in(folder / "object.ipynb", notebook("def final_states(output, hn):\n    raise ValueError(object())"))
    handed_in(
        folder / "long.ipynb", notebook("def final_states(output, hn):\n    raise type('x' * 10**6, (Exception,), {})")
    )
    out = tmp_path / "grades.csv"
    assert grade(folder, out).returncode == 0
    assert (
        "final_states raised ValueError: <object object at 0x...>" in table(out)["object", "directions-3"]["feedback"]
    )
    assert len(table(out)["long", "directions-3"]["feedback"]) < 4100


def test_feedback_counts_what_could_not_be_graded(tmp_path):
    answers = [cell.source for cell in solution_notebook(master("directions")).cells if cell.cell_type == "code"]
    handed_in(
        tmp_path / "class" / "Ana.ipynb", notebook(*[source for source in answers if "def four_rows" not in source])
    )
    handed_in(tmp_path / "class" / "Ben.ipynb", notebook("x = ("))
    out = tmp_path / "grades.csv"
    assert grade(tmp_path / "class", out).returncode == 0
    assert "6 of 7 exercises right. 1 exercise could not be graded: your teacher will look at it.<" in (
        tmp_path / "grades" / "Ana.html"
    ).read_text(encoding="utf-8")
    assert ">Nothing could be graded. Your teacher will look at it.<" in (tmp_path / "grades" / "Ben.html").read_text(
        encoding="utf-8"
    )


@pytest.fixture
def stray(tmp_path) -> Path:
    """Four who handed in directions, one of them with an untouched notebook of lengths beside it, and a fifth whose file is empty."""
    for name in ("Ana", "Ben", "Cem", "Dua"):
        handed_in(tmp_path / "class" / name / "directions.ipynb", solution_notebook(master("directions")))
    handed_in(tmp_path / "class" / "Ben" / "lengths.ipynb", student_notebook(master("lengths")))
    (tmp_path / "class" / "Eve.ipynb").touch()
    return tmp_path / "class"


def test_each_is_graded_on_the_sets_of_the_own_notebooks(stray, tmp_path):
    out = tmp_path / "grades.csv"
    result = grade(stray, out)
    assert result.returncode == 0
    assert "lengths was found in 1 of 5 submissions; --set directions grades directions alone.\n" in result.stderr
    found = table(out)
    directions, lengths = exercise_set("directions"), exercise_set("lengths")
    assert {student for student, id in found if id in lengths} == {"Ben"}
    assert {row["status"] for (student, id), row in found.items() if id in directions} == {"right", "could not grade"}
    assert {row["feedback"] for (student, id), row in found.items() if student == "Eve"} == {"the file is empty"}
    assert ("Eve", "directions-1") in found
    report = (tmp_path / "grades" / "report.html").read_text(encoding="utf-8")
    assert "<summary>lengths: 4 students</summary>" in report
    assert "<summary>directions: " not in report
    assert "5 of 5 students are graded already" in grade(stray, out).stderr


def test_a_notebook_that_cannot_be_read_may_be_of_any_common_set(stray, tmp_path):
    for name in ("Ana", "Cem"):
        handed_in(stray / name / "lengths.ipynb", solution_notebook(master("lengths")))
    (stray / "Dua" / "lengths.ipynb").write_text('{"cells": [', encoding="utf-8")
    assert grade(stray, tmp_path / "grades.csv").returncode == 0
    found = table(tmp_path / "grades.csv")
    assert found["Dua", "lengths-1"]["status"] == "could not grade"
    assert "is not a notebook" in found["Dua", "lengths-1"]["feedback"]
    assert found["Dua", "directions-1"]["status"] == "right"


def test_a_stray_set_in_the_way_of_a_second_grading_is_named(stray, tmp_path):
    out = tmp_path / "grades.csv"
    (stray / "Ben" / "lengths.ipynb").rename(tmp_path / "lengths.ipynb")
    assert grade(stray, out).returncode == 0
    (tmp_path / "lengths.ipynb").rename(stray / "Ben" / "lengths.ipynb")
    refused = grade(stray, out)
    assert refused.returncode == 2
    assert (
        "and this is of directions, lengths; --set directions goes on with it. Or name another --out" in refused.stderr
    )
    assert grade(stray, out, "--set", "directions").returncode == 0
    assert len(table(out)) == 5 * 7


def test_a_set_that_nobody_handed_in_is_not_graded(small, tmp_path):
    result = grade(small, tmp_path / "grades.csv", "--set", "lengths")
    assert result.returncode == 1
    assert result.stdout == ""
    assert not (tmp_path / "grades.csv").exists()
    assert result.stderr == f"No notebook in {small} holds an exercise of lengths. They hold those of directions.\n"


def test_nothing_is_said_of_how_it_ran_where_nothing_ran(stray, tmp_path):
    """All that is left to grade is a file that cannot be read."""
    out = tmp_path / "grades.csv"
    assert grade(stray, out).returncode == 0
    (stray / "Fay.ipynb").write_text("x", encoding="utf-8")
    result = grade(stray, out)
    assert result.returncode == 0
    assert "as root" not in result.stdout
    assert table(out)["Fay", "directions-1"]["status"] == "could not grade"


def test_another_class_is_not_graded_over_the_first(graded_small, tmp_path):
    """Also where its students have the same names."""
    small, out = graded_small, tmp_path / "grades.csv"
    before = out.read_bytes()
    handed_in(tmp_path / "others" / "Ana.ipynb", solution_notebook(master("directions")))
    refused = grade(tmp_path / "others", out)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert out.read_bytes() == before
    assert (
        f"grades holds the results of another class than that in {tmp_path / 'others'}. Name another --out"
        in refused.stderr
    )
    for number in range(12):
        handed_in(tmp_path / "others" / f"{number:02}.ipynb", solution_notebook(master("directions")))
    assert grade(tmp_path / "others", out).returncode == 2
    assert out.read_bytes() == before
    shutil.rmtree(small)
    handed_in(small / "Ana.ipynb", solution_notebook(master("directions")))
    assert "another class" in grade(small, out).stderr


def test_a_class_that_was_moved_and_changed_is_the_same_class(graded_small, tmp_path):
    small, out = graded_small, tmp_path / "grades.csv"
    (tmp_path / "grades" / "notes.html").write_text(
        "<title>Feedback for parents</title>the teacher's own", encoding="utf-8"
    )
    for number in range(5):
        (small / f"{number:02}.ipynb").unlink()
    handed_in(small / "Ana.ipynb", solution_notebook(master("directions")))
    small.rename(tmp_path / "moved")
    assert "7 of 8 students are graded already" in grade(tmp_path / "moved", out).stderr
    pages = {path.stem for path in (tmp_path / "grades").glob("*.html")}
    assert pages == {student for student, _ in table(out)} | {"report", "notes"}
    assert len(pages) == 10
    for path in (tmp_path / "moved").glob("*.ipynb"):  # all but one hand in anew, in the folder that is known now
        handed_in(path, solution_notebook(master("directions")))
    assert "1 of 8 students are graded already" in grade(tmp_path / "moved", out).stderr


@pytest.mark.parametrize("out", ["grades.csv", "Ana/grades.csv", "../class.csv"])
def test_grades_among_the_submissions_are_refused(tmp_path, monkeypatch, capsys, out):
    """They could not be hidden, and neither could the other submissions."""
    handed_in(tmp_path / "class" / "Ana" / "directions.ipynb", notebook(classroom.RIGHT))
    monkeypatch.chdir(tmp_path / "class")
    assert main(["grade", ".", "--out", out]) == 2
    warned = capsys.readouterr().err
    assert (
        warned
        == f"--out {out} puts grades into the folder of submissions, which is hidden from them while they run. Name a file elsewhere: --out {tmp_path / 'class-grades.csv'}\n"
    )
    assert [path.name for path in tmp_path.rglob("*")] == ["class", "Ana", "directions.ipynb"]


@pytest.mark.parametrize(
    "name",
    ["{}.ipynb", "{}/directions.ipynb", "student {}_12{}_assignsubmission_file_/directions.ipynb"],
    ids=["files", "folders", "Moodle's folders"],
)
def test_a_folder_of_classes_is_refused(tmp_path, name):
    for group, size in (("a", 5), ("b", 6)):
        for number in range(size):
            handed_in(
                tmp_path / "all" / group / name.format(number, number), notebook(f"x = {number}", classroom.RIGHT)
            )
    refused = grade(tmp_path / "all", tmp_path / "grades.csv")
    assert refused.returncode == 2
    assert not (tmp_path / "grades").exists()
    said = f"{tmp_path / 'all'} looks like a folder of classes: in a there are notebooks of several students. Name one class: {tmp_path / 'all' / 'a'}\n"
    assert refused.stderr == said
    assert grade(tmp_path / "all" / "a", tmp_path / "grades.csv").returncode == 0


def test_students_with_many_drafts_are_no_classes(tmp_path):
    """As long as not all of them have many; and Moodle's folder of one student holds one student's files."""
    for number in range(6):
        handed_in(tmp_path / "class" / "Ana_12_assignsubmission_file_" / f"{number}.ipynb", notebook(classroom.RIGHT))
    handed_in(
        tmp_path / "class" / "Ana_12_assignsubmission_file_" / "Ana_12_assignsubmission_file_x.ipynb",
        notebook(classroom.RIGHT),
    )
    assert grade(tmp_path / "class", tmp_path / "one.csv").returncode == 0
    handed_in(tmp_path / "class" / "Ben" / "directions.ipynb", notebook(classroom.RIGHT))
    assert grade(tmp_path / "class", tmp_path / "two.csv").returncode == 0
    assert {student for student, _ in table(tmp_path / "two.csv")} == {"Ana (12)", "Ben"}


def test_what_holds_no_notebook_is_named(small, tmp_path):
    (small / "Ana").mkdir()
    (small / "Ana" / "directions.py").touch()
    (small / "directions.ipynb.json").touch()
    (small / ".DS_Store").touch()
    result = grade(small, tmp_path / "grades.csv")
    assert "There is no notebook (.ipynb) in Ana, directions.ipynb.json: not graded.\n" in result.stderr
    assert ".DS_Store" not in result.stderr
    assert "<li>directions.ipynb.json: there is no notebook in it" in (tmp_path / "grades" / "report.html").read_text(
        encoding="utf-8"
    )


def test_who_handed_in_no_notebook_has_rows_that_say_so(small, tmp_path):
    (small / "Ana").mkdir()
    (small / "Ana" / "directions.py").touch()
    for name in (
        "Ben_12_assignsubmission_file_directions.py",
        "Cem_13_assignsubmission_file_notes.txt",
        "syllabus.pdf",
    ):
        (small / name).touch()
    handed_in(small / "Cem_13_assignsubmission_file_directions.ipynb", solution_notebook(master("directions")))
    out = tmp_path / "grades.csv"
    assert grade(small, out).returncode == 0
    found = table(out)
    students = list(dict.fromkeys(student for student, _ in found))
    assert students == sorted([*(f"{number:02}" for number in range(12)), "Ana", "Ben (12)", "Cem (13)"])
    for id in exercise_set("directions"):
        assert [found["Ana", id][column] for column in ("status", "points", "feedback")] == [
            "could not grade",
            "",
            "there is no notebook in what was handed in",
        ]
        assert found["Ben (12)", id]["status"] == "could not grade"
        assert found["Cem (13)", id]["status"] == "right"
    assert (tmp_path / "grades" / "Ana.html").exists()
    report = (tmp_path / "grades" / "report.html").read_text(encoding="utf-8")
    assert ">Ana</a>, directions-1, " in report
    assert "<li>syllabus.pdf: there is no notebook in it" in report
    assert "<li>Ana: " not in report


def test_where_nothing_is_left_to_run_it_says_how_it_ran_before(small, tmp_path):
    out = tmp_path / "grades.csv"
    first, again = grade(small, out), grade(small, out)
    assert again.stderr == "12 of 12 students are graded already; nothing is left to run.\n"
    how = [line for line in first.stdout.splitlines() if line.startswith("Each submission ran")]
    assert [line for line in again.stdout.splitlines() if line.startswith("Each submission ran")] == how
    assert "as root" not in again.stdout
    assert how or sys.platform != "linux"
    record = tmp_path / "grades" / "results.jsonl"
    head, *lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
    del lines[0]["isolation"]  # as an earlier version wrote it, which did not know
    record.write_text("".join(json.dumps(line) + "\n" for line in [head, *lines]), encoding="utf-8")
    assert "Each submission ran" not in grade(small, out).stdout


def test_a_student_graded_twice_is_one_student_of_a_class(small, tmp_path):
    out = tmp_path / "grades.csv"
    for number in range(3, 12):
        (small / f"{number:02}.ipynb").unlink()
    assert grade(small, out).returncode == 0
    record = tmp_path / "grades" / "results.jsonl"
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    record.write_text("".join([*lines, lines[1]]), encoding="utf-8")
    small.rename(tmp_path / "moved")
    for number in (1, 2):
        handed_in(tmp_path / "moved" / f"{number:02}.ipynb", solution_notebook(master("directions")))
    assert "another class" in grade(tmp_path / "moved", out).stderr


def test_another_seed_draws_other_cases_and_another_record_is_not_mixed_in(graded_small, tmp_path):
    small, out = graded_small, tmp_path / "grades.csv"
    refused = grade(small, out, "--seed", "8")
    assert refused.returncode == 2
    assert "with the seed 7. Name another --out" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_answers_are_found_wherever_they_stand(tmp_path):
    """Cells in another order, deleted and added, metadata and ids stripped, an old notebook format, a byte-order mark, a name with a formula in it."""
    solved = solution_notebook(master("directions"))
    folder = tmp_path / "class"
    shuffled = notebook(*[cell.source for cell in reversed(solved.cells) if cell.cell_type == "code"], "print('mine')")
    handed_in(folder / "=HYPERLINK(1).ipynb", shuffled)
    stripped = {
        "nbformat": 4,
        "nbformat_minor": 0,
        "cells": [{"cell_type": c.cell_type, "source": c.source.splitlines(True)} for c in solved.cells],
    }
    (folder / "stripped.ipynb").write_text(json.dumps(stripped), encoding="utf-8-sig")
    handed_in(
        folder / "old.ipynb",
        nbformat.v4.downgrade(notebook(*[c.source for c in solved.cells if c.cell_type == "code"])),
    )
    handed_in(folder / ".ipynb_checkpoints" / "x.ipynb", solved)
    out = tmp_path / "grades.csv"
    assert grade(folder, out).returncode == 0
    found = table(out)
    assert {student for student, _ in found} == {"'=HYPERLINK(1)", "stripped", "old"}
    assert {row["status"] for row in found.values()} == {"right"}


@pytest.mark.parametrize(
    ("parts", "student"),
    [
        (("Ana Lima_1234_assignsubmission_file_", "directions.ipynb"), "Ana Lima (1234)"),
        (("Ana Lima_1234_assignsubmission_file_directions.ipynb",), "Ana Lima (1234)"),
        (("limaana_LATE_1234_98765_directions-2.ipynb",), "limaana (1234)"),
        (("limaana_1234_98765_directions.ipynb",), "limaana (1234)"),
        (("Ana_Lima.ipynb",), "Ana_Lima"),
        (("Ana Lima", "week 3", "directions (1).ipynb"), "Ana Lima"),
    ],
)
def test_whose_it_is(parts, student):
    assert student_name(parts) == student


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"  \n",
        b"[]",
        b"{}",
        b"\xff\xfe",
        b"null",
        b'{"cells": 3, "nbformat": 4}',
        b"[" * 10**5,
        b'{"cells": [{"source": 1}]}',
    ],
)
def test_a_file_that_is_no_notebook_is_unreadable(tmp_path, content):
    path = tmp_path / "x.ipynb"
    path.write_bytes(content)
    with pytest.raises(Unreadable):
        code_cells(path)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["nowhere", "--out", "g.csv"], "nowhere is not a folder. Name the folder that holds the students' notebooks."),
        (["empty", "--out", "g.csv"], "There is no notebook (.ipynb) in empty."),
        (
            ["class", "--out", "g.csv", "--set", "nothing"],
            "There is no exercise set nothing. The sets are three-tensors, ",
        ),
        (["class", "--out", "g.txt"], "--out is g.txt; it has to end in .csv."),
        (["class", "--out", "no/g.csv"], "The folder no for g.csv does not exist."),
        (["class", "--out", "g.csv", "--seconds", "0"], "--seconds and --memory have to be above 0."),
        (["class", "--out", "g.csv", "--jobs", "0"], "--jobs is 0; it has to be 1 or more."),
        (["class", "--out", "g.csv", "--jobs", "-2"], "--jobs is -2; it has to be 1 or more."),
        (["other", "--out", "g.csv"], "No notebook in other has a function that an exercise asks for."),
    ],
)
def test_a_wrong_call_gets_one_sentence(tmp_path, options, said):
    (tmp_path / "empty").mkdir()
    handed_in(tmp_path / "class" / "x.ipynb", notebook(classroom.RIGHT))
    handed_in(tmp_path / "other" / "x.ipynb", notebook("x = 1"))
    result = subprocess.run(
        command("grade", *options), capture_output=True, encoding="utf-8", cwd=tmp_path, check=False
    )
    assert result.returncode == 2
    assert result.stderr.startswith(said)
    assert result.stderr.count("\n") == 1
    shutil.rmtree(tmp_path / "class")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["class", "--output", "g.csv"], "there is no option --output; --help lists what there is."),
        (["class", "-o", "g.csv"], "there is no option -o; --help lists what there is."),
        (["class", "another"], "there is no place for another; --help lists what there is."),
    ],
)
def test_what_the_command_does_not_know_is_said_with_its_own_usage(words, said, capsys):
    with pytest.raises(SystemExit) as end:
        main(["grade", *words])
    warned = capsys.readouterr().err
    assert end.value.code == 2
    assert warned.startswith("usage: python -m unrolled grade [-h] [--out FILE]")
    assert warned.endswith(f"error: {said}\n")


@pytest.mark.parametrize("fork", [True, False], ids=["forked", "new process"])
def test_a_sandbox_ends_what_does_not_end(fork):
    """Also where processes do not fork: there every submission has a new interpreter."""
    tasks = {"directions-5": Task(name="four_rows", cases=[()]), "directions-3": Task(name="final_states", cases=[()])}
    forever = ["def four_rows(): return 'b'", "def final_states():\n    while True: pass"]
    asleep = ["import time", "def four_rows(): time.sleep(1000)"]
    with Sandbox(tasks, Limits(seconds=1, fork=fork)) as sandbox:
        run = sandbox.run(forever)
        answered = {"exercise": "directions-5", "outcomes": ["b"], "lacks": []}
        assert answered in parsed_lines(run.written)
        assert run.end == "time"
        assert list(parsed_lines(run.written))[-1] == {"start": "directions-3"}
        assert sandbox.run(asleep).end == "time"
        assert sandbox.run(["import os\ndef four_rows(): os._exit(9)"]).end == "died"
        run = sandbox.run(forever, skip=["directions-3"])
        assert run.end == "done"
        assert list(parsed_lines(run.written))[-1] == answered


def test_nothing_is_deleted_through_a_mount(tmp_path):
    """In a namespace of its own, so that even a clean-up that deletes through it reaches no file but the test's."""
    somebodys, folder = tmp_path / "somebody's", tmp_path / "a folder"
    for made in (somebodys, folder / "work" / "inner"):
        made.mkdir(parents=True)
    (somebodys / "file").write_text("kept", encoding="utf-8")
    mounting = f"""
import ctypes, os
from unrolled.grading.sandbox.folders import remove_folder
user, libc = os.getuid(), ctypes.CDLL(None)
assert libc.unshare(0x10020000) == 0  # a user's and a mount namespace
open("/proc/self/uid_map", "w").write(f"0 {{user}} 1")
assert libc.mount(None, b"/", None, 0x44000, None) == 0  # what is mounted here stays here
assert libc.mount({str(somebodys)!r}.encode(), {str(folder / "work" / "inner")!r}.encode(), None, 0x1000, None) == 0
remove_folder({str(folder)!r})
assert os.listdir({str(folder / "work" / "inner")!r}) == ["file"]
"""
    if sys.platform == "linux":
        subprocess.run([sys.executable, "-c", mounting], check=True)
    assert (somebodys / "file").read_text(encoding="utf-8") == "kept"
    remove_folder(str(folder))
    assert not folder.exists()


def test_a_set_has_the_same_order_in_every_run():
    """Python draws the order of a set anew for each process; the answers of a notebook must not depend on it."""
    tasks = {"directions-5": Task(name="four_rows", cases=[()])}
    cell = "def four_rows():\n    import random, numpy\n    return str([*{str(n) for n in range(20)}, random.random(), numpy.random.rand()])"
    lines = []
    for _ in range(2):
        with Sandbox(tasks, Limits()) as sandbox:
            lines.append(list(parsed_lines(sandbox.run([cell]).written))[-1])
    assert lines[0] == lines[1]
    assert "raised" not in str(lines[0])


@pytest.mark.parametrize("content", ["5\n", '{"seed": 1}\n', '{"seed": 7, "sets": ["directions"]}\n{"seed": 1}\n'])
def test_a_record_that_is_none_is_refused_in_one_sentence(small, tmp_path, content):
    (tmp_path / "grades").mkdir()
    (tmp_path / "grades" / "results.jsonl").write_text(content, encoding="utf-8")
    refused = grade(small, tmp_path / "grades.csv")
    assert refused.returncode == 2
    assert "is not a record of this version's exercises" in refused.stderr
    assert refused.stderr.count("\n") == 1


def test_odd_names_are_graded(tmp_path):
    folder = tmp_path / "class"
    folder.mkdir()
    right = nbformat.writes(solution_notebook(master("directions"))).encode()
    for name in (
        b"\xff\xe9.ipynb",
        b"report.ipynb",
        b"report-.ipynb",
        b"upper.IPYNB",
        b"hw_3_1_ana.ipynb",
        b"hw_3_1_ben.ipynb",
        b"<b>'\"&.ipynb",
    ):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(right)
    (folder / ("long " * 50)[:252]).mkdir()
    (folder / ("long " * 50)[:252] / "x.ipynb").write_bytes(right)
    out = tmp_path / "grades.csv"
    result = grade(folder, out)
    assert result.returncode == 0, result.stderr
    assert len(table(out)) == 8 * 7
    assert {row["status"] for row in table(out).values()} == {"right"}
    assert len(list(out.with_suffix("").glob("*.html"))) == 9
