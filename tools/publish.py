"""Make the tree that a deployment publishes: the tracked files, with the real repository's address stamped in.

    python tools/publish.py --repository https://github.com/owner/name --out FOLDER

The address of the repository stands in `_config.yml` alone, as a placeholder. In the published tree it is the real one,
and each notebook that imports `unrolled` begins with a cell that installs it from there. The site is built from that
tree, and the tree is pushed as the branch `published`, which the site's Colab and Binder buttons open.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

import exercises
import nbformat
import yaml

ROOT = Path(__file__).parents[1]
REPOSITORY = re.compile(r"https://github\.com/[A-Za-z\d-]+/[\w.-]+")
SET_UP = """\
# Outside the course's own environment (in Colab, for one) this installs its helper package.
import importlib.util

if importlib.util.find_spec("unrolled") is None:
    %pip install --quiet "unrolled @ git+{repository}@{branch}"
"""


def configured(root: Path) -> dict[str, str]:
    """The entry `repository` of `_config.yml`: url, branch, path_to_book."""
    return yaml.safe_load((root / "_config.yml").read_text())["repository"]


def imports_package(notebook: nbformat.NotebookNode) -> bool:
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return re.search(r"^\s*(import|from|%load_ext) unrolled\b", code, re.MULTILINE) is not None


def with_set_up(notebook: nbformat.NotebookNode, repository: str, branch: str) -> nbformat.NotebookNode:
    """The notebook with its installing cell in front, which the site does not show."""
    if imports_package(notebook):
        cell = nbformat.v4.new_code_cell(SET_UP.format(repository=repository, branch=branch).rstrip())
        cell.id = "install"
        cell.metadata.tags = ["remove-cell"]
        notebook.cells.insert(0, cell)
    return notebook


def publish(repository: str, out: Path, root: Path = ROOT) -> None:
    """Write the stamped tree of `root` to the new folder `out`."""
    placeholder = configured(root)
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, tracked.split("\0")):
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, out / name)
    config = out / "_config.yml"
    config.write_text(config.read_text().replace(placeholder["url"], repository))
    # The students' notebooks are derived here, and in the published tree they are tracked.
    exercises.derive(out / "book")
    ignored = out / ".gitignore"
    ignored.write_text("".join(line for line in ignored.read_text().splitlines(True) if exercises.STUDENTS not in line))
    for path in [*(out / "book").glob("*.ipynb"), *(out / "book" / exercises.STUDENTS).glob("*.ipynb")]:
        notebook = with_set_up(nbformat.read(path, as_version=4), repository, placeholder["branch"])
        path.write_text(nbformat.writes(notebook, indent=1, ensure_ascii=False).rstrip("\n") + "\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repository", required=True, help="such as https://github.com/owner/name")
    parser.add_argument("--out", required=True, type=Path, help="a folder that does not exist yet")
    arguments = parser.parse_args()
    repository = arguments.repository.removesuffix("/").removesuffix(".git")
    if not REPOSITORY.fullmatch(repository):
        sys.exit(f"--repository is {repository!r}; it has to look like https://github.com/owner/name.")
    if arguments.out.exists():
        sys.exit(f"{arguments.out} exists already. Name a folder that does not: nothing there is overwritten.")
    publish(repository, arguments.out)
    print(f"Published tree for {repository} in {arguments.out}")


if __name__ == "__main__":
    main()
