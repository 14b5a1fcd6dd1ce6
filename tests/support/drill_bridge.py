"""The drill's question maker and judge (`web/drill`), bundled with esbuild and asked through one Node process."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from engine_bridge import WEB, node


@cache
def _process() -> subprocess.Popen[str]:
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bundles = [folder / f"{name}.mjs" for name in ("wording", "questions", "judging")]
    for bundle in bundles:
        subprocess.run([node(), WEB / "build.mjs", WEB / "drill" / f"{bundle.stem}.ts", bundle], check=True)
    process = subprocess.Popen(
        [node(), Path(__file__).with_suffix(".mjs"), *bundles],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    atexit.register(process.kill)
    return process


def ask(call: str, **asked: Any) -> Any:
    """The answer of `"kinds"`, `"question"` or `"judge"`."""
    process = _process()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps({"call": call, **asked}) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, "the drill's process has ended"
    return json.loads(line)
