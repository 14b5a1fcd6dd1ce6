"""Build the site from the stored outputs into `_build/html`, and print nothing unless something is wrong.

python tools/build_site.py
"""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
KEY = "key"  # in _build: what the pages there were made by
PAGES = {".md", ".ipynb"}
MADE_BY = (
    "_config.yml",
    "_toc.yml",
    "requirements.lock",
    "book",
    "unrolled",
    "tools/build_site.py",
    "tools/exercise_pages.py",
    "tools/student_notebooks.py",
)


def makers(root: Path) -> Iterator[Path]:
    """Every page of `root`, and every file that pages depend on without Sphinx knowing."""
    for place in MADE_BY:
        for path in sorted((root / place).rglob("*")) if (root / place).is_dir() else [root / place]:
            # The students' notebooks are made by the build itself.
            if path.is_file() and "__pycache__" not in path.parts and path.parent != root / "book" / "exercises":
                yield path


def key(root: Path) -> str:
    """A digest of what all pages are made by: extensions, templates, styles, the package, versions, the pages' names.

    The text of a page is not in it: Sphinx reads a page again when it has changed.
    """
    digest = hashlib.sha256(f"{sys.version} {root.resolve()}".encode())
    for path in makers(root):
        digest.update(f"\0{path.relative_to(root).as_posix()}\0".encode())
        if path.suffix not in PAGES:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def build(root: Path = ROOT) -> Path:
    """Build the book of `root`, where `_config.yml` is; return the folder of its pages.

    Only pages that have changed are made anew, unless something has changed that they are all made by.

    Raises:
        SystemExit: Sphinx warned or failed. Its report is printed: a warning is an error here.
    """
    made_by, current = root / "_build" / KEY, key(root)
    if not made_by.is_file() or made_by.read_text(encoding="utf-8") != current:
        shutil.rmtree(root / "_build", ignore_errors=True)
    # Sphinx says only once what is wrong with a page: after a build that failed comes one from nothing.
    made_by.unlink(missing_ok=True)
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    command: list[str | Path] = [jupyter_book, "build", root, "--warningiserror", "--nitpick", "--keep-going"]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if result.returncode:
        report = result.stdout + result.stderr
        lines = [line for line in report.splitlines() if "WARNING" in line or "ERROR" in line or "rror:" in line]
        sys.exit("The site was not built:\n" + ("\n".join(lines) or report))
    made_by.write_text(current, encoding="utf-8")
    return root / "_build" / "html"


if __name__ == "__main__":
    build()
