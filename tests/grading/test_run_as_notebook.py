"""What ran in the notebook runs in the grader; what cannot run here costs nobody a point."""

import json

from classroom import RIGHT, grade, handed_in, notebook, table
from student_notebooks import solution_notebook

FOUR_ROWS = "def four_rows():\n    return 'b'"
LAST_TWO = "torch.cat([hn[-2], hn[-1]], dim=1)"
USES = f"def final_states(output, hn):\n    {{}}\n    return {LAST_TWO}"


def uses(statement: str) -> str:
    """A right answer that needs this statement to go well."""
    return f"def final_states(output, hn):\n    {statement}\n    return {LAST_TWO}"


# What stands at the top level of a notebook, and an answer that is right only if it ran.
TOP_LEVEL = {
    "a method that fills a dict": ("helpers = {}", "helpers.update(last=lambda hn: hn[-1])", uses("helpers['last'](hn)")),
    "append": ("parts = []\nparts.append(-2)\nparts.append(-1)", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in parts], dim=1)"),
    "while": ("parts = []\nwhile len(parts) < 2:\n    parts.append(len(parts) - 2)", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in parts], dim=1)"),
    "setattr": ("class Box: pass\nbox = Box()", "setattr(box, 'dim', 1)", "def final_states(output, hn):\n    return torch.cat([hn[-2], hn[-1]], dim=box.dim)"),
    "exec": ('exec("def last_two(hn): return torch.cat([hn[-2], hn[-1]], dim=1)")', "def final_states(output, hn):\n    return last_two(hn)"),
    "a walrus": ("(ends := (-2, -1))", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
    "del": ("sum = 5\ndel sum", uses("assert sum([1, 2]) == 3")),
    "an answer made by exec": (f'exec("""{RIGHT}""")',),
    "globals": (f"globals()['final_states'] = lambda output, hn: {LAST_TWO}",),
    "a list that is sorted": ("ends = [-1, -2]\nends.sort()", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
    "an assert before": ("assert True\n" + RIGHT,),
    "match": ("match 3:\n    case 3:\n        ends = (-2, -1)", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
    "await": ("import asyncio\nasync def two(): return (-2, -1)\nends = await two()", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
    "the last result": ("(-2, -1)", "ends = _", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
    "input": ("name = input('your name? ')", RIGHT),
    "display and prints": ("display(3)\nprint('x' * 10**6)\nfrom IPython.display import display\ndisplay(4)", RIGHT),
    "a plot": ("import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\nends = (-2, -1)", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
    "its own check": ("from unrolled import check, hint", RIGHT + "\ncheck('directions-3', final_states)\nhint('directions-3')\nends = 1", uses("assert ends")),
    "a timed cell": ("%%time\nends = (-2, -1)", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
    "a file that it writes": ("%%writefile helping.py\nENDS = (-2, -1)", "import helping\ndef final_states(output, hn):\n    return torch.cat([hn[i] for i in helping.ENDS], dim=1)"),
    "a file of its own": ("open('numbers.txt', 'w').write('-2 -1')", "def final_states(output, hn):\n    return torch.cat([hn[int(i)] for i in open('numbers.txt').read().split()], dim=1)"),
    "postponed annotations": ("from __future__ import annotations", "def final_states(output: Nowhere, hn: Nowhere) -> Nowhere:\n    return torch.cat([hn[-2], hn[-1]], dim=1)"),
    "a dataclass": ("from dataclasses import dataclass\n@dataclass\nclass Ends:\n    first: int = -2\n    last: int = -1", "def final_states(output, hn):\n    return torch.cat([hn[Ends().first], hn[Ends().last]], dim=1)"),
    "a broken cell beside": ("x = (", RIGHT),
    "a failing cell beside": ("1 / 0", "undefined", "raise ValueError", RIGHT),
    "a package that it does not need": ("import no_such_package\nimport torch.nn.functional as F\nends = (-2, -1)", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
    "help": ("torch.cat?\n?torch.cat\nhelp(len)", RIGHT),
    "leaving": ("exit()", RIGHT),
    "a download that fails": ("import urllib.request\nurllib.request.urlretrieve('http://example.org/x', 'x')\nends = (-2, -1)", "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"),
}  # fmt: skip


def rows_of(tmp_path, notebooks: dict[str, tuple[str, ...]], *options: str) -> dict[tuple[str, str], dict[str, str]]:
    for name, cells in notebooks.items():
        handed_in(tmp_path / "class" / name / "directions.ipynb", notebook(*cells, FOUR_ROWS))
    assert grade(tmp_path / "class", tmp_path / "grades.csv", *options).returncode == 0
    return table(tmp_path / "grades.csv")


def test_what_is_at_the_top_level_runs(tmp_path):
    rows = rows_of(tmp_path, TOP_LEVEL)
    feedback = {name: rows[name, "directions-3"] for name in TOP_LEVEL}
    assert {name: row["feedback"] for name, row in feedback.items() if row["status"] != "right"} == {}
    assert {name for name in TOP_LEVEL if rows[name, "directions-5"]["status"] != "right"} == set()


# Cells, and what the reason has to say.
LACKING = {
    "a GPU in the answer": ((uses("hn = hn.cuda()"),), "GPU"),
    "a GPU by its device": ((uses("hn = hn.to('cuda')"),), "GPU"),
    "Apple's GPU": ((uses("hn = hn.to('mps')"),), "GPU"),
    "a global tensor on a GPU": (("zeros = torch.zeros(1, device='cuda')", uses("zeros + 1")), "GPU"),
    "a global of a global on a GPU": (
        ("zeros = torch.zeros(1).cuda()\nones = zeros + 1", "def helper(): return ones", uses("helper()")),
        "GPU",
    ),
    "a package in the answer": ((uses("import einops_that_is_not_here"),), "not installed here"),
    "a package at the top": (("import einops_that_is_not_here as e", uses("e.rearrange(hn)")), "not installed here"),
    "a name from a package": (("from einops_that_is_not_here import *", uses("rearrange(hn)")), "not installed here"),
    "a file in the answer": ((uses("open('data.csv').read()"),), "a file that is not here"),
    "a file at the top": (("data = open('data.csv').read()", uses("len(data)")), "a file that is not here"),
    "a tensor in a file": (("weights = torch.load('weights.pt')", uses("weights + 1")), "a file that is not here"),
    "the network": ((uses("import urllib.request; urllib.request.urlopen('http://example.org')"),), "network"),
    "a name that input gives": (("steps = int(input())", uses("hn[:steps]")), "cell 1, line 1"),
    "a shell's output": (("files = !ls", uses("files[0]")), "a file that is not here"),
    "a helper after an exception": (("boom()\ndef helper(): pass", uses("helper()")), "cell 1, line 1"),
    "a list half filled": (("parts = [0]\nparts.append(boom())\nparts.append(1)", uses("parts[1]")), "cell 1, line 2"),
    "a dict not updated": (("helpers = {}", "helpers.update(last=boom())", uses("helpers['last']")), "cell 2, line 1"),
    "setattr that failed": (
        ("class Box: pass\nbox = Box()", "setattr(box, 'dim', boom())", uses("box.dim")),
        "cell 2, line 1",
    ),
    "exec that failed": (("exec('def helper(): return boom(')", uses("helper()")), "cell 1, line 1"),
    "a loop without end": (("parts = []\nwhile True: parts", uses("parts[0]")), "did not end"),
    "a helper in a broken cell": (("def helper(:\n    pass", uses("helper()")), ""),
    "a class with a helper": (
        ("class Helper:\n    def do(self): return missing\nmissing = boom()", uses("Helper().do()")),
        "cell 1",
    ),
    "a decorator": (
        ("import no_such_package", "@no_such_package.jit\n" + RIGHT),
        "not installed here",
    ),
}


def test_what_this_machine_lacks_is_no_zero(tmp_path):
    rows = rows_of(tmp_path, {name: cells for name, (cells, _) in LACKING.items()}, "--seconds", "3")
    for name, (_, reason) in LACKING.items():
        row = rows[name, "directions-3"]
        assert (row["status"], row["points"]) == ("could not grade", ""), (name, row)
        assert reason in row["feedback"], (name, row)
        assert rows[name, "directions-5"]["status"] == "right", name


# Wrong all the same: nothing that is missing has to do with it.
WRONG = {
    "an unrelated failure": ("boom()", "def final_states(output, hn):\n    return output[:, -1]"),
    "its own test fails": ("def final_states(output, hn):\n    return hn.nothing\nfinal_states(torch.zeros(1), torch.zeros(1))",),
    "an unrelated package": ("import no_such_package", "def final_states(output, hn):\n    return output[:, -1]"),
    "an exercise asked for": ("def final_states(output, hn):\n    import unrolled.exercises.sets.directions",),
    "a name that nothing defines": ("def final_states(output, hn):\n    return nothing",),
    "prints of a name": ("x = 1\nprint(x, y)", "def final_states(output, hn):\n    return output[:, -1]"),
}  # fmt: skip


def test_what_is_wrong_stays_wrong(tmp_path):
    rows = rows_of(tmp_path, WRONG)
    assert {name: rows[name, "directions-3"]["status"] for name in WRONG} == dict.fromkeys(WRONG, "wrong")


def test_an_exception_ends_its_cell_as_in_a_notebook(tmp_path):
    """What the cell would have done after it did not happen in front of the student either."""
    ends = "def final_states(output, hn):\n    return torch.cat([hn[i] for i in ends], dim=1)"
    cells = ("ends = (-2, -1)", "raise ValueError\nends = (0, 1)", ends)
    assert rows_of(tmp_path, {"Ana": cells})["Ana", "directions-3"]["status"] == "right"


def solved() -> dict:
    return json.loads(json.dumps(solution_notebook_of_directions()))


def solution_notebook_of_directions():
    from classroom import master

    return solution_notebook(master("directions"))


ENCODINGS = {
    "utf-16": "utf-16",
    "utf-16 without a mark": "utf-16-le",
    "a byte-order mark": "utf-8-sig",
    "cp1252": "cp1252",
}


def test_every_encoding_of_an_editor_is_read(tmp_path):
    (tmp_path / "class").mkdir()
    for name, encoding in ENCODINGS.items():
        content = solved()
        content["cells"].insert(0, {"cell_type": "markdown", "source": "Zoë"})
        text = json.dumps(content, ensure_ascii=encoding != "cp1252")
        if encoding == "cp1252":
            text = text.replace("\\u", "u").encode("cp1252", errors="replace").decode("cp1252")
        (tmp_path / "class" / f"{name}.ipynb").write_text(text, encoding=encoding, errors="replace")
    assert grade(tmp_path / "class", tmp_path / "grades.csv").returncode == 0
    rows = table(tmp_path / "grades.csv")
    assert {student for student, _ in rows} == set(ENCODINGS)
    assert [(key, row["feedback"]) for key, row in rows.items() if row["status"] != "right"] == []


DAMAGES = [
    {},
    {"cell_type": "code"},
    {"cell_type": "code", "source": 3},
    {"cell_type": "code", "source": [1]},
    None,
    [],
    "x",
]


def test_a_damaged_cell_costs_itself(tmp_path):
    for number, damage in enumerate(DAMAGES):
        content = solved()
        content["cells"].insert(1, damage)
        (tmp_path / "class" / str(number)).mkdir(parents=True)
        (tmp_path / "class" / str(number) / "directions.ipynb").write_text(json.dumps(content), encoding="utf-8")
    content = solved()
    for cell in content["cells"]:
        if "def final_states" in "".join(cell["source"]):
            del cell["source"]
    (tmp_path / "class" / "lost").mkdir()
    (tmp_path / "class" / "lost" / "directions.ipynb").write_text(json.dumps(content), encoding="utf-8")
    assert grade(tmp_path / "class", tmp_path / "grades.csv").returncode == 0
    rows = table(tmp_path / "grades.csv")
    assert {row["status"] for (student, _), row in rows.items() if student != "lost"} == {"right"}
    assert rows["lost", "directions-3"]["status"] == "could not grade"
    assert "of its file is damaged" in rows["lost", "directions-3"]["feedback"]
    assert rows["lost", "directions-5"]["status"] == "right"


CONFLICT = '{"cells": [\n<<<<<<< HEAD\n {"cell_type": "code"}\n=======\n {}\n>>>>>>> theirs\n]}'


NO_NOTEBOOKS = {
    "log-in page": ("<!DOCTYPE html><html><title>Log in</title>", "a web page, perhaps one that asks to log in"),
    "page": ("\n <html>", "a web page"),
    "conflict": (CONFLICT, "the marks of a merge conflict"),
    "cut off": ('{"cells": [{"cell_type": "code", "sou', "it ends in the middle"),
    "zip": ("PK\x03\x04 and so on", "a zip file"),
    "pdf": ("%PDF-1.7", "a PDF"),
    "script": ("def final_states(output, hn):\n    return hn", "from line 1 on it is not what Jupyter writes"),
    "no cells": ('{"metadata": {}}', "it has no cells"),
}


def test_what_is_no_notebook_is_said_in_a_teachers_words(tmp_path):
    handed_in(tmp_path / "class" / "other.ipynb", notebook(RIGHT, FOUR_ROWS))
    for name, (content, _) in NO_NOTEBOOKS.items():
        (tmp_path / "class" / f"{name}.ipynb").write_text(content, encoding="utf-8")
    assert grade(tmp_path / "class", tmp_path / "grades.csv").returncode == 0
    rows = table(tmp_path / "grades.csv")
    for name, (_, reason) in NO_NOTEBOOKS.items():
        feedback = rows[name, "directions-3"]["feedback"]
        assert reason in feedback, (name, feedback)
        assert "Error" not in feedback.replace("(JSONDecodeError)", "")
    assert rows["other", "directions-3"]["status"] == "right"
