"""What is wrong with a call of a recurrent layer: what PyTorch raises, and what it does not raise.

Each rule names the tensor and the axis, the likeliest cause, and a line that repairs it. The exceptions
are those of `torch.nn.RNN`, `LSTM`, `GRU`, their cells and `torch.nn.utils.rnn` in PyTorch 2.13 on a CPU;
the tests make torch raise each of them. What concerns hx is in `unrolled.states`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from math import prod
from numbers import Real
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence

from unrolled.shapes import Call, Layer


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, or probably wrong, with a call."""

    code: str
    """A stable name, such as `"state-transposed"`."""
    raises: Exception | None
    """What PyTorch raises, its text cut where it varies between builds; None where PyTorch checks nothing."""
    message: str
    why: str
    fix: str
    """A line of Python that repairs it, in the names of the call: `module`, `input`, `hx`, `lengths`, ….

    It goes before the line that fails, or in place of it when that line assigns the same name.
    """
    tensor: str
    axis: str = ""
    likely: bool = True
    """False when nothing in the call tells a mistake from what you may have meant."""

    def is_raised_as(self, error: BaseException) -> bool:
        """Whether `error` is the exception that this problem raises, in a wording that is known."""
        known = "" if self.raises is None else str(self.raises)
        return known != "" and type(error) is type(self.raises) and str(error).startswith(known)


def read(layer: Layer, input: object) -> Call:
    """How `layer` reads `input`, which may be anything."""
    if isinstance(input, PackedSequence) and not layer.is_cell:
        return layer.read(tuple(input.data.shape), input.batch_sizes.tolist())
    return layer.read(tuple(input.shape) if is_tensor(input) else None)


def is_tensor(thing: object) -> bool:
    """Whether `thing` is a tensor with sizes: a nested tensor has none."""
    return isinstance(thing, torch.Tensor) and not thing.is_nested


def has_sizes(thing: object) -> bool:
    """Whether `thing` can be an input: a tensor with sizes, or a packed one."""
    return is_tensor(thing) or isinstance(thing, PackedSequence)


def looks_like_result(thing: object) -> bool:
    """Whether `thing` is what a recurrent layer returns: `(output, h_n)` or `(output, (h_n, c_n))`."""
    if type(thing) is not tuple or len(thing) != 2:
        return False
    states = thing[1] if isinstance(thing[1], tuple) else (thing[1],)
    return isinstance(thing[0], (torch.Tensor, PackedSequence)) and all(
        isinstance(state, torch.Tensor) and state.dim() in (2, 3) for state in states
    )


def input_axes(layer: Layer, call: Call, input: object) -> Problem | None:
    """An input that is no tensor, or has the wrong number of axes."""
    if isinstance(input, torch.Tensor) and input.is_nested:
        raises = ValueError() if input.layout is torch.jagged else RuntimeError()
        why = "A recurrent layer reads one block of memory. Pad the samples to one length, and pack them."
        fix = "input = torch.nested.to_padded_tensor(input, 0.0)"
        return Problem("input-type", raises, "input is a nested tensor.", why, fix, "input", "L")
    if call.form != "packed" and not is_tensor(input):
        result, kind = looks_like_result(input), type(input).__name__
        return Problem(
            "input-type",
            AttributeError(f"'{kind}' object has no attribute 'dim'"),
            f"input is a {kind}, not a tensor.",
            "A recurrent layer returns a tuple, (output, h_n). The next layer reads output alone."
            if result
            else "A recurrent layer reads a floating-point tensor.",
            "input = input[0]" if result else "input = torch.as_tensor(input, dtype=torch.float32)",
            "input",
        )
    sizes = tuple(input.data.shape)
    low, high = (2, 2) if call.form == "packed" else (1, 2) if layer.is_cell else (2, 3)
    if low <= len(sizes) <= high:
        return None
    if call.form == "packed":
        text = "" if layer.has_cell_state else f"input must have 2 dimensions, got {len(sizes)}"
        raises = RuntimeError(text)  # a packed LSTM is not checked: a matrix product fails
    else:
        tensor = " tensor" if layer.kind == "RNN" else ""
        text = f"{layer.kind}: Expected input to be {low}D or {high}D, got {len(sizes)}D{tensor} instead"
        raises = ValueError(text)
    return Problem(
        "input-axes",
        raises,
        f"input has {len(sizes)} axes, {sizes}; {layer.kind} reads {low} or {high}.",
        "A cell reads one time step; step through the time axis yourself."
        if layer.is_cell
        else "Each time step is one vector of H_in features. Merge the axes that make up the vector.",
        _merge_axes(layer, call, sizes),
        "input",
        "H_in",
    )


