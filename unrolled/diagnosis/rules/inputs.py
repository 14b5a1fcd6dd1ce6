"""What is wrong with the input of a recurrent layer: its type, axes, features, dtype, device and layout.

The exceptions are those of `torch.nn.RNN`, `LSTM`, `GRU` and their cells in PyTorch 2.13 on a CPU; the tests make
torch raise each of them. What concerns hx is in `hidden_state`, what concerns L and lengths in `lengths`.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

import torch
from torch.nn.utils.rnn import PackedSequence

from unrolled.diagnosis.problem import Problem
from unrolled.diagnosis.rules.construction import one_layer_dropout
from unrolled.diagnosis.values import (
    conversion,
    is_padded_pair,
    is_tensor,
    looks_like_result,
    method_error,
    type_name,
)
from unrolled.shapes import Call, KnownCall, Layer, PackedCall, UnbatchedCall, UnknownCall
from unrolled.text import counted

OTHER_DEVICE = ("Tensor on device ", "Expected all tensors to be on the same device")
"""What is said of two devices where the layer does not look at them itself: a cell, a packed input."""

UNLIKE_QUANTISED = "mat1 and mat2 must have the same dtype, but got Q"
"""What a product of a quantised matrix and another begins to say."""

SPARSE = (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)


def read(layer: Layer, input: object) -> KnownCall | UnknownCall:
    """How `layer` reads `input`, which may be anything."""
    if isinstance(input, PackedSequence) and not layer.is_cell:
        return layer.read(tuple(input.data.shape), input.batch_sizes.tolist())
    return layer.read(tuple(input.shape) if is_tensor(input) else None)


def weight_of(module: torch.nn.Module) -> torch.Tensor:
    """A weight of `module`: a layer with quantised weights has none, and reads float32 on a CPU."""
    return next(module.parameters(), torch.empty(0, dtype=torch.float32, device="cpu"))


def is_quantised(module: torch.nn.Module) -> bool:
    """Whether the weights of `module` are quantised, as those of `torch.ao.nn.quantized.dynamic.LSTM`."""
    return next(module.parameters(), None) is None


def quantised_axes(layer: Layer, call: UnbatchedCall) -> Problem:
    """One sequence, given to a quantised layer."""
    return Problem(
        code="input-axes",
        raises=RuntimeError("input must have 3 dimensions, got 2"),
        message=f"input has 2 axes, {(call.L, layer.input_size)}; a quantised {layer.kind} reads 3.",
        why="A quantised layer reads batches only: make a batch of one. Its states have an axis N then, too.",
        fix=f"input = input.unsqueeze({0 if layer.batch_first else 1})",
        tensor="input",
        axis="N",
    )


def in_onednn(call: Call, data: torch.Tensor) -> bool:
    """Whether oneDNN runs this call, an LSTM's: then a packed batch is not checked, and read as a padded one."""
    layer = call.layer
    return (
        layer.kind == "LSTM"
        and not layer.proj_size
        and not (isinstance(call, PackedCall) and not call.equal_lengths)
        and (data.device.type == "cpu" and data.dtype in (torch.float32, torch.bfloat16, torch.float16))
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    )


def mixed_dtypes(first: torch.dtype, second: torch.dtype) -> str:
    """What a product of two matrices says of their dtypes."""
    names = [torch.empty(0, dtype=dtype).type()[len("torch.") : -len("Tensor")] for dtype in (first, second)]
    return f"mat1 and mat2 must have the same dtype, but got {names[0]} and {names[1]}"


def swapped_axes(layer: Layer) -> str:
    """What is said where the input's axes N and L are probably not those that the layer reads."""
    here, there = ("(N, L, H_in)", "(L, N, H_in)")[:: 1 if layer.batch_first else -1]
    other = "" if layer.batch_first else f" With batch_first=True it would read {there}."
    return f"The input's axes N and L are probably swapped: this layer reads {here}.{other}"


