"""The expression line gives what Python and PyTorch give, to the character, or says what it does not know.

Torch is the only oracle: every expression is also evaluated by Python itself, over tensors with the same values and
the same strides. A failing example prints the expression and the tensors.
"""

# ruff: noqa: PT017 (a random expression may give a value or an error, and both are compared)
from __future__ import annotations

import ast
import itertools
import re
from typing import Any

import numpy as np
import pytest
import torch
from engine_bridge import EngineError, ask, examples, numbers, show
from engine_specs import CONSTRUCTOR, Spec, build, specs, tensor
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

# PyTorch mentions the slower code that it runs then.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

Tensors = dict[str, Tensor]

# What depends on how the result of arithmetic on a transposed tensor lies in memory.
NOT_MODELLED = "not modelled"


# Both sides


def python(text: str, tensors: Tensors) -> Any:
    """Python's value of the last line, or what it assigns. Only lines that a test has made come here."""
    names = {
        "__builtins__": {"len": len, "range": range, "float": float, "__import__": __import__},
        "torch": torch,
        **tensors,
    }
    program = ast.parse(text.strip(" "))
    last = program.body[-1]
    named = ast.Name("_value", ast.Store())
    first = ast.Assign([named, *(last.targets if isinstance(last, ast.Assign) else [])], last.value)
    program.body[-1] = first
    exec(compile(ast.fix_missing_locations(program), "line", "exec"), names)
    return names["_value"]


def engine(text: str, tensors: Tensors) -> dict[str, Any]:
    bases = {
        name: {
            "shape": list(value.shape),
            "data": numbers(value.flatten().tolist()),
            **({} if value.is_contiguous() else {"strides": value.stride()}),
        }
        for name, value in tensors.items()
    }
    show("expression", text)
    show("tensors", bases)
    return ask("evaluate", text=text, tensors=bases)


def assert_same_outcome(text: str, tensors: Tensors) -> None:
    """The same printed text and shape; or the same exception with the same text."""
    try:
        theirs = python(text, tensors)
    except Exception as error:
        with pytest.raises(EngineError) as ours:
            engine(text, tensors)
        if ours.value.type is not None:
            assert (ours.value.type, str(ours.value)) == (type(error).__name__, str(error))
        return
    try:
        ours = engine(text, tensors)
    except EngineError as error:
        assert error.type is None, f"{error} instead of\n{theirs}"
        assert NOT_MODELLED in str(error), f"{error} instead of\n{theirs}"
        return
    assert ours["text"] == str(theirs)
    assert ours["shape"] == (list(theirs.shape) if isinstance(theirs, Tensor) else None)


# Tensors and expressions


@st.composite
def scopes(draw: st.DrawFn) -> Tensors:
    """The tensors of a small module: sums and products of their values are exact, and some values are equal."""
    N, L, H, rows = (draw(st.integers(1, 3)) for _ in range(4))
    generator = np.random.default_rng(draw(st.integers(0, 999)))

    def quarters(*shape: int) -> Tensor:
        return torch.tensor(generator.integers(-6, 7, shape) / 4, dtype=torch.float32)

    if draw(st.booleans()):
        output = quarters(L, N, H).transpose(0, 1)
        x = quarters(N, L, draw(st.integers(1, 3)))
    else:
        output, x = quarters(L, N, H), quarters(L, N, draw(st.integers(1, 3)))
    hn = quarters(rows, N, H)
    hn[-1] = output[:, -1] if output.shape[0] == N else output[-1]
    return {"x": x, "h0": quarters(rows, N, H), "output": output, "hn": hn}


@st.composite
def expressions(draw: st.DrawFn, tensors: Tensors, steps: int = 4, ops: tuple[str, ...] | None = None) -> str:
    """A chain of operations, most of which fit the tensor so far."""
    text = draw(st.sampled_from(sorted(tensors)))
    for _ in range(draw(st.integers(0, steps))):
        try:
            value = python(text, tensors)
        except Exception:
            break
        if not isinstance(value, Tensor):
            break
        op = draw(st.sampled_from(ops or sorted(OPS)))
        text = draw(OPS[op](text, value, tensors))
    return text


def dims(value: Tensor) -> st.SearchStrategy[int]:
    rank = max(value.dim(), 1)
    return st.integers(-rank, rank - 1) | st.integers(-4, 4)


