"""Tensors, slices and problems as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import fill

from unrolled.diagnosis.problem import Explanation, Problem
from unrolled.shapes import AXES, Sizes, Slice, TensorShape
from unrolled.text import tuple_text

UNKNOWN_TEXT = "Here are the axes. The text is none that is known for them, so no cause is named."
WIDTH = 100
"""The widest line of a report or a note, in columns."""


def note_text(error: BaseException, explanation: Explanation) -> str:
    """The note: the problem that raises this very error, or the axes alone when the wording is unknown."""
    problem = next((problem for problem in explanation.problems if problem.is_raised_as(error)), None)
    lines = [UNKNOWN_TEXT if problem is None else problem_text(problem)]
    lines += [wrap(explanation.heading)] if explanation.heading else []
    lines += [axis_table(explanation.tensors)] if explanation.tensors else []
    return "\n".join(lines)


def axis_table(tensors: Sequence[TensorShape]) -> str:
    """Tensors, their axes by name, their sizes, and which of them break the rules."""
    rows = [["tensor", "axes", "sizes", ""]]
    for shape in tensors:
        sizes = sizes_text(shape, shape.expected if shape.sizes is None else shape.sizes)
        rows.append([shape.name, axes_text(shape), sizes, "<- " * shape.wrong + size_remark(shape)])
    legend = "; ".join(f"{name}: {meaning}" for name, meaning in _legend(tensors).items())
    return _columns(rows) + (f"\n{wrap(legend)}" if legend else "")


def problem_text(problem: Problem) -> str:
    """A problem in lines: what, what is raised, why, and the fix, if there is one."""
    if problem.raises is not None:
        kind = f"raises {type(problem.raises).__name__}"
    else:
        kind = "raises nothing" if problem.likely else "raises nothing; right if you mean it"
    maybe = "" if problem.likely else "maybe: "
    what = wrap(f"{maybe}{problem.message} [{problem.code}: {kind}]")
    fix = [wrap(f"fix: {problem.fix}", "  ")] if problem.fix else []
    return "\n".join([what, wrap(f"why: {problem.why}", "  "), *fix])


def sizes_text(shape: TensorShape, sizes: Sizes) -> str:
    """`"(2, L, 5)"`: a size that is not known shows as its axis."""
    names = [axis.name for axis in shape.axes] if len(sizes) == len(shape.axes) else []
    return tuple_text(names[at] if size is None else size for at, size in enumerate(sizes))


def axes_text(shape: TensorShape) -> str:
    """`"(N, L, H_in)"`."""
    return f"({', '.join(axis.name for axis in shape.axes)})"


def size_remark(shape: TensorShape) -> str:
    """What is said beside a tensor's sizes: what it needs, or that it was not given."""
    if shape.wrong:
        return f"needs {sizes_text(shape, shape.expected)}"
    return "not given: zeros" if shape.sizes is None and shape.name in ("h_0", "c_0") else ""


def split_parameters(tensors: Sequence[TensorShape]) -> tuple[list[TensorShape], list[TensorShape]]:
    """The tensors of the call, and the parameters."""
    parameters = [shape for shape in tensors if shape.name.startswith(("weight_", "bias_"))]
    return [shape for shape in tensors if shape not in parameters], parameters


def _legend(tensors: Sequence[TensorShape]) -> dict[str, str]:
    """The axis symbols that occur, in their order, with what each counts."""
    used = {factor for shape in tensors for axis in shape.axes for factor in axis.name.split("·")}
    return {name: meaning for name, meaning in AXES.items() if name in used}


def slice_table(slices: Iterable[Slice]) -> str:
    """Each slice, what it equals, its shape and what it is."""
    lines = []
    for item in slices:
        equal = f" == {item.equals}" if item.equals else ""
        lines.append(wrap(item.expression + equal))
        lines.append(wrap(f"{item.shape}  {item.meaning}", "    "))
    return "\n".join(lines)


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def wrap(text: str, indent: str = "") -> str:
    """Text in lines of at most `WIDTH` columns; all but the first are indented."""
    return fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)
