"""A report as HTML, with each axis in its colour."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from unrolled.diagnosis.report import Report, apart, axes_text, sizes_text, verdict
from unrolled.shapes import AXES, TensorShape

if TYPE_CHECKING:  # the package is imported where there is no torch
    from unrolled.diagnosis.rules.inputs import Problem


def html(report: Report) -> str:
    """The report as one element that changes nothing else on the page."""
    passed, parameters = apart(report.tensors)
    caption = f"{_code_html(report.layer)} {_chips(report.reads)}"
    parts = [f"<style>{_style()}</style>", _tensor_table(caption, passed)]
    if report.problems:
        items = "".join(map(_problem, report.problems))
        parts.append(f'<ul class="unrolled-problems" aria-label="Problems">{items}</ul>')
    if report.slices:
        rows = [
            [
                _code_html(item.expression),
                str(item.shape),
                escape(item.meaning),
                _code_html(item.equals) if item.equals else "",
            ]
            for item in report.slices
        ]
        caption = f"After <code>{escape(report.code, quote=False).replace(chr(10), '<br>')}</code>"
        parts.append(_table(caption, ["slice", "shape", "what it is", "equals"], rows, words=2))
    parts.append(_tensor_table("Parameters", parameters))
    return f'<div class="unrolled-report">{"".join(parts)}</div>'


def _problem(problem: Problem) -> str:
    """A list item: what and what is raised, why, and the fix, if there is one."""
    raised = "nothing" if problem.raises is None else _code_html(type(problem.raises).__name__)
    maybe, meant = ("", "") if problem.likely else ("Maybe: ", " Right if you mean it.")
    what = f"<strong>{_chips(maybe + problem.message)}</strong> ({_code_html(problem.code)}, raises {raised})"
    fix = f"<p>Fix: {_code_html(problem.fix)}</p>" if problem.fix else ""
    return f"<li><p>{what}</p><p>{_chips(problem.why + meant)}</p>{fix}</li>"


def _tensor_table(caption: str, tensors: Sequence[TensorShape]) -> str:
    rows = []
    for shape in tensors:
        meanings = ", ".join(axis.meaning for axis in shape.axes)
        sizes, note = sizes_text(shape, shape.expected if shape.sizes is None else shape.sizes), escape(verdict(shape))
        if note:
            sizes += f"<br><strong>{note}</strong>" if shape.wrong else f"<br>{note}"
        rows.append([_code_html(shape.name), _chips(axes_text(shape)), sizes, meanings])
    return _table(caption, ["tensor", "axes", "sizes", "meaning"], rows, words=3)


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> str:
    """A table whose cells are HTML; the first cell of each row names it, and the column `words` may break its lines.

    A column that is empty is left out.
    """
    kept = [at for at in range(len(head)) if any(row[at] for row in rows)]
    columns = "".join(f'<th scope="col">{head[at]}</th>' for at in kept)
    opening = {0: '<th scope="row">', words: '<td class="unrolled-words">'}
    cells = [[opening.get(at, "<td>") + row[at] + ("</td>" if at else "</th>") for at in kept] for row in rows]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in cells)
    table = f"<table><caption>{caption}</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="unrolled-scroll" tabindex="0">{table}</div>'


def _code_html(text: str) -> str:
    return f"<code>{escape(text, quote=False)}</code>"


def _chips(text: str) -> str:
    """Escaped text with each axis symbol in its colour."""
    symbols = "|".join(sorted(AXES, key=len, reverse=True))
    return re.sub(rf"(?<![\w.])({symbols})(?!\w)", r'<span class="axis axis-\1">\1</span>', escape(text, quote=False))


@cache
def _style() -> str:
    """The look of a report, and the colours of the site for it alone: nothing else on the page changes.

    Where the page does not say whether it is light or dark, the reader's system does, and the report brings
    its own ground.
    """
    scope = ".unrolled-report"
    rules, dark = [], ""
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", _css("static/axes.css")):
        each = re.split(r",\s*(?![^()]*\))", selectors.strip())
        if each[0].startswith(":root["):
            dark = body
        scoped = [
            scope if one == ":root" else f"{one} {scope}" if one.startswith(":root") else f"{scope} {one}"
            for one in each
        ]
        rules.append(f"{', '.join(scoped)} {{{body}}}")
    silent = ":root:not([data-theme]):not([theme]):not(:has(> body[data-jp-theme-light]))"
    ground = "  color-scheme: dark;\n  background: Canvas;\n  color: CanvasText;\n  padding: 0.5rem 0.75rem;\n"
    rules.append(f"@media (prefers-color-scheme: dark) {{ {silent} {scope} {{{dark}{ground}}} }}")
    return "\n".join([*rules, _css("diagnosis/static/report.css").strip()])


def _css(path: str) -> str:
    """A style sheet of the package, without its comments."""
    text = files("unrolled").joinpath(path).read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.S)
