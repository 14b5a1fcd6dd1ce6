"""Write requirements.lock and constraints.txt: the exact version of every package that the requirements bring in.

    python tools/lock.py [--upgrade]

One resolution by uv, for Linux, macOS and Windows and for Python 3.11 and newer. What is locked already stays, unless a
requirement has changed (with `--upgrade`, unless there is a newer version). requirements.lock has the hashes, for
uv; constraints.txt has the same versions without hashes, for pip (`tools/install.py` says why).
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import install

ROOT = Path(__file__).parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
HEADER = """\
# The exact version of every package that the requirements bring in.
# Written by `make lock`; change a requirement instead.
"""
HASHES = re.compile(r" \\\n +--hash=\S+")
TORCH = re.compile(rf"^torch==\S+?(?:{HASHES.pattern})+", re.MULTILINE)


def requirements(root: Path = ROOT) -> list[str]:
    """The lines of all requirements files that name a package."""
    lines = [
        line.split(" #")[0].strip()
        for path in sorted(root.glob("requirements*.txt"))
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def without_hashes(lock: str) -> str:
    return HASHES.sub("", lock)


def main(arguments: list[str]) -> None:
    if not install.get_uv():
        sys.exit("make lock needs uv, and it cannot be had here.")
    settings = install.pip_settings()
    # What this machine has beside the index may be a part of a version's files only, and so would its hashes.
    variables = {name: value for name, value in settings.variables.items() if name not in ("UV_FIND_LINKS", "UV_INDEX")}
    command: list[str | Path] = [
        install.UV,
        "pip",
        "compile",
        "--quiet",
        "--universal",
        "--python-version",
        "3.11",
        "--generate-hashes",
    ]
    subprocess.run(
        [*command, "--no-annotate", "--no-header", "--output-file", install.LOCK, *arguments, "-"],
        input="\n".join(requirements()),
        env={**variables, **os.environ},
        stdout=subprocess.DEVNULL,  # it prints what it writes
        encoding="utf-8",
        check=True,
    )
    # torch is the one package whose files differ under one version: PyPI's, and those of PyTorch's own indexes.
    lock = TORCH.sub(lambda match: without_hashes(match.group()), install.LOCK.read_text(encoding="utf-8"))
    install.LOCK.write_text(HEADER + lock, encoding="utf-8")
    CONSTRAINTS.write_text(HEADER + without_hashes(lock), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
