"""Python as the page runs it: CPython in WebAssembly with the page's torch, in one long-lived Node process."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine_bridge import WEB, node

HOST = Path(__file__).parent / "page_python_host"
ROOT = WEB.parent
PAGE = WEB / "live" / "python"
FOLDERS = (WEB / "torch" / "python", HOST, ROOT, *([PAGE] if PAGE.exists() else []))
"""What is on the page's `sys.path`, first one first."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a notebook would print, and the error as `Type: message`."""

    text: str
    error: str | None


@cache
def _process() -> subprocess.Popen[str]:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bundle = Path(folder) / "kernels.mjs"
    subprocess.run([node(), WEB / "build.mjs", WEB / "torch" / "index.ts", bundle], check=True)
    pyodide = WEB / "node_modules" / "pyodide" / "pyodide.mjs"
    assert pyodide.exists(), "the npm packages are missing: run `npm ci` in web/"
    process = subprocess.Popen(
        [node(), Path(__file__).with_suffix(".mjs"), pyodide, bundle, *FOLDERS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(process.kill)
    assert process.stdout
    assert process.stdout.readline() == "ready\n", "the page's Python did not start"
    return process


def run(source: str, namespace: str = "") -> Answer:
    """Run a cell in the namespace of this name."""
    process = _process()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps({"source": source, "namespace": namespace}) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, "the page's Python has ended"
    return Answer(**json.loads(line))
