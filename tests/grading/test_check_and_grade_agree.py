"""What `check` calls right in the notebook gets its point, and what it calls wrong does not, however the answer is written.

Each way to define the function is combined with each way to work out its result: some two hundred notebooks, in one class.
"""

import contextlib
import io
import sys
from itertools import product
from types import ModuleType

import pytest
from classroom import grade, handed_in, notebook, table
from run_size import is_long

from unrolled import check

ID = "directions-3"
# How the function `final_states` is defined. RESULT is the expression that it returns, of `output` and `hn`.
DEFINITIONS = {
    "def": "def final_states(output, hn):\n    return RESULT",
    "annotated": "def final_states(output: torch.Tensor, hn: torch.Tensor) -> torch.Tensor:\n    '''Both.'''\n    return RESULT",
    "lambda": "final_states = lambda output, hn: RESULT",
    "other parameters": "def final_states(a, b, dim=1):\n    output, hn = a, b\n    return RESULT",
    "stars": "def final_states(*args, **kwargs):\n    output, hn = args\n    return RESULT",
    "under another name": "def answer(output, hn):\n    return RESULT\n\nfinal_states = answer",
    "a closure": "def make():\n    def inner(output, hn):\n        return RESULT\n    return inner\n\nfinal_states = make()",
    "a decorator": "import functools\ndef traced(f):\n    @functools.wraps(f)\n    def inner(*args):\n        return f(*args)\n    return inner\n\n@traced\ndef final_states(output, hn):\n    return RESULT",
    "a decorator with arguments": "def times(n):\n    def decorate(f):\n        def inner(output, hn):\n            return f(output, hn)\n        return inner\n    return decorate\n\n@times(2)\ndef final_states(output, hn):\n    return RESULT",
    "torch.no_grad": "@torch.no_grad()\ndef final_states(output, hn):\n    return RESULT",
    "a callable object": "class Answer:\n    def __call__(self, output, hn):\n        return RESULT\n\nfinal_states = Answer()",
    "a bound method": "class Answer:\n    def both(self, output, hn):\n        return RESULT\n\nfinal_states = Answer().both",
    "a static method": "class Answer:\n    @staticmethod\n    def both(output, hn):\n        return RESULT\n\nfinal_states = Answer.both",
    "a module's forward": "class Answer(nn.Module):\n    def forward(self, output, hn):\n        return RESULT\n\nfinal_states = Answer()",
    "a dataclass": "from dataclasses import dataclass\n@dataclass\nclass Answer:\n    dim: int = 1\n    def __call__(self, output, hn):\n        return RESULT\n\nfinal_states = Answer()",
    "a partial": "from functools import partial\ndef both(dim, output, hn):\n    return RESULT\n\nfinal_states = partial(both, 1)",
    "written twice": "def final_states(output, hn):\n    return output\n\ndef final_states(output, hn):\n    return RESULT",
    "under a condition": "if torch.__version__ > '1':\n    def final_states(output, hn):\n        return RESULT\nelse:\n    final_states = None",
    "in a try": "try:\n    final_states\nexcept NameError:\n    def final_states(output, hn):\n        return RESULT",
    "by exec": "exec('''def final_states(output, hn):\n    return RESULT''')",
    "by globals": "globals()['final_states'] = lambda output, hn: RESULT",
    "with a global counter": "calls = 0\ndef final_states(output, hn):\n    global calls\n    calls += 1\n    return RESULT",
    "with a nonlocal": "def make():\n    calls = 0\n    def inner(output, hn):\n        nonlocal calls\n        calls += 1\n        return RESULT\n    return inner\n\nfinal_states = make()",
    "several ways out": "def final_states(output, hn):\n    if hn.dim() == 3:\n        for _ in range(1):\n            with torch.enable_grad():\n                return RESULT\n    raise ValueError(hn)",
    "a walrus and a print": "def final_states(output, hn):\n    print('shape', hn.shape)\n    assert (result := RESULT) is not None\n    return result",
}  # fmt: skip
LAST_TWO = "torch.cat([hn[-2], hn[-1]], dim=1)"
# The expression, with what is in the cells before the definition and after it.
RESULTS = {
    "plain": ([], LAST_TWO, []),
    "an alias": (["import torch as t\nfrom torch import cat"], "cat((hn[-2], t.squeeze(hn[-1:], 0)), 1)", []),
    "a helper before": ([f"def both(hn):\n    return {LAST_TWO}"], "both(hn)", []),
    "a helper after": ([], "both(hn)", [f"both = lambda hn: {LAST_TWO}"]),
    "helpers that call each other": (
        ["def first(hn):\n    return second(hn)"],
        "first(hn)",
        [f"def second(hn):\n    return {LAST_TWO}"],
    ),
    "a list that was filled": (["ends = []", "for i in (-2, -1):\n    ends.append(i)"], "torch.cat([hn[i] for i in ends], 1)", []),
    "wrong": ([], "output[:, -1]", []),
    "an exception": ([], "missing(hn)", ["1 / 0\nmissing = len"]),
}  # fmt: skip
WAYS = list(product(DEFINITIONS, RESULTS))
TRIED = WAYS if is_long() else WAYS[:: len(RESULTS) - 1]  # every definition and every result, not with each other


def cells_of(definition: str, result: str) -> list[str]:
    before, expression, after = RESULTS[result]
    return [
        "import torch\nfrom torch import nn",
        *before,
        DEFINITIONS[definition].replace("RESULT", expression),
        *after,
    ]


def said_by_check(cells: list[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The first word that `check` says in a notebook with these cells, each of which ends with its first exception."""
    module = ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    said = io.StringIO()
    for cell in cells:
        with contextlib.suppress(ZeroDivisionError), contextlib.redirect_stdout(io.StringIO()):
            exec(compile(cell, "<ipython-input-1>", "exec"), vars(module))
    with contextlib.redirect_stdout(said):
        check(ID, vars(module)["final_states"])
    return said.getvalue().removeprefix(f"{ID}: ").split()[0].rstrip(",.")


def test_check_and_grade_agree(tmp_path, monkeypatch):
    said = {}
    for number, way in enumerate(TRIED):
        handed_in(tmp_path / "class" / f"{number:03}.ipynb", notebook(*cells_of(*way)))
        said[way] = said_by_check(cells_of(*way), monkeypatch)
    monkeypatch.undo()
    assert grade(tmp_path / "class", tmp_path / "grades.csv").returncode == 0
    rows = table(tmp_path / "grades.csv")
    graded = {way: rows[f"{number:03}", ID]["status"] for number, way in enumerate(TRIED)}
    assert {way: words for way, words in said.items() if words not in ("right", "not")} == {}
    # What a cell that failed would have bound may be all that an answer lacks: then nobody gets 0 points for it.
    wanted = {way: {"right"} if words == "right" else {"wrong", "could not grade"} for way, words in said.items()}
    assert {way: status for way, status in graded.items() if status not in wanted[way]} == {}
    assert {graded[way] for way in TRIED if way[1] == "wrong"} == {"wrong"}


def test_the_ways_are_two_hundred():
    assert len(WAYS) >= 200
    assert {definition for definition, _ in TRIED} == set(DEFINITIONS)
    assert {result for _, result in TRIED} == set(RESULTS)
