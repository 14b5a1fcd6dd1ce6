"""Every name of PyTorch that a notebook, an exercise or the package uses is in the page's torch, or is named below."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator

import pytest
from notebooks import ROOT, code_cells, read
from page_python import run

ALIASES = {"torch": "torch", "nn": "torch.nn", "F": "torch.nn.functional"}
NOT_THERE = {
    "torch.backends.cuda.matmul.allow_tf32": "a GPU's",
    "torch.frexp": "one cell of gpu",
    "torch.ldexp": "one cell of gpu",
    "torch.linalg.eigvals": "complex numbers",
    "torch.nn.CTCLoss": "one cell of errors",
    "torch.nn.functional.ctc_loss": "one cell of errors",
    "torch.optim.LBFGS": "one exercise's reference answer",
    "torch.ops.aten.addmm.default": "PyTorch's inside",
    "torch.ops.aten.mm.default": "PyTorch's inside",
}
"""What cells use that are exceptions in test_book.py."""
FOLDERS = ("unrolled/diagnosis", "unrolled/exercises", "unrolled/explorer", "unrolled/drawing")


def sources() -> Iterator[tuple[str, str]]:
    """(where, source) of every cell of the book and its exercises, and of every module that runs in the page."""
    for notebook in sorted([*(ROOT / "book").glob("*.ipynb"), *(ROOT / "book" / "solutions").glob("*.ipynb")]):
        for cell in code_cells(read(notebook)):
            yield f"{notebook.stem}#{cell.id}", cell.source
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


def names_of(source: str) -> set[str]:
    """The dotted names of torch in a program: `torch.nn.functional.pad`, the longest only."""
    tree = ast.parse("\n".join(line for line in source.splitlines() if not line.startswith("%")))
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "torch":
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        if isinstance(node, ast.Attribute):
            base, *rest = ast.unparse(node).split(".")
            if base in ALIASES and all(part.isidentifier() for part in rest):
                found.add(".".join([ALIASES[base], *rest]))
    return {name for name in found if not any(other.startswith(f"{name}.") for other in found)}


def surface() -> dict[str, str]:
    """Each name, and where it is used first."""
    result: dict[str, str] = {}
    for where, source in sources():
        for name in sorted(names_of(source)):
            result.setdefault(name, where)
    return result


def missing(names: list[str]) -> list[str]:
    """Those of the names that the page's torch does not have."""
    program = f"""
import json, importlib
def there(name):
    module, parts = None, name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        break
    for part in parts[end:]:
        if not hasattr(module, part):
            return False
        module = getattr(module, part)
    return True
print(json.dumps([name for name in {names!r} if not there(name)]))
"""
    answer = run(program, namespace="surface")
    assert answer.error is None, answer.error
    return json.loads(answer.text)


def test_every_name_that_is_used_is_there():
    used = surface()
    assert {name: used[name] for name in missing(list(used)) if name not in NOT_THERE} == {}


def test_a_name_that_is_not_there_is_found():
    assert missing(["torch.zeros", "torch.no_such_name"]) == ["torch.no_such_name"]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("torch.fft", "torch.fft"),
        ("torch.nn.Transformer", "nn.Transformer"),
        ("torch.nn.functional.grid_sample", "nn.functional.grid_sample"),
        ("torch.ones(2).median()", "Tensor.median"),
        ("torch.ones(2, dtype=torch.float16)", "torch.float16"),
    ],
)
def test_what_is_not_there_says_so_in_one_sentence(source, name):
    error = run(f"import torch\n{source}", namespace="missing").error
    assert error == f"NotInThisPage: {name} is not in this page's PyTorch; open the notebook in Colab"