def _merge_axes(layer: Layer, call: Call, sizes: tuple[int, ...]) -> str:
    """A line that gives `input` the right number of axes, with a layer of another input_size if need be."""
    H_in = layer.input_size
    if call.form == "packed":
        change, width = "input._replace(data=input.data.reshape(len(input.data), -1))", prod(sizes[1:])
    elif layer.is_cell:
        change, width = ("input[0]", sizes[-1]) if len(sizes) == 3 else ("input.flatten()", prod(sizes))
    elif len(sizes) < 2:
        change, width = ("input.unsqueeze(0)", H_in) if sizes == (H_in,) else ("input.reshape(-1, 1)", 1)
    elif len(sizes) == 4 and sizes[-1] == H_in and sizes[2] != 1:
        axis = 0 if sizes[0] == 1 else 1 if sizes[1] == 1 else None
        merged = f"input.flatten({call.batch_axis}, {call.batch_axis + 1})"
        change, width = (merged if axis is None else f"input.squeeze({axis})"), H_in
    else:
        change, width = "input.flatten(2)", prod(sizes[2:])
    if width == H_in:
        return f"input = {change}"
    return f"input, module = {change}, {layer.source(input_size=width)}"


def input_features(layer: Layer, call: Call, data: torch.Tensor, alone: bool) -> Iterator[Problem]:
    """An input whose last axis is not input_size; `alone` when no hx was given with it."""
    sizes, H_in = tuple(data.shape), layer.input_size
    if sizes[-1] == H_in:
        return
    text = f"input.size(-1) must be equal to input_size. Expected {H_in}, got {sizes[-1]}"
    if layer.is_cell:
        text = f"input has inconsistent input_size: got {sizes[-1]} expected {H_in}"
    elif layer.has_cell_state and call.form == "packed":
        text = "" if call.joined else "mat1 and mat2 shapes cannot be multiplied"
    raises = RuntimeError(text) if text else None
    why = "H_in counts the features of one time step. It is neither the length nor the batch size."
    fix = f"module = {layer.source(input_size=sizes[-1])}"
    if not layer.is_cell and call.form != "packed" and sizes[-2] == H_in and alone:
        why = f"The axis before the last is {H_in}: the features stand before the time steps, as in a convolution."
        fix = "input = input.transpose(-1, -2)"
        if call.form == "batched" and not layer.batch_first:
            fix = "input = input.permute(2, 0, 1)"
    message = f"input's last axis, H_in, is {sizes[-1]}; the layer's input_size is {H_in}."
    if raises is None:
        why = "PyTorch does not check the input of a packed LSTM. This one reads past its weights, into other memory."
    yield Problem("input-features", raises, message, why, fix, "input", "H_in")


def input_dtype(layer: Layer, call: Call, data: torch.Tensor, weight: torch.Tensor) -> Iterator[Problem]:
    """An input of another dtype than the weights."""
    if data.dtype == weight.dtype or torch.is_autocast_enabled(data.device.type):
        return
    raises: Exception = ValueError(
        f"RNN input dtype ({data.dtype}) does not match weight dtype ({weight.dtype}). "
        f"Convert input: input.to({weight.dtype})"
    )
    if layer.is_cell or (layer.has_cell_state and call.form == "packed"):
        raises = RuntimeError("mat1 and mat2 must have the same dtype")
    why = "The weights are floating-point. Numpy makes float64; counts and token ids are integers."
    fix = f"input = input.to({weight.dtype})"
    message = f"input is {data.dtype}; the weights are {weight.dtype}."
    yield Problem("input-dtype", raises, message, why, fix, "input")


