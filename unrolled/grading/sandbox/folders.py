"""The package's own folder, and folders that submissions have written to."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

PACKAGE = Path(__file__).parents[2]


def remove_folder(folder: str) -> None:
    """Delete the folder, unless something is mounted in it: that belongs to somebody, left by a submission that nothing
    isolated.
    """
    mounts = Path("/proc/self/mountinfo")  # os.path.ismount does not see what is mounted from the same file system
    escaped = re.sub(r"[ \t\n\\]", lambda match: f"\\{ord(match[0]):03o}", os.path.realpath(folder))
    points = [line.split(" ")[4] for line in os.fsdecode(mounts.read_bytes()).splitlines()] if mounts.exists() else []
    if not any(Path(point).is_relative_to(escaped) for point in points):
        shutil.rmtree(folder, ignore_errors=True)
