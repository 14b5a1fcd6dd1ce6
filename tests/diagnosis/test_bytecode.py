"""The names of a failing expression are found on every Python: at module level, in functions, methods and comprehensions.

What reads the bytecode needs no torch, so it is run by every Python from 3.11 on that is on this machine.
"""

import json
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from unrolled.diagnosis.traceback import bytecode

NAMES = "import math\noutput, weight, other, a, b, d = 1, 'w', 3, 4, 5, {}\nclass Box:\n    pass\nnet, self = Box(), Box()\nnet.rnn, net.x = print, 7\nself.net = net"
EXPRESSIONS = {
    "a call of two locals": ("math.fmod(output, weight)", ["math", "fmod", "output", "weight"], ["fmod"]),
    "a sum": ("output + weight", ["output", "weight"], []),
    "a sum after another name": ("a * (output + weight)", ["output", "weight"], []),
    "a sum after two names": ("(a, b, output + weight)", ["output", "weight"], []),
    "a sum after a call": ("net.x + math.fmod(a, weight)", ["math", "fmod", "a", "weight"], ["fmod"]),
    "an index": ("other[output, weight]", ["other", "output", "weight"], []),
    "a key that is a name": ("output['weight']", ["output"], []),
    "a call's result": ("net.rnn(a, end='')[weight]", ["net", "rnn", "a", "weight"], ["print"]),
    "a call's result of self": ("self.net.rnn(a, end='')[weight]", ["self", "net", "rnn", "a", "weight"], ["print"]),
    "a call in a call": ("math.fmod(net.rnn(a, end=''), weight)", ["math", "fmod", "net", "rnn", "a", "weight"], ["fmod", "print"]),
    "small numbers": ("output + 1 + weight", ["output", "weight"], []),
}  # fmt: skip


def placed(expression: str) -> dict[str, str]:
    """The expression in each place, after the names are made; each program fails in it."""
    line = f"result = {expression}"
    body = textwrap.indent(f"{NAMES}\n{line}", "    ")
    inner = textwrap.indent(line, "        ")
    return {
        "module": f"{NAMES}\n{line}",
        "function": f"def f():\n{body}\nf()",
        "method": f"class C:\n    def m(this):\n{textwrap.indent(body, '    ')}\nC().m()",
        "comprehension": f"def f():\n{textwrap.indent(NAMES, '    ')}\n    return [{expression} for _ in range(1)]\nf()",
        "nested function": f"def f():\n{textwrap.indent(NAMES, '    ')}\n    def g():\n{inner}\n    g()\nf()",
        "lambda": f"{NAMES}\n(lambda output, weight: {expression})(output, weight)",
    }


READ = """
import ast, importlib.util, json, linecache, sys
spec = importlib.util.spec_from_file_location("bytecode_reader", sys.argv[1])
reader = importlib.util.module_from_spec(spec)
sys.modules["bytecode_reader"] = reader
spec.loader.exec_module(reader)
found = []
for program in json.load(sys.stdin):
    linecache.cache["<program>"] = (len(program), None, program.splitlines(keepends=True), "<program>")
    try:
        exec(compile(program, "<program>", "exec"), {})
    except Exception as error:
        trace = error.__traceback__
        while trace.tb_next is not None:
            trace = trace.tb_next
        code = reader.code_at(trace.tb_frame, trace.tb_lasti)
        callees = [getattr(callee, "__name__", "") for callee in code.callees_in_expression()]
        written = code.call() and ast.unparse(code.call())
        found.append([sorted({load.name for load in code.in_expression()}), callees, code.targets(), written])
sys.stderr.write(json.dumps(found))
"""


def pythons() -> dict[str, str]:
    """The Pythons from 3.11 on that are found, each by its version."""
    candidates = [sys.executable, *(shutil.which(f"python3.{minor}") or "" for minor in range(11, 20))]
    candidates += map(str, Path.home().glob(".pyenv/versions/3.*/bin/python"))
    candidates += map(str, Path.home().glob(".local/share/uv/python/cpython-3.*/bin/python3"))
    found = {}
    for python in filter(None, candidates):
        asked = [python, "-c", "import sys; print('3.%d' % sys.version_info[1])"]
        done = subprocess.run(asked, capture_output=True, encoding="utf-8", check=False)
        version = done.stdout.strip()
        if re.fullmatch(r"3\.\d+", version) and int(version[2:]) >= 11:
            found.setdefault(version, python)
    return found


PYTHONS = pythons()


def test_this_python_is_among_them():
    assert f"3.{sys.version_info[1]}" in PYTHONS


@pytest.mark.parametrize("version", PYTHONS)
def test_every_name_of_the_failing_expression_is_found_and_none_beside_it(version):
    cases = [(name, place, program) for name in EXPRESSIONS for place, program in placed(EXPRESSIONS[name][0]).items()]
    command = [PYTHONS[version], "-c", READ, bytecode.__file__]
    programs = json.dumps([program for _, _, program in cases])
    done = subprocess.run(command, input=programs, capture_output=True, encoding="utf-8", check=True)
    found = json.loads(done.stderr)
    assert len(found) == len(cases)
    for (name, place, _), (names, callees, targets, _) in zip(cases, found, strict=True):
        _, expected, called = EXPRESSIONS[name]
        assert names == sorted(set(expected)), (version, name, place)
        assert sorted(callees) == sorted(called), (version, name, place)
        whole = "(" not in EXPRESSIONS[name][0][:1] and not EXPRESSIONS[name][0].startswith(("a * (", "net.x"))
        if whole and place in ("module", "function", "method", "nested function"):
            assert targets == "result", (version, name, place)


TARGETS = ["a", "a, b", "a, (b, c)", "a, self.b", "self.b", "(a, b), c"]


@pytest.mark.parametrize("version", PYTHONS)
def test_what_a_call_is_assigned_to_is_read_as_it_is_written(version):
    programs = [f"def f(self, g, x, y):\n    {target} = g(x, y)\nf(None, int, 'x', 'y')" for target in TARGETS]
    command = [PYTHONS[version], "-c", READ, bytecode.__file__]
    done = subprocess.run(command, input=json.dumps(programs), capture_output=True, encoding="utf-8", check=True)
    assert [targets for _, _, targets, _ in json.loads(done.stderr)] == TARGETS


CALLS = {
    "f(x.real, y=g + 1)": "f(x.real, y=g + 1)",
    "f(\n        x,\n        y,\n    )": "f(x, y)",
    "'é' + f('ü', x)[0]": "f('ü', x)",
    "(f)(x)  # é": "f(x)",
    "x + 'y'": None,
}


@pytest.mark.parametrize("version", PYTHONS)
def test_the_source_of_a_failing_call_is_read_where_it_is_at_hand(version):
    programs = [
        f"def f(*a, **k):\n    raise ValueError\ndef program(x, y, g):\n    return {call}\nprogram(1, 2, 3)"
        for call in CALLS
    ]
    command = [
        PYTHONS[version],
        "-c",
        READ.replace("trace.tb_next is not None:", "trace.tb_next and trace.tb_frame.f_code.co_name != 'program':"),
        bytecode.__file__,
    ]
    done = subprocess.run(command, input=json.dumps(programs), capture_output=True, encoding="utf-8", check=True)
    assert [written for *_, written in json.loads(done.stderr)] == list(CALLS.values())
