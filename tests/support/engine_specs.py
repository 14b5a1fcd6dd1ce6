"""Specs for `run(...)` of `web/engine`: random ones, and what torch makes of one."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from torch import Tensor, nn

Spec = dict[str, Any]


CONSTRUCTOR = (
    "input_size", "hidden_size", "num_layers", "nonlinearity", "bias", "batch_first", "bidirectional", "proj_size",
)  # fmt: skip


def build(spec: Spec) -> nn.Module:
    torch.manual_seed(spec.get("seed", 0))
    module = getattr(nn, spec["module"])(**{name: spec[name] for name in CONSTRUCTOR if name in spec})
    if "parameters" in spec:
        module.load_state_dict({name: tensor(value) for name, value in spec["parameters"].items()})
    return module


def tensor(value: Any) -> Tensor:
    if isinstance(value, dict):
        return torch.tensor(value["data"], dtype=torch.float32).reshape(value["shape"])
    return torch.tensor(value, dtype=torch.float32)


def values(draw: st.DrawFn, *shape: int) -> list[Any]:
    """Multiples of 1/16 between -2 and 2: short to print, and exact in float32."""
    generator = np.random.default_rng(draw(st.integers(0, 999)))
    return (generator.integers(-32, 33, shape) / 16).tolist()


@st.composite
def modules(draw: st.DrawFn) -> Spec:
    """Every argument of a constructor, and a seed."""
    spec: Spec = {
        "module": draw(st.sampled_from(["RNN", "LSTM", "GRU"])),
        "input_size": draw(st.integers(1, 4)),
        "hidden_size": draw(st.integers(1, 5)),
        "num_layers": draw(st.integers(1, 3)),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
        "seed": draw(st.integers(-(2**40), 2**40) | st.integers(0, 9)),
    }
    if spec["module"] == "RNN":
        spec["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    if spec["module"] == "LSTM":
        spec["proj_size"] = draw(st.integers(0, spec["hidden_size"] - 1))
    return spec


@st.composite
def specs(draw: st.DrawFn) -> Spec:
    """A module and an input that it takes: batched, unbatched or packed; with or without an initial state."""
    spec = draw(modules())
    L, N = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    kind = draw(st.sampled_from(["batched", "unbatched", "packed"]))
    axes = [L] if kind == "unbatched" else [N, L] if spec["batch_first"] else [L, N]
    spec["input"] = values(draw, *axes, spec["input_size"])
    if kind == "packed":
        spec["lengths"] = draw(st.lists(st.integers(1, L), min_size=N, max_size=N))
    if draw(st.booleans()):
        rows = (spec["num_layers"] * directions(spec), *([] if kind == "unbatched" else [N]))
        spec["h_0"] = values(draw, *rows, spec.get("proj_size") or spec["hidden_size"])
        if spec["module"] == "LSTM":
            spec["c_0"] = values(draw, *rows, spec["hidden_size"])
    return spec


def directions(spec: Spec) -> int:
    return 2 if spec["bidirectional"] else 1
