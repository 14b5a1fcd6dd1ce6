"""How one number of a state was computed: torch computes the same gates, and everything adds up as it is written."""

from __future__ import annotations

from decimal import Decimal
from math import prod
from typing import Any

import pytest
import torch
from engine_bridge import ask, examples, show
from engine_specs import Spec, build, directions, modules, values
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

THROUGH = {"tanh": torch.tanh, "1 −": lambda value: 1 - value, "sigmoid": torch.sigmoid, "relu": torch.relu}


@st.composite
def questions(draw: st.DrawFn) -> tuple[Spec, dict[str, Any], dict[str, Any]]:
    """A module, which number of which layer is asked about, and what that layer reads."""
    spec = draw(modules())
    layer = draw(st.integers(0, spec["num_layers"] - 1))
    H_cell = spec["hidden_size"]
    H_out = spec.get("proj_size") or H_cell
    width = spec["input_size"] if layer == 0 else directions(spec) * H_out
    state = draw(st.sampled_from("hc")) if spec["module"] == "LSTM" else "h"
    scale = draw(st.sampled_from([1, 0.1, 13]))
    read = {"input": [value * scale for value in values(draw, width)], "h": values(draw, H_out)}
    if spec["module"] == "LSTM":
        read |= {"c": values(draw, H_cell)}
    k = draw(st.integers(0, (H_cell if state == "c" else H_out) - 1))
    direction = draw(st.integers(0, directions(spec) - 1))
    return spec, {"layer": layer, "direction": direction, "state": state, "k": k}, read


@torch.no_grad()
def gates(spec: Spec, asked: dict[str, Any], read: dict[str, Any]) -> dict[str, Tensor]:
    """Every gate and state of the step, from torch's parameters: PyTorch's documented equations."""
    end = f"l{asked['layer']}{'_reverse' if asked['direction'] else ''}"
    weights = {name.removesuffix(f"_{end}"): w.double() for name, w in build(spec).named_parameters()
               if name.endswith(f"_{end}")}  # fmt: skip
    x, h = (torch.tensor(read[name], dtype=torch.float64) for name in ("input", "h"))
    from_x = weights["weight_ih"] @ x + weights.get("bias_ih", 0)
    from_h = weights["weight_hh"] @ h + weights.get("bias_hh", 0)
    if spec["module"] == "RNN":
        return {"h": getattr(torch, spec["nonlinearity"])(from_x + from_h)}
    if spec["module"] == "GRU":
        (r_x, z_x, n_x), (r_h, z_h, n_h) = from_x.chunk(3), from_h.chunk(3)
        r, z = (r_x + r_h).sigmoid(), (z_x + z_h).sigmoid()
        n = (n_x + r * n_h).tanh()
        return {"r": r, "z": z, "n": n, "W_hn·h": n_h, "h": (1 - z) * n + z * h}
    i, f, g, o = (from_x + from_h).chunk(4)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * torch.tensor(read["c"], dtype=torch.float64) + i * g
    h = o * c.tanh()
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": weights["weight_hr"] @ h if "weight_hr" in weights else h}


@examples(200)
@given(questions())
def test_each_equation_gives_what_torch_computes_and_adds_up_as_written(question: Any) -> None:
    spec, asked, read = question
    theirs = gates(spec, asked, read)
    if spec["module"] == "LSTM":
        read["cNext"] = theirs["c"].float().tolist()
    for name, value in (("spec", spec), ("asked", asked), ("read", read)):
        show(name, value)
    spec = spec | {"input": [[0.0] * spec["input_size"]]}
    equations = ask("derive", spec=spec, asked=asked, read=read)
    assert equations[0]["name"] == f"{asked['state']}[{asked['k']}]"
    parameters = {name: parameter.detach() for name, parameter in build(spec).named_parameters()}
    results = {equation["name"]: equation["result"] for equation in equations}
    given_vectors = {"input": "input", "h before": "h", "c before": "c", "c": "cNext"}
    for equation in equations:
        letter, k = equation["name"].removesuffix("]").split("[")
        assert equation["result"] == pytest.approx(theirs[letter][int(k)].item(), abs=1e-6)
        for factor in (factor for term in equation["terms"] for factor in term["factors"]):
            match factor["of"]:
                case "parameter":
                    source = parameters[factor["name"]][tuple(factor["indices"])].item()
                case "equation":
                    source = results[factor["name"]]
                case vector:
                    source = read[given_vectors[vector]][factor["k"]]
            assert factor["value"] == pytest.approx(source, abs=1e-12)
        assert_adds_up(equation)


def assert_adds_up(equation: dict[str, Any]) -> None:
    """As somebody with a calculator finds it, who sees what is written."""
    written = equation["written"]
    for term, shown in zip(equation["terms"], written["terms"], strict=True):
        parts = [
            through(factor.get("through"), text) for factor, text in zip(term["factors"], shown["factors"], strict=True)
        ]
        assert rounds(prod(parts), shown["value"])
    assert rounds(float(sum(Decimal(term["value"]) for term in written["terms"])), written["sum"])
    assert rounds(through(equation["activation"], written["sum"]), written["result"])
    assert len(written["result"].split(".")[1]) == 4


def through(name: str | None, text: str) -> float:
    value = torch.tensor(float(text), dtype=torch.float64)
    return (THROUGH[name](value) if name else value).item()


def rounds(value: float, text: str) -> bool:
    decimals = len(text.split(".")[1])
    return float(f"{value:.{decimals}f}") == float(text)
