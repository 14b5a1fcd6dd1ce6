"""What is wrong with hx, the initial states of a recurrent layer: their type, their axes, their sizes.

The exceptions are those of `torch.nn.RNN`, `LSTM`, `GRU` and their cells in PyTorch 2.13 on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch

from unrolled.problems import OTHER_DEVICE, Problem, in_onednn, is_tensor, mixed_dtypes, named
from unrolled.shapes import Call, TensorShape, counted

UNCHECKED = "PyTorch does not check this:"


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
    problem = _pair(call, input, hx) if call.layer.has_cell_state else _single(call, hx)
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
    N = "input.batch_sizes[0]" if call.form == "packed" else f"input.size({0 if call.layer.is_cell else call.batch_axis})"
    sizes = [N if axis.name == "N" else str(axis.size) for axis in shape.axes]
    return f"{source}.new_zeros({', '.join(sizes)})"


def _single(call: Call, hx: Any) -> Problem | None:
    """An h_0 that is not a tensor, for a layer that takes one tensor."""
    if is_tensor(hx):
        return None
    kind = type(hx).__name__
    pair = isinstance(hx, (tuple, list)) and len(hx) > 0 and is_tensor(hx[0])
    return Problem(
        "state-type",
        AttributeError(f"'{kind}' object has no attribute"),
        f"hx is {named(hx)}; {call.layer.kind} takes one tensor, h_0.",
        "The pair (h_0, c_0) belongs to an LSTM." if pair else "Leave hx out to start from zeros.",
        "hx = hx[0]" if pair else "hx = None",
        "h_0",
    )


def _sorts(input: Any) -> bool:
    """Whether the layer sorts the states first, as the samples of `input` are (`enforce_sorted=False`)."""
    return getattr(input, "sorted_indices", None) is not None


def _pair(call: Call, input: Any, hx: Any) -> Problem | None:
    """An hx that is not a pair of tensors, for an LSTM."""
    two = isinstance(hx, (tuple, list)) and len(hx) == 2
    if two and all(is_tensor(state) for state in hx):
        return None
    h, c = initial_states(call, hx)
    one = is_tensor(hx)
    if one and (call.form == "unbatched" or _sorts(input)) and hx.dim() == len(h.axes) + 1 and len(hx) == 2:
        return None  # h_0 and c_0 stacked in one tensor: torch unpacks it
    what = f"{named(hx)} of {len(hx)}" if isinstance(hx, (tuple, list)) else named(hx)
    if one:
        what = f"one tensor {tuple(hx.shape)}"
    fix = "hx = None"
    if h.sizes == h.expected:
        fix = f"hx = ({'hx' if one else 'hx[0]'}, {_zeros(call, c)})"
    return Problem(
        "state-pair",
        _pair_raises(call, input, hx),
        f"hx is {what}; an LSTM takes the pair (h_0, c_0).",
        "An LSTM carries two states, h and c. c_0 is missing." if h.sizes else "An LSTM carries two states, h and c.",
        fix,
        "c_0" if h.sizes else "h_0",
    )


def _pair_raises(call: Call, input: Any, hx: Any) -> Exception | None:
    """What LSTM.forward or LSTMCell.forward raises for an hx that is not a pair of tensors."""
    cell, kind = call.layer.is_cell, type(hx).__name__
    whole = call.form == "packed" and not _sorts(input)  # C++ is given hx as it is
    unpacks = not whole and (call.form == "unbatched" or not cell)  # hx[0] and hx[1] are read one by one
    if isinstance(hx, (tuple, list)):
        if len(hx) == 2:
            odd = next(state for state in hx if not is_tensor(state))
            if whole:
                return TypeError("expected Tensor as element")
            return AttributeError(f"'{type(odd).__name__}' object has no attribute")
        if len(hx) < 2 and unpacks:
            return IndexError(f"{kind} index out of range")
        return RuntimeError("lstm") if whole or call.form == "batched" else None
    if not is_tensor(hx):
        return TypeError("lstm" if whole else "" if cell else f"'{kind}' object is not subscriptable")
    axes = hx.dim() - 1
    if axes < 0:
        return TypeError("iteration over a 0-d tensor") if cell else IndexError("invalid index of a 0-dim tensor")
    if cell and axes + 1 not in (2, 3):
        return ValueError(f"LSTMCell: Expected hx[0] to be 1D or 2D, got {axes}D instead")
    if not unpacks:
        return TypeError("lstm")
    if len(hx) < 2:
        return IndexError(f"index {len(hx)} is out of bounds for dimension 0 with size {len(hx)}")
    if call.form == "packed":
        return IndexError("Dimension ")
    if axes == len(call.state(call.layer.dim("H_out"))):
        return TypeError("lstm() received an invalid combination of arguments")
    return RuntimeError(_axes_text(call, [axes, axes]))


def _axes_text(call: Call, axes: list[int]) -> str:
    """What forward says of states that have `axes` axes each."""
    if call.layer.is_cell:
        return f"{call.layer.kind}: Expected "
    reads = "unbatched 2-D" if call.form == "unbatched" else "batched 3-D"
    number = 2 if call.form == "unbatched" else 3
    if call.layer.has_cell_state:
        got = f"({axes[0]}-D, {axes[1]}-D) tensors"
        return f"For {reads} input, hx and cx should also be {number}-D but got {got}"
    return f"For {reads} input, hx should also be {number}-D but got {axes[0]}-D tensor"


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
            raises = _sizes_raises(call, input, shape, shapes)
            if raises is None:
                why = f"{why} {_unchecked(call, input, shape)}"
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
        "The input's axes N and L are probably swapped: this layer reads "
        + ("(N, L, H_in)." if layer.batch_first else "(L, N, H_in)."),
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


def _sizes_raises(
    call: Call, input: Any, shape: TensorShape, shapes: list[TensorShape]
) -> Exception | None:
    """What forward raises for this state; None where torch does not check it."""
    got, want, layer = shape.sizes, shape.expected, call.layer
    if layer.is_cell:
        return _cell_raises(call, shape)
    if call.form == "packed":
        if _sorts(input):
            if len(got) < 2:
                return IndexError("Dimension out of range")
            if got[1] < call.N:
                return RuntimeError("INDICES element is out of DATA bounds")
            got = _sorted_sizes(call, got)
        if got == want:
            return None
        if layer.has_cell_state:
            return _packed_lstm_raises(call, input.data, shape, got, shapes)
        return RuntimeError(f"Expected hidden size {want}, got {list(got)}")
    if any(len(other.sizes) != len(want) for other in shapes):
        return RuntimeError(_axes_text(call, [len(other.sizes) for other in shapes]))
    if call.form == "unbatched":
        got, want = (got[0], 1, got[1]), (want[0], 1, want[1])
    name = f"hidden[{shapes.index(shape)}]" if layer.has_cell_state else "hidden"
    return RuntimeError(f"Expected {name} size {want}, got {list(got)}")


def _sorted_sizes(call: Call, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """A state's sizes after it is sorted with the samples: those that are too many are dropped."""
    return (sizes[0], call.N, *sizes[2:])


