"""Build the site from the stored outputs into `_build/html`, and print nothing unless something is wrong.

python tools/build_site.py
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def build(root: Path = ROOT) -> Path:
    """Build the book whose `_config.yml` stands in `root`; return the folder of its pages.

    Raises:
        SystemExit: Sphinx warned or failed. Its report is printed: a warning is an error here.
    """
    # From nothing each time: Sphinx would keep pages whose template, diagram or style has changed since.
    shutil.rmtree(root / "_build", ignore_errors=True)
    command = [
        Path(sys.executable).with_name("jupyter-book"),
        "build",
        str(root),
        "--warningiserror",
        "--nitpick",
        "--keep-going",
    ]
    result = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    if result.returncode:
        report = result.stdout + result.stderr
        lines = [line for line in report.splitlines() if "WARNING" in line or "ERROR" in line or "rror:" in line]
        sys.exit("The site was not built:\n" + ("\n".join(lines) or report))
    return root / "_build" / "html"


if __name__ == "__main__":
    build()
