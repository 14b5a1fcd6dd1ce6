"""Write constraints.txt: the exact version of every package that the requirements bring in, as installed now.

python tools/lock.py
"""

import re
import subprocess
import sys
from pathlib import Path

CONSTRAINTS = Path(__file__).parents[1] / "constraints.txt"
HEADER = "# The exact version of every package that the requirements bring in. Written by `make lock`; change a requirement instead.\n"


def main() -> None:
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    frozen = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    # A build's local label (torch's +cpu) and a path say where a package came from, not which version it is.
    pins = [re.sub(r"\+\S+$", "", line) for line in frozen if re.fullmatch(r"[\w.-]+==\S+", line)]
    CONSTRAINTS.write_text(HEADER + "\n".join(pins) + "\n")


if __name__ == "__main__":
    main()