def _packed_lstm_raises(
    call: Call, data: torch.Tensor, shape: TensorShape, got: tuple[int, ...], shapes: list[TensorShape]
) -> Exception | None:
    """What C++ raises for a state of `got` that no check looked at; None where it goes on."""
    want, is_h, layer = shape.expected, shape is shapes[0], call.layer
    if any(len(other.sizes) < 3 for other in shapes):
        return IndexError("Dimension ")
    widths = {other.sizes[2] for other in shapes}
    if (len(widths) == 2) != bool(layer.proj_size):
        return RuntimeError("got an incorrect number of RNN parameters")
    if in_onednn(call, data):
        return IndexError("select(): index") if got[0] < want[0] else None
    if shapes[1].sizes[0] < shapes[0].sizes[0]:
        return None
    if got[0] != want[0] and is_h:
        odd = layer.D == 2 and got[0] % 2 == 1
        return RuntimeError("Odd number of params" if odd else "Expected more hidden states in stacked_rnn")
    if len(got) > 3:
        return None
    if got[2] != want[2] and is_h:
        return RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    if got[1:] == want[1:]:
        return None
    if got[1] == 1 and got[2] == want[2]:  # one sample is broadcast, until that fails
        if is_h:
            return RuntimeError("output with shape")
        return RuntimeError("start (") if layer.D == 2 else None
    return RuntimeError("The size of tensor a (")


