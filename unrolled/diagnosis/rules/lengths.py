"""What is wrong with L: an input without steps, lengths that do not fit it, packing and padding back.

The exceptions are those of `torch.nn.utils.rnn`, and of the layers for what it packs, in PyTorch 2.13 on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real

import torch
from torch.nn.utils.rnn import PackedSequence

from unrolled.diagnosis.rules.inputs import Problem, conversion, in_onednn, looks_like_result, swapped_axes
from unrolled.diagnosis.rules.result_use import result_problem
from unrolled.shapes import Call, Layer
from unrolled.text import counted


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
            RuntimeError("shape '[" if in_onednn(call, data) else "start ("),
            f"The lengths add up to {call.rows} time steps; the packed data has {len(data)}: one is above L.",
            "Usually the lengths were counted before truncating. Packing raises nothing; the layer runs out of data."
            + (" Or the packing lacks batch_first=True, and reads N as L." if layer.batch_first else ""),
            f"input = {_pack('padded', clamped, layer.batch_first)}",
            "lengths",
            "L",
        )


def padding_problem(call: Call, data: torch.Tensor) -> Problem | None:
    """Samples that end in zeros, without lengths: no error, and another h_n."""
    count = _padded_samples(call, data)
    if not count:
        return None
    return Problem(
        "padding-unpacked",
        None,
        f"{count} of {call.N} samples {'ends' if count == 1 else 'end'} in zeros, and there are no lengths.",
        "The layer reads padding as data: h_n is the state after the padding.",
        f"input = {_pack('input', _steps_source(call.time_axis), call.layer.batch_first)}",
        "input",
        "L",
        likely=False,
    )


def _has_steps(call: Call, data: torch.Tensor) -> bool:
    """Whether the steps of a padded batch can be told apart, and read."""
    readable = not data.is_meta and data.layout is torch.strided and 0 not in data.shape
    return readable and call.form == "batched" and not call.layer.is_cell and call.L != 1


def _padded_samples(call: Call, data: torch.Tensor) -> int:
    """How many samples have a first step and then end in an all-zero one; only those two steps are read."""
    if not _has_steps(call, data):
        return 0
    first, last = data.select(call.time_axis, 0), data.select(call.time_axis, -1)
    return int((first.any(-1) & ~last.any(-1)).sum())


def swapped_padding_problem(call: Call, data: torch.Tensor) -> Problem | None:
    """A batch whose zeros make sense as padding along its axis N, and along its axis L as neither padding nor data.

    One zero step, a rest in a sample that goes on, looks like that too; so samples of three lengths are asked for.
    """
    if not _has_steps(call, data) or call.N == 1:
        return None
    first, last = data.select(call.batch_axis, 0), data.select(call.batch_axis, -1)
    if bool(last.any(-1).all()) or not bool(first.any(-1).all()):
        return None
    real = data.any(-1)
    here, next_sample = real.narrow(call.batch_axis, 0, call.N - 1), real.narrow(call.batch_axis, 1, call.N - 1)
    now, then = real.narrow(call.time_axis, 0, call.L - 1), real.narrow(call.time_axis, 1, call.L - 1)
    one_end = not bool((next_sample & ~here).any())
    both_ends = bool((then & ~now).any()) and bool((now & ~then).any())
    if not (one_end and both_ends and len(real.sum(call.batch_axis).unique()) > 2):
        return None
    return Problem(
        "layout-swapped",
        None,
        f"The zeros of this batch stand at the end of axis {call.batch_axis}, which the layer reads as N.",
        f"Padding stands at the end of L. {swapped_axes(call.layer)}",
        "input = input.transpose(0, 1)",
        "input",
        "N",
        likely=False,
    )


def data_problem(call: Call, data: torch.Tensor, lengths: object) -> Problem | None:
    """Lengths that end a sample before its last step that is not zero, in a batch whose padding is zeros.

    In a batch correctly padded, the last step of each sample and the one at its length are all that is read.
    """
    values = length_list(lengths)
    if not _has_steps(call, data) or values is None or bool(data.select(call.time_axis, -1).any(-1).all()):
        return None
    samples = zip(data.unbind(call.batch_axis), values)
    if not any(length < call.L and bool(sample[length].any()) for sample, length in samples):
        return None
    steps = torch.arange(1, call.L + 1, device=data.device).unsqueeze(call.batch_axis)
    real = (data.any(-1) * steps).amax(call.time_axis).tolist()
    sample = next(index for index, (length, last) in enumerate(zip(values, real)) if length < last)
    message = f"lengths[{sample}] is {values[sample]}; sample {sample} has {counted(real[sample], 'step')} of data."
    reordered = sorted(real) == sorted(values)
    return Problem(
        "lengths-order" if reordered else "lengths-below-data",
        None,
        message,
        "The lengths are right, in another order than the samples. Usually one of the two was sorted without the other."
        if reordered
        else "The steps after a sample's length are not read: h_n is the state before them.",
        f"lengths = {_steps_source(call.time_axis)}",
        "lengths",
        "N" if reordered else "L",
        likely=reordered,
    )


def _steps_source(time_axis: int, features: str = ".any(-1)") -> str:
    """An expression for the steps of each sample of `input` up to its last one that is not zero."""
    return f"(input != 0){features}.long().cumsum({time_axis}).argmax({time_axis}) + 1"


def _is_mask(given: torch.Tensor | None, N: int, L: int) -> bool:
    """Whether `given` as lengths is zeros and ones for each step of each sample."""
    if given is None or given.is_meta or L == 1 or tuple(given.shape) not in ((N, L), (L, N)):
        return False
    return bool(((given == 0) | (given == 1)).all())


def _features(input: torch.Tensor) -> str:
    """The calls that tell the steps of `input != 0` apart, whatever axes follow N and L."""
    return ".flatten(2).any(-1)" if input.dim() > 2 else ""


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
        given = None if conversion(lengths, "lengths", torch.int64) is None else torch.as_tensor(lengths)
        raises = IndexError("index_select(): Index is supposed to be a vector")
        if enforce_sorted or given is None or given.dim() < 2:
            raises = RuntimeError("'lengths' argument should be a 1D CPU int64 tensor")
        why = "lengths is a list or a 1-D tensor on the CPU: one number of time steps for each sample."
        fix = f"lengths = torch.as_tensor(lengths).flatten().expand({N}).cpu()"
        if _is_mask(given, N, L):
            axis = 1 if given.shape == (N, L) else 0
            over = f"axis {axis}, L," if N != L else "axis 1 if it is (N, L), over axis 0 if it is (L, N),"
            why = f"It looks like a mask, 1 at each step of data: its sum over {over} is the number of those."
            fix = f"lengths = torch.as_tensor(lengths).sum({axis}).cpu()"
        elif given is None or given.numel() not in (1, N):
            fix = f"lengths = {_steps_source(1 if batch_first else 0, _features(input))}"
        add("lengths-type", raises, f"lengths is not one number for each of {counted(N, 'sample')}.", why, fix)
        return problems
    if enforce_sorted and getattr(lengths, "is_cuda", False):
        why = "Lengths steer the loop over time steps, which runs on the CPU. The input stays on the GPU."
        raises = RuntimeError("'lengths' argument should be a 1D CPU int64 tensor")
        add("lengths-device", raises, "lengths is on the GPU.", why, "lengths = lengths.cpu()")
    if len(values) != N:
        there = "There is" if len(values) == 1 else "There are"
        message = f"{there} {counted(len(values), 'length')} for N = {counted(N, 'sample')}."
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
            source = _steps_source(1 if batch_first else 0, _features(input))
            add("lengths-too-few", raises, message, why, f"lengths = {source}")
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
        why = (
            "Usually the lengths were counted before truncating. "
            "Packing raises nothing. The layer then runs out of data, and its error names no length."
        )
        add("lengths-above-input", None, message, why, f"lengths = torch.as_tensor(lengths).clamp(max={L})", "L")
    return problems


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
            f"total_length is {total_length}; output has L = {counted(longest, 'time step')}.",
            "total_length pads further than the longest sample. It cuts nothing off.",
            f"output, lengths = pad_packed_sequence(output{first}, total_length={longest})",
            "output",
            "L",
        )
    return None


def _pack(input: str, lengths: str, batch_first: bool) -> str:
    first = "batch_first=True, " if batch_first else ""
    return f"pack_padded_sequence({input}, {lengths}, {first}enforce_sorted=False)"
