"""A class to grade: what students hand in, from right answers to code that would rather not be graded."""

import ast
import inspect
from collections.abc import Callable
from pathlib import Path

import exercises as derivation
import nbformat
from notebooks import BOOK, read

from unrolled.exercise import Exercise, ExerciseSet


def master(name: str) -> nbformat.NotebookNode:
    return read(BOOK / "solutions" / f"{name}.ipynb")


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def handed_in(path: Path, content: nbformat.NotebookNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(content), encoding="utf-8")


def with_misconceptions(exercises: ExerciseSet, number: int) -> nbformat.NotebookNode:
    """A notebook in which every exercise is answered by its wrong answer of this number (counted round), as a student would write it."""
    module = inspect.getmodule(next(iter(exercises.values())).reference)
    cells = [_helpers(module)]
    for exercise in exercises.values():
        wrong = [m for m in exercise.misconceptions if not m.given]
        cells.append(as_student_code(wrong[number % len(wrong)].answer, exercise))
    return notebook(*cells)


def expected_misconceptions(exercises: ExerciseSet, number: int) -> dict[str, str]:
    found = {}
    for id, exercise in exercises.items():
        wrong = [m for m in exercise.misconceptions if not m.given]
        found[id] = wrong[number % len(wrong)].name
    return found


def _tree(module: object) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _helpers(module: object) -> str:
    """The module's imports, constants and undecorated functions, which a wrong answer may call."""
    kept = []
    for node in _tree(module).body:
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("unrolled"):
            continue
        is_plain = isinstance(node, (ast.Import, ast.ImportFrom)) or isinstance(node, ast.FunctionDef) and not node.decorator_list
        is_constant = isinstance(node, (ast.Assign, ast.AnnAssign)) and "ExerciseSet" not in ast.unparse(node)
        if is_plain or is_constant:
            kept.append(ast.unparse(node))
    return "from __future__ import annotations\n" + "\n\n".join(kept)


def as_student_code(answer: Callable, exercise: Exercise) -> str:
    """The source of a wrong answer, under the name that the exercise asks for."""
    first = answer.__code__.co_firstlineno
    for node in ast.walk(_tree(inspect.getmodule(answer))):
        if isinstance(node, ast.FunctionDef) and node.name == answer.__name__:
            node.decorator_list, node.name = [], exercise.name
            return ast.unparse(node)
        if isinstance(node, ast.Lambda) and answer.__name__ == "<lambda>" and node.lineno == first:
            source = f"{exercise.name} = {ast.unparse(node)}"
            if _same_code(source, answer, exercise.name):
                return source
    raise LookupError(f"the source of a wrong answer to {exercise.id} was not found at line {first}")


def _same_code(source: str, answer: Callable, name: str) -> bool:
    namespace: dict = {}
    exec(source, namespace)
    code, wanted = namespace[name].__code__, answer.__code__
    return (code.co_code, code.co_consts, code.co_names) == (wanted.co_code, wanted.co_consts, wanted.co_names)


RIGHT = "def final_states(output, hn):\n    return torch.cat([hn[-2], hn[-1]], dim=1)"
IMPORTS = "import torch\nfrom torch import nn\nfrom unrolled import check, hint"