def _unchecked(call: Call, input: Any, shape: TensorShape) -> str:
    """What becomes of a state that does not fit and raises nothing."""
    got, want = shape.sizes, shape.expected
    if call.form == "packed" and _sorts(input):
        got = _sorted_sizes(call, got)
        if got == want:
            return "PyTorch sorts the states with the samples, and drops those that are too many."
    onednn = in_onednn(call, input.data)
    if len(got) == 3 and got[2] == want[2]:
        if got[0] >= want[0] and got[1] >= want[1] and (onednn or shape.name == "c_0"):
            return f"{UNCHECKED} it ignores what is too much."
        if got[0] >= want[0] and got[1] == 1 and not onednn and shape.name == "c_0":
            return f"{UNCHECKED} it uses the one state for all samples."
    if len(got) == 3 and got[:2] == want[:2] and got[2] < want[2]:
        return f"{UNCHECKED} it reads the weights in the wrong places."
    return f"{UNCHECKED} it reads or writes memory out of bounds."


def _cell_raises(call: Call, shape: TensorShape) -> Exception:
    """What a cell raises: it checks axes itself, sizes in C++."""
    layer, got = call.layer, shape.sizes
    if len(got) not in (1, 2):
        name = f"hx[{'hc'.index(shape.name[0])}]" if layer.has_cell_state else "hidden"
        return ValueError(f"{layer.kind}: Expected {name} to be 1D or 2D, got {len(got)}D instead")
    batch, got = (call.N, got) if call.form == "batched" else (1, (1, *got))
    name = f"hidden{'hc'.index(shape.name[0])}"
    if got[0] != batch:
        return RuntimeError(f"Input batch size {batch} doesn't match {name} batch size {got[0]}")
    width = f" has inconsistent hidden_size: got {got[1]}, expected {layer.hidden_size}" if len(got) > 1 else ""
    return RuntimeError(name + width) if width else IndexError()


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
            raises, also = _dtype_raises(call, data, name, state.dtype, weight.dtype)
            if raises is None:
                why = f"{why} {UNCHECKED} it converts as it goes."
            yield Problem("state-dtype", raises, message, why, fix, name, also=also)


def _dtype_raises(
    call: Call, data: torch.Tensor, name: str, dtype: torch.dtype, weights: torch.dtype
) -> tuple[Exception | None, tuple[str, ...]]:
    """What a state of another dtype raises, and how else its text can begin."""
    layer = call.layer
    if in_onednn(call, data):  # its own words depend on the processor; without it, a matrix product fails
        own = ("get_mkldnn_dtype: unsupported data type", "could not create a primitive")
        return RuntimeError(), (*own, mixed_dtypes(dtype, weights))
    if name == "c_0":  # added to, element by element; what comes out meets the weights one step or layer on
        dtype = torch.promote_types(dtype, weights)
        if layer.proj_size and dtype != weights:
            return RuntimeError("expected m1 and m2 to have the same dtype"), ()
        if dtype == weights or layer.is_cell or (call.L == 1 and layer.num_layers == 1):
            return None, ()
    return RuntimeError(mixed_dtypes(dtype, weights)), ()
