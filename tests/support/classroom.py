"""A class to grade: what students hand in, from right answers to code that would rather not be graded."""

import contextlib
import csv
import inspect
import io
import subprocess
import sys
from pathlib import Path

import nbformat
from notebooks import BOOK, read

from unrolled.__main__ import main
from unrolled.exercises.exercise import Exercise, ExerciseSet


def grading(folder: Path, out: Path, *options: str) -> list[str]:
    return ["grade", str(folder), "--out", str(out), "--seed", "7", *options]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "unrolled", *arguments]


def grade(folder: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """What the command does and says. It runs in this process, which has torch already; other tests here run it as a teacher would."""
    said, warned = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(warned):
        status = main(grading(folder, out, "--jobs", "1", *options))
    return subprocess.CompletedProcess(options, status, said.getvalue(), warned.getvalue())


def table(path: Path) -> dict[tuple[str, str], dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return {(row["student"], row["exercise"]): row for row in csv.DictReader(file)}


def master(name: str) -> nbformat.NotebookNode:
    return read(BOOK / "solutions" / f"{name}.ipynb")


def notebook(*cells: str) -> nbformat.NotebookNode:
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])


def handed_in(path: Path, content: nbformat.NotebookNode) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nbformat.writes(content), encoding="utf-8")


def with_misconceptions(exercises: ExerciseSet, number: int) -> nbformat.NotebookNode:
    """A notebook in which every exercise is answered by its wrong answer of this number (counted round).

    It brings the source of the wrong answers along, since the process that runs it has no exercises.
    """
    source = Path(inspect.getfile(next(iter(exercises.values())).reference)).read_text(encoding="utf-8")
    loading = f"SOURCE = {source!r}\n\ndef load():\n    names = {{}}\n    exec(SOURCE, names)\n    return names['EXERCISES']\n\nexercises = load()"
    return notebook(
        loading,
        *(
            f"{exercise.name} = exercises[{id!r}].misconceptions[{_index(exercise, number)}].answer"
            for id, exercise in exercises.items()
        ),
    )


def expected_misconceptions(exercises: ExerciseSet, number: int) -> dict[str, str]:
    """The misconception that each exercise of that notebook shows."""
    return {id: exercise.misconceptions[_index(exercise, number)].name for id, exercise in exercises.items()}


def _index(exercise: Exercise, number: int) -> int:
    """Of the wrong answer with this number, counted round, among all of the exercise's; the code to mend is not one that is handed in."""
    wrong = [index for index, misconception in enumerate(exercise.misconceptions) if not misconception.given]
    return wrong[number % len(wrong)]


RIGHT = "def final_states(output, hn):\n    return torch.cat([hn[-2], hn[-1]], dim=1)"
IMPORTS = "import torch\nfrom torch import nn\nfrom unrolled import check, hint"

