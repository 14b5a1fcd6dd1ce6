"""What is wrong with the arguments of a recurrent layer's constructor, or with the number of those of its call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from unrolled.diagnosis.problem import Problem
from unrolled.shapes import Layer


def construction_problem(kind: str, arguments: Mapping[str, Any]) -> Problem | None:
    """What is wrong with the arguments of a recurrent layer's constructor, given its local names."""
    keywords = arguments.get("kwargs", {})
    names = [field.name for field in fields(Layer) if field.name in arguments or field.name in keywords]
    values = {name: arguments.get(name, keywords.get(name)) for name in names}
    values |= dict(zip(("input_size", "hidden_size", "num_layers"), arguments.get("args", ()), strict=False))
    if not {"input_size", "hidden_size"} <= set(values):
        return None
    layer = Layer(kind, **values)
    if isinstance(layer.dropout, bool) or not 0 <= layer.dropout <= 1:
        return _no_probability(layer)
    if layer.proj_size and kind != "LSTM":
        return Problem(
            code="projection-without-lstm",
            raises=ValueError("proj_size argument is only supported for LSTM, not RNN or GRU"),
            message=f"nn.{kind} has no proj_size: the H_out of h_n is hidden_size.",
            why="Only an LSTM projects its hidden state. Put nn.Linear after the layer instead.",
            fix=f"module = {layer.source(proj_size=0)}",
            tensor="h_n",
            axis="H_out",
        )
    if layer.proj_size >= layer.hidden_size:
        return Problem(
            code="projection-too-wide",
            raises=ValueError("proj_size has to be smaller than hidden_size"),
            message=f"proj_size={layer.proj_size} is the H_out of h_n; it must be below "
            f"hidden_size={layer.hidden_size}.",
            why="A projection makes the hidden state narrower. Leave proj_size out to keep its width.",
            fix=f"module = {layer.source(proj_size=0)}",
            tensor="h_n",
            axis="H_out",
        )
    if layer.dropout and layer.num_layers == 1:
        return one_layer_dropout(layer, UserWarning("dropout option adds dropout after all but last recurrent layer"))
    return None


def _no_probability(layer: Layer) -> Problem:
    """A dropout that is a switch, or a percentage, or a number of something."""
    given: object = layer.dropout
    repaired = 0.5
    why = "dropout is the probability with which each number between two layers becomes zero, such as 0.5."
    if given is False:
        repaired = 0.0
    elif given is not True and 1 < layer.dropout < 100:
        repaired = layer.dropout / 100
        why += " A percentage is divided by 100."
    return Problem(
        code="dropout-no-probability",
        raises=ValueError("dropout should be a number in range [0, 1]"),
        message=f"dropout={given} is no probability.",
        why=why,
        fix=f"module = {layer.source(dropout=repaired)}",
        tensor="output",
    )


def arguments_problem(
    layer: Layer, *, names: Sequence[str], input: str, module: str, targets: str, raises: Exception
) -> Problem | None:
    """A call with more arguments than two, or with a state by another name than hx.

    `names` are what your code calls the states, `targets` what it assigns the results to.
    """
    if not names:
        return None
    results = "(hn, cn)" if layer.has_cell_state else "hn"
    default = results.strip("()") if layer.is_cell else f"output, {results}"
    state, takes = names[0], "one tensor, h_0"
    if layer.has_cell_state:
        takes = "the pair (h_0, c_0)"
        state = f"({names[0]}, {names[1] if len(names) > 1 else f'torch.zeros_like({names[0]})'})"
    return Problem(
        code="call-arguments",
        raises=raises,
        message=f"nn.{layer.kind} takes two arguments: input, and hx.",
        why=f"hx is one argument, {takes}. It is given by its place, or as hx=….",
        fix=f"{targets or default} = {module}({input}, {state})",
        tensor="h_0",
    )


def one_layer_dropout(layer: Layer, raises: Exception | None = None) -> Problem:
    """Dropout in a layer that has nothing above it; `raises` where a warning is an error."""
    return Problem(
        code="dropout-one-layer",
        raises=raises,
        message=f"dropout={layer.dropout} does nothing to output: there is one layer.",
        why="dropout acts between layers, not after the last. Put nn.Dropout after the layer if you want it.",
        fix=f"module = {layer.source(dropout=0.0)}",
        tensor="output",
    )
