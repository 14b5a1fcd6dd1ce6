"""What is wrong with hx, the initial states of a recurrent layer: their type, their axes, their sizes.

The exceptions are those of `torch.nn.RNN`, `LSTM`, `GRU` and their cells in PyTorch 2.13 on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from unrolled.diagnosis.rules.hidden_state_errors import (
    UNCHECKED,
    asked,
    dtype_raises,
    is_sorted,
    pair_raises,
    sizes_raises,
    unchecked,
)
from unrolled.diagnosis.rules.inputs import OTHER_DEVICE, Problem, conversion, is_tensor, lacks, named, swapped_axes
from unrolled.shapes import Call, TensorShape
from unrolled.text import counted

CONVERT = "A state is a tensor of the dtype of the weights."
"""What is said of the state of another library, or of numbers."""


def initial_states(call: Call, hx: Any) -> list[TensorShape]:
    """The rules for h_0 (and c_0), with the sizes of what `hx` holds in that place, if it holds a tensor."""
    rules = [shape for shape in call.tensors() if shape.name in ("h_0", "c_0")]
    given = hx if isinstance(hx, (tuple, list)) else [hx]
    held = [tuple(state.shape) if is_tensor(state) else None for state in given]
    held += [None] * len(rules)
    return [TensorShape(rule.name, rule.axes, sizes) for rule, sizes in zip(rules, held)]


def state_problems(call: Call, input: Any, hx: Any, weight: torch.Tensor) -> list[Problem]:
    """What is wrong with `hx` for this call; `input` is a tensor or a PackedSequence, `weight` one of the layer."""
    if hx is None:
        return []
    check = _pair if call.layer.has_cell_state else _single
    problem = check(call, input, hx, weight.dtype)
    if problem is not None:
        return [problem]
    states = tuple(hx) if call.layer.has_cell_state else (hx,)
    shapes = initial_states(call, states)
    if any(shape.wrong for shape in shapes):
        return list(_sizes(call, input, shapes))
    return list(_placement(call, input.data, states, weight))


def _zeros(call: Call, shape: TensorShape) -> str:
    """A state of zeros for this call, whose N is read from the input, so that it holds for the next batch too."""
    source = "input.data" if call.form == "packed" else "input"
    N = (
        "input.batch_sizes[0]"
        if call.form == "packed"
        else f"input.size({0 if call.layer.is_cell else call.batch_axis})"
    )
    sizes = [N if axis.name == "N" else str(axis.size) for axis in shape.axes]
    return f"{source}.new_zeros({', '.join(sizes)})"


def _single(call: Call, input: Any, hx: Any, dtype: torch.dtype) -> Problem | None:
    """An h_0 that is not a tensor, for a layer of weights of `dtype` that takes one tensor."""
    if is_tensor(hx):
        return None
    pair = isinstance(hx, (tuple, list)) and len(hx) > 0 and is_tensor(hx[0])
    why, fix = "Leave hx out to start from zeros.", "hx = None"
    value = conversion(hx, "hx", dtype) if hasattr(hx, "__array__") else None
    if pair:
        why, fix = "The pair (h_0, c_0) belongs to an LSTM.", "hx = hx[0]"
    elif value:
        why, fix = CONVERT, f"hx = {value}"
    message = f"hx is {named(hx)}; {call.layer.kind} takes one tensor, h_0."
    return Problem("state-type", lacks(hx, asked(call, input)), message, why, fix, "h_0")


def _pair(call: Call, input: Any, hx: Any, dtype: torch.dtype) -> Problem | None:
    """An hx that is not a pair of tensors, for an LSTM of weights of `dtype`."""
    two = isinstance(hx, (tuple, list)) and len(hx) == 2
    if two and all(is_tensor(state) for state in hx):
        return None
    h, c = initial_states(call, hx)
    one = is_tensor(hx)
    if one and (call.form == "unbatched" or is_sorted(input)) and hx.dim() == len(h.axes) + 1 and len(hx) == 2:
        return None  # h_0 and c_0 stacked in one tensor: torch unpacks it
    what = f"hx is {named(hx)} of {len(hx)}" if isinstance(hx, (tuple, list)) else f"hx is {named(hx)}"
    if one:
        what = f"hx is one tensor {tuple(hx.shape)}"
    why = "An LSTM carries two states, h and c."
    if h.sizes:
        why += " c_0 is missing."
    fix = "hx = None"
    if h.sizes == h.expected:
        fix = f"hx = ({'hx' if one else 'hx[0]'}, {_zeros(call, c)})"
    if two:
        odd = next(index for index in (0, 1) if not is_tensor(hx[index]))
        what, values = f"hx[{odd}] is {named(hx[odd])}", [conversion(state, "state", dtype) for state in hx]
        if any(state is None for state in hx):
            why = f"None is no state, and {h.name if h.sizes is None else c.name} is missing. Leave hx out to start from zeros."
        elif all(values):
            why, fix = CONVERT, f"hx = tuple({values[0]} for state in hx)"
    elif hasattr(hx, "__array__") and not isinstance(hx, torch.Tensor):
        value = conversion(hx, "hx", dtype)
        if value and tuple(hx.shape) == h.expected:
            fix = f"hx = ({value}, {_zeros(call, c)})"
    return Problem(
        "state-pair",
        pair_raises(call, input, hx),
        f"{what}; an LSTM takes the pair (h_0, c_0).",
        why,
        fix,
        "c_0" if h.sizes else "h_0",
    )


def _sizes(call: Call, input: Any, shapes: list[TensorShape]) -> Iterator[Problem]:
    """States whose number of axes or sizes break the rules: one problem each, one line that repairs all."""
    names = ["hx[0]", "hx[1]"] if len(shapes) == 2 else ["hx"]
    changes = [_change(shape) for shape in shapes]
    fix = "hx = None"  # zeros for this batch
    if any(change is not None for change in changes):
        values = [
            _zeros(call, shape) if change is None else name + change
            for shape, name, change in zip(shapes, names, changes)
        ]
        fix = f"hx = ({', '.join(values)})" if len(shapes) == 2 else f"hx = {values[0]}"
    if None in shapes[0].expected:
        fix = "hx = None"
    if all(_of_two_directions(call, shape) for shape in shapes):
        merge = f".unflatten(0, ({call.layer.num_layers}, 2)).sum(1)"
        fix = f"hx = tuple(state{merge} for state in hx)" if len(shapes) == 2 else f"hx = hx{merge}"
    layout = _layout(call, input, shapes)
    found: list[Problem] = []
    faults: list[tuple[str, ...]] = []
    for shape, change in zip(shapes, changes):
        if shape.wrong:
            code, message, why, axis = layout[:4] if layout else _cause(call, shape, change)
            raises = sizes_raises(call, input, shape, shapes)
            if raises is None:
                why = f"{why} {unchecked(call, input, shape)}"
            repair = layout[4] if layout else fix
            found.append(Problem(code, raises, f"{shape.name} {message}", why, repair, shape.name, axis))
            same = shape.sizes == shapes[0].sizes and shape.expected == shapes[0].expected  # then H_cell is H_out
            faults.append(tuple(text.replace("H_cell", "H_out") if same else text for text in (message, why)))
    if len(found) == 2 and faults[0] == faults[1] and type(found[0].raises) is type(found[1].raises):
        message, h = _plural(faults[0][0]), found[0]
        also = () if found[1].raises is None else tuple(filter(None, [str(found[1].raises)]))
        found = [replace(h, message=f"{found[0].tensor} and {found[1].tensor} {message}", also=also)]
    yield from found


def _plural(predicate: str) -> str:
    """What is said of one state, said of two: `"has N = 3; …"` becomes `"have N = 3; …"`."""
    verb, rest = predicate.split(" ", 1)
    plural = {"has": "have", "is": "are", "holds": "hold"}[verb]
    return f"{plural} {rest.replace(': its axes', ': their axes')}"


def _change(shape: TensorShape) -> str | None:
    """The method calls that give a state its expected sizes without new values; None if there are none."""
    sizes = shape.sizes
    changed = {"": sizes, ".unsqueeze(0)": (1, *sizes)}
    if len(sizes) >= 1:
        changed[".unsqueeze(1)"] = (sizes[0], 1, *sizes[1:])
    if sizes[:1] == (1,):
        changed[".squeeze(0)"] = sizes[1:]
    if sizes[1:2] == (1,):
        changed[".squeeze(1)"] = (sizes[0], *sizes[2:])
    if len(sizes) == 3:
        changed[".transpose(0, 1).contiguous()"] = (sizes[1], sizes[0], sizes[2])
    return next((change for change, result in changed.items() if result == shape.expected), None)


def _of_two_directions(call: Call, shape: TensorShape) -> bool:
    """Whether a one-way layer is given twice the rows that it needs, as a bidirectional layer returns them."""
    if call.layer.is_cell or call.layer.bidirectional or not shape.sizes or not shape.expected[0]:
        return False
    return shape.sizes == (2 * shape.expected[0], *shape.expected[1:])


def _layout(call: Call, input: Any, shapes: list[TensorShape]) -> tuple[str, str, str, str, str] | None:
    """Code, message, why, axis and fix when the states show that the *input's* axes are not what was meant."""
    layer = call.layer
    if layer.is_cell or call.form == "packed":
        return None
    if call.form == "unbatched":
        batch = [(shape.expected[0], call.L, shape.expected[1]) for shape in shapes]
        if call.L == 1 or batch != [shape.sizes for shape in shapes]:
            return None
        if layer.input_size == 1 != input.shape[-1]:
            return (
                "batch-as-sequence",
                f"holds {call.L} samples; a 2-D input is one sequence, of {call.L} time steps.",
                "input_size is 1, and the axis of the one feature is missing: input is probably (N, L). "
                f"This layer reads {'(N, L, 1)' if layer.batch_first else '(L, N, 1)'}.",
                "H_in",
                f"input = input{'' if layer.batch_first else '.transpose(0, 1)'}.unsqueeze(-1)",
            )
        return (
            "batch-as-sequence",
            f"holds {call.L} samples; a 2-D input is one sequence, of {call.L} time steps.",
            "input is probably a batch of single steps, (N, H_in). It needs a time axis.",
            "N",
            f"input = input.unsqueeze({1 if layer.batch_first else 0})",
        )
    swapped = [(shape.expected[0], call.L, shape.expected[2]) for shape in shapes]
    if call.L == call.N or swapped != [shape.sizes for shape in shapes]:
        return None
    return (
        "layout-swapped",
        f"holds {counted(call.L, 'sample')}, the input's L; the input's N is {call.N}.",
        swapped_axes(layer),
        "N",
        "input = input.transpose(0, 1)",
    )


