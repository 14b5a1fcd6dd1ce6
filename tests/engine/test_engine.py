"""The engine computes what PyTorch computes, and says what PyTorch says. Torch is the only oracle.

A failing example prints its spec as JSON, to be pasted into `run(...)` of `web/engine`.
"""

# ruff: noqa: PT017 (a random spec may give a result or an error, and both are compared)
from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from engine_bridge import EngineError, ask, examples, show
from engine_specs import Spec, build, directions, modules, specs, tensor
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

# PyTorch mentions the slower code that it runs then.
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


# The CPU kernels that fuse a multiplication and an addition round once; those that do not may be 6e-8 off.
FUSED = torch.backends.cpu.get_cpu_capability() in ("AVX2", "AVX512")


# What torch makes of a spec


@torch.no_grad()
def torch_run(spec: Spec) -> dict[str, Any]:
    """`{"output": …, "h_n": …, "c_n": …, "parameters": {…}}`, as tensors."""
    module = build(spec)
    input = tensor(spec["input"]).to(getattr(torch, spec.get("dtype", "float32")))
    h_0, c_0 = (tensor(spec[name]) if name in spec else None for name in ("h_0", "c_0"))
    hx = h_0 if c_0 is None else (h_0, c_0)
    if "lengths" not in spec:
        output, h_n = module(input, hx)
    else:
        batch_first = module.batch_first
        enforce_sorted = spec.get("enforce_sorted", False)
        packed, h_n = module(pack_padded_sequence(input, spec["lengths"], batch_first, enforce_sorted), hx)
        output, _ = pad_packed_sequence(packed, batch_first, total_length=input.size(1 if batch_first else 0))
    result = {"output": output, "parameters": dict(module.named_parameters())}
    return result | (dict(zip(("h_n", "c_n"), h_n, strict=True)) if isinstance(h_n, tuple) else {"h_n": h_n})


# Specs


def ask_run(spec: Spec) -> dict[str, Any]:
    show("spec", spec)
    return ask("run", spec=spec)


def assert_same(ours: Any, theirs: Tensor) -> None:
    """The same shape, the same values to 1e-5, and the same four decimals but within 1e-6 of a rounding edge."""
    if theirs.numel() == 0:  # lists cannot say how wide nothing is
        assert ours == theirs.tolist()
        return
    torch.testing.assert_close(torch.tensor(ours, dtype=torch.float32), theirs, rtol=1e-6, atol=1e-5)
    for our, their in zip(
        torch.tensor(ours, dtype=torch.float64).flatten().tolist(), theirs.flatten().tolist(), strict=True
    ):
        to_edge = min(abs(abs(their) * 1e4 % 1 - 0.5) * 1e-4, abs(their))
        assert f"{our:.4f}" == f"{their:.4f}" or to_edge < 1e-6 * max(1, abs(their))


# What it computes


@examples(200)
@given(modules())
def test_a_seed_gives_the_parameters_of_pytorch_to_the_bit(spec: Spec) -> None:
    ours = ask_run(spec | {"input": [[0.0] * spec["input_size"]]})["parameters"]
    theirs = {name: parameter.tolist() for name, parameter in build(spec).named_parameters()}
    assert list(ours) == list(theirs)
    for name, parameter in theirs.items():
        if FUSED:
            assert ours[name] == parameter
        else:
            np.testing.assert_allclose(ours[name], parameter, rtol=0, atol=6e-8)


@examples(250)
@given(specs())
def test_output_and_final_states_are_those_of_pytorch(spec: Spec) -> None:
    ours, theirs = ask_run(spec), torch_run(spec)
    assert ("c_n" in ours) == ("c_n" in theirs)
    for name in theirs.keys() - {"parameters"}:
        assert_same(ours[name], theirs[name])


@examples(50)
@given(specs())
@torch.no_grad()
def test_every_box_is_the_final_state_of_the_steps_up_to_it(spec: Spec) -> None:
    """A box of the grid is h_n (and c_n) of its own layer and direction, run alone over the steps it has seen."""
    ours, module = ask_run(spec), build(spec)
    boxes = {(box["layer"], box["direction"], box["step"], box["sample"]): box for box in ours["states"]}
    assert len(boxes) == len(ours["states"])
    batched = torch.tensor(spec["input"]).dim() == 3
    input = tensor(spec["input"]).unsqueeze(-2) if not batched else tensor(spec["input"])
    if batched and module.batch_first:
        input = input.transpose(0, 1)
    initial = [tensor(spec[name]) for name in ("h_0", "c_0") if name in spec]
    seen = set()
    for sample, length in enumerate(spec.get("lengths", [input.size(0)] * input.size(1))):
        below = input[:length, sample]
        for layer in range(module.num_layers):
            above = []
            for direction in range(directions(spec)):
                row = layer * directions(spec) + direction
                cell = alone(module, layer, direction, below.size(-1))
                hx = [(state[row, sample] if batched else state[row]).unsqueeze(0) for state in initial]
                for step in range(length):
                    steps = below[: step + 1] if direction == 0 else below[step:].flip(0)
                    h, *c = final(cell, steps, hx)
                    box = boxes[layer, direction, step, sample]
                    seen.add((layer, direction, step, sample))
                    assert_same(box["h"], h)
                    assert ("c" in box) == bool(c)
                    if c:
                        assert_same(box["c"], c[0])
                above.append(torch.tensor([boxes[layer, direction, step, sample]["h"] for step in range(length)]))
            below = torch.cat(above, dim=1)
    assert seen == boxes.keys()


