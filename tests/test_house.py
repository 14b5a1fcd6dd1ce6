"""The house: files and functions keep to the rules that CONTRIBUTING.md gives."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAX_LINES = 60
REASON = "# long:"


def python_files(*folders: str) -> list[Path]:
    """The tracked Python files below these folders."""
    command = ["git", "ls-files", "-z", *(f"{folder}/*.py" for folder in folders)]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    return [ROOT / name for name in filter(None, listed.split("\0"))]


def functions(source: str) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function of a module, methods and inner functions included."""
    yield from (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def too_long(source: str) -> list[str]:
    """Functions of more lines than a screen holds, and without a comment `# long: …` on the line of their `def`."""
    lines = source.splitlines()
    return [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in functions(source)
        if node.end_lineno - node.lineno >= MAX_LINES and REASON not in lines[node.lineno - 1]
    ]


def named_like_its_module(path: Path, source: str) -> list[str]:
    """Public functions with the name of their module: imported from the package, each would hide its module."""
    return [node.name for node in ast.parse(source).body if getattr(node, "name", None) == path.stem]


@pytest.mark.parametrize(
    "path", python_files("unrolled", "tools", "book"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_functions_fit_a_screen_and_no_function_hides_its_module(path):
    source = path.read_text(encoding="utf-8")
    assert too_long(source) == []
    assert named_like_its_module(path, source) == []


def test_a_long_function_is_found_and_may_give_its_reason():
    body = "\n".join(["    pass"] * MAX_LINES)
    assert too_long(f"def read():\n{body}") == [f"read: {MAX_LINES + 1} lines"]
    assert too_long(f"def read():  {REASON} one table\n{body}") == []
    assert too_long("def read():\n" + body.removesuffix("\n    pass")) == []


def test_a_function_with_the_name_of_its_module_is_found():
    assert named_like_its_module(Path("read.py"), "def read(): ...") == ["read"]
    assert named_like_its_module(Path("read.py"), "def write(): ...") == []


def without_reason(source: str) -> list[str]:
    """Lines that switch a check off (`noqa`, `type: ignore`) with no words why, on the line or as a comment above."""
    lines = source.splitlines()
    found = []
    for above, line in zip(["", *lines], lines, strict=False):
        if off := re.search(r"# (?:noqa|type: ignore)(?P<rest>.*)", line):
            words = re.sub(r"^(?:: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*|\[[\w, -]+\])", "", off["rest"]).split()
            if len(words) < 3 and not above.strip().startswith("#"):
                found.append(line.strip())
    return found


@pytest.mark.parametrize("folder", ["unrolled", "tools", "book", "tests"])
def test_what_is_ignored_has_its_reason(folder):
    paths = [path for path in python_files(folder) if path != Path(__file__)]
    assert {path.name: bare for path in paths if (bare := without_reason(path.read_text(encoding="utf-8")))} == {}


def test_a_check_switched_off_without_a_reason_is_found():
    assert without_reason("import torch  # noqa: E402") == ["import torch  # noqa: E402"]
    assert without_reason("x = f()  # type: ignore[no-any-return]") == ["x = f()  # type: ignore[no-any-return]"]
    assert without_reason("import torch  # noqa: E402 after the threads are set") == []
    assert without_reason("# torch reads this once\nimport torch  # noqa: E402") == []


NAMED = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[\w.-]+\.(?:py|ts|md|toml|yml|json|txt|lock))`")


def named_and_gone(text: str, *places: Path) -> list[str]:
    """The files and folders that a page names in code and that are in none of these places."""
    names = {name for name in NAMED.findall(text) if "NAME" not in name}
    return sorted(name for name in names if not any((place / name).exists() for place in places))


@pytest.mark.parametrize("page", ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md"])
def test_what_the_map_names_is_there(page):
    """Whole paths from the top, and within a journey names inside the rooms it goes through."""
    rooms = [
        ROOT,
        ROOT / "unrolled",
        ROOT / "book",
        ROOT / "web",
        ROOT / "web" / "view",
        ROOT / "web" / "drill",
        ROOT / "web" / "live",
        ROOT / "web" / "engine" / "expression",
    ]
    rooms += [path for path in (ROOT / "unrolled").iterdir() if path.is_dir()]
    made = {"myst.yml", "book/exercises", "_build/html"}
    assert [
        name for name in named_and_gone((ROOT / page).read_text(encoding="utf-8"), *rooms) if name not in made
    ] == []


def test_a_file_that_is_gone_is_found():
    assert named_and_gone("`unrolled/gone.py` and `unrolled/shapes.py`, `tests/`", ROOT) == ["unrolled/gone.py"]


def test_the_map_has_every_room():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [path.name for path in (ROOT / "unrolled").iterdir() if (path / "__init__.py").exists()]
    assert [room for room in rooms if f"| `{room}/` |" not in text] == []