def input_axes(layer: Layer, call: Call, input: object, hx: object, weight: torch.Tensor) -> Problem | None:
    """An input that is no tensor, or has the wrong number of axes; `weight` is one of the layer.

    `hx` shows which axis of a sequence given to a cell is N.
    """
    if isinstance(input, torch.Tensor) and input.is_nested:
        return Problem(
            code="input-type",
            raises=ValueError() if input.layout is torch.jagged else RuntimeError(),
            message="input is a nested tensor.",
            why="A recurrent layer reads one block of memory. Pad the samples to one length, and pack them.",
            fix="input = torch.nested.to_padded_tensor(input, 0.0)",
            tensor="input",
            axis="L",
        )
    if isinstance(input, PackedSequence) and isinstance(call, PackedCall):
        return _packed_axes(layer, call, input.data)
    if not is_tensor(input):
        return _no_tensor(layer, input, weight)
    return _tensor_axes(layer, call, tuple(input.shape), hx)


def _no_tensor(layer: Layer, input: object, weight: torch.Tensor) -> Problem:
    """An input that is no tensor: a result, a list of samples, an array, or what no tensor can be made of."""
    message = f"input is {type_name(input)}, not a tensor."
    if looks_like_result(input):
        why = "A recurrent layer returns a tuple, (output, h_n). The next layer reads output alone."
        return Problem(
            code="input-type",
            raises=method_error(input),
            message=message,
            why=why,
            fix="input = input[0]",
            tensor="input",
        )
    if is_padded_pair(input):
        return pair_problem("input", "input", method_error(input))
    if isinstance(input, list | tuple) and (padded := _padding_fix(layer, input)) is not None:
        return Problem(
            code="input-type",
            raises=method_error(input),
            message=f"input is {type_name(input)} of {counted(len(input), 'tensor')}, not a tensor.",
            why="Samples of several lengths become one tensor by padding. "
            "Take their lengths first: pack_padded_sequence asks for them.",
            fix=padded,
            tensor="input",
            axis="L",
        )
    value = conversion(input, "input", weight.dtype)
    why, fix = "A recurrent layer reads a floating-point tensor.", f"input = {value}"
    if value is None:
        reads = "(N, H_in)" if layer.is_cell else "(N, L, H_in)" if layer.batch_first else "(L, N, H_in)"
        why = f"This layer reads a floating-point tensor, {reads}. Words become one by their ids and nn.Embedding."
        fix = ""
    return Problem(code="input-type", raises=method_error(input), message=message, why=why, fix=fix, tensor="input")


def pair_problem(name: str, tensor: str, raises: Exception, likely: bool = True) -> Problem:
    """A padded batch with its lengths, called `name`, given whole."""
    return Problem(
        code="padded-pair",
        raises=raises,
        message=f"{name} is a pair: a padded batch and its lengths.",
        why="pad_packed_sequence, and many a collate function, returns the lengths beside the batch. Name both: the "
        "lengths are for pack_padded_sequence, or to find each sample's last step.",
        fix=f"{name}, lengths = {name}",
        tensor=tensor,
        axis="L",
        likely=likely,
    )


def _padding_fix(layer: Layer, samples: list[object] | tuple[object, ...]) -> str | None:
    """A line that pads samples, (L,) or (L, H_in) each, and keeps their lengths; None for another list."""
    tensors = [sample for sample in samples if is_tensor(sample)]
    if layer.is_cell or not samples or len(tensors) < len(samples):
        return None
    first = ", batch_first=True" if layer.batch_first else ""
    padded = f"nn.utils.rnn.pad_sequence(input{first})"
    features = {sample.shape[1:] for sample in tensors} if all(sample.dim() for sample in tensors) else set()
    if features == {()} and layer.input_size == 1:
        padded += ".unsqueeze(-1)"
    elif features != {(layer.input_size,)}:
        return None
    return f"lengths, input = [len(sample) for sample in input], {padded}"


def _axes_problem(
    layer: Layer, sizes: tuple[int, ...], reads: str, raises: Exception | None, fix: str, also: tuple[str, ...] = ()
) -> Problem:
    """An input of another number of axes than the layer reads."""
    return Problem(
        code="input-axes",
        raises=raises,
        message=f"input has {counted(len(sizes), 'axis')}, {sizes}; {layer.kind} reads {reads}.",
        why="A cell reads one time step; step through the time axis yourself: "
        "axis 1 of (N, L, H_in), axis 0 of (L, N, H_in)."
        if layer.is_cell
        else "Each time step is one vector of H_in features. Merge the axes that make up the vector.",
        fix=fix,
        tensor="input",
        axis="H_in",
        also=also,
    )