def _cause(call: Call, shape: TensorShape, change: str | None) -> tuple[str, str, str, str]:
    """Code, message (after the tensor's name), why and axis for one state."""
    layer, got, want = call.layer, shape.sizes, shape.expected
    if len(got) != len(want):
        if layer.is_cell:
            why = "A cell's state is one step of one layer: it has no other axis."
        elif len(got) < len(want):
            why = "The first axis counts layers and directions. Even one layer has it."
        else:
            why = "A 2-D input is one sequence without a batch axis; its states have none either."
        axis = "N" if call.form == "unbatched" or change == ".unsqueeze(1)" else shape.axes[0].name
        names = ", ".join(dim.name for dim in shape.axes)
        without = ", without N" if call.form == "unbatched" else ""
        return "state-axes", f"has {counted(len(got), 'axis')}, {got}; this call needs ({names}){without}.", why, axis
    if change:
        why = "A state is (D·num_layers, N, …) also with batch_first=True, which concerns input and output alone."
        return "state-transposed", f"is {got}: its axes D·num_layers and N are swapped.", why, "N"
    axis, size = next((axis, size) for axis, size in zip(shape.axes, got) if axis.size != size)
    message = f"has {axis.name} = {size}; this call needs {axis.size}."
    if sum(a != b for a, b in zip(got, want)) > 1:
        why = "Several axes are wrong. Make the state from the input."
        return "state-sizes", f"is {got}; this call needs {want}.", why, axis.name
    if axis.name == "N":
        why = (
            f"The state is from a batch of {size}; this one has {axis.size} (the last of an epoch is often smaller). "
            "None starts this batch from zeros; DataLoader(…, drop_last=True) leaves the smaller batch out."
        )
        return "state-batch", message, why, "N"
    if axis.name == "D·num_layers":
        why = f"Each {'direction of each ' * (layer.D == 2)}layer has a state of its own."
        if _of_two_directions(call, shape):
            why = (
                "These are twice the states of a layer of one direction: probably those of a bidirectional encoder. "
                "Combine each layer's two directions. (If they are from twice the layers, choose among them.)"
            )
        return "state-layers", message, why, axis.name
    if layer.proj_size and size in (layer.hidden_size, layer.proj_size):
        why = "With proj_size, h is proj_size wide (H_out) and c stays hidden_size wide (H_cell)."
        return "state-projection", message, why, axis.name
    return "state-features", message, f"{axis.name} is {axis.meaning}.", axis.name


