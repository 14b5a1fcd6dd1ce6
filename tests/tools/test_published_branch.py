"""The branch `published`: it grows, so that a hub's pulls go on, and has versions that pip and notebooks notice."""

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import publish
import published_branch
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from notebooks import ROOT, read
from packaging.version import Version

REPOSITORY = "https://github.com/some-teacher/unrolled-for-my-class"
EXERCISE = Path("book/exercises/directions.ipynb")
MASTER = Path("book/solutions/directions.ipynb")
BLANK = "    return ..."
ANSWER = "    return (3, 9, 8), (3, 2, 8)  # mine, and not yet right"


def git(*arguments: str, cwd: Path) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.org"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, encoding="utf-8", check=True).stdout.strip()


@dataclass(frozen=True, kw_only=True)
class Fork:
    """A teacher's fork: a checkout, and the bare repository that is its remote."""

    checkout: Path
    remote: str
    folder: Path

    def publish(self) -> tuple[publish.Stamp, str | None]:
        """What the deployment does, as it does it: the stamp, and the commit that was pushed."""
        out = self.folder / f"published-{len(list(self.folder.glob('published-*')))}"
        last = published_branch.fetch(self.checkout, "origin")
        stamp = publish.write_tree(REPOSITORY, out, self.checkout, last)
        return stamp, published_branch.add(self.checkout, out, "origin")

    def change(self, name: Path | str, old: str, new: str) -> None:
        path = self.checkout / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.fixture
def fork(tmp_path) -> Fork:
    """A fork of this working tree, with what is not committed and few notebooks, that has published nothing yet."""
    checkout, bare = tmp_path / "checkout", tmp_path / "remote.git"
    for name in git("ls-files", cwd=ROOT).splitlines():
        if (ROOT / name).exists() and not (name.endswith(".ipynb") and "directions" not in name):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, checkout / name)
    git("init", "--quiet", "--initial-branch", "main", cwd=checkout)
    git("add", "--all", cwd=checkout)
    git("commit", "--quiet", "--message", "The course", cwd=checkout)
    git("init", "--quiet", "--bare", bare.name, cwd=tmp_path)
    git("remote", "add", "origin", bare.as_uri(), cwd=checkout)
    return Fork(checkout=checkout, remote=bare.as_uri(), folder=tmp_path)


def pull(remote: str, home: Path) -> None:
    """What a hub does when a student follows the pull link, the first time and every time after."""
    command = [Path(sys.executable).with_name("gitpuller"), remote, "published", home]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def answer(home: Path) -> None:
    """What a student does: writes into a cell, runs the notebook's first cells, saves."""
    path = home / EXERCISE
    notebook = json.loads(path.read_text(encoding="utf-8"))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    exercise = next(cell for cell in code if any(line.startswith(BLANK) for line in cell["source"]))
    exercise["source"] = [f"{ANSWER}\n" if line.startswith(BLANK) else line for line in exercise["source"]]
    for count, cell in enumerate(code[: code.index(exercise) + 1], start=1):
        cell["execution_count"] = count
    code[0]["outputs"] = [{"name": "stdout", "output_type": "stream", "text": ["Note: you may need to restart\n"]}]
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def first_heading(fork: Fork) -> str:
    return next(
        cell.source for cell in read(fork.checkout / MASTER).cells if cell.cell_type == "markdown"
    ).splitlines()[0]


def test_a_hubs_second_pull_keeps_the_answer_and_brings_the_change(fork, tmp_path):
    home = tmp_path / "home"
    fork.publish()
    pull(fork.remote, home)
    answer(home)
    heading = first_heading(fork)
    fork.change(MASTER, heading, f"{heading}, corrected")
    fork.change("unrolled/__init__.py", '"""The course\'s helpers.', '"""The course\'s newest helpers.')
    stamp, _ = fork.publish()
    pull(fork.remote, home)
    sources = [cell.source for cell in read(home / EXERCISE).cells]
    assert any(ANSWER in source for source in sources)
    assert any(source.startswith(f"{heading}, corrected") for source in sources)
    assert str([int(number) for number in re.findall(r"\d+", stamp.version)]) in sources[0], (
        "it asks for the new package"
    )
    pull(fork.remote, home)


def test_a_branch_that_was_replaced_cannot_be_pulled(fork, tmp_path):
    """As publishing once did it: this is what the test above would see."""
    home = tmp_path / "home"
    fork.publish()
    pull(fork.remote, home)
    tree = git("rev-parse", "main^{tree}", cwd=fork.checkout)
    commit = git("commit-tree", tree, "-m", "Published anew", cwd=fork.checkout)
    git("push", "--quiet", "--force", "origin", f"{commit}:refs/heads/published", cwd=fork.checkout)
    with pytest.raises(AssertionError, match="refusing to merge unrelated histories"):
        pull(fork.remote, home)


def test_the_branch_grows_by_what_changed(fork):
    _, first = fork.publish()
    assert fork.publish()[1] is None, "nothing changed"
    fork.change("book/index.md", "# ", "# Welcome: ")
    _, second = fork.publish()
    history = git("log", "--format=%H", "published", cwd=Path(fork.remote.removeprefix("file://"))).split()
    assert history == [second, first]
    tracked = git("ls-tree", "-r", "--name-only", second, cwd=fork.checkout).splitlines()
    assert EXERCISE.as_posix() in tracked
    assert not [name for name in tracked if name.startswith((".venv", "_build"))]
    assert git("status", "--porcelain", cwd=fork.checkout).split() == ["M", "book/index.md"], (
        "the checkout is as it was"
    )


