"""Publishing: what a fork's deployment stamps, checked up to the border of this machine, which is the network."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import build_site
import install
import nbformat
import publish
import pytest
from installed_packages import link_packages, needed
from notebooks import NOTEBOOKS, ROOT, read
from packaging.requirements import Requirement
from pages import parsed
from run_size import is_long
from student_notebooks import student_notebook

import unrolled

REPOSITORY = "https://github.com/some-teacher/unrolled-for-my-class"
COLAB = ROOT / "tests" / "support" / "colab.txt"


def git(*arguments: str, cwd: Path) -> str:
    return subprocess.run(["git", *arguments], cwd=cwd, capture_output=True, encoding="utf-8", check=True).stdout


def commit_all(folder: Path, message: str) -> None:
    git("add", "--all", cwd=folder)
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org")
    git(*identity, "commit", "--quiet", "--message", message, cwd=folder)


@pytest.fixture(scope="module")
def published(tmp_path_factory) -> Path:
    """The tree that a deployment from this checkout would publish."""
    out = tmp_path_factory.mktemp("publish") / "published"
    publish.write_tree(REPOSITORY, out)
    return out


@pytest.fixture(scope="module")
def placeholder() -> str:
    return publish.configured(ROOT).url


def text_files(folder: Path) -> list[Path]:
    suffixes = {".html", ".ipynb", ".md", ".yml", ".py", ".txt", ".js", ".css", ".svg", ".toml", ".cff", ""}
    return [
        path for path in folder.rglob("*") if path.is_file() and path.suffix in suffixes and ".git" not in path.parts
    ]


def test_the_address_stands_in_one_place(placeholder):
    name = placeholder.removeprefix("https://github.com/").split("/")[0]
    assert "_" in name, "an account could have this name"
    assert git("grep", "--files-with-matches", name, cwd=ROOT).split() == ["_config.yml"]


def test_the_stamp_reaches_everything(published, placeholder):
    assert publish.configured(published).url == REPOSITORY
    for path in text_files(published):
        assert placeholder not in path.read_text(encoding="utf-8"), path


def test_the_site_it_builds_points_to_the_real_repository(published, placeholder):
    pages = build_site.build(published)
    chapter = (pages / "three-tensors.html").read_text(encoding="utf-8")
    name = REPOSITORY.removeprefix("https://github.com/")
    assert f"https://colab.research.google.com/github/{name}/blob/published/book/three-tensors.ipynb" in chapter
    assert f"https://mybinder.org/v2/gh/{name}/published?urlpath=lab/tree/book/three-tensors.ipynb" in chapter
    assert "pip install" not in chapter, "the installing cell is for notebooks, not for the page"
    landing = parsed(pages, "index.html").get_text()
    assert f'"unrolled @ git+{REPOSITORY}@published"' in landing, "how to have the package beside one's own PyTorch"
    exercise = (pages / "exercises" / "directions.html").read_text(encoding="utf-8")
    assert f"https://colab.research.google.com/github/{name}/blob/published/book/exercises/directions.ipynb" in exercise
    assert "<summary>Answer</summary>" in exercise
    assert "pip install" not in exercise
    downloaded = read(pages / "_sources" / "exercises" / "directions.ipynb")
    assert downloaded.cells == read(published / "book" / "exercises" / "directions.ipynb").cells
    for path in text_files(pages):
        assert placeholder not in path.read_text(encoding="utf-8"), path
    assert REPOSITORY in (pages / "_sources" / "three-tensors.ipynb").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_published_notebook_is_the_stored_one_with_a_cell_in_front(published, path):
    cells, original = read(published / "book" / path.name).cells, read(path)
    if publish.imports_package(original):
        assert cells[0].id == "install"
        assert REPOSITORY in cells[0].source
        cells = cells[1:]
    assert cells == original.cells


def test_the_students_notebooks_are_published_without_answers(published):
    """Where the exercise pages' buttons lead, tracked in the published tree, with the installing cell in front."""
    masters = sorted((ROOT / "book" / "solutions").glob("*.ipynb"))
    assert [path.name for path in masters] == [
        path.name for path in sorted((published / "book" / "exercises").glob("*.ipynb"))
    ]
    assert "exercises" not in (published / ".gitignore").read_text(encoding="utf-8")
    for path in masters:
        cells = read(published / "book" / "exercises" / path.name).cells
        assert cells[0].id == "install"
        assert REPOSITORY in cells[0].source
        assert [cell.source for cell in cells[1:]] == [cell.source for cell in student_notebook(read(path)).cells]


