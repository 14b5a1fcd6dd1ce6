"""What no page and no message of the course says, because a reader has to read it twice."""

import ast
import re
from collections.abc import Iterator

import nbformat
from notebooks import BOOK, ROOT

# Each with what an American or British teacher would say instead.
OFFENDERS = {
    r"\b(stands?|stood|standing)\b(?! for\b)": "is, are, appears (numbers do not stand)",
    r"\bturned (tensor|state|matrix|batch)\b|\bis turned (back )?(at|in|when)\b": "transposed",
    r"\bcounted (in|into)\b": "filled by counting",
    r"\bto be poked\b": "to play with",
    r"\bto think about here\b|\bare to write\b": "questions to think about; for writing code",
    r"\b(shape|range|dtype|layers?|all)( \w+){0,3} (is|are) (all )?in order\b": "correct",
    r"\bno business of\b": "need not know",
    r"\bcomplains? of\b": "complain about",
    r"\b(tests|losses|checks)( \w+){0,3} that are content\b": "easily satisfied",
    r"\bbecomes of (you|it|them)\b|\bhas become of\b": "happens to",
    r"\ba \w+ too many\b": "one … too many",
    r"\bold acquaintances?\b|\bhearsay\b|\bon the fence\b|\bno feat\b": "say it plainly",
    r"\bspeaks? up\b|\bnever (heard|hears) of\b|\blean on\b": "raises; does not know; depends on",
    r"\bwhat becomes of\b|\bthe road to\b|\bby the other road\b": "what happens to; the way",
    r"\bdeals? (them|it|the same numbers|numbers|the numbers)( \w+)? out\b": "puts at the wrong places",
}


def offences(text: str) -> list[str]:
    """Each offender in the text, with what is around it and what to say instead."""
    plain = " ".join(re.sub(r"```.*?```", " ", text, flags=re.DOTALL).split())
    return [
        f"…{plain[max(0, match.start() - 30) : match.end() + 30]}…: {instead}"
        for pattern, instead in OFFENDERS.items()
        for match in re.finditer(pattern, plain, re.IGNORECASE)
    ]


def pages() -> Iterator[tuple[str, str]]:
    """The name and the words of every page: Markdown pages, and the Markdown cells of notebooks and exercises."""
    for path in sorted(BOOK.glob("*.md")):
        yield path.name, path.read_text(encoding="utf-8")
    for path in sorted([*BOOK.glob("*.ipynb"), *(BOOK / "solutions").glob("*.ipynb")]):
        cells = nbformat.read(path, as_version=4).cells
        yield (
            path.relative_to(BOOK).as_posix(),
            "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown"),
        )


def messages() -> Iterator[tuple[str, str]]:
    """The module and the text of every string in the package that a reader may see, which docstrings are not."""
    for path in sorted((ROOT / "unrolled").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value
