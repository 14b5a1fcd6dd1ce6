"""What is wrong with a call of a recurrent layer: what PyTorch raises, and what it does not raise.

Each rule names the tensor and the axis, the likeliest cause, and a line that repairs it. The exceptions
are those of `torch.nn.RNN`, `LSTM`, `GRU` and their cells in PyTorch 2.13 on a CPU; the tests make torch
raise each of them. What concerns hx is in `hidden_state`, what concerns L and lengths in `lengths`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from math import prod
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence

from unrolled.shapes import Call, Layer
from unrolled.text import counted


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

    It goes before the line that fails, or in place of it when that line assigns the same name. Empty where no
    line can; then `why` says what is needed.
    """
    tensor: str
    axis: str = ""
    likely: bool = True
    """False when nothing in the call tells a mistake from what you may have meant."""
    also: tuple[str, ...] = ()
    """Other ways that the text of `raises` can begin, where it varies between builds or sizes."""

    def is_raised_as(self, error: BaseException) -> bool:
        """Whether `error` is the exception that this problem raises, in a wording that is known."""
        known = [text for text in (str(self.raises), *self.also) if text]
        return type(error) is type(self.raises) and str(error).startswith(tuple(known))


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


def named(thing: object) -> str:
    """The type of `thing` with its article: `"a tuple"`, `"an int"`; None is `"None"`."""
    if thing is None:
        return "None"
    kind = type(thing).__name__
    return f"{'an' if kind.lower().startswith(('a', 'e', 'i', 'o', 'u', 'nd')) else 'a'} {kind}"


def lacks(thing: object, name: str = "dim") -> Exception:
    """What torch raises where it calls the method `name` of tensors on `thing`, in the words of `thing` itself."""
    try:
        found = getattr(thing, name)
    except AttributeError as error:
        return AttributeError(str(error))
    return RuntimeError() if callable(found) else TypeError(f"'{type(found).__name__}' object is not callable")


def conversion(thing: object, name: str, dtype: torch.dtype) -> str | None:
    """An expression that makes a tensor of `thing`, called `name`; None where `torch.as_tensor` cannot."""
    if isinstance(thing, torch.Tensor) and thing.is_nested:
        return None
    try:
        torch.as_tensor(thing, dtype=dtype)
    except Exception:
        return None
    return f"torch.as_tensor({name}, dtype={dtype})"


def in_onednn(call: Call, data: torch.Tensor) -> bool:
    """Whether oneDNN runs this call, an LSTM's: then a packed batch is not checked, and read as a padded one."""
    layer = call.layer
    return (
        layer.kind == "LSTM"
        and not layer.proj_size
        and (call.form != "packed" or call.equal_lengths)
        and (data.device.type == "cpu" and data.dtype in (torch.float32, torch.bfloat16, torch.float16))
        and torch.backends.mkldnn.is_available()
    )


OTHER_DEVICE = ("Tensor on device ", "Expected all tensors to be on the same device")
"""What is said of two devices where the layer does not look at them itself: a cell, a packed input."""


def mixed_dtypes(first: torch.dtype, second: torch.dtype) -> str:
    """What a product of two matrices says of their dtypes."""
    names = [torch.empty(0, dtype=dtype).type()[len("torch.") : -len("Tensor")] for dtype in (first, second)]
    return f"mat1 and mat2 must have the same dtype, but got {names[0]} and {names[1]}"


def looks_like_result(thing: object) -> bool:
    """Whether `thing` is what a recurrent layer returns: `(output, h_n)` or `(output, (h_n, c_n))`."""
    if type(thing) is not tuple or len(thing) != 2:
        return False
    states = thing[1] if isinstance(thing[1], tuple) else (thing[1],)
    return isinstance(thing[0], (torch.Tensor, PackedSequence)) and all(
        isinstance(state, torch.Tensor) and state.dim() in (2, 3) for state in states
    )