def test_what_was_built_in_the_tree_is_not_published_and_what_was_removed_goes(fork, tmp_path):
    fork.publish()
    git("rm", "--quiet", "CITATION.cff", cwd=fork.checkout)
    (fork.checkout / "CITATION.cff").write_text("version: 1\n", encoding="utf-8")  # not tracked any more
    out = tmp_path / "tree"
    with pytest.raises(FileNotFoundError):
        publish.write_tree(REPOSITORY, out, fork.checkout)
    git("add", "CITATION.cff", cwd=fork.checkout)
    git("rm", "--quiet", "book/questions.md", cwd=fork.checkout)
    publish.write_tree(REPOSITORY, tmp_path / "next", fork.checkout)
    (tmp_path / "next" / "_build").mkdir()
    (tmp_path / "next" / "_build" / "page.html").touch()
    commit = published_branch.add(fork.checkout, tmp_path / "next", "origin")
    tracked = git("ls-tree", "-r", "--name-only", commit, cwd=fork.checkout).splitlines()
    assert "_build/page.html" not in tracked
    assert "book/questions.md" not in tracked


def test_a_version_is_new_when_the_package_is(fork):
    base = published_branch.version_in((ROOT / published_branch.VERSION_FILE).read_text(encoding="utf-8"))
    assert fork.publish()[0].version == f"{base}.post1"
    fork.change("book/index.md", "# ", "# Welcome: ")
    assert fork.publish()[0].version == f"{base}.post1", "no reason to install anything"
    fork.change("unrolled/shapes.py", '"""', '"""Once more: ')
    assert fork.publish()[0].version == f"{base}.post2"
    assert fork.publish()[0].version == f"{base}.post2"
    fork.change(published_branch.VERSION_FILE, f'__version__ = "{base}"', '__version__ = "17.0.0"')
    assert fork.publish()[0].version == "17.0.0.post1"


def test_pip_orders_the_versions():
    versions = ["1.0.0", "1.1.0", "1.1.0.post1", "1.1.0.post2", "1.1.0.post10", "1.1.1", "1.1.1.post1"]
    assert sorted(versions, key=Version) == versions
    assert publish.next_version("1.1.0.post9") == "1.1.0.post10"


def test_a_branch_from_before_versions_goes_on(fork):
    """The first version of the course pushed a package without a version line."""
    path = fork.checkout / published_branch.VERSION_FILE
    with_version = path.read_text(encoding="utf-8")
    path.write_text(published_branch.VERSION.sub("", with_version), encoding="utf-8")
    old = published_branch.add(fork.checkout, fork.checkout, "origin")
    path.write_text(with_version, encoding="utf-8")
    stamp, commit = fork.publish()
    assert stamp.version.endswith(".post1")
    assert git("rev-parse", f"{commit}^", cwd=fork.checkout) == old


@pytest.mark.parametrize(
    ("installed", "installs"),
    [(None, True), ("", True), ("1.1.0", True), ("1.1.0.post9", True), ("1.1.0.post10", False), ("1.2.0", False)],
)
def test_the_set_up_cell_installs_what_is_missing_or_older(tmp_path, monkeypatch, installed, installs):
    """No package, one from before versions, older ones, the one asked for, a newer one."""
    if installed is not None:
        (tmp_path / "unrolled").mkdir()
        text = f'__version__ = "{installed}"\n' if installed else ""
        (tmp_path / "unrolled" / "__init__.py").write_text(text, encoding="utf-8")
    for name in [name for name in sys.modules if name.split(".")[0] == "unrolled"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.setattr(sys, "meta_path", [finder for finder in sys.meta_path if "ditable" not in repr(finder)])
    stamp = publish.Stamp(address=REPOSITORY, branch="published", version="1.1.0.post10")
    notebook = publish.nbformat.v4.new_notebook(cells=[publish.nbformat.v4.new_code_cell("import unrolled")])
    source = publish.with_set_up(notebook, stamp).cells[0].source
    magics = []

    class Shell:
        def run_line_magic(self, *words: str) -> None:
            magics.append(words)

    exec(TransformerManager().transform_cell(source), {"get_ipython": Shell})
    asked = [("pip", f'install --quiet --upgrade "unrolled @ git+{REPOSITORY}@published"')]
    assert magics == (asked if installs else [])
    assert ("unrolled" in sys.modules) is not installs, "an old package is not what the next import finds"


def test_the_deployment_never_replaces_the_branch():
    steps = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    assert "tools/published_branch.py published" in steps
    assert "--force" not in steps
    assert "git push" not in steps


def test_a_folder_that_is_no_published_tree_is_refused(tmp_path):
    command = [sys.executable, ROOT / "tools/published_branch.py", tmp_path]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
    assert result.returncode == 1
    assert result.stderr == f"{tmp_path} holds no published tree: tools/publish.py writes one.\n"