# Name, cells of the notebook, and what final_states and four_rows (which comes after it) are graded.
HOSTILE: dict[str, tuple[tuple[str, ...], str, str]] = {
    "an infinite loop": (("def final_states(output, hn):\n    while True: pass",), "could not grade: did not end within", "right"),
    "an infinite loop outside": (("while True: pass", RIGHT), "right", "right"),
    "an infinite loop in an assignment": (("x = [0 for _ in iter(int, 1)]", RIGHT), "right", "right"),
    "printing forever": (("def final_states(output, hn):\n    while True: print('x' * 1000)",), "could not grade: did not end within", "right"),
    "forty gigabytes": (("def final_states(output, hn):\n    return torch.zeros(10_000_000_000)",), "wrong: final_states raised RuntimeError", "right"),
    "os._exit": (("import os\ndef final_states(output, hn):\n    os._exit(0)",), "could not grade: ended the process", "right"),
    "os._exit outside": (("import os\nos._exit(0)", RIGHT), "right", "right"),
    "os._exit in an assignment": (("import os\nx = os._exit(0)", RIGHT), "right", "right"),
    "sys.exit": (("import sys\ndef final_states(output, hn):\n    sys.exit()",), "wrong: final_states raised SystemExit", "right"),
    "sys.exit outside": (("import sys\nsys.exit()", RIGHT), "right", "right"),
    "an exception in the first cell": (("1 / 0\nx = undefined", RIGHT), "right", "right"),
    "a deleted import": ((RIGHT,), "right", "right"),
    "a syntax error": (("def final_states(output, hn)\n    return hn",), "could not grade: cannot be read: line 1", "right"),
    "a syntax error elsewhere": (("x = (", RIGHT), "right", "right"),
    "a replaced check": (("def check(*_): print('right')\ncheck = lambda *_: print('right')\ndef final_states(output, hn): return hn",), "wrong", "right"),
    "a patched torch.equal": (
        ("torch.equal = lambda *_: True\ntorch.allclose = torch.equal\ntorch.Tensor.__eq__ = lambda *_: True\ndef final_states(output, hn): return output[:, -1]",),
        "wrong: The backward direction is finished at t = 0",
        "right",
    ),
    "a patched json": (("import json\njson.dumps = lambda *_, **__: '{\"exercise\": \"directions-3\", \"right\": true}'\n" + RIGHT,), "right", "right"),
    "a reader of the stack": (
        (
            "import inspect\ndef final_states(output, hn):\n    for frame in inspect.stack():\n        for value in list(frame.frame.f_locals.values()):\n"
            "            if 'expected' in dir(value): return value.expected[0]\n            if isinstance(value, list) and value and isinstance(value[0], dict) and 'tensor' in value[0]: return value[0]\n"
            "    import gc\n    for thing in gc.get_objects():\n        if type(thing).__name__ in ('Trial', 'Exercise'): return thing\n    return hn[0]",
        ),
        "wrong",
        "right",
    ),
    "a reader of the answers": (
        ("def final_states(output, hn):\n    from unrolled.exercises.directions import EXERCISES\n    return EXERCISES['directions-3'].reference(output, hn)",),
        "wrong: final_states raised ModuleNotFoundError",
        "right",
    ),
    "a fork bomb": (
        ("import os, time\ndef final_states(output, hn):\n    for _ in range(4):\n        os.fork()\n    time.sleep(60)",),
        "could not grade: did not end within",
        "right",
    ),
    "writing to the parent folder": (
        ("def final_states(output, hn):\n    for up in range(1, 9): open('../' * up + 'intruder.txt', 'w').write('x')\n    return hn[0]",),
        "wrong: final_states raised OSError: [Errno 30] Read-only file system",
        "right",
    ),
    "killing its parent": (("import os, signal\ndef final_states(output, hn):\n    os.kill(os.getppid(), signal.SIGKILL)\n    return hn",), "wrong", "right"),
    "a flood": (("def final_states(output, hn):\n    import os\n    while True: os.write(max(int(f) for f in os.listdir('/proc/self/fd')) - 1, b'{}' * 10**6)",), "could not grade", "right"),
    "a nested reply": (("def final_states(output, hn):\n    x = []\n    for _ in range(10**4): x = [x]\n    return x",), "wrong", "right"),
    "a different layout": (("# cells in another order\n" + RIGHT.replace("torch", "t"), "import torch as t"), "right", "right"),
    "magics": (("%load_ext unrolled\n!pip list\n" + RIGHT,), "right", "right"),
}
FOUR_ROWS = "def four_rows():\n    return 'b'"


def hostile_notebook(cells: tuple[str, ...]) -> nbformat.NotebookNode:
    start = [] if "import torch as t" in cells or cells == (RIGHT,) else [IMPORTS]
    return notebook(*start, *cells, FOUR_ROWS)