@pytest.mark.parametrize(
    "repository",
    [
        "https://github.com/owner",
        "github.com/owner/name",
        "https://example.com/owner/name",
        "",
        "https://github.com/a_b/c",
    ],
)
def test_a_wrong_address_is_refused_in_one_sentence(tmp_path, repository):
    command = [sys.executable, ROOT / "tools/publish.py", "--repository", repository, "--out", tmp_path / "out"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 1
    assert result.stderr == f"--repository is {repository!r}; it has to look like https://github.com/owner/name.\n"
    assert not (tmp_path / "out").exists()


def test_nothing_is_overwritten(tmp_path):
    command = [sys.executable, ROOT / "tools/publish.py", "--repository", REPOSITORY, "--out", tmp_path]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 1
    assert "exists already" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_workflows_are_valid():
    result = subprocess.run(
        [Path(sys.executable).with_name("actionlint"), "-no-color"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 0, result.stdout
    assert {path.name for path in (ROOT / ".github/workflows").iterdir()} == {"deploy.yml", "test.yml"}


def test_actionlint_can_fail(tmp_path):
    wrong = tmp_path / "wrong.yml"
    wrong.write_text(
        (ROOT / ".github/workflows/deploy.yml")
        .read_text(encoding="utf-8")
        .replace("github.event.workflow_run", "github.evnet.workflow_run"),
        encoding="utf-8",
    )
    result = subprocess.run(
        [Path(sys.executable).with_name("actionlint"), "-no-color", wrong],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert result.returncode == 1
    assert "evnet" in result.stdout


def test_binder_installs_what_the_notebooks_need_from_the_cpu_index():
    """At the course's own versions, and nothing that builds or checks the site: it would only make the start longer."""
    lines = (ROOT / "binder/requirements.txt").read_text(encoding="utf-8").splitlines()
    assert "--extra-index-url https://download.pytorch.org/whl/cpu" in lines
    assert "-c ../constraints.txt" in lines
    names = [line for line in lines if line and line[0] not in "#-"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert {"torch", *(Requirement(line).name for line in project["dependencies"])} <= set(names)
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").lower()
    assert [name for name in names if f"\n{name}==" not in pins] == []
    installed = {found.name.lower() for found in needed(names)}
    assert installed & {"sphinx", "jupyter-book", "pytest", "nbval", "jupyterlab", "playwright"} == set()


def test_no_command_reaches_the_cpu_index_unasked():
    for path in [
        ROOT / "Makefile",
        *ROOT.glob("requirements*.txt"),
        ROOT / "constraints.txt",
        *(ROOT / "tools").glob("*.py"),
    ]:
        uses = [
            line
            for line in path.read_text(encoding="utf-8").splitlines()
            if "download.pytorch.org" in line and not line.startswith("#")
        ]
        assert uses == [], path


# Each notebook in a child of one process, which may import torch first: that takes as long as most notebooks.
RUN_CELLS = """
import json, os, sys
from IPython.core.interactiveshell import InteractiveShell

for path in sys.argv[1:]:
    child = os.fork()
    if child:
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, path
        continue
    shell = InteractiveShell.instance()
    for cell in json.load(open(path, encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            shell.run_cell("".join(cell["source"])).raise_error()
    import unrolled
    print(path, "ran to its end with", unrolled.__file__)
    sys.exit()
"""


def colab_requirements() -> list[str]:
    """Colab's own versions; where this Python is too new for one, the course's."""
    ours = dict(re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [line for line in COLAB.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    pinned = [Requirement(line) for line in lines]
    fits = [requirement.marker is None or requirement.marker.evaluate() for requirement in pinned]
    return [
        f"{pin.name}{pin.specifier if fit else f'=={ours[pin.name]}'}" for pin, fit in zip(pinned, fits, strict=True)
    ]


@pytest.fixture(scope="module")
def colab_packages(tmp_path_factory) -> Path:
    """A folder with Colab's packages, kept between runs, as long as the list and the Python are the same."""
    requirements = colab_requirements()
    digest = hashlib.sha256(repr([*requirements, sys.version]).encode()).hexdigest()[:12]
    folder = ROOT / ".cache" / f"colab-{digest}"
    if not folder.exists():
        fresh = tmp_path_factory.mktemp("colab") / "packages"
        settings = install.pip_settings()
        with_uv = install.UV.exists() and not settings.unknown
        command = [install.UV, "pip", "install", "--python", sys.executable] if with_uv else [*install.PIP, "install"]
        environment = {**settings.variables, **os.environ} if with_uv else os.environ
        arguments = ["--quiet", "--no-deps", "--target", fresh, *requirements]
        subprocess.run([*command, *arguments], env=environment, check=True, capture_output=True)
        folder.parent.mkdir(exist_ok=True)
        shutil.move(fresh, folder)
    return folder


@pytest.fixture(scope="module")
def host(colab_packages, tmp_path_factory) -> Path:
    """The interpreter of a fresh environment that holds what Colab holds, and nothing of this course.

    torch is a link to the one here, and so is what it needs beyond Colab's packages.
    """
    folder = tmp_path_factory.mktemp("host")
    venv.create(folder / "venv", with_pip=True)
    link_packages(
        needed(["torch"], without=[Requirement(text).name for text in colab_requirements()]), folder / "torch"
    )
    (site_packages,) = (folder / "venv").glob("lib/python*/site-packages")
    (site_packages / "host.pth").write_text(f"{colab_packages}\n{folder / 'torch'}\n", encoding="utf-8")
    return folder / "venv" / "bin" / "python"


@pytest.fixture(scope="module")
def repository_at_hand(published) -> dict[str, str]:
    """An environment in which git finds the published branch here instead of at its address."""
    git("init", "--quiet", "--initial-branch", "published", cwd=published)
    commit_all(published, "Published")
    setting = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.file://{published}.insteadOf",
        "GIT_CONFIG_VALUE_0": REPOSITORY,
    }
    return {**{k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}, **setting}


def run_cells(host: Path, paths: list[Path], environment: dict[str, str], folder: Path, before: str = "") -> str:
    """What the notebooks at `paths` print, each run from its first cell to its last."""
    command = [host, "-c", before + RUN_CELLS, *paths]
    result = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, encoding="utf-8", errors="replace", check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    for path in paths:
        assert f"{path} ran to its end with {host.parents[1]}" in result.stdout
    return result.stdout


def test_the_host_has_colabs_versions(host, repository_at_hand):
    code = "import IPython as i, ipywidgets as w, traitlets as t; print(i.__version__, w.__version__, t.__version__)"
    command = [host, "-c", code]
    printed = subprocess.run(
        command, cwd=host.parent, env=repository_at_hand, check=True, capture_output=True, encoding="utf-8"
    ).stdout
    assert printed.split() == ["7.34.0", "7.7.1", "5.7.1"]


def test_what_colab_stores_of_the_explorer_has_its_table(host, tmp_path):
    """IPython stores what it would show: the widget, which needs a kernel, the table, and the text."""
    code = (
        "import json, unrolled; from IPython.core.interactiveshell import InteractiveShell;"
        "stored, _ = InteractiveShell.instance().display_formatter.format(unrolled.explore(num_layers=2));"
        "print(json.dumps(stored))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "IPYTHONDIR": str(tmp_path)}
    command = [host, "-c", code]
    result = subprocess.run(command, env=environment, check=True, capture_output=True, encoding="utf-8")
    stored = json.loads(result.stdout)
    assert set(stored) == {"application/vnd.jupyter.widget-view+json", "text/html", "text/plain"}
    assert "layer 1 (hn[1, 0])" in stored["text/html"]
    assert stored["text/plain"] == "unrolled.explore(num_layers=2)"


@pytest.mark.parametrize("folder", ["book", "book/exercises"])
def test_the_notebooks_run_where_colab_would_run_them(host, published, repository_at_hand, tmp_path, folder):
    """Each from its first cell to its last, away from the checkout; the first of them installs the package by its own.

    The exercises are untouched, and every check answers. nbval has compared every chapter, so a short run takes three
    that train nothing.
    """
    originals = sorted((published / folder).glob("*.ipynb"))
    assert len(originals) > 10
    chosen = (
        originals if is_long() else [path for path in originals if path.stem in ("axes", "lengths", "three-tensors")]
    )
    paths = [Path(shutil.copy(path, tmp_path)) for path in chosen]
    printed = run_cells(host, paths, repository_at_hand, tmp_path, before="import torch")
    if folder == "book/exercises":
        assert len(re.findall(r"^\S+-\d+: not attempted", printed, re.MULTILINE)) == sum(
            cell.source.count("check(") for path in paths for cell in read(path).cells if cell.cell_type == "code"
        )


def test_a_notebook_that_asks_for_a_newer_package_gets_it(host, published, repository_at_hand, tmp_path):
    """A change is published after a notebook installed the package, and the notebook as it is then comes along."""
    chapter = published / "book/three-tensors.ipynb"

    def installed_version() -> str:
        """The package's version after the chapter's first cell has run."""
        cells = [next(cell for cell in read(chapter).cells if cell.id == "install")]
        cells.append(nbformat.v4.new_code_cell("import unrolled; print('version', unrolled.__version__)"))
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "first-cell.ipynb")
        printed = run_cells(host, [tmp_path / "first-cell.ipynb"], repository_at_hand, tmp_path)
        return re.search(r"^version (\S+)$", printed, re.MULTILINE)[1]

    assert installed_version() == f"{unrolled.__version__}.post1"
    first = [*(int(number) for number in re.findall(r"\d+", unrolled.__version__)), 1]
    for path, old, new in (
        (published / "unrolled/__init__.py", ".post1", ".post2"),
        (chapter, str(first), str([*first[:-1], 2])),
    ):
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")
    commit_all(published, "A change")
    assert installed_version() == f"{unrolled.__version__}.post2"