def places(length: int) -> st.SearchStrategy[int]:
    return st.integers(-length, length - 1) if length else st.integers(-1, 1)


@st.composite
def indexed(draw: st.DrawFn, text: str, value: Tensor, _: Tensors) -> str:
    entries, dim = [], 0
    for _ in range(draw(st.integers(1, max(value.dim(), 1) + 1))):
        length = value.shape[dim] if dim < value.dim() else 2
        end = st.none() | places(length + 1)
        match draw(st.sampled_from(["integer", "integer", "slice", "slice", ":", "...", "None", "far"])):
            case "integer":
                entries.append(str(draw(places(length))))
            case "slice":
                start, stop, step = draw(end), draw(end), draw(st.none() | st.integers(1, 3) | st.integers(-1, 1))
                shown = ["" if part is None else str(part) for part in (start, stop, step)]
                entries.append(":".join(shown[: 2 if step is None else 3]))
            case "far":
                entries.append(str(draw(st.integers(-5, 5))))
            case other:
                entries.append(other)
        dim += entries[-1] not in ("...", "None")
    assume(entries.count("...") <= 1)
    trailing = draw(st.sampled_from(["", "", ","]))
    return f"{text}[{', '.join(entries)}{trailing}]"


@st.composite
def reshaped(draw: st.DrawFn, text: str, value: Tensor, _: Tensors) -> str:
    shape = list(draw(st.permutations(factors(value.numel())))) if value.numel() else [0, 2]
    while len(shape) > 1 and draw(st.booleans()):
        shape[:2] = [shape[0] * shape[1]]
    if draw(st.booleans()):
        shape.insert(draw(st.integers(0, len(shape))), 1)
    if shape and draw(st.booleans()):
        shape[draw(st.integers(0, len(shape) - 1))] = draw(st.sampled_from([-1, -1, 2, -2]))
    sizes = ", ".join(map(str, shape))
    arguments = [f"{sizes}", f"({sizes},)"] if shape else ["()", "[]"]
    return f"{text}.{draw(st.sampled_from(['view', 'reshape']))}({draw(st.sampled_from(arguments))})"


def factors(count: int) -> list[int]:
    found, rest = [], count
    for factor in (2, 3, 5, 7):
        while rest % factor == 0:
            found.append(factor)
            rest //= factor
    return found if rest == 1 else [count]


@st.composite
def moved(draw: st.DrawFn, text: str, value: Tensor, _: Tensors) -> str:
    dim = dims(value)
    order = draw(st.permutations(range(value.dim())))
    if draw(st.booleans()):
        order = [place - value.dim() for place in order]
    return text + draw(
        st.sampled_from(
            [
                f".transpose({draw(dim)}, {draw(dim)})",
                f".transpose(dim0={draw(dim)}, dim1={draw(dim)})",
                f".permute({', '.join(map(str, order))})" if order else ".permute(())",
                f".permute({draw(dim)}, {draw(dim)}, {draw(dim)})",
                ".squeeze()",
                f".squeeze({draw(dim)})",
                f".squeeze(({draw(dim)}, {draw(dim)}))",
                f".unsqueeze({draw(st.integers(-value.dim() - 1, value.dim()) | dim)})",
                ".flatten()",
                f".flatten({draw(dim)}, {draw(dim)})",
                f".flatten(start_dim={draw(dim)})",
                ".contiguous()",
            ]
        )
    )


@st.composite
def joined(draw: st.DrawFn, text: str, value: Tensor, tensors: Tensors) -> str:
    other = draw(partners(text, tensors))
    function = draw(st.sampled_from(["cat", "stack"]))
    dim = draw(st.sampled_from(["", f", {draw(dims(value))}", f", dim={draw(dims(value))}"]))
    return f"torch.{function}(({text}, {other}){dim})"


def partners(text: str, tensors: Tensors) -> st.SearchStrategy[str]:
    """Something of the same shape, often, and of another, sometimes."""
    same = [text, f"{text}.abs()", f"({text} == {text})", f"{text}[:1]"]
    return st.sampled_from([*same, *sorted(tensors)])