def _packed_axes(layer: Layer, call: PackedCall, data: torch.Tensor) -> Problem | None:
    """A packed input whose data has not two axes."""
    sizes = tuple(data.shape)
    if len(sizes) == 2:
        return None
    raises: Exception | None = RuntimeError(f"input must have 2 dimensions, got {len(sizes)}")
    also: tuple[str, ...] = ()
    if layer.has_cell_state:  # not checked: what C++ does with it fails, or does not
        merges = in_onednn(call, data) and len(sizes) > 2 and prod(sizes[1:-1]) == 1
        raises = None if merges else RuntimeError()
        also = ("shape '[", "mat1 and mat2 shapes cannot be multiplied", "The size of tensor a", "output with shape")
    change = "input._replace(data=input.data.reshape(len(input.data), -1))"
    return _axes_problem(layer, sizes, "2", raises, _change_fix(layer, change, prod(sizes[1:])), also)


def _tensor_axes(layer: Layer, call: Call, sizes: tuple[int, ...], hx: object) -> Problem | None:
    """A tensor of too few or too many axes for the layer."""
    low, high = (1, 2) if layer.is_cell else (2, 3)
    if low <= len(sizes) <= high:
        return None
    tensor = " tensor" if layer.kind == "RNN" else ""
    text = f"{layer.kind}: Expected input to be {low}D or {high}D, got {len(sizes)}D{tensor} instead"
    fix = _cell_axes_fix(layer, sizes, hx) if layer.is_cell else _merge_axes_fix(layer, call, sizes)
    return _axes_problem(layer, sizes, f"{low} or {high}", ValueError(text), fix)


def _change_fix(layer: Layer, change: str, width: int, comment: str = "") -> str:
    """A line that changes `input` to `width` features, with a layer of another input_size if need be.

    Empty where no features are left, of which no layer is made.
    """
    if width == 0:
        return ""
    if width == layer.input_size:
        return f"input = {change}{comment}"
    return f"input, module = {change}, {layer.source(input_size=width)}{comment}"


def _cell_axes_fix(layer: Layer, sizes: tuple[int, ...], hx: object) -> str:
    """A line that gives a cell one step of a sequence, or one sample with all its features in one axis."""
    if len(sizes) != 3:
        return _change_fix(layer, "input.flatten()", prod(sizes))
    state = hx[0] if isinstance(hx, tuple | list) and hx else hx
    N = len(state) if is_tensor(state) and state.dim() == 2 else None
    time_first = N == sizes[1] != sizes[0]
    comment = ""
    if not time_first and not N == sizes[0] != sizes[1]:
        comment = "  # step 0 of (N, L, H_in); of (L, N, H_in) it is input[0]"
    return _change_fix(layer, "input[0]" if time_first else "input[:, 0]", sizes[-1], comment)


def _merge_axes_fix(layer: Layer, call: Call, sizes: tuple[int, ...]) -> str:
    """A line that gives the input of a layer as many axes as it reads."""
    H_in = layer.input_size
    if len(sizes) < 2:
        change, width = ("input.unsqueeze(0)", H_in) if sizes == (H_in,) else ("input.reshape(-1, 1)", 1)
    elif len(sizes) == 4 and sizes[-1] == H_in and sizes[2] != 1:
        axis = 0 if sizes[0] == 1 else 1 if sizes[1] == 1 else None
        merged = f"input.flatten({call.batch_axis}, {call.batch_axis + 1})"
        change, width = (merged if axis is None else f"input.squeeze({axis})"), H_in
    else:
        change, width = "input.flatten(2)", prod(sizes[2:])
    return _change_fix(layer, change, width)


