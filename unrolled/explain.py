"""A report on one call of a recurrent layer: its tensors axis by axis, its slices, its problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from textwrap import fill
from typing import TYPE_CHECKING

from unrolled.shapes import AXES, Call, Layer, Sizes, Slice, TensorShape, counted, slices

if TYPE_CHECKING:  # the package is imported where there is no torch
    import torch

    from unrolled.problems import Problem

UNKNOWN_TEXT = "Here are the axes. The text is none that is known for them, so no cause is named."
WIDTH = 100
"""The widest line of a report or a note, in columns."""


@dataclass(frozen=True)
class Report:
    """What `explain` found. `print` shows it as text, a notebook as HTML."""

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

    def __str__(self) -> str:
        passed, parameters = _apart(self.tensors)
        parts = [_wrap(f"{self.layer} {self.reads}"), axis_table(passed)]
        parts += [problem_text(problem) for problem in self.problems]
        if self.slices:
            parts += [self.code, _slice_table(self.slices)]
        parts.append(axis_table(parameters))
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        return _html(self)


def explain(module: torch.nn.Module, input: object, hx: object = None, lengths: object = None) -> Report:
    """Report on `module(input, hx)` without running it.

    Args:
        module: an `nn.RNN`, `nn.LSTM`, `nn.GRU` or one of their cells.
        input: (L, N, H_in), (N, L, H_in) with `batch_first=True`, (L, H_in), or a `PackedSequence`;
            for a cell (N, H_in) or (H_in). Anything else becomes a problem, not an exception.
        hx: h_0, or for an LSTM the pair (h_0, c_0).
        lengths: the number of time steps of each sample of a padded input; the report is then about
            packing it (`enforce_sorted=False`), running it, and padding the result back. A
            `PackedSequence` brings its own, and a cell has none.

    Raises:
        TypeError: `module` is not a recurrent layer.
    """
    from unrolled.lengths import data_problem, pack_problems
    from unrolled.problems import read

    layer = Layer.of(module)
    call = read(layer, input)
    problems = call_problems(module, input, hx, packs=lengths is not None)
    packs = lengths is not None and call.form == "batched" and call.N is not None
    if packs:
        wrong = pack_problems(input, lengths, layer.batch_first, enforce_sorted=False)
        problems += wrong or filter(None, [data_problem(call, input, lengths)])
    found = slices(call, ragged=packs or call.form == "packed")
    return Report(
        layer.source(),
        _reads(call),
        _code(call, hx is not None, packs),
        tuple(call_tensors(call, input, hx) + _parameters(layer, module)),
        tuple(found),
        tuple(problems),
    )


def call_problems(module: torch.nn.Module, input: object, hx: object = None, packs: bool = False) -> list[Problem]:
    """What is wrong with `module(input, hx)`: what PyTorch raises, in the order of its checks, then the rest."""
    from unrolled import problems as rules
    from unrolled.lengths import input_steps, padding_problem, swapped_padding_problem
    from unrolled.states import state_problems

    layer = Layer.of(module)
    call = rules.read(layer, input)
    wrong_axes = rules.input_axes(layer, call, input)
    if wrong_axes:
        return [wrong_axes]
    data, weight = input.data, next(module.parameters())
    states = state_problems(call, input, hx, weight)
    features = list(rules.input_features(layer, call, data, alone=hx is None))
    if rules.are_ids(layer, call, data):
        features = []  # the axis H_in comes with the embedding, which the problem of the dtype asks for
    dtype = list(rules.input_dtype(layer, call, data, weight))
    if layer.is_cell:
        first = [problem for problem in states if not isinstance(problem.raises, RuntimeError | None)]
        checked = first + features + [problem for problem in states if problem not in first] + dtype
    else:
        first = [problem for problem in states if problem.code in ("state-type", "state-pair", "state-axes")]
        checked = first + dtype + features + [problem for problem in states if problem not in first]
    checked += rules.input_device(data, weight)
    checked += input_steps(layer, call, data)
    padding = swapped_padding_problem(call, data) or (None if packs else padding_problem(call, data))
    if padding is not None and not any(problem.code == padding.code for problem in checked):
        checked.append(padding)
    return checked + list(rules.silent_problems(module, call, data, hx, packs))


def call_tensors(call: Call, input: object, hx: object = None) -> list[TensorShape]:
    """The tensors of a call with the sizes of those that are given."""
    from unrolled.problems import has_sizes
    from unrolled.states import initial_states

    given = {shape.name: shape.sizes for shape in initial_states(call, hx)}
    if has_sizes(input):
        given["input"] = given["input.data"] = tuple(input.data.shape)
    return [TensorShape(shape.name, shape.axes, given.get(shape.name)) for shape in call.tensors()]


def _parameters(layer: Layer, module: torch.nn.Module) -> list[TensorShape]:
    sizes = {name: tuple(parameter.shape) for name, parameter in module.named_parameters()}
    return [TensorShape(shape.name, shape.axes, sizes.get(shape.name)) for shape in layer.parameters()]


def _reads(call: Call) -> str:
    if call.layer.is_cell:
        return "reads one time step" + (f" of N = {counted(call.N, 'sample')}." if call.N is not None else ".")
    if call.form == "unbatched":
        return f"reads one sequence: axis 0 is L = {counted(call.L, 'time step')}, and there is no axis N."
    if call.N is None:
        return "reads (N, L, H_in)." if call.layer.batch_first else "reads (L, N, H_in)."
    N, L = f"N = {counted(call.N, 'sample')}", f"L = {counted(call.L, 'time step')}"
    if call.form == "packed":
        return f"reads a packed batch: {N}, {L} at most."
    if call.layer.batch_first:
        return f"reads a batch: axis 0 is {N}, axis 1 is {L}."
    return f"reads a batch: axis 0 is {L}, axis 1 is {N} (batch_first=False)."


def _code(call: Call, given: bool, packs: bool) -> str:
    first = ", batch_first=True" if call.layer.batch_first else ""
    results = "output, (hn, cn)" if call.layer.has_cell_state else "output, hn"
    if call.layer.is_cell:
        results = "hn, cn" if call.layer.has_cell_state else "hn"
    source = "packed" if packs else "input"
    lines = [f"{results} = module({source}, hx)" if given else f"{results} = module({source})"]
    if packs:
        lines.insert(0, f"packed = pack_padded_sequence(input, lengths{first}, enforce_sorted=False)")
    if packs or call.form == "packed":
        lines.append(f"output, lengths = pad_packed_sequence(output{first}, total_length={call.L})")
    return "\n".join(lines)


def _apart(tensors: Sequence[TensorShape]) -> tuple[list[TensorShape], list[TensorShape]]:
    """The tensors of the call, and the parameters."""
    parameters = [shape for shape in tensors if shape.name.startswith(("weight_", "bias_"))]
    return [shape for shape in tensors if shape not in parameters], parameters


def sizes_text(shape: TensorShape, sizes: Sizes) -> str:
    """`"(2, L, 5)"`: a size that is not known shows as its axis."""
    names = [axis.name for axis in shape.axes] if len(sizes) == len(shape.axes) else []
    known = [str(names[at] if size is None else size) for at, size in enumerate(sizes)]
    return f"({', '.join(known)}{',' if len(known) == 1 else ''})"


def axes_text(shape: TensorShape) -> str:
    """`"(N, L, H_in)"`."""
    return f"({', '.join(axis.name for axis in shape.axes)})"


def _verdict(shape: TensorShape) -> str:
    if shape.wrong:
        return f"needs {sizes_text(shape, shape.expected)}"
    return "not given: zeros" if shape.sizes is None and shape.name in ("h_0", "c_0") else ""


def axis_table(tensors: Sequence[TensorShape]) -> str:
    """Tensors, their axes by name, their sizes, and which of them break the rules."""
    rows = [["tensor", "axes", "sizes", ""]]
    for shape in tensors:
        sizes = sizes_text(shape, shape.expected if shape.sizes is None else shape.sizes)
        rows.append([shape.name, axes_text(shape), sizes, "<- " * shape.wrong + _verdict(shape)])
    legend = "; ".join(f"{name}: {meaning}" for name, meaning in _legend(tensors).items())
    return _columns(rows) + (f"\n{_wrap(legend)}" if legend else "")


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


def problem_text(problem: Problem) -> str:
    """A problem in four lines: what, what is raised, why, and the fix."""
    if problem.raises is not None:
        kind = f"raises {type(problem.raises).__name__}"
    else:
        kind = "raises nothing" if problem.likely else "raises nothing; right if you mean it"
    maybe = "" if problem.likely else "maybe: "
    what = _wrap(f"{maybe}{problem.message} [{problem.code}: {kind}]")
    return "\n".join([what, _wrap(f"why: {problem.why}", "  "), _wrap(f"fix: {problem.fix}", "  ")])


def note_text(error: BaseException, heading: str, tensors: Sequence[TensorShape], problems: Iterable[Problem]) -> str:
    """The note: the problem that raises this very error, or the axes alone when the wording is unknown."""
    problem = next((problem for problem in problems if problem.is_raised_as(error)), None)
    table = f"\n{axis_table(tensors)}" if tensors else ""
    if problem is None:
        return f"{UNKNOWN_TEXT}\n{heading}{table}"
    return f"{problem_text(problem)}\n{heading}{table}"


def _columns(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def _wrap(text: str, indent: str = "") -> str:
    return fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent + "  ", break_on_hyphens=False)


@cache
def _style() -> str:
    """The colours of the site for a report alone: nothing else on the page changes.

    Where the page does not say whether it is light or dark, the reader's system does, and the report brings
    its own ground.
    """
    scope = ".unrolled-report"
    css = re.sub(r"/\*.*?\*/", "", files("unrolled").joinpath("static/axes.css").read_text(encoding="utf-8"), flags=re.S)
    rules, dark = [], ""
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", css):
        each = re.split(r",\s*(?![^()]*\))", selectors.strip())
        if each[0].startswith(":root["):
            dark = body
        scoped = [scope if one == ":root" else f"{one} {scope}" if one.startswith(":root") else f"{scope} {one}" for one in each]
        rules.append(f"{', '.join(scoped)} {{{body}}}")
    silent = ":root:not([data-theme]):not([theme]):not(:has(> body[data-jp-theme-light]))"
    ground = "  color-scheme: dark;\n  background: Canvas;\n  color: CanvasText;\n"
    rules.append(f"@media (prefers-color-scheme: dark) {{ {silent} {scope} {{{dark}{ground}}} }}")
    rules.append(f"{scope} .unrolled-scroll {{ overflow-x: auto; }}")
    return "\n".join(rules)


def _chips(text: str) -> str:
    """Escaped text with each axis symbol in its colour."""
    symbols = "|".join(sorted(AXES, key=len, reverse=True))
    return re.sub(
        rf"(?<![\w.])({symbols})(?!\w)", r'<span class="axis axis-\1">\1</span>', escape(text, quote=False)
    )


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table whose cells are HTML; the first cell of each row names it."""
    columns = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{row[0]}</th>' + "".join(f"<td>{cell}</td>" for cell in row[1:]) + "</tr>"
        for row in rows
    )
    table = f"<table><caption>{caption}</caption><thead><tr>{columns}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="unrolled-scroll">{table}</div>'