def alone(module: nn.Module, layer: int, direction: int, input_size: int) -> nn.Module:
    """One layer of a module in one direction, as a module of its own."""
    options = {"proj_size": module.proj_size} if module.proj_size else {}
    options |= {"nonlinearity": module.nonlinearity} if isinstance(module, nn.RNN) else {}
    single = type(module)(input_size, module.hidden_size, bias=module.bias, **options)
    end = f"_l{layer}" + ("_reverse" if direction else "")
    single.load_state_dict({name: getattr(module, name.removesuffix("_l0") + end) for name in single.state_dict()})
    return single


def final(cell: nn.Module, steps: Tensor, hx: list[Tensor]) -> list[Tensor]:
    """`[h_n]`, or `[h_n, c_n]`, of unbatched steps."""
    _, h_n = cell(steps, None if not hx else tuple(hx) if isinstance(cell, nn.LSTM) else hx[0])
    return [state[0] for state in h_n] if isinstance(h_n, tuple) else [h_n[0]]


@examples(50)
@given(specs(), st.integers(0, 99))
def test_given_parameters_take_the_place_of_the_seed(spec: Spec, seed: int) -> None:
    weights = build(spec | {"seed": seed}).state_dict()
    spec = spec | {"parameters": {name: weight.tolist() for name, weight in weights.items()}}
    ours, theirs = ask_run(spec), torch_run(spec)
    assert ours["parameters"] == spec["parameters"]
    assert_same(ours["output"], theirs["output"])


def test_a_module_too_large_for_a_page_is_refused() -> None:
    spec = {"module": "LSTM", "input_size": 4, "hidden_size": 10**9, "num_layers": 10**9, "input": [[0, 0, 0, 0]]}
    with pytest.raises(EngineError, match="too large") as refused:
        ask("run", spec=spec)
    assert refused.value.name == "UnsupportedError"


# What it says of mistakes


def assert_same_outcome(spec: Spec) -> None:
    """Both raise the same exception with the same text, or both give the same result."""
    show("spec", spec)
    try:
        theirs = torch_run(spec)
    except Exception as error:
        with pytest.raises(EngineError) as ours:
            ask("run", spec=spec)
        assert (ours.value.type, str(ours.value)) == (type(error).__name__, str(error))
    else:
        ours = ask("run", spec=spec)
        assert ours["shapes"] == {name: list(theirs[name].shape) for name in theirs.keys() - {"parameters"}}
        assert_same(ours["output"], theirs["output"])


NOTED = {
    "last axis 7": {"input": np.zeros((2, 3, 7)).tolist()},
    "4-D input": {"input": np.zeros((1, 2, 3, 4)).tolist()},
    "h_0 as (N, 1, H)": {"h_0": np.zeros((2, 1, 5)).tolist()},
    "h_0 of the last, smaller batch": {"h_0": np.zeros((1, 3, 5)).tolist()},
    "h_0 as (N, H)": {"h_0": np.zeros((2, 5)).tolist()},
    "3-D h_0 with unbatched input": {"input": np.zeros((3, 4)).tolist(), "h_0": np.zeros((1, 1, 5)).tolist()},
    "float64 input": {"dtype": "float64"},
    "integer input": {"dtype": "int64"},
    "a tuple": {"h_0": np.zeros((1, 2, 5)).tolist(), "c_0": np.zeros((1, 2, 5)).tolist()},
    "no tuple": {"num_layers": 2, "h_0": np.zeros((2, 2, 5)).tolist()},
    "L = 0": {"input": {"shape": [2, 0, 4], "data": []}},
    "N = 0": {"input": {"shape": [0, 3, 4], "data": []}},
    "unsorted lengths": {"lengths": [1, 3], "enforce_sorted": True},
    "a length of 0": {"lengths": [3, 0]},
    "too many lengths": {"lengths": [3, 2, 1]},
    "too many sorted lengths": {"lengths": [3, 2, 1], "enforce_sorted": True},
    "too few lengths": {"lengths": [3]},
    "too few lengths, time first": {"batch_first": False, "lengths": [2]},
    "a length above L": {"lengths": [3, 4]},
    "no lengths": {"lengths": []},
    "proj_size is hidden_size": {"proj_size": 5},
    "ragged input": {"input": [[[1.0, 2.0, 3.0, 4.0]], [[1.0, 2.0, 3.0]]]},
    "a number among lists": {"input": [[[1.0, 2.0, 3.0, 4.0]], [5.0]]},
    "a list among numbers": {"input": [[[1.0, [2.0], 3.0, 4.0]]]},
}