# What mounts would do so to the computer itself where there is no namespace, and to all of it as root. There it does nothing, and fails.
ONLY_ISOLATED = "def only_isolated():\n    users = open('/proc/self/uid_map').read().split()\n    assert users[2] == '1', 'this is no namespace of its own'\n"
# Name, cells of the notebook, and what final_states and four_rows (which comes after it) are graded.
HOSTILE: dict[str, tuple[tuple[str, ...], str, str]] = {
    "an infinite loop": (
        ("def final_states(output, hn):\n    while True: pass",),
        "could not grade: did not end within",
        "right",
    ),
    "an infinite loop outside": (("while True: pass", RIGHT), "right", "right"),
    "an infinite loop in an assignment": (("x = [0 for _ in iter(int, 1)]", RIGHT), "right", "right"),
    "printing forever": (
        ("def final_states(output, hn):\n    while True: print('x' * 1000)",),
        "could not grade: did not end within",
        "right",
    ),
    "forty gigabytes": (
        ("def final_states(output, hn):\n    return torch.zeros(10_000_000_000)",),
        "wrong: final_states raised RuntimeError",
        "right",
    ),
    "os._exit": (
        ("import os\ndef final_states(output, hn):\n    os._exit(0)",),
        "could not grade: ended the process",
        "right",
    ),
    "os._exit outside": (("import os\nos._exit(0)", RIGHT), "right", "right"),
    "os._exit in an assignment": (("import os\nx = os._exit(0)", RIGHT), "right", "right"),
    "sys.exit": (
        ("import sys\ndef final_states(output, hn):\n    sys.exit()",),
        "wrong: final_states raised SystemExit",
        "right",
    ),
    "sys.exit outside": (("import sys\nsys.exit()", RIGHT), "right", "right"),
    "an exception in the first cell": (("1 / 0\nx = undefined", RIGHT), "right", "right"),
    "a deleted import": ((RIGHT,), "right", "right"),
    "a syntax error": (
        ("def final_states(output, hn)\n    return hn",),
        "could not grade: cannot be read: line 1",
        "right",
    ),
    "a syntax error elsewhere": (("x = (", RIGHT), "right", "right"),
    "a replaced check": (
        ("def check(*_): print('right')\ncheck = lambda *_: print('right')\ndef final_states(output, hn): return hn",),
        "wrong",
        "right",
    ),
    "a patched torch.equal": (
        (
            "torch.equal = lambda *_: True\ntorch.allclose = torch.equal\ntorch.Tensor.__eq__ = lambda *_: True\ndef final_states(output, hn): return output[:, -1]",
        ),
        "wrong: The backward direction is finished at t = 0",
        "right",
    ),
    "a patched json": (
        ('import json\njson.dumps = lambda *_, **__: \'{"exercise": "directions-3", "right": true}\'\n' + RIGHT,),
        "right",
        "right",
    ),
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
        (
            "def final_states(output, hn):\n    from unrolled.exercises.sets.directions import EXERCISES\n    return EXERCISES['directions-3'].reference(output, hn)",
        ),
        "wrong: final_states raised ModuleNotFoundError",
        "right",
    ),
    "a fork bomb": (
        (
            "import os, time\ndef final_states(output, hn):\n    for _ in range(4):\n        os.fork()\n    time.sleep(60)",
        ),
        "could not grade: did not end within",
        "right",
    ),
    "writing to the parent folder": (
        (
            "def final_states(output, hn):\n    for up in range(1, 9): open('../' * up + 'intruder.txt', 'w').write('x')\n    return hn[0]",
        ),
        "wrong: final_states raised OSError: [Errno 30] Read-only file system",
        "right",
    ),
    "killing its parent": (
        ("import os, signal\ndef final_states(output, hn):\n    os.kill(os.getppid(), signal.SIGKILL)\n    return hn",),
        "wrong",
        "right",
    ),
    "a flood": (
        (
            "def final_states(output, hn):\n    import os\n    while True:\n        for file in range(3, 64):\n"
            "            try: os.write(file, b'{}' * 10**6)\n            except OSError: pass",
        ),
        "could not grade",
        "right",
    ),
    "speaking for the sandbox": (
        (
            "import os\ndef final_states(output, hn):\n    for file in range(3, 40):\n        try: os.write(file, b'\\xff' * 64 + b'\\n')\n"
            "        except OSError: pass\n    return hn",
        ),
        "wrong",
        "right",
    ),
    "half a character": (
        ("def final_states(output, hn):\n    raise ValueError(chr(0xd800) + '<b>')",),
        "wrong: final_states raised ValueError: \\ud800<b>",
        "right",
    ),
    "complex numbers": (("def final_states(output, hn):\n    return output + 1j",), "wrong", "right"),
    "remounting": (
        (
            ONLY_ISOLATED
            + "import ctypes\ndef final_states(output, hn):\n    only_isolated()\n    libc = ctypes.CDLL(None)\n    for _ in range(2):\n"
            "        libc.mount(None, b'/', None, 32 | 4096 | 6, None)\n        libc.unshare(0x10020000)\n"
            "    open('/usr/intruder.txt', 'w')\n    return torch.cat([hn[-2], hn[-1]], dim=1)",
        ),
        "wrong: final_states raised OSError: [Errno 30] Read-only file system",
        "right",
    ),
    "looking under the cover": (
        (
            ONLY_ISOLATED
            + "import ctypes, os, unrolled\ndef final_states(output, hn):\n    only_isolated()\n    libc, folder = ctypes.CDLL(None), os.path.dirname(unrolled.__file__)\n"
            "    libc.umount2((folder + '/exercises').encode(), 2)\n    libc.mount(folder.encode(), os.getcwd().encode(), None, 0x1000, None)\n"
            "    open((os.getcwd() if os.path.exists('exercises') else folder) + '/exercises/directions.py')",
        ),
        "wrong: final_states raised FileNotFoundError",
        "right",
    ),
    "a break outside a loop": (("def helper():\n    break\n" + RIGHT,), "right", "right"),
    "a line that begins with a percent sign": ((RIGHT + "\nx = (7\n  % 2)",), "right", "right"),
    "help and the shell": ((RIGHT + "\nfiles = !ls\nfinal_states?",), "right", "right"),
    "a definition under a condition": (("if True:\n    " + RIGHT.replace("\n", "\n    "),), "right", "right"),
    "numbers that are not there": (
        (
            "class Empty(torch.Tensor):\n    def tolist(self): return []\n    def detach(self): return self\n    def cpu(self): return self\n"
            "    def reshape(self, *_): return self\ndef final_states(output, hn):\n    return torch.cat([hn[-1], hn[-1]], dim=1).as_subclass(Empty)",
        ),
        "could not grade",
        "right",
    ),
    "a package of their own": (
        ("import no_such_package as p\ndef final_states(output, hn):\n    return p.cat(hn)",),
        "could not grade: not installed here: No module named 'no_such_package'",
        "right",
    ),
    "an exception without words": (
        ("class Odd(Exception):\n    def __str__(self): raise self\ndef final_states(output, hn):\n    raise Odd",),
        "wrong: final_states raised Odd",
        "right",
    ),
    "a nested reply": (
        ("def final_states(output, hn):\n    x = []\n    for _ in range(10**4): x = [x]\n    return x",),
        "wrong",
        "right",
    ),
    "a different layout": (
        ("# cells in another order\n" + RIGHT.replace("torch", "t"), "import torch as t"),
        "right",
        "right",
    ),
    "magics": (("%load_ext unrolled\n!pip list\n" + RIGHT,), "right", "right"),
}
FOUR_ROWS = "def four_rows():\n    return 'b'"


def hostile_notebook(cells: tuple[str, ...]) -> nbformat.NotebookNode:
    start = [] if "import torch as t" in cells or cells == (RIGHT,) else [IMPORTS]
    return notebook(*start, *cells, FOUR_ROWS)