def input_features(layer: Layer, call: KnownCall, data: torch.Tensor, alone: bool) -> Iterator[Problem]:
    """An input whose last axis is not input_size; `alone` when no hx was given with it."""
    sizes, H_in = tuple(data.shape), layer.input_size
    if sizes[-1] == H_in:
        return
    packed = isinstance(call, PackedCall)
    text = f"input.size(-1) must be equal to input_size. Expected {H_in}, got {sizes[-1]}"
    if layer.is_cell:
        text = f"input has inconsistent input_size: got {sizes[-1]} expected {H_in}"
    elif layer.has_cell_state and packed:
        text = "" if in_onednn(call, data) else "mat1 and mat2 shapes cannot be multiplied"
    why = "H_in counts the features of one time step. It is neither the length nor the batch size."
    fix = f"module = {layer.source(input_size=sizes[-1])}"
    if not layer.is_cell and not packed and sizes[-2] == H_in and alone:
        why = f"The axis before the last is {H_in}: the features come before the time steps, as in a convolution."
        fix = "input = input.transpose(-1, -2)"
        if call.has_batch_axis and not layer.batch_first:
            fix = "input = input.permute(2, 0, 1)"
    elif H_in == 1 and isinstance(call, UnbatchedCall) and alone:
        layout = "(N, L, 1)" if layer.batch_first else "(L, N, 1)"
        why = f"input_size is 1, and the axis of the one feature is missing. This layer reads {layout}."
        fix = "input = input.unsqueeze(-1)"
    if sizes[-1] == 0:
        why, fix = f"The input has no features: each time step is a vector of input_size numbers, here {H_in}.", ""
    if not text:
        why = "PyTorch does not check the input of a packed LSTM. This one reads its weights in the wrong places."
        if sizes[-1] > H_in:
            why = "PyTorch does not check the input of a packed LSTM. This one reads memory out of bounds."
    yield Problem(
        code="input-features",
        raises=RuntimeError(text) if text else None,
        message=f"input's last axis, H_in, is {sizes[-1]}; the layer's input_size is {H_in}.",
        why=why,
        fix=fix,
        tensor="input",
        axis="H_in",
    )


def are_ids(layer: Layer, call: Call, data: torch.Tensor) -> bool:
    """Whether an input is integers without an axis H_in: a batch of sequences of ids, or of measurements."""
    integers = data.dtype in (torch.int64, torch.int32) and isinstance(call, UnbatchedCall)
    return integers and layer.input_size not in (1, data.shape[-1])


def input_dtype(layer: Layer, call: Call, data: torch.Tensor, weight: torch.Tensor, alone: bool) -> Iterator[Problem]:
    """An input of another dtype than the weights; `alone` when no hx was given with it."""
    if data.dtype == weight.dtype or torch.is_autocast_enabled(data.device.type):
        return
    if data.is_quantized:
        yield Problem(
            code="input-dtype",
            raises=NotImplementedError("Could not run ")
            if alone
            else RuntimeError(UNLIKE_QUANTISED)
            if layer.is_cell
            else ValueError(f"RNN input dtype ({data.dtype}) does not match weight dtype"),
            message=f"input is {data.dtype}; the weights are {weight.dtype}.",
            why="A quantised layer too reads floating-point numbers, and quantises them itself.",
            fix="input = input.dequantize()",
            tensor="input",
        )
        return
    raises: Exception = ValueError(
        f"RNN input dtype ({data.dtype}) does not match weight dtype ({weight.dtype}). "
        f"Convert input: input.to({weight.dtype})"
    )
    also: tuple[str, ...] = ()
    if layer.is_cell or (layer.has_cell_state and isinstance(call, PackedCall)):
        raises = RuntimeError(mixed_dtypes(data.dtype, weight.dtype))
        also = ("could not create a primitive",)  # oneDNN, of 16-bit numbers
    why = "A layer computes in the dtype of its weights." + " Numpy makes float64." * (data.dtype == torch.float64)
    fix = "input = input.float()" if weight.dtype == torch.float32 else f"input = input.to({weight.dtype})"
    if data.dtype.is_complex and not weight.dtype.is_complex:
        why = (
            "The weights are real. input.real drops the imaginary part; "
            "torch.view_as_real(input).flatten(-2) keeps both, as twice as many features."
        )
        fix = f"input = input.real.to({weight.dtype})"
    elif not (data.dtype.is_floating_point or data.dtype.is_complex):
        why = (
            "The weights are floating-point. Counts and measurements are converted. "
            "Ids of words are not: they go through nn.Embedding first, which also makes the axis H_in."
        )
        fix += f"  # ids of words: nn.Embedding(number_of_words, {layer.input_size})(input)"
    if are_ids(layer, call, data):
        why = (
            "These are probably ids of words, (N, L) or (L, N). nn.Embedding makes each a vector of H_in features. "
            "Make it once, in __init__, for all the words that there are."
        )
        fix = f"input = nn.Embedding(int(input.max()) + 1, {layer.input_size})(input)"
    yield Problem(
        code="input-dtype",
        raises=raises,
        message=f"input is {data.dtype}; the weights are {weight.dtype}.",
        why=why,
        fix=fix,
        tensor="input",
        also=also,
    )