@pytest.mark.parametrize("module", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("mistake", NOTED)
def test_a_noted_mistake_gets_the_message_of_pytorch(module: str, mistake: str) -> None:
    x = np.arange(24).reshape(2, 3, 4) / 8
    spec = {"module": module, "input_size": 4, "hidden_size": 5, "batch_first": True, "input": x.tolist()}
    assert_same_outcome(spec | NOTED[mistake])


@examples(300)
@given(st.data())
def test_a_wrong_shape_or_length_gets_the_message_of_pytorch(data: st.DataObject) -> None:
    spec = data.draw(specs())
    packed_lstm = spec["module"] == "LSTM" and "lengths" in spec
    if not packed_lstm:  # see the next test
        right = dict(spec)
        for name in sorted(data.draw(st.sets(st.sampled_from(["input", "h_0", "c_0"])))):
            spec[name] = data.draw(wrong(right.get(name, right["input"])))
        # PyTorch's text for four axes lists every signature of a function.
        assume(spec["module"] != "LSTM" or "c_0" in spec or "h_0" not in spec or tensor(spec["h_0"]).dim() != 4)
    if "lengths" in spec and data.draw(st.booleans()):
        spec["lengths"] = data.draw(st.lists(st.integers(0, 5), max_size=4))
        spec["enforce_sorted"] = data.draw(st.booleans())
        # Lengths that are all the same take another path through an LSTM, with another text when they are too long.
        assume(not packed_lstm or len(set(spec["lengths"])) != 1 or spec["lengths"][0] <= 1)
    assert_same_outcome(spec)


@st.composite
def wrong(draw: st.DrawFn, right: Any) -> Any:
    """An array of another shape: an axis longer, shorter, gone, new, or two swapped."""
    shape = list(np.shape(right))
    axis = draw(st.integers(0, len(shape) - 1))
    assume(shape[axis] > 0)
    match draw(st.sampled_from(["longer", "shorter", "gone", "new", "swapped", "flat"])):
        case "longer":
            shape[axis] += 1
        case "shorter":
            shape[axis] -= 1
        case "gone":
            del shape[axis]
        case "new":
            shape.insert(axis, 1)
        case "swapped":
            shape[axis], shape[0] = shape[0], shape[axis]
        case "flat":
            shape = [int(np.prod(shape))]
    return {"shape": shape, "data": [0.5] * int(np.prod(shape))}


@pytest.mark.parametrize(
    "mistake",
    [
        {"input": np.ones((3, 2, 7)).tolist()},
        {"dtype": "float64"},
        {"h_0": np.ones((1, 2, 4)).tolist(), "c_0": np.ones((1, 2, 5)).tolist()},
        {"h_0": np.ones((1, 2, 5)).tolist(), "c_0": np.ones((1, 2, 6)).tolist()},
    ],
)
def test_a_packed_lstm_is_checked_although_pytorch_does_not(mistake: Spec) -> None:
    """PyTorch's LSTM skips its checks for packed input and may read past its memory, so it is asked unpacked."""
    spec = {"module": "LSTM", "input_size": 4, "hidden_size": 5, "input": np.ones((3, 2, 4)).tolist()} | mistake
    with pytest.raises((RuntimeError, ValueError)) as theirs:
        torch_run(spec)
    with pytest.raises(EngineError) as ours:
        ask("run", spec=spec | {"lengths": [3, 2]})
    assert str(ours.value) == str(theirs.value)


@examples(200)
@given(st.data())
def test_a_wrong_constructor_argument_gets_the_message_of_pytorch(data: st.DataObject) -> None:
    wrong = {
        "input_size": [0, -1, 2.5, "4", None],
        "hidden_size": [0, -1, 2.5, "5", [5]],
        "num_layers": [0, -1, 1.5],
        "bias": [0, "yes"],
        "batch_first": [1, 0.5],
        "proj_size": [-1, 1, 5, 9],
        "nonlinearity": ["relu", "sigmoid"],
        "module": ["Transformerr"],
    }
    module = data.draw(st.sampled_from(["RNN", "LSTM", "GRU"]))
    spec = {"module": module, "input_size": 4, "hidden_size": 5, "input": [[0.0] * 4]}
    for name in sorted(data.draw(st.sets(st.sampled_from(sorted(wrong)), max_size=3))):
        spec[name] = data.draw(st.sampled_from(wrong[name]))
    assert_same_outcome(spec)


@examples(100)
@given(modules(), st.data())
def test_wrong_parameters_get_the_message_of_load_state_dict(spec: Spec, data: st.DataObject) -> None:
    weights = {name: parameter.tolist() for name, parameter in build(spec).named_parameters()}
    for name in sorted(data.draw(st.sets(st.sampled_from(sorted(weights)), max_size=2))):
        del weights[name]
    if weights:
        name = data.draw(st.sampled_from(sorted(weights)))
        weights[name] = data.draw(st.sampled_from([weights[name], [weights[name]], [0.0], 0.0]))
    for name in sorted(data.draw(st.sets(st.sampled_from(["weight_ih_l9", "bias", "toString"]), max_size=2))):
        weights[name] = [0.0]
    assert_same_outcome(spec | {"parameters": weights, "input": [[0.0] * spec["input_size"]]})