def swapped_axes(layer: Layer) -> str:
    """What is said where the input's axes N and L are probably not those that the layer reads."""
    here, there = ("(N, L, H_in)", "(L, N, H_in)")[:: 1 if layer.batch_first else -1]
    other = "" if layer.batch_first else f" With batch_first=True it would read {there}."
    return f"The input's axes N and L are probably swapped: this layer reads {here}.{other}"


def input_axes(layer: Layer, call: Call, input: object, hx: object, weight: torch.Tensor) -> Problem | None:
    """An input that is no tensor, or has the wrong number of axes; `weight` is one of the layer.

    `hx` tells which axis of a sequence given to a cell is N.
    """
    if isinstance(input, torch.Tensor) and input.is_nested:
        raises = ValueError() if input.layout is torch.jagged else RuntimeError()
        why = "A recurrent layer reads one block of memory. Pad the samples to one length, and pack them."
        fix = "input = torch.nested.to_padded_tensor(input, 0.0)"
        return Problem("input-type", raises, "input is a nested tensor.", why, fix, "input", "L")
    if call.form != "packed" and not is_tensor(input):
        result = looks_like_result(input)
        samples = _samples_fix(layer, call, input) if not result else None
        if samples is not None:
            return Problem(
                "input-type",
                lacks(input),
                f"input is {named(input)} of {counted(len(input), 'tensor')}, not a tensor.",
                "Samples of several lengths become one tensor by padding. "
                "Take their lengths first: pack_padded_sequence asks for them.",
                samples,
                "input",
                "L",
            )
        value = None if result else conversion(input, "input", weight.dtype)
        why, fix = "A recurrent layer reads a floating-point tensor.", f"input = {value}"
        if result:
            why = "A recurrent layer returns a tuple, (output, h_n). The next layer reads output alone."
            fix = "input = input[0]"
        elif value is None:
            reads = "(N, H_in)" if layer.is_cell else "(N, L, H_in)" if layer.batch_first else "(L, N, H_in)"
            why = f"This layer reads a floating-point tensor, {reads}. Words become one by their ids and nn.Embedding."
            fix = ""
        return Problem("input-type", lacks(input), f"input is {named(input)}, not a tensor.", why, fix, "input")
    sizes = tuple(input.data.shape)
    low, high = (2, 2) if call.form == "packed" else (1, 2) if layer.is_cell else (2, 3)
    if low <= len(sizes) <= high:
        return None
    also: tuple[str, ...] = ()
    if call.form == "packed" and layer.has_cell_state:  # not checked: what C++ does with it fails, or does not
        merges = in_onednn(call, input.data) and len(sizes) > 2 and prod(sizes[1:-1]) == 1
        raises = None if merges else RuntimeError()
        also = ("shape '[", "mat1 and mat2 shapes cannot be multiplied", "The size of tensor a", "output with shape")
    elif call.form == "packed":
        raises = RuntimeError(f"input must have 2 dimensions, got {len(sizes)}")
    else:
        tensor = " tensor" if layer.kind == "RNN" else ""
        text = f"{layer.kind}: Expected input to be {low}D or {high}D, got {len(sizes)}D{tensor} instead"
        raises = ValueError(text)
    reads = str(low) if low == high else f"{low} or {high}"
    return Problem(
        "input-axes",
        raises,
        f"input has {counted(len(sizes), 'axis')}, {sizes}; {layer.kind} reads {reads}.",
        "A cell reads one time step; step through the time axis yourself: axis 1 of (N, L, H_in), axis 0 of (L, N, H_in)."
        if layer.is_cell
        else "Each time step is one vector of H_in features. Merge the axes that make up the vector.",
        _merge_axes(layer, call, sizes, hx),
        "input",
        "H_in",
        also=also,
    )