def input_device(data: torch.Tensor, weight: torch.Tensor) -> Iterator[Problem]:
    """An input on another device than the weights."""
    if data.device == weight.device:
        return
    text = "Input and {} tensors are not at the same device, found input tensor at " + str(data.device)
    fix = f"input = input.to('{weight.device}')"
    if weight.device.type == "cpu":
        fix = f"module = module.to('{data.device}')"
    yield Problem(
        code="input-device",
        raises=RuntimeError(),
        message=f"input is on {data.device}; the weights are on {weight.device}.",
        why="module.to(device) moves the weights, input.to(device) moves the input. It takes both.",
        fix=fix,
        tensor="input",
        also=(text.format("parameter"), text.format("hidden"), *OTHER_DEVICE),
    )


def input_layout(layer: Layer, call: Call, data: torch.Tensor) -> Iterator[Problem]:
    """A sparse input, which cells read, and layers when it is packed."""
    if data.layout not in SPARSE or layer.is_cell or isinstance(call, PackedCall):
        return
    yield Problem(
        code="input-sparse",
        raises=RuntimeError("reshape is not implemented for sparse tensors"),
        message="input is a sparse tensor.",
        why="A recurrent layer reads one block of memory, zeros included.",
        fix="input = input.to_dense()",
        tensor="input",
        also=(
            "Sparse CS",
            "Sparse BS",
            "sparse transpose: ",
            "transpose(): can only transpose dimensions of the same type",
        ),
    )


def silent_problems(module: torch.nn.Module, call: KnownCall, hx: object, samples: int | None) -> Iterator[Problem]:
    """What raises nothing; `samples` is the number of lengths that come with the input, None without any."""
    layer = call.layer
    if isinstance(call, UnbatchedCall) and (hx is None or samples is not None):
        yield _batch_as_sequence(call, samples)
    if layer.dropout > 0 and layer.num_layers == 1:
        yield one_layer_dropout(layer)
    elif layer.dropout > 0 and module.training:
        yield Problem(
            code="dropout-active",
            raises=None,
            message=f"The layer is in training mode: dropout={layer.dropout} makes every call different.",
            why="Gradients are off, so you are not training."
            if not torch.is_grad_enabled()
            else "That is right for training. To look at shapes or compare numbers, switch it off.",
            fix="module = module.eval()",
            tensor="output",
            likely=not torch.is_grad_enabled(),
        )


def _batch_as_sequence(call: UnbatchedCall, samples: int | None) -> Problem:
    """A 2-D input, which is one sequence; `samples` as in `silent_problems`."""
    one, steps = (0, 1) if call.layer.batch_first else (1, 0)
    why = (
        "If its rows are samples of one step each, every row now continues the state of the row above; "
        f"input.unsqueeze({steps}) is the missing axis L. If they are the steps of one sample, the results have no N."
    )
    fix = f"input = input.unsqueeze({one})"
    if samples is not None:
        why, fix = "lengths are for a batch; this input has no axis N.", f"input = input.unsqueeze({steps})"
    if samples == 1:
        why, fix = (
            f"{why} One length is that of one sample: the input is one sequence.",
            f"input = input.unsqueeze({one})",
        )
    elif samples == call.L:
        why = f"{why} There are as many lengths as rows: each row is a sample of one step."
    return Problem(
        code="batch-as-sequence",
        raises=None,
        message=f"A 2-D input is one sequence: {counted(call.L, 'time step')}, no axis N.",
        why=why,
        fix=fix,
        tensor="input",
        axis="N",
        likely=samples is not None,
    )
