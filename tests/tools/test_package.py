"""The package as it is installed: one version, nothing missing from the wheel, and what works without torch."""

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest
import yaml
from installed_packages import link_packages, needed
from notebooks import ROOT

import unrolled

INSTALL_TORCH = "needs PyTorch, which is not installed here: pip install torch"


def test_the_version_has_one_source():
    """`__version__`; pyproject.toml reads it, the citation and the changelog agree with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "unrolled/__init__.py"
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["version"] == unrolled.__version__
    newest = re.search(r"^## \[(\S+)\] - (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    released = unrolled.__version__.partition(".post")[0]
    assert newest.groups() == (released, citation["date-released"])


def test_every_public_name_is_listed():
    assert set(unrolled.__all__) <= set(dir(unrolled))
    assert "__version__" in dir(unrolled)
    for name in unrolled.__all__:
        assert getattr(unrolled, name) is not None


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """The interpreter of a fresh environment: the wheel, and links to the packages that it declares (no download)."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel]
    subprocess.run(command, check=True, capture_output=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        metadata = archive.read(next(name for name in archive.namelist() if name.endswith("/METADATA"))).decode("utf-8")
    link_packages(needed(re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE)), packages)
    return python


def run(python: Path, *command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command of the fresh environment, away from the checkout."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONIOENCODING"] = "utf-8"
    first = python.with_name(command[0]) if isinstance(command[0], str) else command[0]
    return subprocess.run(
        [first, *command[1:]], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def test_the_wheel_holds_the_whole_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        info = {name.split(".dist-info/")[1] for name in archive.namelist() if ".dist-info/" in name}
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "unrolled"]
    tracked = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, encoding="utf-8").stdout.split()
    assert names == {name for name in tracked if (ROOT / name).exists()}
    assert {"unrolled/py.typed", "unrolled/explorer/static/unrolled.js", "unrolled/static/axes.css"} <= names
    assert {"METADATA", "entry_points.txt", "licenses/LICENSE"} <= info


def test_what_needs_no_torch_works_where_the_wheel_alone_is_installed(installed, tmp_path):
    code = """
import unrolled, unrolled.shapes
print(unrolled.__file__, unrolled.__version__)
print(unrolled.draw_grid(num_layers=2, bidirectional=True))
explorer = unrolled.explore("LSTM", num_layers=2)
print("<table" in explorer._repr_mimebundle_()[0]["text/html"], explorer)
import matplotlib.pyplot as plt
print(unrolled.picture(plt.figure(), "Nothing at all, in five words"))
try:
    with unrolled.clarify():
        raise RuntimeError("untouched")
except RuntimeError as error:
    print(error, getattr(error, "__notes__", None))
"""
    result = run(installed, "python", "-W", "error", "-c", code, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].startswith(str(installed.parents[1]))
    assert lines[0].endswith(unrolled.__version__)
    assert str(unrolled.draw_grid(num_layers=2, bidirectional=True)) in result.stdout
    assert lines[-3:] == [
        "True unrolled.explore(module='LSTM', num_layers=2)",
        "Nothing at all, in five words",
        "untouched None",
    ]


def test_its_commands_work_without_torch_as_far_as_they_can(installed, tmp_path):
    usage = run(installed, "unrolled", "--help", folder=tmp_path)
    assert usage.returncode == 0
    assert usage.stdout.startswith("usage: unrolled [-h] COMMAND")
    module = run(installed, "python", "-m", "unrolled", "--help", folder=tmp_path)
    assert module.stdout == usage.stdout.replace("usage: unrolled", "usage: python -m unrolled", 1)
    worksheet = run(installed, "unrolled", "worksheet", "--seed", "7", "--out", "sheet.html", folder=tmp_path)
    assert worksheet.returncode == 0, worksheet.stderr
    assert "<ol>" in (tmp_path / "sheet.html").read_text(encoding="utf-8")
    assert run(installed, "unrolled", "grade", "--help", folder=tmp_path).returncode == 0
    grade = run(installed, "unrolled", "grade", ".", folder=tmp_path)
    assert (grade.returncode, grade.stdout, grade.stderr) == (2, "", f"grade {INSTALL_TORCH}\n")


def test_without_torch_one_sentence_takes_the_place_of_a_traceback(installed, tmp_path):
    for call in ('check("axes-1", print)', 'hint("axes-1")'):
        result = run(installed, "python", "-c", f"import unrolled; unrolled.{call}", folder=tmp_path)
        assert (result.stdout, result.stderr) == (f"{call.partition('(')[0]} {INSTALL_TORCH}\n", "")
    code = """
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.instance().run_cell("import unrolled; unrolled.explain(1, 2)")
"""
    result = run(installed, "python", "-c", code, folder=tmp_path)
    assert result.stdout == f"explain {INSTALL_TORCH}\n"


def test_a_torch_that_is_broken_says_itself_what_it_lacks(tmp_path, monkeypatch):
    from unrolled.missing_torch import require_torch

    (tmp_path / "torch.py").write_text("import of_torch_a_part\n", encoding="utf-8")
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="of_torch_a_part"):
        require_torch("check")
