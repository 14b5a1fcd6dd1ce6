"""The branch `published`: what it holds, and a tree of `tools/publish.py` added to it as a commit.

    python tools/published_branch.py FOLDER [--remote origin]

Whoever pulls the branch, a hub with nbgitpuller for one, merges its commits with a student's work. So its history only
grows: a commit is put on top of the last one, only when something changed, and pushed without force.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]
BRANCH = "published"
# What pip installs. A new version is stamped when one of these changed, so that a corrected sentence of a chapter
# reinstalls nothing.
PACKAGE = ("unrolled", "pyproject.toml")
VERSION_FILE = "unrolled/__init__.py"
VERSION = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
AUTHOR = {"NAME": "github-actions", "EMAIL": "github-actions@users.noreply.github.com"}


def git(folder: Path, *arguments: str, **environment: str) -> str:
    """What git prints, run in `folder` with these variables added to the environment."""
    variables = {**os.environ, **environment}
    result = subprocess.run(
        ["git", *arguments], cwd=folder, env=variables, stdout=subprocess.PIPE, encoding="utf-8", check=True
    )
    return result.stdout.strip()


def fetch(root: Path, remote: str) -> str | None:
    """The last commit of the remote's branch, fetched into the repository at `root`; None where there is none yet."""
    if not git(root, "ls-remote", "--heads", remote, f"refs/heads/{BRANCH}"):
        return None
    git(root, "fetch", "--quiet", "--no-tags", remote, f"refs/heads/{BRANCH}")
    return git(root, "rev-parse", "FETCH_HEAD")


def version_in(source: str) -> str | None:
    """The version that a package's `__init__.py` gives; None where it is older than such a line."""
    match = VERSION.search(source)
    return match and match[1]


def published_version(root: Path, commit: str) -> str | None:
    """The version of the package in that commit of the branch."""
    if not git(root, "ls-tree", commit, "--", VERSION_FILE):
        return None
    return version_in(git(root, "show", f"{commit}:{VERSION_FILE}"))


def same_package(root: Path, commit: str, folder: Path, names: Iterable[str]) -> bool:
    """Whether these files, of the tree in `folder`, hold the same package as that commit, to the last byte."""
    lines = git(root, "ls-tree", "-r", commit, "--", *PACKAGE).splitlines()
    # A line of ls-tree: mode, type, object, a tab, the path.
    in_branch = {path: before.split()[2] for before, path in (line.split("\t") for line in lines)}
    files = [name for name in names if name.split("/")[0] in PACKAGE]
    objects = git(root, "hash-object", *(str((folder / name).resolve()) for name in files)).split()
    return in_branch == dict(zip(files, objects, strict=True))


def add(root: Path, folder: Path, remote: str) -> str | None:
    """Put the tree in `folder` on top of the remote's branch and push it.

    What the tree's own `.gitignore` names, such as the site that was built in it, stays out. The repository at `root`
    lends its settings and its objects; its index and its branches are left as they are.

    Returns:
        The new commit, or None where the branch holds exactly this tree already.

    Raises:
        subprocess.CalledProcessError: git could not fetch or push. It has said why on stderr. A push is refused where
            the branch has moved since it was fetched: then publish again.
    """
    last = fetch(root, remote)
    with tempfile.TemporaryDirectory() as temporary:
        own = {
            "GIT_DIR": git(root, "rev-parse", "--absolute-git-dir"),
            "GIT_WORK_TREE": str(folder.resolve()),
            "GIT_INDEX_FILE": str(Path(temporary) / "index"),
        }
        git(folder, "add", "--all", **own)
        tree = git(folder, "write-tree", **own)
    if last and git(root, "rev-parse", f"{last}^{{tree}}") == tree:
        return None
    people = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in AUTHOR.items()}
    message = f"Published from {git(root, 'rev-parse', '--short', 'HEAD')}"
    commit = git(root, "commit-tree", tree, *(["-p", last] if last else []), "-m", message, **people)
    git(root, "push", "--quiet", remote, f"{commit}:refs/heads/{BRANCH}")
    return commit


def main() -> None:
    """Push the tree that the command line names."""
    parser = argparse.ArgumentParser(description="Add a published tree to the branch `published`, as a commit.")
    parser.add_argument("folder", type=Path, help="the tree that tools/publish.py wrote")
    parser.add_argument(
        "--remote", default="origin", help="where the branch is: a remote's name or an address (origin)"
    )
    arguments = parser.parse_args()
    if not (arguments.folder / VERSION_FILE).is_file():
        sys.exit(f"{arguments.folder} holds no published tree: tools/publish.py writes one.")
    try:
        commit = add(ROOT, arguments.folder, arguments.remote)
    except subprocess.CalledProcessError as error:
        sys.exit(f"Nothing was published: git {error.cmd[1]} failed, and says why above.")
    print(f"Pushed {commit} to {BRANCH}" if commit else f"Nothing changed, so {BRANCH} stays as it is")


if __name__ == "__main__":
    main()
