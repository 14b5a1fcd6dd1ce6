"""A report on one call of a recurrent layer: its tensors axis by axis, its slices, its problems."""

from __future__ import annotations

from dataclasses import dataclass

from unrolled.diagnosis.problem import Problem
from unrolled.diagnosis.report_html import html
from unrolled.diagnosis.report_text import axis_table, problem_text, slice_table, split_parameters, wrap
from unrolled.shapes import Slice, TensorShape
from unrolled.text import printable


@dataclass(frozen=True, kw_only=True, repr=False)
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
        passed, parameters = split_parameters(self.tensors)
        blocks = [wrap(f"{self.layer} {self.reads}"), axis_table(passed)]
        blocks += [problem_text(problem) for problem in self.problems]
        if self.slices:
            blocks += [self.code, slice_table(self.slices)]
        blocks.append(axis_table(parameters))
        return "\n\n".join(blocks)

    def __str__(self) -> str:
        return printable(repr(self))

    def _repr_html_(self) -> str:
        return html(
            layer=self.layer,
            reads=self.reads,
            code=self.code,
            tensors=self.tensors,
            slices=self.slices,
            problems=self.problems,
        )