@st.composite
def operated(draw: st.DrawFn, text: str, value: Tensor, tensors: Tensors) -> str:
    operator = draw(st.sampled_from(["+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">="]))
    number = st.sampled_from(["0", "1", "-2", "3", "0.5", "0.1", "1e40", "True", "16777217"])
    other = draw(partners(text, tensors) | number)
    left, right = (text, other) if draw(st.booleans()) else (other, text)
    return f"({left} {operator} {right})"


@st.composite
def reduced(draw: st.DrawFn, text: str, value: Tensor, _: Tensors) -> str:
    name = draw(st.sampled_from(["sum", "mean", "all", "any", "max", "min"]))
    # A sum is rounded once here and often in PyTorch: the same only if it needs no rounding.
    if name in ("sum", "mean") and value.is_floating_point():
        assume(bool((value.abs() < 2**12).all()) and bool((value * 64 == (value * 64).round()).all()))
    if name in ("max", "min"):
        return f"{text}.{name}()"
    dim = draw(dims(value))
    pair = f"({dim}, {draw(dims(value))})"
    arguments = ["", f"{dim}", f"dim={dim}", pair, f"{dim}, True", f"{dim}, keepdim=True", "()", "None"]
    return f"{text}.{name}({draw(st.sampled_from(arguments))})"


@st.composite
def signed(draw: st.DrawFn, text: str, value: Tensor, _: Tensors) -> str:
    return draw(st.sampled_from([f"(-{text})", f"(+{text})", f"{text}.abs()"]))


@st.composite
def asked(draw: st.DrawFn, text: str, value: Tensor, tensors: Tensors) -> str:
    """What gives no tensor."""
    other = draw(partners(text, tensors) | st.sampled_from(["1", "None"]))
    rtol = draw(st.sampled_from(["", ", rtol=0.5", ", 0.1, 0.2", ", atol=1", ", equal_nan=True", ", rtol=-1"]))
    return draw(
        st.sampled_from(
            [
                f"torch.equal({text}, {other})",
                f"torch.allclose({text}, {other}{rtol})",
                f"{text}.shape",
                f"{text}.shape[{draw(st.integers(-4, 3))}]",
                f"{text}.shape[{draw(st.sampled_from(['1:', ':-1', '::2']))}]",
                f"{text}.shape == {other}.shape" if other not in ("1", "None") else f"{text}.ndim",
                f"{text}.shape != torch.Size({list(value.shape)})",
                f"{text}.shape == {tuple(value.shape)}",
                f"{text}.size()",
                f"{text}.size({draw(dims(value))})",
                f"{text}.dim() - {text}.numel() / 4",
                f"{text}.item()",
                f"{text}.is_contiguous()",
                f"({text}, {text}.shape)",
                f"[{text}.ndim, True]",
                f"{text}, ",
                f"{text}.equal({text})",
                f"len({text})",
                f"{text}.tolist()",
                f"{text}.dtype",
                f"torch.mean({text}.float()) == {text}.float().mean()",
                f"a = {text}; a.shape",
            ]
        )
    )


def lists(value: list[Any]) -> str:
    return str(value)


@st.composite
def chosen(draw: st.DrawFn, text: str, value: Tensor, _: Tensors) -> str:
    """Indices that are tensors, lists and masks, and `gather`."""
    lengths = list(value.shape) or [1]
    dim = draw(st.integers(0, len(lengths) - 1))
    count = draw(st.integers(1, 3))

    def index_of(length: int) -> str:
        places_of = draw(st.lists(places(length) | st.integers(-4, 4), min_size=count, max_size=count))
        form = draw(st.sampled_from(["{}", "torch.tensor({})", "torch.tensor({})[:, None]", "range({n})"]))
        return form.format(places_of, n=min(count, length))

    before = [draw(st.sampled_from([":", "0", ":", "None"])) for _ in range(dim)]
    after = [draw(st.sampled_from([":", "...", index_of(length), "-1"])) for length in lengths[dim + 1 : dim + 2]]
    mask = draw(st.sampled_from([f"{text} > 0", f"{text}[0] > 0", f"{text} == {text}", "x > 0"]))
    shape = [draw(st.integers(1, max(length, 1))) for length in lengths]
    count_of = torch.Size(shape).numel()
    index = draw(st.lists(st.integers(0, max(max(lengths) - 1, 0)), min_size=count_of, max_size=count_of))
    return draw(
        st.sampled_from(
            [
                f"{text}[{', '.join([*before, index_of(lengths[dim]), *after])}]",
                f"{text}[{', '.join([*before, index_of(lengths[dim])])}]",
                f"{text}[{mask}]",
                f"{text}.gather({draw(dims(value))}, torch.tensor({index}).view({', '.join(map(str, shape))}))",
            ]
        )
    )


@st.composite
def parted(draw: st.DrawFn, text: str, value: Tensor, _: Tensors) -> str:
    dim = draw(dims(value))
    part = draw(st.sampled_from(["", "", "[0]", "[-1]"]))
    sizes = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3))
    return draw(
        st.sampled_from(
            [
                f"{text}.chunk({draw(st.integers(1, 4))}, {dim}){part}",
                f"{text}.split({draw(st.integers(0, 3))}, dim={dim}){part}",
                f"{text}.split({sizes}, {dim}){part}",
                f"{text}.unbind({dim}){part}",
                f"a, b = {text}.unbind({dim}); b",
                f"torch.unbind({text})",
                f"{text}.flip({dim})",
                f"{text}.flip({dim}, {draw(dims(value))})",
                f"{text}.expand({', '.join(map(str, [2, *value.shape]))})",
                f"{text}.expand({', '.join(['-1'] * max(value.dim(), 1))})",
                f"{text}.T" if value.dim() == 2 else f"{text}[None]",
                f"len({text})",
            ]
        )
    )


@st.composite
def multiplied(draw: st.DrawFn, text: str, value: Tensor, tensors: Tensors) -> str:
    other = draw(st.sampled_from(sorted(tensors)))
    theirs = tensors[other]
    if value.is_floating_point():
        assume(bool((value.abs() < 2**8).all()) and bool((value * 64 == (value * 64).round()).all()))
    ours = "ijkl"[: value.dim()]
    letters = "".join(draw(st.sampled_from("ijkm")) for _ in range(theirs.dim()))
    kept = "".join(letter for letter in dict.fromkeys(ours + letters) if draw(st.booleans()))
    arrow = draw(st.sampled_from([f"->{kept}", f"->{kept}", ""]))
    return draw(
        st.sampled_from(
            [
                f"{text} @ {other}",
                f"{text} @ {other}.transpose(-1, -2)",
                f"{text}.matmul({other}[0, 0])",
                f"torch.matmul({text}, {other}[0].T)",
                f'torch.einsum("{ours},{letters}{arrow}", {text}, {other})',
                f'torch.einsum("{ours}->{ours[::-1]}", {text})',
            ]
        )
    )


@st.composite
def masked(draw: st.DrawFn, text: str, value: Tensor, tensors: Tensors) -> str:
    other = draw(partners(text, tensors))
    operator = draw(st.sampled_from(["&", "|"]))
    number = draw(st.sampled_from(["0", "1.5", "-torch.inf"]))
    return draw(
        st.sampled_from(
            [
                f"(({text} > 0) {operator} ~({other} > 1))",
                f"~{text}",
                f"({text} {operator} {other})",
                f"torch.where({text} > 0, {text}, {other})",
                f"torch.where({text} > 0, {number}, {text})",
                f"torch.where({text}, {text}, {text})",
                f"{text}.float().masked_fill({other} > 0, {number})",
                f"{text}.float()",
                f"{text}.long()",
                f"{text}.bool()",
            ]
        )
    )


@st.composite
def extreme(draw: st.DrawFn, text: str, value: Tensor, _: Tensors) -> str:
    name = draw(st.sampled_from(["max", "min"]))
    dim = draw(dims(value))
    part = draw(st.sampled_from(["", "", ".values", ".indices", "[0]"]))
    assume(value.numel() > 0)
    return draw(
        st.sampled_from(
            [
                f"{text}.{name}({dim}){part}",
                f"{text}.{name}(dim={dim}, keepdim=True){part}",
                f"torch.{name}({text}, {dim}){part}",
                f"values, indices = {text}.{name}({dim})\nindices",
                f"{text}.a{name}({dim})",
                f"{text}.a{name}(dim={dim}, keepdim=True)",
            ]
        )
    )


OPS = {
    "choose": chosen,
    "choose again": chosen,
    "part": parted,
    "multiply": multiplied,
    "mask": masked,
    "extreme": extreme,
    "index": indexed,
    "index again": indexed,
    "reshape": reshaped,
    "move": moved,
    "join": joined,
    "operate": operated,
    "reduce": reduced,
    "sign": signed,
    "ask": asked,
}
SELECTIONS = ("index", "reshape", "move", "join")


# The claims


@examples(1000)
@given(st.data())
def test_an_expression_is_worth_and_printed_as_in_pytorch(data: st.DataObject) -> None:
    tensors = data.draw(scopes())
    assert_same_outcome(data.draw(expressions(tensors)), tensors)


@pytest.mark.parametrize(
    "text",
    [
        "output[:, -1, :] == hn",
        "torch.equal(output[:, -1, :], hn[-1])",
        # A number is divided by multiplying the reciprocal, so that is rounded too.
        "(3 / x == 1 / x * 3).all()",
        # The tolerance is relative to the second tensor.
        "torch.allclose(x, x * 1.5, rtol=0.4), torch.allclose(x * 1.5, x, rtol=0.4)",
        # No dimensions are all of them here, and none of them there.
        "x.sum(()), x.mean(()), (x > 4).all(()), (x > 4).any(())",
        # The order in memory outlives arithmetic, and a concatenation of images with their channels last.
        "(x.transpose(0, 1) + 1).view(-1)",
        "torch.cat((x[None].permute(0, 3, 1, 2), x[None].permute(0, 3, 1, 2))).view(-1)",
        # Lines break at 80 characters, the size and dtype of nothing too.
        "x[:, :0], (x == x)[:0], x[:0].view(0, 100, 100, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1) == 1",
    ],
)
def test_what_chance_may_miss(text: str) -> None:
    x = torch.arange(1.0, 25).reshape(2, 3, 4)
    output = x.transpose(0, 1)
    assert_same_outcome(text, {"x": x, "output": output, "hn": output[:, -1].clone().unsqueeze(0)})


TOKENS = [
    "x",
    "hn",
    "output",
    "torch",
    ".",
    "[",
    "]",
    "(",
    ")",
    ",",
    ":",
    "...",
    "None",
    "True",
    "0",
    "1",
    "-1",
    "2.5",
    "==",
    "+",
    "-",
    "*",
    "/",
    "<",
    "=",
    "**",
    "shape",
    "equal",
    "cat",
    "view",
    "sum",
    "abs",
    "all",
    "dim",
]


@examples(500)
@given(st.lists(st.sampled_from(TOKENS), max_size=9).map(" ".join))
def test_any_tokens_at_all_get_pythons_value_or_an_error_with_a_column(text: str) -> None:
    tensors = {"x": torch.arange(24.0).reshape(2, 3, 4), "hn": torch.ones(1, 2, 3), "output": torch.zeros(2, 3, 3)}
    try:
        ours = engine(text, tensors)
    except EngineError as error:
        assert error.name == "ExpressionError"
        assert 1 <= error.column <= len(text) + 1
        if error.type is None:
            assert str(error).startswith(f"column {error.column}: ")
        else:
            with pytest.raises(Exception, match=re.escape(str(error))) as theirs:
                python(text, tensors)
            assert theirs.type.__name__ == error.type
    else:
        assert ours["text"] == str(python(text, tensors))


@examples(300)
@given(
    *[st.floats(min_value=0, allow_infinity=False) | st.integers(0, 2**20) | st.sampled_from([1e-5, 1e-4, 1e15, 1e16])]
    * 2,
    st.sampled_from(["+", "-", "*", "==", "<", "/ 3 -"]),
)
def test_plain_numbers_are_pythons(a: float, b: float, operator: str) -> None:
    assert_same_outcome(f"{a!r} {operator} -{b!r}", {"x": torch.zeros(1)})


@examples(500)
@given(st.data())
def test_a_selection_comes_from_the_cells_that_it_shows(data: st.DataObject) -> None:
    """Of a tensor that holds its own addresses, a selection shows where its elements came from."""
    tensors = data.draw(scopes())
    text = data.draw(expressions(tensors, ops=SELECTIONS))
    assume("==" not in text)
    ends = list(itertools.accumulate(value.numel() for value in tensors.values()))
    starts = dict(zip(tensors, [0, *ends[:-1]], strict=True))
    addresses = {}
    for name, value in tensors.items():
        count = starts[name] + 1 + torch.arange(value.numel(), dtype=torch.float64)
        # Of the same strides, so that .view works on both or on neither.
        addresses[name] = torch.empty_like(value, dtype=torch.float64).copy_(count.reshape(value.shape))
    try:
        expected = python(text, addresses).flatten().tolist()
    except Exception:
        return
    try:
        elements = engine(text, tensors)["elements"]
    except EngineError as error:
        assert NOT_MODELLED in str(error)
        return
    ours = [[starts[name] + 1 + index for name in cells for index in cells[name]] for cells in elements]
    assert ours == [[address] for address in expected]


@examples(150)
@given(st.data())
def test_a_computed_element_comes_from_the_cells_that_can_poison_it(data: st.DataObject) -> None:
    """A nan in one cell reaches the elements that are computed from it, and no others."""
    tensors = data.draw(scopes())
    text = data.draw(expressions(tensors, ops=(*SELECTIONS, "operate", "reduce", "sign")))
    assume(not re.search("[=<>]|all|any", re.sub("dim[01]?=|start_dim=|keepdim=", "", text)))
    try:
        clean = python(text, tensors)
        ours = engine(text, tensors)
    except Exception:
        return
    assume(not clean.isnan().any())
    for name, value in tensors.items():
        for cell in range(value.numel()):
            poisoned = value.clone()
            poisoned[np.unravel_index(cell, value.shape)] = torch.nan
            reached = python(text, tensors | {name: poisoned}).isnan().flatten().tolist()
            assert [cell in cells.get(name, []) for cells in ours["elements"]] == reached
            assert (cell in ours["cells"].get(name, [])) == any(reached)


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("torch.equal(output[:, -1], hn[-1])", {"output": [2, 3], "hn": [0, 1]}),
        ("(output[:, -1] == hn).all()", {"output": [2, 3], "hn": [0, 1]}),
        ("output[0, 0, 1].item() + 1", {"output": [1]}),
        ("(x, hn)[0]", {"x": [0]}),
        ("output.shape", {}),
    ],
)
def test_what_is_no_tensor_has_cells_too(text: str, cells: dict[str, list[int]]) -> None:
    tensors = {"x": torch.ones(1, 1, 1), "output": torch.ones(1, 2, 2), "hn": torch.ones(1, 1, 2)}
    assert engine(text, tensors)["cells"] == cells