def _placement(
    call: Call, data: torch.Tensor, states: tuple[torch.Tensor, ...], weight: torch.Tensor
) -> Iterator[Problem]:
    """States on another device than the layer, or of another dtype."""
    like = "input.data" if call.form == "packed" else "input"
    fix = f"hx = hx.to({like})" if len(states) == 1 else f"hx = tuple(state.to({like}) for state in hx)"
    for name, state in zip(("h_0", "c_0"), states):
        if state.device != weight.device:
            text = (
                "Input and hidden tensors are not at the same device, found input tensor at "
                f"{data.device} and hidden tensor at {state.device}"
            )
            message = f"{name} is on {state.device}; the weights are on {weight.device}."
            why = "module.to(device) moves parameters, not a state that you made or kept."
            yield Problem("state-device", RuntimeError(), message, why, fix, name, also=(text, *OTHER_DEVICE))
        elif state.dtype != weight.dtype and not torch.is_autocast_enabled(data.device.type):
            message = f"{name} is {state.dtype}; the weights are {weight.dtype}."
            why = "Make the state from the input: input.new_zeros(…) has its dtype and device."
            raises, also = dtype_raises(call, data, name, state.dtype, weight.dtype)
            if raises is None:
                why = f"{why} {UNCHECKED} it converts as it goes."
            yield Problem("state-dtype", raises, message, why, fix, name, also=also)