def _samples_fix(layer: Layer, call: Call, input: object) -> str | None:
    """A line that pads a list of samples, (L,) or (L, H_in) each, and keeps their lengths; None for another list."""
    if layer.is_cell or not isinstance(input, (list, tuple)) or not input or not all(map(is_tensor, input)):
        return None
    first = ", batch_first=True" if layer.batch_first else ""
    padded = f"nn.utils.rnn.pad_sequence(input{first})"
    features = {sample.shape[1:] for sample in input} if all(sample.dim() for sample in input) else set()
    if features == {()} and layer.input_size == 1:
        padded += ".unsqueeze(-1)"
    elif features != {(layer.input_size,)}:
        return None
    return f"lengths, input = [len(sample) for sample in input], {padded}"


def _merge_axes(layer: Layer, call: Call, sizes: tuple[int, ...], hx: object) -> str:
    """A line that gives `input` the right number of axes, with a layer of another input_size if need be.

    Empty where that leaves no features, of which no layer is made.
    """
    H_in, comment = layer.input_size, ""
    if call.form == "packed":
        change, width = "input._replace(data=input.data.reshape(len(input.data), -1))", prod(sizes[1:])
    elif layer.is_cell:
        change, width = "input.flatten()", prod(sizes)
        if len(sizes) == 3:
            state = hx[0] if isinstance(hx, (tuple, list)) and hx else hx
            N = len(state) if is_tensor(state) and state.dim() == 2 else None
            time_first = N == sizes[1] != sizes[0]
            change, width = "input[0]" if time_first else "input[:, 0]", sizes[-1]
            if not time_first and not N == sizes[0] != sizes[1]:
                comment = "  # step 0 of (N, L, H_in); of (L, N, H_in) it is input[0]"
    elif len(sizes) < 2:
        change, width = ("input.unsqueeze(0)", H_in) if sizes == (H_in,) else ("input.reshape(-1, 1)", 1)
    elif len(sizes) == 4 and sizes[-1] == H_in and sizes[2] != 1:
        axis = 0 if sizes[0] == 1 else 1 if sizes[1] == 1 else None
        merged = f"input.flatten({call.batch_axis}, {call.batch_axis + 1})"
        change, width = (merged if axis is None else f"input.squeeze({axis})"), H_in
    else:
        change, width = "input.flatten(2)", prod(sizes[2:])
    if width == 0:
        return ""
    if width == H_in:
        return f"input = {change}{comment}"
    return f"input, module = {change}, {layer.source(input_size=width)}{comment}"


def input_features(layer: Layer, call: Call, data: torch.Tensor, alone: bool) -> Iterator[Problem]:
    """An input whose last axis is not input_size; `alone` when no hx was given with it."""
    sizes, H_in = tuple(data.shape), layer.input_size
    if sizes[-1] == H_in:
        return
    text = f"input.size(-1) must be equal to input_size. Expected {H_in}, got {sizes[-1]}"
    if layer.is_cell:
        text = f"input has inconsistent input_size: got {sizes[-1]} expected {H_in}"
    elif layer.has_cell_state and call.form == "packed":
        text = "" if in_onednn(call, data) else "mat1 and mat2 shapes cannot be multiplied"
    raises = RuntimeError(text) if text else None
    why = "H_in counts the features of one time step. It is neither the length nor the batch size."
    fix = f"module = {layer.source(input_size=sizes[-1])}"
    if not layer.is_cell and call.form != "packed" and sizes[-2] == H_in and alone:
        why = f"The axis before the last is {H_in}: the features stand before the time steps, as in a convolution."
        fix = "input = input.transpose(-1, -2)"
        if call.form == "batched" and not layer.batch_first:
            fix = "input = input.permute(2, 0, 1)"
    elif H_in == 1 and call.form == "unbatched" and not layer.is_cell and alone:
        layout = "(N, L, 1)" if layer.batch_first else "(L, N, 1)"
        why = f"input_size is 1, and the axis of the one feature is missing. This layer reads {layout}."
        fix = "input = input.unsqueeze(-1)"
    message = f"input's last axis, H_in, is {sizes[-1]}; the layer's input_size is {H_in}."
    if sizes[-1] == 0:
        why, fix = f"The input has no features: each time step is a vector of input_size numbers, here {H_in}.", ""
    if raises is None:
        why = "PyTorch does not check the input of a packed LSTM. This one reads its weights in the wrong places."
        if sizes[-1] > H_in:
            why = "PyTorch does not check the input of a packed LSTM. This one reads memory out of bounds."
    yield Problem("input-features", raises, message, why, fix, "input", "H_in")


