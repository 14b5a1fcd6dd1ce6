"""UTF-8 everywhere: what a Windows computer reads, writes and prints, whose own encoding is cp1252.

Here it is the locale C without UTF-8, which every system has. Its encoding is ASCII, so that a file that is read or
written without naming UTF-8 fails at the first letter that is not, where cp1252 would make nonsense of some and fail at
others. Standard output is cp1252, as it is there for a pipe.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from notebooks import ROOT

import unrolled
from unrolled.text import printable

WINDOWS = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
FOLDERS = ("unrolled", "tools", "book/_extensions", "tests")
PYTHON_FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def run(*arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **WINDOWS}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="cp1252", check=False)


def without_encoding(source: str) -> Iterator[str]:
    """Calls that read or write text in whatever encoding the computer has, beyond those that ruff's PLW1514 knows."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        keywords = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        is_text = name in ("read_text", "write_text") or keywords.get("text") == "True"
        if is_text and "encoding" not in keywords:
            yield f"line {node.lineno}: {name}"


@pytest.mark.parametrize("path", PYTHON_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_text_names_its_encoding(path):
    assert list(without_encoding(path.read_text(encoding="utf-8"))) == []


def test_a_text_without_encoding_is_found():
    source = 'path.read_text()\nrun(command, text=True)\npath.write_text("a", encoding="utf-8")\n'
    assert list(without_encoding(source)) == ["line 1: read_text", "line 2: run"]


def test_the_computer_of_these_tests_reads_no_utf8_unasked(tmp_path):
    """Or what follows would show nothing."""
    (tmp_path / "text").write_text("“→”", encoding="utf-8")
    assert "UnicodeDecodeError" in run("-c", "open('text').read()", folder=tmp_path).stderr
    assert "UnicodeEncodeError" in run("-c", "print('→')", folder=tmp_path).stderr


def test_a_drawing_prints_in_plain_signs_of_the_same_width(tmp_path):
    code = "import unrolled; print(unrolled.draw_grid(num_layers=2, bidirectional=True))"
    result = run("-c", code, folder=tmp_path)
    assert result.stderr == ""
    here = str(unrolled.draw_grid(num_layers=2, bidirectional=True))
    assert [len(line) for line in result.stdout.splitlines()] == [len(line) for line in here.splitlines()]
    assert "+------+------+------+" in result.stdout
    assert "h0[2] > |      |      |  @   | > hn[2]" in result.stdout


def test_what_standard_output_can_write_stays_as_it_is(capsys):
    assert printable("h0[0] → │ Σ") == "h0[0] → │ Σ"


def test_reports_checks_and_hints_print(tmp_path):
    code = """
import torch
from torch import nn
import unrolled
packed = nn.utils.rnn.pack_sequence([torch.zeros(3, 4), torch.zeros(2, 4)])
print(unrolled.explain(nn.GRU(4, 5), packed))
from unrolled.exercises.sets import SETS, exercise_set
for name in SETS:
    for id, exercise in exercise_set(name).items():
        unrolled.check(id, exercise.reference)
        for _ in exercise.hints:
            unrolled.hint(id)
"""
    result = run("-c", code, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "(SL, H_in)" in result.stdout
    assert "so -2 and -1 pick its halves" in result.stdout


def test_the_worksheet_is_written(tmp_path):
    result = run("-m", "unrolled", "worksheet", "--seed", "7", "--out", "sheet.html", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    there = run("-m", "unrolled", "worksheet", "--seed", "7", folder=tmp_path)
    assert there.stdout.rstrip() == (tmp_path / "sheet.html").read_text(encoding="utf-8").rstrip()


def test_grading_reads_and_writes_every_letter(tmp_path):
    source = "import torch\n\ndef final_states(output, hn):\n    raise ValueError('→ “Ωmega” ◉')\n"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    (tmp_path / "submissions").mkdir()
    (tmp_path / "submissions" / "Ana.ipynb").write_text(nbformat.writes(notebook), encoding="utf-8")
    result = run("-m", "unrolled", "grade", "submissions", "--set", "directions", "--out", "g.csv", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    for name in ("g.csv", "g/Ana.html"):
        assert "ValueError: → “Ωmega” ◉" in (tmp_path / name).read_text(encoding="utf-8")