# Printing


FLOATS = st.one_of(
    st.floats(width=32),
    st.integers(-40, 40).map(float),
    st.integers(-999, 999).map(lambda thirty_seconds: thirty_seconds / 32),
    st.integers(100_001, 999_999).map(float),
    st.floats(-2, 2, width=32),
    st.sampled_from([0.0, -0.0, np.nan, np.inf, -np.inf, 1e8, 2e8, 99999.5, 1e-4, 0.99995, 9.5367431640625e-07]),
)


@examples(500)
@given(st.lists(st.integers(0, 4), max_size=4), st.data())
def test_a_tensor_is_printed_as_pytorch_prints_it(shape: list[int], data: st.DataObject) -> None:
    count = int(np.prod(shape))
    floats = FLOATS if data.draw(st.booleans()) else data.draw(st.sampled_from(FLOATS.original_strategies))
    x = torch.tensor(data.draw(st.lists(floats, min_size=count, max_size=count))).reshape(shape)
    form = data.draw(st.sampled_from(["x", "x", "x", "(x > 0)", "(x > 0) * 3 + 9"]))
    assert_same_outcome(form, {"x": x})


@pytest.mark.parametrize(
    "values",
    [
        [0.5, 500.0],
        [0.5, 500.5],
        [1.0, 1000.0],
        [1.0, 1001.0],
        [1e8],
        [1e8 + 8],
        [1e-4],
        [9e-5],
        [-0.0],
        [0.0, np.nan],
        [2.5, np.inf, -0.0],
    ],
)
def test_a_notation_is_chosen_as_pytorch_chooses_it(values: list[float]) -> None:
    assert_same_outcome("x", {"x": torch.tensor(values)})