def input_steps(layer: Layer, call: Call, data: torch.Tensor) -> Iterator[Problem]:
    """An input without time steps, or a packed one with fewer than its lengths count."""
    if call.L == 0:
        padding = "0, 0, 0, 0, 0, 1" if call.form == "batched" and not layer.batch_first else "0, 0, 0, 1"
        yield Problem(
            "input-empty",
            RuntimeError("Expected sequence length to be larger than 0 in RNN"),
            "input has no time step: L is 0.",
            "There is nothing to read. Leave empty sequences out, or give them one step of padding.",
            f"input = torch.nn.functional.pad(input, ({padding}))",
            "input",
            "L",
        )
    if call.form == "packed" and call.rows != len(data):
        clamped = f"torch.as_tensor(lengths).clamp(max=padded.size({call.time_axis}))"
        yield Problem(
            "lengths-above-input",
            RuntimeError("shape '[" if call.joined else "start ("),
            f"The lengths add up to {call.rows} time steps; the packed data has {len(data)}: one is above L.",
            "A length above L raises nothing in pack_padded_sequence. The layer then runs out of data.",
            f"input = {_pack('padded', clamped, layer.batch_first)}",
            "lengths",
            "L",
        )


def _pack(input: str, lengths: str, batch_first: bool) -> str:
    first = "batch_first=True, " if batch_first else ""
    return f"pack_padded_sequence({input}, {lengths}, {first}enforce_sorted=False)"


def silent_problems(
    module: torch.nn.Module, call: Call, data: torch.Tensor, hx: object, packs: bool
) -> Iterator[Problem]:
    """What raises nothing; `packs` when lengths come with the input."""
    layer = call.layer
    if call.form == "unbatched" and not layer.is_cell and (hx is None or packs):
        why = "If its rows are samples of one step each, every row now continues the state of the row above."
        if packs:
            why = "lengths are for a batch; this input has none."
        axis = 1 if layer.batch_first else 0
        message = f"A 2-D input is one sequence: {call.L} time steps, no axis N."
        fix = f"input = input.unsqueeze({axis})"
        yield Problem("batch-as-sequence", None, message, why, fix, "input", "N", likely=packs)
    if call.form == "batched" and not layer.is_cell and not packs and _padded_samples(call, data):
        count = _padded_samples(call, data)
        lengths = f"(input != 0).any(-1).long().cumsum({call.time_axis}).argmax({call.time_axis}) + 1"
        yield Problem(
            "padding-unpacked",
            None,
            f"{count} of {call.N} samples end in zeros, and there are no lengths.",
            "The layer reads padding as data: h_n is the state after the padding.",
            f"input = {_pack('input', lengths, layer.batch_first)}",
            "input",
            "L",
        )
    if layer.dropout > 0 and layer.num_layers == 1:
        yield one_layer_dropout(layer)
    elif layer.dropout > 0 and module.training:
        yield Problem(
            "dropout-active",
            None,
            f"The layer is in training mode: dropout={layer.dropout} makes every call different.",
            "Gradients are off, so you are not training."
            if not torch.is_grad_enabled()
            else "That is right for training. To look at shapes or compare numbers, switch it off.",
            "module = module.eval()",
            "output",
            likely=not torch.is_grad_enabled(),
        )


def _padded_samples(call: Call, data: torch.Tensor) -> int:
    """How many samples have a first step and then end in an all-zero one; only those two steps are read."""
    if data.is_meta or data.layout is not torch.strided or 0 in data.shape or call.L == 1:
        return 0
    first, last = data.select(call.time_axis, 0), data.select(call.time_axis, -1)
    return int((first.any(-1) & ~last.any(-1)).sum())


def length_list(lengths: object) -> list[int] | None:
    """The lengths as numbers; None for what is not a list of numbers with one axis."""
    if getattr(lengths, "ndim", 1) != 1 or getattr(lengths, "is_meta", False):
        return None
    values = lengths.tolist() if hasattr(lengths, "tolist") else lengths
    if not isinstance(values, Sequence) or isinstance(values, str):
        return None
    values = [value.item() if isinstance(value, torch.Tensor) and value.dim() == 0 else value for value in values]
    return [int(value) for value in values] if all(isinstance(value, Real) for value in values) else None


