"""A report as HTML, with each axis in its colour. The template and the style sheet are in `static/`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from unrolled.diagnosis.problem import Problem
from unrolled.diagnosis.report_text import axes_text, size_remark, sizes_text, split_parameters
from unrolled.shapes import AXES, Slice, TensorShape

if TYPE_CHECKING:  # comes with torch; the package is imported where neither is
    from jinja2 import Template
    from markupsafe import Markup


def html(
    *,
    layer: str,
    reads: str,
    code: str,
    tensors: Sequence[TensorShape],
    slices: Sequence[Slice],
    problems: Sequence[Problem],
) -> str:
    """The report as one element that changes nothing else on the page; for the arguments see `Report`."""
    passed, parameters = split_parameters(tensors)
    return _template().render(
        layer=layer,
        reads=reads,
        code_lines=code.splitlines(),
        passed=passed,
        parameters=parameters,
        slices=slices,
        problems=problems,
        style=_style(),
    )


@cache
def _template() -> Template:
    """The template of a report: everything that it is given is escaped."""
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    environment.filters |= {
        "axes": _axes,
        "axes_text": axes_text,
        "sizes": lambda shape: sizes_text(shape, shape.expected if shape.sizes is None else shape.sizes),
        "remark": size_remark,
        "error_name": lambda error: type(error).__name__,
    }
    return environment.from_string(_static("report.html.jinja"))


def _axes(text: str) -> Markup:
    """Escaped text with each axis symbol in its colour."""
    from markupsafe import Markup, escape

    symbols = "|".join(sorted(AXES, key=len, reverse=True))
    chip = r'<span class="axis axis-\1">\1</span>'
    return Markup(re.sub(rf"(?<![\w.])({symbols})(?!\w)", chip, str(escape(text))))  # escaped just before


@cache
def _style() -> Markup:
    """The look of a report, without the comments of its style sheet."""
    from markupsafe import Markup

    return Markup(re.sub(r"/\*.*?\*/\n?", "", _static("report.css"), flags=re.S).strip())  # the package's own file


def _static(name: str) -> str:
    return files("unrolled").joinpath("diagnosis", "static", name).read_text(encoding="utf-8")