@pytest.mark.parametrize(
    "shape",
    [(1000,), (1001,), (2, 501), (7, 8, 20), (1000, 1), (3, 1, 400), (4, 5, 6, 9), (2000,), (500, 2), (10, 100)],
)
@pytest.mark.parametrize("scale", [1, 0.01, 1000, 1e-6])
def test_a_large_tensor_is_summarised_as_pytorch_does_it(shape: tuple[int, ...], scale: float) -> None:
    x = torch.from_numpy(np.random.default_rng(0).normal(0, scale, shape)).float()
    for form in ("x", "x > 0", "x.transpose(0, -1)", "x.sum(0) == 0"):
        assert_same_outcome(form, {"x": x})


# Through a run


@examples(60)
@given(specs())
@torch.no_grad()
def test_the_tensors_of_a_run_lie_in_memory_as_in_pytorch(spec: Spec) -> None:
    """`.view` works on them where it works in PyTorch, and h_0 is there although none was given."""
    module = build({name: spec[name] for name in ("module", "seed", *CONSTRUCTOR) if name in spec})
    x = tensor(spec["input"])
    hx = [tensor(spec[name]) for name in ("h_0", "c_0") if name in spec]
    packed = "lengths" in spec
    input = x
    if packed:
        input = torch.nn.utils.rnn.pack_padded_sequence(x, spec["lengths"], module.batch_first, enforce_sorted=False)
    output, final = module(input, None if not hx else tuple(hx) if len(hx) == 2 else hx[0])
    if packed:
        L = x.size(1 if module.batch_first else 0)
        output, _ = torch.nn.utils.rnn.pad_packed_sequence(output, module.batch_first, total_length=L)
    hn, *cn = final if isinstance(final, tuple) else (final,)
    show("spec", spec)
    names = {"x": x, "h0": hn, "output": output, "hn": hn} | ({"c0": cn[0], "cn": cn[0]} if cn else {})
    for name, value in names.items():
        assert ask("evaluateRun", text=f"{name}.shape", spec=spec)["text"] == str(value.shape)
        assert ask("evaluateRun", text=f"{name}.is_contiguous()", spec=spec)["text"] == str(value.is_contiguous())
    same = ask("evaluateRun", text="torch.equal(output[0], output[0]), hn == hn", spec=spec)["text"]
    assert same == f"(True, {hn == hn})"