def pack_problems(
    input: object, lengths: object, batch_first: bool = False, enforce_sorted: bool = True
) -> list[Problem]:
    """What is wrong with `pack_padded_sequence(input, lengths, batch_first, enforce_sorted)`, in its order."""
    if not isinstance(input, torch.Tensor) or input.dim() < 2:
        return []
    N, L = (input.size(0), input.size(1)) if batch_first else (input.size(1), input.size(0))
    values, problems = length_list(lengths), []

    def add(code: str, raises: Exception | None, message: str, why: str, fix: str, axis: str = "N") -> None:
        problems.append(Problem(code, raises, message, why, fix, "lengths", axis))

    if values is None:
        axes = getattr(lengths, "ndim", 0)
        raises = IndexError("index_select(): Index is supposed to be a vector")
        if enforce_sorted or axes < 2:
            raises = RuntimeError("'lengths' argument should be a 1D CPU int64 tensor")
        why = "lengths is a list or a 1-D tensor on the CPU: one number of time steps for each sample."
        fix = f"lengths = torch.as_tensor(lengths).flatten().expand({N}).cpu()"
        add("lengths-type", raises, f"lengths is not one number for each of {N} samples.", why, fix)
        return problems
    if enforce_sorted and getattr(lengths, "is_cuda", False):
        why = "Lengths steer the loop over time steps, which runs on the CPU. The input stays on the GPU."
        raises = RuntimeError("'lengths' argument should be a 1D CPU int64 tensor")
        add("lengths-device", raises, "lengths is on the GPU.", why, "lengths = lengths.cpu()")
    if len(values) != N:
        message = f"There are {len(values)} lengths for N = {N} samples."
        raises = RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(values)} (batch_size={N})"
        )
        if not enforce_sorted:  # torch reorders the samples before it counts them
            raises = IndexError("index out of range in self") if batch_first else RuntimeError("INDICES")
            raises = raises if len(values) > N else None
        if len(values) == L and max(values) <= N:
            layout = "(N, L, …)" if batch_first else "(L, N, …)"
            why = f"There are as many lengths as time steps, {L}: input is probably not {layout}."
            add("layout-swapped", raises, message, why, "input = input.transpose(0, 1)")
        elif len(values) > N:
            add("lengths-too-many", raises, message, "Each sample has one length.", f"lengths = lengths[:{N}]")
        else:
            why = "Each sample has one length. With enforce_sorted=False the samples without one are dropped."
            time, step = (1 if batch_first else 0), ".flatten(2).any(-1)" if input.dim() > 2 else ""
            fix = f"lengths = (input != 0){step}.long().cumsum({time}).argmax({time}) + 1"
            add("lengths-too-few", raises, message, why, fix)
        return problems
    ordered = values if enforce_sorted else sorted(values, reverse=True)
    falling = ordered == sorted(values, reverse=True)
    if values and not falling and ordered[-1] > 0:
        message = "lengths do not fall from the longest to the shortest."
        why = "enforce_sorted is True by default. With False, PyTorch sorts, and puts your order back in the results."
        fix = f"packed = {_pack('input', 'lengths', batch_first)}"
        raises = RuntimeError("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True")
        add("lengths-unsorted", raises, message, why, fix, "")
    if values and min(values) <= 0:
        message = f"lengths[{values.index(min(values))}] is {min(values)}; each sample has at least one of the L steps."
        why = "A sample without time steps has no state. Leave it out, or read one step of its padding."
        raises = RuntimeError("Length of all samples has to be greater than 0")
        add("lengths-zero", raises, message, why, "lengths = torch.as_tensor(lengths).clamp(min=1)", "L")
    if values and max(values) > L:
        message = f"lengths[{values.index(max(values))}] is {max(values)}; L is {L}."
        why = "Packing raises nothing. The layer then runs out of data, and its error names no length."
        add("lengths-above-input", None, message, why, f"lengths = torch.as_tensor(lengths).clamp(max={L})", "L")
    return problems


