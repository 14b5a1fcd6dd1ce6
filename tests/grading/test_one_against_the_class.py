"""Nobody stops a class: whatever one submission does, the run ends, names it, and everybody else is graded."""

import os
import signal
import subprocess
import time
import tracemalloc
from pathlib import Path

import pytest
from classroom import RIGHT, command, grade, grading, handed_in, notebook, table

from unrolled.exercises.exercise import draw_cases
from unrolled.exercises.sets import exercise_set
from unrolled.grading.judging import Judge, well_formed
from unrolled.grading.notebook_file import Unreadable
from unrolled.grading.submissions import code_cells

FOUR_ROWS = "def four_rows():\n    return 'b'"


def graded_with_others(
    tmp_path: Path, culprits: dict[str, tuple[str, ...]], *options: str
) -> dict[str, tuple[str, dict[str, str]]]:
    """The status and the row of `directions-3` of each who hands in these cells, by name.

    Somebody else, who is right, is graded beside; and all are right with `directions-5`, the last exercise.
    """
    for number, cells in enumerate(culprits.values()):
        handed_in(tmp_path / "class" / f"culprit {number}.ipynb", notebook(*cells, FOUR_ROWS))
    handed_in(tmp_path / "class" / "other.ipynb", notebook(RIGHT, FOUR_ROWS))
    result = grade(tmp_path / "class", tmp_path / "grades.csv", *options)
    assert result.returncode == 0, result.stderr
    found = table(tmp_path / "grades.csv")
    assert found["other", "directions-3"]["status"] == "right"
    assert {row["status"] for (_, exercise), row in found.items() if exercise == "directions-5"} == {"right"}
    rows = [found[f"culprit {number}", "directions-3"] for number in range(len(culprits))]
    return {name: (row["status"], row) for name, row in zip(culprits, rows, strict=True)}


OWN_LINE = """
import json, os
def final_states(output, hn):
    for file in range(3, 64):
        try:
            os.write(file, json.dumps({"exercise": "directions-3", "outcomes": [RESULT] * 20}).encode() + b"\\n")
        except OSError:
            pass
    os._exit(0)
"""
EXPANDING = {
    "a shape of ones": {"tensor": {"shape": [1] * 50_000 + [1000], "values": [0] * 1000}},
    "a shape of ones, whole": {
        "tensor": {"shape": [1] * 50_000, "values": [0], "dtype": "float32", "requires_grad": False}
    },
    "a shape larger than its values": {
        "tensor": {"shape": [10**9, 10**9], "values": [0], "dtype": "float32", "requires_grad": False}
    },
    "negative sizes": {"tensor": {"shape": [-1, -1], "values": [0], "dtype": "float32", "requires_grad": False}},
    "zeros and huge sizes": {"tensor": {"shape": [0, 2**63], "values": [], "dtype": "float32", "requires_grad": False}},
    "values that are lists": {
        "tensor": {"shape": [2], "values": [[0], [1]], "dtype": "float32", "requires_grad": False}
    },
    "a number of a thousand digits": 10**1000,
    "an exception without parts": {"raised": {}},
    "two kinds at once": {"blank": True, "tensor": {}},
    "a set of lists": {"set": [[1], [2]]},
}


def test_a_result_line_of_its_own_costs_its_writer_alone(tmp_path):
    found = graded_with_others(tmp_path, {kind: (f"RESULT = {EXPANDING[kind]!r}\n{OWN_LINE}",) for kind in EXPANDING})
    for status, row in found.values():
        assert status in ("could not grade", "wrong"), row


@pytest.mark.parametrize("kind", EXPANDING)
def test_what_promises_more_than_is_there_is_not_well_formed(kind):
    zero = kind == "zeros and huge sizes"  # there is nothing in it, as its values say
    assert well_formed(EXPANDING[kind]) == zero


def test_a_judge_that_dies_costs_one_exercise():
    """Lines so large that judging them takes more memory than it may: the judge's process dies, and the next ones are judged."""
    drawn = {id: draw_cases(one, 7) for id, one in exercise_set("directions").items()}
    deep = "[" * 2_000_000 + "]" * 2_000_000
    lines = [
        '{"start": "directions-3"}',
        '{"exercise": "directions-3", "lacks": [], "outcomes": ' + deep + "}",
        '{"start": "directions-5"}',
        '{"exercise": "directions-5", "lacks": [], "outcomes": ["b"]}',
        "",
    ]
    judge = Judge(drawn)
    started = time.monotonic()
    judged = {line["id"]: line for line in judge.judged("\n".join(lines).encode(), list(drawn)) if "id" in line}
    assert judged["directions-5"]["status"] == "right"
    assert "status" not in judged.get("directions-3", {})
    assert time.monotonic() - started < 30
    judge.close()


