"""The commands of the Makefile, where something is missing or in the way."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
import zipfile
from pathlib import Path

import pytest
import run_notebooks
from notebooks import BOOK, ROOT


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess:
    # As from a shell: what an outer `make test` hands down to its own children is left out.
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


@pytest.fixture
def fresh(tmp_path) -> Path:
    """A folder with the Makefile and no virtual environment."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    for name in ("book", "unrolled", "tools"):
        (tmp_path / name).mkdir()
    for name in ("requirements-site.txt", "requirements.lock", "pyproject.toml", "tools/install.py"):
        (tmp_path / name).touch()
    return tmp_path


def interpreter(folder: Path, script: str) -> str:
    path = folder / "other-python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        (None, "is not here. Install it, or name another one"),
        ("exit 1", "is older. Name a newer one"),
        ('case "$2" in *ensurepip*) exit 1;; esac', "has no venv module. Install it"),
    ],
    ids=["no-python", "old-python", "no-venv"],
)
def test_a_missing_prerequisite_gets_one_sentence(fresh, script, sentence):
    python = interpreter(fresh, script) if script else "no-such-python"
    result = make(fresh, ".venv/.site", f"PYTHON={python}")
    assert result.returncode != 0
    said = [line for line in result.stderr.splitlines() if not line.startswith("make:")]
    assert len(said) == 1
    assert sentence in said[0]
    assert not (fresh / ".venv").exists()


def test_serve_takes_the_next_port_where_one_is_in_use(site):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with subprocess.Popen(
            [sys.executable, ROOT / "tools/serve.py", str(port)], stdout=subprocess.PIPE, encoding="utf-8"
        ) as process:
            address = process.stdout.readline().split()[3]
            with urllib.request.urlopen(address) as page:
                text = page.read()
            process.terminate()
        assert address != f"http://localhost:{port}"
        assert b"Unrolled" in text


def test_the_zip_holds_the_whole_site(site):
    result = make(ROOT, "zip", "--assume-old=_build/html/index.html")
    assert result.returncode == 0, result.stderr
    with zipfile.ZipFile(ROOT / "_build" / "unrolled.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    assert packed == {
        path.relative_to(site).as_posix(): path.read_bytes() for path in site.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("port", ["eighty", "0", "70000", "-1"])
def test_a_wrong_port_is_refused_in_one_sentence(port):
    result = subprocess.run(
        [sys.executable, ROOT / "tools/serve.py", port], capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 1
    assert result.stderr == f"PORT is {port!r}; it has to be a number from 1 to 65515, such as 8000.\n"


def test_running_a_notebook_anew_leaves_no_difference(tmp_path, kernel):
    copy = Path(shutil.copy(BOOK / "three-tensors.ipynb", tmp_path))
    subprocess.run([sys.executable, ROOT / "tools/run_notebooks.py", copy], check=True, capture_output=True)
    assert copy.read_bytes() == (BOOK / "three-tensors.ipynb").read_bytes()


def test_a_notebook_that_raises_is_left_as_it_was(tmp_path, kernel):
    copy = tmp_path / "three-tensors.ipynb"
    copy.write_text(
        (BOOK / "three-tensors.ipynb").read_text(encoding="utf-8").replace("print(hn)", "print(nothing_of_this_name)"),
        encoding="utf-8",
    )
    before = copy.read_bytes()
    result = subprocess.run(
        [sys.executable, ROOT / "tools/run_notebooks.py", copy], capture_output=True, encoding="utf-8", check=False
    )
    assert result.returncode == 1
    assert "a cell raised, so nothing was written" in result.stderr
    assert copy.read_bytes() == before


def test_ci_calls_the_readmes_command():
    assert "exec make test" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "make test " in (ROOT / "README.md").read_text(encoding="utf-8")


def test_a_chapters_name_stands_for_its_notebooks():
    assert run_notebooks.notebooks_of("axes") == [BOOK / "axes.ipynb", BOOK / "solutions" / "axes.ipynb"]
    assert run_notebooks.notebooks_of(str(BOOK / "axes.ipynb")) == [BOOK / "axes.ipynb"]
    with pytest.raises(SystemExit, match="There is no notebook nothing; the book's are attention, axes, "):
        run_notebooks.notebooks_of("nothing")


def test_a_room_without_tests_is_named_in_one_sentence():
    result = make(ROOT, "test", "ONLY=nowhere", "--assume-old=.venv/.test", "--assume-old=web/node_modules/.stamp")
    assert result.returncode != 0
    assert result.stderr.startswith("There is no tests/nowhere. ONLY is a folder or a file of tests/: ")


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "book/teaching.md", "Makefile"])
def test_every_make_command_that_is_written_down_exists(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    if page.endswith(".md"):  # its code alone: a line of prose may begin with "make"
        text = "\n".join(re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL))
    written = set(re.findall(r"(?:^|[`#] *)make ([a-z-]+)\b", text, re.MULTILINE))
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)[1].split()
    assert written
    assert written <= set(targets), written - set(targets)