def construction_problem(kind: str, arguments: Mapping[str, Any]) -> Problem | None:
    """What is wrong with the arguments of a recurrent layer's constructor, given its local names."""
    given = dict(arguments)
    names = [field.name for field in fields(Layer) if field.name in given or field.name in given.get("kwargs", {})]
    values = {name: given.get(name, given.get("kwargs", {}).get(name)) for name in names}
    positional = given.get("args", ())
    values |= dict(zip(("input_size", "hidden_size", "num_layers"), positional))
    if not {"input_size", "hidden_size"} <= set(values):
        return None
    layer = Layer(kind, **values)
    if layer.proj_size and kind != "LSTM":
        return Problem(
            "projection-without-lstm",
            ValueError("proj_size argument is only supported for LSTM, not RNN or GRU"),
            f"nn.{kind} has no proj_size: the H_out of h_n is hidden_size.",
            "Only an LSTM projects its hidden state. Put nn.Linear after the layer instead.",
            f"module = {layer.source(proj_size=0)}",
            "h_n",
            "H_out",
        )
    if layer.proj_size >= layer.hidden_size:
        return Problem(
            "projection-too-wide",
            ValueError("proj_size has to be smaller than hidden_size"),
            f"proj_size={layer.proj_size} is the H_out of h_n; it must be below hidden_size={layer.hidden_size}.",
            "A projection makes the hidden state narrower. Leave proj_size out to keep its width.",
            f"module = {layer.source(proj_size=0)}",
            "h_n",
            "H_out",
        )
    if layer.dropout and layer.num_layers == 1:
        return one_layer_dropout(layer, UserWarning("dropout option adds dropout after all but last recurrent layer"))
    return None


def one_layer_dropout(layer: Layer, raises: Exception | None = None) -> Problem:
    """Dropout in a layer that has nothing above it; `raises` where a warning is an error."""
    return Problem(
        "dropout-one-layer",
        raises,
        f"dropout={layer.dropout} does nothing to output: there is one layer.",
        "dropout acts between layers, not after the last. Put nn.Dropout after the layer if you want it.",
        f"module = {layer.source(dropout=0.0)}",
        "output",
    )


def carried_problem(layer: Layer) -> Problem:
    """`backward()` a second time through a state carried from an earlier call."""
    pair = layer.has_cell_state
    return Problem(
        "state-carried",
        RuntimeError("Trying to backward through the graph a second time"),
        f"{'h_n and c_n come' if pair else 'h_n comes'} with the graph of an earlier call, which backward() has freed.",
        "You pass the state on to the next call. Cut its graph first, at the end of each step of training.",
        "hn, cn = hn.detach(), cn.detach()" if pair else "hn = hn.detach()",
        "h_n",
    )


def result_problem(given: Any, raises: Exception, batch_first: bool) -> Problem:
    """What a recurrent layer returned, given whole to something that reads its output; it raised `raises`."""
    if isinstance(given, PackedSequence):
        return Problem(
            "result-packed",
            raises,
            "output is a PackedSequence; one tensor is needed here.",
            "A packed input makes a packed output. Pad it back first.",
            f"output, lengths = pad_packed_sequence(output{', batch_first=True' if batch_first else ''})",
            "output",
        )
    states = "(hn, cn)" if isinstance(given[1], tuple) else "hn"
    return Problem(
        "result-tuple",
        raises,
        f"The tuple (output, {states}) is given where output alone is needed.",
        "A recurrent layer returns two things. Name both, and pass on output.",
        f"output, {states} = module(input)",
        "output",
    )


def unpack_problem(sequence: object, batch_first: bool, total_length: object) -> Problem | None:
    """What is wrong with `pad_packed_sequence(sequence, batch_first, total_length=total_length)`."""
    first = ", batch_first=True" if batch_first else ""
    if isinstance(sequence, torch.Tensor):
        return Problem(
            "output-not-packed",
            AttributeError("'Tensor' object has no attribute 'batch_sizes'"),
            "output is a tensor, already padded: the input was not packed.",
            "Only a PackedSequence has lengths. Pack the input before the layer reads it.",
            f"output, _ = module({_pack('input', 'lengths', batch_first)})",
            "output",
        )
    if looks_like_result(sequence):
        return result_problem(sequence, AttributeError("'tuple' object has no attribute 'batch_sizes'"), batch_first)
    if isinstance(sequence, PackedSequence) and isinstance(total_length, int):
        longest = len(sequence.batch_sizes)
        return Problem(
            "total-length-too-small",
            ValueError("Expected total_length to be at least the length of the longest sequence in input"),
            f"total_length is {total_length}; output has L = {longest} time steps.",
            "total_length pads further than the longest sample. It cuts nothing off.",
            f"output, lengths = pad_packed_sequence(output{first}, total_length={longest})",
            "output",
            "L",
        )
    return None