BLANKS = ("\n" * 200_000, " " * 200_000, "\t\n" * 100_000, "x" * 200_000, "def " * 50_000, "%" * 200_000)


def test_a_long_blank_cell_takes_linear_time(tmp_path):
    started = time.process_time()
    use = "final_states = 3\nx = final_states"
    graded_with_others(tmp_path, {repr(blank[:9]): (blank, use) for blank in BLANKS})
    assert time.process_time() - started < 20


DRIBBLE = """
import os, time
def final_states(output, hn):
    end = time.monotonic() + 100
    while time.monotonic() < end:
        for file in range(3, 64):
            try: os.write(file, LINE)
            except OSError: pass
        time.sleep(0.05)
"""


LINES = (b"x", b"\n", b'{"start": "directions-3"}\n', b'{"start": "cell 1, line 1"}\n')


def test_dribbling_is_no_sign_of_life(tmp_path):
    started = time.monotonic()
    culprits = {repr(line): (f"LINE = {line!r}\n{DRIBBLE}",) for line in LINES}
    found = graded_with_others(tmp_path, culprits, "--seconds", "2", "--jobs", str(len(LINES)))
    assert time.monotonic() - started < 60
    assert {name: status for name, (status, _) in found.items()} == dict.fromkeys(culprits, "could not grade")


def test_a_student_has_minutes_in_all(tmp_path):
    """Also where each statement and answer takes less than it may."""
    slow = "import time\ndef wait(): time.sleep(2)\n"
    waits = [f"wait()\nx{number} = {number}" for number in range(20)]
    handed_in(tmp_path / "class" / "culprit.ipynb", notebook(slow, *waits, RIGHT, FOUR_ROWS))
    handed_in(tmp_path / "class" / "other.ipynb", notebook(RIGHT, FOUR_ROWS))
    started = time.monotonic()
    assert grade(tmp_path / "class", tmp_path / "grades.csv", "--minutes", "0.1").returncode == 0
    assert time.monotonic() - started < 60
    rows = table(tmp_path / "grades.csv")
    assert rows["culprit", "directions-3"]["status"] == "could not grade"
    assert "the 0.1 minutes that one student may take were over" in rows["culprit", "directions-3"]["feedback"]
    assert rows["other", "directions-3"]["status"] == rows["other", "directions-5"]["status"] == "right"


def test_a_notebook_of_a_million_cells_takes_bounded_memory(tmp_path):
    path = tmp_path / "many.ipynb"
    path.write_text('{"cells": [' + ", ".join(["{}"] * 2_000_000) + "]}", encoding="utf-8")
    tracemalloc.start()
    with pytest.raises(Unreadable):
        code_cells(path)
    assert tracemalloc.get_traced_memory()[1] < 50_000_000
    tracemalloc.stop()


def test_who_ends_the_run_is_named_and_not_run_again(tmp_path):
    """Twice a run is killed while it grades one student: the third leaves that one out."""
    handed_in(
        tmp_path / "class" / "a.ipynb", notebook("import time\ndef final_states(output, hn):\n    time.sleep(100)")
    )
    handed_in(tmp_path / "class" / "b.ipynb", notebook(RIGHT, FOUR_ROWS))
    out = tmp_path / "grades.csv"
    begun = tmp_path / "grades" / "begun.jsonl"
    for times in (1, 2):
        process = subprocess.Popen(
            command(*grading(tmp_path / "class", out, "--jobs", "1", "--seconds", "60")),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while not begun.exists() or begun.read_text(encoding="utf-8").count("\n") < times:
            assert process.poll() is None
            time.sleep(0.02)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    result = grade(tmp_path / "class", out, "--seconds", "60")
    assert result.returncode == 0
    assert "a: grading it has ended the whole run twice" in result.stderr
    rows = table(out)
    assert {row["status"] for (student, _), row in rows.items() if student == "a"} == {"could not grade"}
    assert rows["b", "directions-3"]["status"] == "right"
    again = grade(tmp_path / "class", out, "--seconds", "60")
    assert "nothing is left to run" in again.stderr
    assert not begun.exists()