# Hostile lines


HOSTILE = [
    "",
    " ",
    "<img src=x onerror=alert(1)>",
    "x" * 5000,
    "(" * 900,
    "[" * 999,
    "-" * 999 + "1",
    "x" + "[0" * 400,
    "x" + "[None]" * 160,
    "x" + ".abs()" * 160,
    "x+" * 400 + "x",
    "x.view(" + "1," * 400 + "-1)",
    "x.view(0x10)",
    "x.constructor",
    "x.__proto__",
    "x.constructor('alert(1)')()",
    "torch.constructor(x)",
    "__proto__",
    "constructor",
    "torch.__proto__",
    "x.sum(__proto__=1)",
    "x.view(constructor=1)",
    "x.sum(elements=1)",
    "9" * 400,
    "1e999 * x",
    "x[" + "9" * 30 + "]",
    "x[:, :0].view(0, 99999999999)",
    "x[:, :0].view(0, 2000000000).sum(0)",
    "x[:, :0].view(0, " + "10000000, " * 6 + "1)",
    "torch.cat((" + "x," * 400 + "))",
    "(x.unsqueeze(0) * x.view(-1, 1, 1, 1))" + " * x.view(-1, 1, 1, 1, 1)" * 9,
    "(" + "x.sum() + " * 80 + "x)",
    "(" + "x, " * 300 + ")",
    "x[0]\nx[1]",
    "eval('1')",
    "x = 1",
    "lambda: x",
    "ｘ[0]",
    "\u0000",
    "x[0, 0, 0].item().item",
    "[[[[1]]]] == x",
    "((1,),) == ((x,),)",
    "x @ x",
    "not x",
    "1 < 2 < 3",
    "01 + 1",
    "1_0",
    "x[[0]]",
    "x[x > 0]",
    "x[True]",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_line_gets_a_value_or_an_error_and_nothing_else(text: str) -> None:
    x = torch.arange(24.0).reshape(2, 3, 4)
    try:
        ours = engine(text, {"x": x})
    except EngineError as error:
        assert error.name == "ExpressionError"
        assert 1 <= error.column <= len(text) + 1
    else:
        assert ours["text"] == str(python(text, {"x": x}))


@pytest.mark.parametrize("text", ["x" + " + x" * 9, "x * x.view(-1, 1)", "(" + "x.view(-1, 1), " * 25 + ")"])
def test_a_line_that_takes_too_long_is_refused(text: str) -> None:
    x = torch.ones(1000 if "view" in text else 50_000)
    with pytest.raises(EngineError, match=r"too large|too many values") as refused:
        engine(text, {"x": x})
    assert refused.value.name == "ExpressionError"


def test_print_is_told_that_it_is_not_needed() -> None:
    with pytest.raises(EngineError, match="column 2: leave print away") as refused:
        engine(" print(x)", {"x": torch.ones(2)})
    assert refused.value.column == 2
