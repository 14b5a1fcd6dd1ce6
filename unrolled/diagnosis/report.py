"""A report on one call of a recurrent layer, as text: its tensors axis by axis, its slices, its problems."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING

from unrolled.shapes import AXES, Sizes, Slice, TensorShape
from unrolled.text import printable, tuple_text

if TYPE_CHECKING:  # the package is imported where there is no torch
    from unrolled.diagnosis.rules.inputs import Problem

UNKNOWN_TEXT = "Here are the axes. The text is none that is known for them, so no cause is named."
WIDTH = 100
"""The widest line of a report or a note, in columns."""


@dataclass(frozen=True, repr=False)
class Report:
    """What `explain` found. A terminal shows it as text, a notebook as HTML."""

    layer: str
    """The line of Python that makes the layer."""
    reads: str
    """How the layer reads the input, in words."""
    code: str
    """The call whose results `slices` are about."""
    tensors: tuple[TensorShape, ...]
    """The input, the states, the output and each parameter."""
    slices: tuple[Slice, ...]
    problems: tuple[Problem, ...]

    def __repr__(self) -> str:
        passed, parameters = apart(self.tensors)
        parts = [_wrap(f"{self.layer} {self.reads}"), axis_table(passed)]
        parts += [problem_text(problem) for problem in self.problems]
        if self.slices:
            parts += [self.code, _slice_table(self.slices)]
        parts.append(axis_table(parameters))
        return "\n\n".join(parts)

    def __str__(self) -> str:
        return printable(repr(self))

    def _repr_html_(self) -> str:
        from unrolled.diagnosis.report_html import html

        return html(self)


def note_text(error: BaseException, heading: str, tensors: Sequence[TensorShape], problems: Iterable[Problem]) -> str:
    """The note: the problem that raises this very error, or the axes alone when the wording is unknown."""
    problem = next((problem for problem in problems if problem.is_raised_as(error)), None)
    table = f"\n{axis_table(tensors)}" if tensors else ""
    if problem is None:
        return f"{UNKNOWN_TEXT}\n{heading}{table}"
    return f"{problem_text(problem)}\n{heading}{table}"


def axis_table(tensors: Sequence[TensorShape]) -> str:
    """Tensors, their axes by name, their sizes, and which of them break the rules."""
    rows = [["tensor", "axes", "sizes", ""]]
    for shape in tensors:
        sizes = sizes_text(shape, shape.expected if shape.sizes is None else shape.sizes)
        rows.append([shape.name, axes_text(shape), sizes, "<- " * shape.wrong + verdict(shape)])
    legend = "; ".join(f"{name}: {meaning}" for name, meaning in _legend(tensors).items())
    return _columns(rows) + (f"\n{_wrap(legend)}" if legend else "")


def problem_text(problem: Problem) -> str:
    """A problem in lines: what, what is raised, why, and the fix, if there is one."""
    if problem.raises is not None:
        kind = f"raises {type(problem.raises).__name__}"
    else:
        kind = "raises nothing" if problem.likely else "raises nothing; right if you mean it"
    maybe = "" if problem.likely else "maybe: "
    what = _wrap(f"{maybe}{problem.message} [{problem.code}: {kind}]")
    fix = [_wrap(f"fix: {problem.fix}", "  ")] if problem.fix else []
    return "\n".join([what, _wrap(f"why: {problem.why}", "  "), *fix])


def sizes_text(shape: TensorShape, sizes: Sizes) -> str:
    """`"(2, L, 5)"`: a size that is not known shows as its axis."""
    names = [axis.name for axis in shape.axes] if len(sizes) == len(shape.axes) else []
    return tuple_text(names[at] if size is None else size for at, size in enumerate(sizes))


def axes_text(shape: TensorShape) -> str:
    """`"(N, L, H_in)"`."""
    return f"({', '.join(axis.name for axis in shape.axes)})"


def verdict(shape: TensorShape) -> str:
    if shape.wrong:
        return f"needs {sizes_text(shape, shape.expected)}"
    return "not given: zeros" if shape.sizes is None and shape.name in ("h_0", "c_0") else ""


def apart(tensors: Sequence[TensorShape]) -> tuple[list[TensorShape], list[TensorShape]]:
    """The tensors of the call, and the parameters."""
    parameters = [shape for shape in tensors if shape.name.startswith(("weight_", "bias_"))]
    return [shape for shape in tensors if shape not in parameters], parameters


def _legend(tensors: Sequence[TensorShape]) -> dict[str, str]:
    """The axis symbols that occur, in their order, with what each counts."""
    used = {factor for shape in tensors for axis in shape.axes for factor in axis.name.split("·")}
    return {name: meaning for name, meaning in AXES.items() if name in used}


def _slice_table(found: Sequence[Slice]) -> str:
    lines = []
    for item in found:
        equal = f" == {item.equals}" if item.equals else ""
        lines.append(_wrap(item.expression + equal))
        lines.append(_wrap(f"{item.shape}  {item.meaning}", "    "))
    return "\n".join(lines)


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def _wrap(text: str, indent: str = "") -> str:
    return fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)