def _code_html(text: str) -> str:
    return f"<code>{escape(text, quote=False)}</code>"


def _html(report: Report) -> str:
    passed, parameters = _apart(report.tensors)
    caption = f"{_code_html(report.layer)} {_chips(report.reads)}"
    parts = [f"<style>{_style()}</style>", _tensor_table(caption, passed)]
    if report.problems:
        rows = []
        for problem in report.problems:
            raised = "nothing" if problem.raises is None else _code_html(type(problem.raises).__name__)
            words = ["Maybe:"] * (not problem.likely) + [problem.message, problem.why]
            words += ["Right if you mean it."] * (not problem.likely)
            rows.append([_code_html(problem.code), raised, _chips(" ".join(words)), _code_html(problem.fix)])
        parts.append(_table("Problems", ["problem", "PyTorch raises", "what and why", "fix"], rows))
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
        parts.append(_table(caption, ["slice", "shape", "what it is", "equals"], rows))
    parts.append(_tensor_table("Parameters", parameters))
    return f'<div class="unrolled-report">{"".join(parts)}</div>'


def _tensor_table(caption: str, tensors: Sequence[TensorShape]) -> str:
    rows = []
    for shape in tensors:
        meanings = ", ".join(axis.meaning for axis in shape.axes)
        sizes = sizes_text(shape, shape.expected if shape.sizes is None else shape.sizes)
        verdict = escape(_verdict(shape))
        rows.append(
            [
                _code_html(shape.name),
                _chips(axes_text(shape)),
                meanings,
                sizes,
                f"<strong>{verdict}</strong>" if shape.wrong else verdict,
            ]
        )
    return _table(caption, ["tensor", "axes", "meaning", "sizes", "note"], rows)