def are_ids(layer: Layer, call: Call, data: torch.Tensor) -> bool:
    """Whether an input is integers without an axis H_in: a batch of sequences of ids, or of measurements."""
    integers = data.dtype in (torch.int64, torch.int32) and call.form == "unbatched" and not layer.is_cell
    return integers and layer.input_size not in (1, data.shape[-1])


def input_dtype(layer: Layer, call: Call, data: torch.Tensor, weight: torch.Tensor) -> Iterator[Problem]:
    """An input of another dtype than the weights."""
    if data.dtype == weight.dtype or torch.is_autocast_enabled(data.device.type):
        return
    raises: Exception = ValueError(
        f"RNN input dtype ({data.dtype}) does not match weight dtype ({weight.dtype}). "
        f"Convert input: input.to({weight.dtype})"
    )
    also: tuple[str, ...] = ()
    if layer.is_cell or (layer.has_cell_state and call.form == "packed"):
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
    message = f"input is {data.dtype}; the weights are {weight.dtype}."
    yield Problem("input-dtype", raises, message, why, fix, "input", also=also)


def input_device(data: torch.Tensor, weight: torch.Tensor) -> Iterator[Problem]:
    """An input on another device than the weights."""
    if data.device == weight.device:
        return
    text = "Input and {} tensors are not at the same device, found input tensor at " + str(data.device)
    fix = f"input = input.to('{weight.device}')"
    if weight.device.type == "cpu":
        fix = f"module = module.to('{data.device}')"
    message = f"input is on {data.device}; the weights are on {weight.device}."
    why = "module.to(device) moves the weights, input.to(device) moves the input. It takes both."
    also = (text.format("parameter"), text.format("hidden"), *OTHER_DEVICE)
    yield Problem("input-device", RuntimeError(), message, why, fix, "input", also=also)


SPARSE = (torch.sparse_coo, torch.sparse_csr, torch.sparse_csc, torch.sparse_bsr, torch.sparse_bsc)


def input_layout(layer: Layer, call: Call, data: torch.Tensor) -> Iterator[Problem]:
    """A sparse input, which cells read, and layers when it is packed."""
    if data.layout not in SPARSE or layer.is_cell or call.form == "packed":
        return
    raises = RuntimeError("reshape is not implemented for sparse tensors")
    also = (
        "Sparse CS",
        "Sparse BS",
        "sparse transpose: ",
        "transpose(): can only transpose dimensions of the same type",
    )
    why = "A recurrent layer reads one block of memory, zeros included."
    yield Problem(
        "input-sparse", raises, "input is a sparse tensor.", why, "input = input.to_dense()", "input", also=also
    )


def silent_problems(
    module: torch.nn.Module, call: Call, data: torch.Tensor, hx: object, samples: int | None
) -> Iterator[Problem]:
    """What raises nothing; `samples` is the number of lengths that come with the input, None without any."""
    layer, packs = call.layer, samples is not None
    if call.form == "unbatched" and not layer.is_cell and (hx is None or packs):
        why = "If its rows are samples of one step each, every row now continues the state of the row above."
        axis = 1 if layer.batch_first else 0
        if packs:
            why = "lengths are for a batch; this input has no axis N."
        if samples == 1:
            why, axis = f"{why} One length is that of one sample: the input is one sequence.", 1 - axis
        elif samples == call.L:
            why = f"{why} There are as many lengths as rows: each row is a sample of one step."
        message = f"A 2-D input is one sequence: {counted(call.L, 'time step')}, no axis N."
        fix = f"input = input.unsqueeze({axis})"
        yield Problem("batch-as-sequence", None, message, why, fix, "input", "N", likely=packs)
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
