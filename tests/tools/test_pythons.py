"""Every Python that is on this machine: what needs no torch gives the same on each, and on this one."""

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from notebooks import ROOT

OLDEST = (3, 11)
# What `import unrolled` needs beyond Python; markupsafe does without its compiled part.
PACKAGES = ("jinja2", "markupsafe")
SCRIPT = ROOT / "tests" / "support" / "without_torch.py"


def pythons() -> dict[str, Path]:
    """One interpreter of each minor version that the course supports, this one among them."""
    here = ".".join(map(str, sys.version_info[:2]))
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [Path(found) for minor in range(11, 20) if (found := shutil.which(f"python3.{minor}"))]
    candidates += sorted(pyenv.glob("versions/3.*/bin/python"))
    found = {here: Path(sys.executable)}
    for path in candidates:
        code = "import sys; print(*sys.version_info[:2])"
        answer = subprocess.run([path, "-I", "-c", code], capture_output=True, encoding="utf-8", check=False)
        version = tuple(map(int, answer.stdout.split()))
        if answer.returncode == 0 and version >= OLDEST:
            found.setdefault(".".join(map(str, version)), path)
    return found


PYTHONS = pythons()


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    """A folder to import from that holds links to `PACKAGES` and nothing else."""
    folder = tmp_path_factory.mktemp("packages")
    for name in PACKAGES:
        (folder / name).symlink_to(Path(str(distribution(name).locate_file(name))))
    return folder


def run(python: Path, packages: Path) -> dict:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment |= {"PYTHONPATH": os.pathsep.join([str(ROOT), str(packages)]), "PYTHONDONTWRITEBYTECODE": "1"}
    # -S: what is installed for this Python, torch for one, cannot be imported.
    command = [python, "-S", "-W", "error", SCRIPT]
    result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def here(packages) -> dict:
    return run(Path(sys.executable), packages)


def test_this_python_is_among_them():
    assert ".".join(map(str, sys.version_info[:2])) in PYTHONS


@pytest.mark.parametrize("version", PYTHONS)
def test_what_needs_no_torch_is_the_same_on_every_python(version, packages, here):
    there = run(PYTHONS[version], packages)
    assert there.keys() == here.keys()
    for claim in here:
        assert there[claim] == here[claim], claim
    assert here["worksheet"][0] == 0
    assert len(here["tensors"]) > 30
    assert here["names of failing expressions"] == [["x", "y"], ["net", "x"], ["x"], ["net", "x", "y"]]
