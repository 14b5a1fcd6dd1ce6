"""The rules of shape say what torch does, on random layers and calls."""

import random
from dataclasses import fields

import pytest
import torch
from random_calls import KINDS, random_call, random_layer
from run_size import cases
from torch import nn
from torch.nn.utils.rnn import pad_packed_sequence

from unrolled.shapes import AXES, Layer, recurrent_kind, slices

# torch says this once in a process; it concerns speed
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")

torch.set_num_threads(1)  # the tensors are tiny: more threads only wait for each other


def read(module: nn.Module, input):
    batch_sizes = None if isinstance(input, torch.Tensor) else input.batch_sizes.tolist()
    return Layer.of(module).read(tuple(input.data.shape), batch_sizes)


def results(module: nn.Module, input, hx) -> dict[str, torch.Tensor]:
    """What torch returns, by the names of the rules."""
    returned = module(input, hx)
    if recurrent_kind(module).endswith("Cell"):
        return dict(zip(("h_1", "c_1"), returned if isinstance(returned, tuple) else (returned,), strict=False))
    output, states = returned
    named = dict(zip(("h_n", "c_n"), states if isinstance(states, tuple) else (states,), strict=False))
    if isinstance(input, torch.Tensor):
        return {"output": output, **named}
    padded, _ = pad_packed_sequence(output, batch_first=module.batch_first)
    return {"output.data": output.data, "output": padded, **named}


def test_every_tensor_of_a_call_has_the_shape_that_torch_gives_it():
    rng = random.Random(0)
    torch.manual_seed(0)
    for _ in range(cases(400)):
        module = random_layer(rng)
        input, _, hx = random_call(module, rng)
        returned = results(module, input, hx)
        rules = {shape.name: shape.expected for shape in read(module, input).tensors()}
        states = hx if isinstance(hx, tuple) else () if hx is None else (hx,)
        returned |= dict(zip(("h_0", "c_0"), states, strict=False))
        returned["input" if isinstance(input, torch.Tensor) else "input.data"] = input.data
        for name, tensor in returned.items():
            assert rules.pop(name) == tuple(tensor.shape), (module, name)
        assert set(rules) <= {"h_0", "c_0"}, (module, rules)


def test_every_parameter_has_the_shape_and_the_place_that_torch_gives_it():
    rng = random.Random(1)
    for _ in range(cases(200)):
        module = random_layer(rng)
        rules = [(shape.name, shape.expected) for shape in Layer.of(module).parameters()]
        assert rules == [(name, tuple(value.shape)) for name, value in module.named_parameters()]


def test_the_size_of_an_axis_is_the_product_that_its_name_says():
    rng = random.Random(2)
    for _ in range(cases(200)):
        module = random_layer(rng)
        input, _, _ = random_call(module, rng, "batched")
        call = read(module, input)
        layer = call.layer
        values = {
            "N": call.N,
            "L": call.L,
            "D": 2 if layer.bidirectional else 1,
            "num_layers": layer.num_layers,
            "H_in": module.input_size,
            "H_cell": module.hidden_size,
            "H_out": layer.proj_size or module.hidden_size,
        }
        for shape in call.tensors() + layer.parameters():
            for axis in shape.axes:
                size = 1
                for factor in axis.name.split("·"):
                    size *= values.get(factor) or int(factor)
                assert size == axis.size, (module, shape.name, axis)


def test_the_source_of_a_layer_makes_that_layer():
    rng = random.Random(3)
    for _ in range(cases(200)):
        module = random_layer(rng)
        layer = Layer.of(module)
        assert repr(eval(layer.source(), {"nn": nn})) == repr(module)
        changed = Layer.of(eval(layer.source(input_size=9), {"nn": nn}))
        for field in fields(layer):
            assert getattr(changed, field.name) == (9 if field.name == "input_size" else getattr(layer, field.name))


@pytest.mark.parametrize("form", ["batched", "unbatched", "packed"])
def test_every_slice_has_its_shape_and_equals_what_it_says(form):
    rng = random.Random(form)
    torch.manual_seed(0)
    for _ in range(cases(80)):
        module = random_layer(rng, cells=False)
        input, lengths, hx = random_call(module, rng, form)
        names = evaluated(module, input, hx)
        for item in slices(read(module, input), ragged=form == "packed"):
            value = eval(item.expression, names)
            assert tuple(value.shape) == item.shape, (module, item)
            if item.equals:
                torch.testing.assert_close(value, eval(item.equals, names), msg=f"{module} {item}")


def evaluated(module: nn.Module, input, hx) -> dict:
    """The names that slices are written in, after one call."""
    output, states = module(input, hx)
    names = dict(zip(("hn", "cn"), states if isinstance(states, tuple) else (states,), strict=False)) | {"torch": torch}
    if isinstance(input, torch.Tensor):
        return names | {"output": output}
    padded, lengths = pad_packed_sequence(output, module.batch_first)
    return names | {"output": padded, "lengths": lengths}


def test_the_states_of_a_layer_are_those_of_a_stack_that_ends_with_it():
    """An oracle for what no entry of output holds: a layer's states are the top states of a shorter stack."""
    rng = random.Random(4)
    torch.manual_seed(0)
    for _ in range(cases(60)):
        module = random_layer(rng, cells=False)
        input, _, _ = random_call(module, rng, "batched")
        names = evaluated(module, input, None)
        rows = [item for item in slices(read(module, input), ragged=False) if "its last state" in item.meaning]
        for index, item in enumerate([item for item in rows if ".view" in item.equals]):
            layer = Layer.of(module)
            stack = eval(layer.source(num_layers=index + 1), {"nn": nn})
            stack.load_state_dict({name: module.state_dict()[name] for name in stack.state_dict()})
            top = evaluated(stack, input, None)["hn"][-layer.D :]
            torch.testing.assert_close(eval(item.expression, names), top if layer.D == 2 else top[0])


def test_the_backward_half_at_the_last_step_has_read_one_step():
    rng = random.Random(5)
    torch.manual_seed(0)
    for kind in KINDS:
        for batch_first in (False, True):
            module = kind(3, 4, batch_first=batch_first, bidirectional=True)
            input, _, _ = random_call(module, rng, "batched")
            item = next(item for item in slices(read(module, input), ragged=False) if "ONE" in item.meaning)
            last = input[:, -1:] if batch_first else input[-1:]
            alone = evaluated(module, last, None)["hn"][-1]
            torch.testing.assert_close(eval(item.expression, evaluated(module, input, None)), alone)


def test_an_axis_is_named_by_its_symbol_alone():
    for module in [nn.LSTM(3, 5, proj_size=2, bidirectional=True), nn.GRUCell(3, 5)]:
        layer = Layer.of(module)
        for shape in layer.read((4, 2, 3)).tensors() + layer.parameters():
            for axis in shape.axes:
                assert all(f in AXES or f == "num_layers" or f.isdigit() for f in axis.name.split("·"))


def test_what_is_not_a_recurrent_layer_is_refused_by_name():
    with pytest.raises(TypeError, match="got Linear"):
        Layer.of(nn.Linear(2, 3))
