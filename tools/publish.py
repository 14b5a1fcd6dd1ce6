"""Make the tree that a deployment publishes: the tracked files, stamped with the repository's address and a version.

    python tools/publish.py --repository https://github.com/owner/name --out FOLDER

The address of the repository is in `_config.yml` alone, as a placeholder. In the published tree it is the real one, and
each notebook that imports `unrolled` begins with a cell that installs it from there. The site is built from that tree,
and `tools/published_branch.py` adds it to the branch `published`, which the site's Colab and Binder buttons open.

The version is the package's own with a number behind it, such as 1.1.0.post3: one more than the published one when the
package has changed since. So pip and the notebooks' first cell notice what is new, and a change to a chapter alone
reinstalls nothing.
"""

import argparse
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nbformat
import published_branch
import student_notebooks
import yaml

ROOT = Path(__file__).parents[1]
REPOSITORY = re.compile(r"https://github\.com/[A-Za-z\d-]+/[\w.-]+")
CITED_VERSION = re.compile(r"^version: .*$", re.MULTILINE)
# The version is read from the package, not from pip's records: these are old in a clone that was pulled since it was
# installed. An older package that was imported before the cell ran is forgotten: the next import finds the new one.
SET_UP = """\
# This installs the course's helper package, unless it is here, as in the course's own environment, and new enough.
import re
import sys

try:
    from unrolled import __version__ as version
except ImportError:
    version = "0"
if [int(number) for number in re.findall(r"\\d+", version)] < {numbers}:
    %pip install --quiet --upgrade "unrolled @ git+{address}@{branch}"
    for name in [name for name in sys.modules if name.split(".")[0] == "unrolled"]:
        del sys.modules[name]
"""


@dataclass(frozen=True, kw_only=True)
class Repository:
    """The entry `repository` of `_config.yml`."""

    url: str
    branch: str
    path_to_book: str


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """What a published tree has in place of the placeholder: the repository's address, the branch, the version."""

    address: str
    branch: str
    version: str


def configured(root: Path) -> Repository:
    """The repository as the tree at `root` names it."""
    return Repository(**yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"])


def imports_package(notebook: nbformat.NotebookNode) -> bool:
    """Whether one of the notebook's cells imports `unrolled` or loads it as an extension."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return re.search(r"^\s*(import|from|%load_ext) unrolled\b", code, re.MULTILINE) is not None


def with_set_up(notebook: nbformat.NotebookNode, stamp: Stamp) -> nbformat.NotebookNode:
    """The notebook with its installing cell in front, which the site does not show."""
    if imports_package(notebook):
        numbers = [int(number) for number in re.findall(r"\d+", stamp.version)]
        source = SET_UP.format(address=stamp.address, branch=stamp.branch, numbers=numbers)
        cell = nbformat.v4.new_code_cell(source.rstrip())
        cell.id = "install"
        cell.metadata.tags = ["remove-cell"]
        notebook.cells.insert(0, cell)
    return notebook


def write_version(tree: Path, version: str) -> None:
    """Put the version into the two files of the tree that give it."""
    for name, pattern, line in (
        (published_branch.VERSION_FILE, published_branch.VERSION, f'__version__ = "{version}"'),
        ("CITATION.cff", CITED_VERSION, f"version: {version}"),
    ):
        path = tree / name
        path.write_text(pattern.sub(line, path.read_text(encoding="utf-8")), encoding="utf-8")


def next_version(version: str) -> str:
    """The version that follows a published one: 1.1.0.post3 after 1.1.0.post2."""
    base, _, number = version.partition(".post")
    return f"{base}.post{int(number) + 1}"


def write_tree(repository: str, out: Path, root: Path = ROOT, last: str | None = None) -> Stamp:
    """Write the stamped tree of `root` to the new folder `out`.

    Args:
        repository: its address, such as https://github.com/owner/name.
        out: a folder that does not exist yet.
        root: a checkout.
        last: the commit of `published` that this tree will follow, in the repository at `root`; None for the first one.
    """
    placeholder = configured(root)
    names = published_branch.git(root, "ls-files", "-z").rstrip("\0").split("\0")
    for name in names:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, out / name)
    config = (out / "_config.yml").read_text(encoding="utf-8")
    (out / "_config.yml").write_text(config.replace(placeholder.url, repository), encoding="utf-8")
    version = stamp_version(root=root, out=out, names=names, last=last)
    stamp = Stamp(address=repository, branch=placeholder.branch, version=version)
    # The students' notebooks are derived here, and in the published tree they are tracked.
    student_notebooks.write_student_notebooks(out / "book")
    ignored = (out / ".gitignore").read_text(encoding="utf-8").splitlines(True)
    (out / ".gitignore").write_text(
        "".join(line for line in ignored if student_notebooks.STUDENTS not in line), encoding="utf-8"
    )
    for path in [*(out / "book").glob("*.ipynb"), *(out / "book" / student_notebooks.STUDENTS).glob("*.ipynb")]:
        notebook = with_set_up(nbformat.read(path, as_version=4), stamp)
        path.write_text(nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n", encoding="utf-8")
    return stamp


def stamp_version(*, root: Path, out: Path, names: list[str], last: str | None) -> str:
    """Write the version into the tree in `out`, whose files are `names`, and return it.

    It is the published one while the package has not changed, and the one after that when it has.
    """
    base = published_branch.version_in((root / published_branch.VERSION_FILE).read_text(encoding="utf-8"))
    published = last and published_branch.published_version(root, last)
    if not last or not published or published.partition(".post")[0] != base:
        version = f"{base}.post1"
        write_version(out, version)
        return version
    write_version(out, published)
    if published_branch.same_package(root, last, out, names):
        return published
    version = next_version(published)
    write_version(out, version)
    return version


def main() -> None:
    """Write the tree that the command line asks for."""
    parser = argparse.ArgumentParser(description="Make the tree that a deployment publishes.")
    parser.add_argument("--repository", required=True, help="such as https://github.com/owner/name")
    parser.add_argument("--out", required=True, type=Path, help="a folder that does not exist yet")
    parser.add_argument("--remote", default="origin", help="where the branch `published` is (origin)")
    arguments = parser.parse_args()
    repository = arguments.repository.removesuffix("/").removesuffix(".git")
    if not REPOSITORY.fullmatch(repository):
        sys.exit(f"--repository is {repository!r}; it has to look like https://github.com/owner/name.")
    if arguments.out.exists():
        sys.exit(f"{arguments.out} exists already. Name a folder that does not: nothing there is overwritten.")
    try:
        last = published_branch.fetch(ROOT, arguments.remote)
    except subprocess.CalledProcessError:
        sys.exit(f"git cannot read {arguments.remote}, and says why above. --remote names where `published` is.")
    stamp = write_tree(repository, arguments.out, last=last)
    print(f"Published tree of version {stamp.version} for {repository} in {arguments.out}")


if __name__ == "__main__":
    main()
