"""What is wrong with L: an input without steps, lengths that do not fit it, packing and padding back.

The exceptions are those of `torch.nn.utils.rnn`, and of the layers for what it packs, in PyTorch 2.13 on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from numbers import Real

import torch
from torch.nn.utils.rnn import PackedSequence

from unrolled.diagnosis.problem import Problem
from unrolled.diagnosis.rules.inputs import in_onednn, swapped_axes
from unrolled.diagnosis.rules.result_use import result_problem
from unrolled.diagnosis.values import conversion, is_dense, looks_like_result
from unrolled.shapes import BatchedCall, KnownCall, Layer, PackedCall
from unrolled.text import counted


def input_steps(
    layer: Layer, call: KnownCall, data: torch.Tensor, hx: object = None, targets: str = ""
) -> Iterator[Problem]:
    """An input without time steps, or a packed one with fewer than its lengths count.

    `targets` are what the results of the call are assigned to, as far as it is known.
    """
    if call.L == 0:
        yield Problem(
            code="input-empty",
            raises=RuntimeError("Expected sequence length to be larger than 0 in RNN"),
            message="input has no time step: L is 0.",
            why="There is nothing to read, so skip the call: output has no step, and the states are those before it. "
            "Or leave empty sequences out.",
            fix=_skipped_call(layer, call, hx, targets),
            tensor="input",
            axis="L",
        )
    if isinstance(call, PackedCall) and call.rows != len(data):
        clamped = f"torch.as_tensor(lengths).clamp(max=padded.size({call.time_axis}))"
        yield Problem(
            code="lengths-above-input",
            raises=RuntimeError("shape '[" if in_onednn(call, data) else "start ("),
            message=f"The lengths add up to {call.rows} time steps; the packed data has {len(data)}: one is above L.",
            why="Usually the lengths were counted before truncating. Packing raises nothing; the "
            "layer runs out of data."
            + (" Or the packing lacks batch_first=True, and reads N as L." if layer.batch_first else ""),
            fix=f"input = {_pack('padded', clamped, layer.batch_first)}",
            tensor="lengths",
            axis="L",
        )


def _skipped_call(layer: Layer, call: KnownCall, hx: object, targets: str) -> str:
    """A line in place of a call on no steps: an output of none, and the states that were given, or zeros."""
    output = f"input.new_zeros(*input.shape[:-1], {layer.D * layer.H_out})"
    states = "hx"
    if hx is None:
        N = [f"input.size({call.batch_axis})"] * call.has_batch_axis
        rows = str(layer.D * layer.num_layers)
        widths = [layer.H_out] + [layer.hidden_size] * layer.has_cell_state
        zeros = [f"input.new_zeros({', '.join([rows, *N, str(width)])})" for width in widths]
        states = f"({', '.join(zeros)})" if len(zeros) == 2 else zeros[0]
    default = "output, (hn, cn)" if layer.has_cell_state else "output, hn"
    return f"{targets or default} = {output}, {states}"


def padding_problem(call: KnownCall, data: torch.Tensor) -> Problem | None:
    """Samples that end in zeros, without lengths: no error, and another h_n."""
    if not (isinstance(call, BatchedCall) and _has_steps(call, data)):
        return None
    count = _padded_samples(call, data)
    if not count:
        return None
    return Problem(
        code="padding-unpacked",
        raises=None,
        message=f"{count} of {call.N} samples {'ends' if count == 1 else 'end'} in zeros, and there are no lengths.",
        why="The layer reads padding as data: h_n is the state after the padding.",
        fix=f"input = {_pack('input', _steps_source(call.time_axis), call.layer.batch_first)}",
        tensor="input",
        axis="L",
        likely=False,
    )


def _has_steps(call: BatchedCall, data: torch.Tensor) -> bool:
    """Whether a padded batch has several steps, and their numbers can be read."""
    return is_dense(data) and 0 not in data.shape and call.L != 1


def _padded_samples(call: BatchedCall, data: torch.Tensor) -> int:
    """How many samples have a first step and then end in an all-zero one; only those two steps are read."""
    first, last = data.select(call.time_axis, 0), data.select(call.time_axis, -1)
    return int((first.any(-1) & ~last.any(-1)).sum())


def swapped_padding_problem(call: KnownCall, data: torch.Tensor) -> Problem | None:
    """A batch whose zeros make sense as padding along its axis N, and along its axis L as neither padding nor data.

    One zero step, a rest in a sample that goes on, looks like that too; so samples of three lengths are asked for.
    """
    if not (isinstance(call, BatchedCall) and _has_steps(call, data)) or call.N == 1:
        return None
    first, last = data.select(call.batch_axis, 0), data.select(call.batch_axis, -1)
    if bool(last.any(-1).all()) or not bool(first.any(-1).all()):
        return None
    real = data.any(-1)
    here, next_sample = real.narrow(call.batch_axis, 0, call.N - 1), real.narrow(call.batch_axis, 1, call.N - 1)
    now, then = real.narrow(call.time_axis, 0, call.L - 1), real.narrow(call.time_axis, 1, call.L - 1)
    one_end = not bool((next_sample & ~here).any())
    both_ends = bool((then & ~now).any()) and bool((now & ~then).any())
    if not (one_end and both_ends and len(set(real.sum(call.batch_axis).flatten().tolist())) > 2):
        return None
    return Problem(
        code="layout-swapped",
        raises=None,
        message=f"The zeros of this batch are at the end of axis {call.batch_axis}, which the layer reads as N.",
        why=f"Padding is at the end of L. {swapped_axes(call.layer)}",
        fix="input = input.transpose(0, 1)",
        tensor="input",
        axis="N",
        likely=False,
    )


def data_problem(call: BatchedCall, data: torch.Tensor, lengths: object) -> Problem | None:
    """Lengths that end a sample before its last step that is not zero, in a batch whose padding is zeros.

    In a batch correctly padded, the last step of each sample and the one at its length are all that is read.
    """
    values = length_list(lengths)
    if not _has_steps(call, data) or values is None or bool(data.select(call.time_axis, -1).any(-1).all()):
        return None
    samples = zip(data.unbind(call.batch_axis), values, strict=False)
    if not any(length < call.L and bool(sample[length].any()) for sample, length in samples):
        return None
    steps = torch.arange(1, call.L + 1, device=data.device).unsqueeze(call.batch_axis)
    real = (data.any(-1) * steps).amax(call.time_axis).tolist()
    sample = next(index for index, (length, last) in enumerate(zip(values, real, strict=False)) if length < last)
    message = f"lengths[{sample}] is {values[sample]}; sample {sample} has {counted(real[sample], 'step')} of data."
    reordered = sorted(real) == sorted(values)
    return Problem(
        code="lengths-order" if reordered else "lengths-below-data",
        raises=None,
        message=message,
        why="The lengths are right, in another order than the samples. Usually one of the two was "
        "sorted without the other."
        if reordered
        else "The steps after a sample's length are not read: h_n is the state before them.",
        fix=f"lengths = {_steps_source(call.time_axis)}",
        tensor="lengths",
        axis="N" if reordered else "L",
        likely=reordered,
    )


def _steps_source(time_axis: int, features: str = ".any(-1)") -> str:
    """An expression for the steps of each sample of `input` up to its last one that is not zero."""
    return f"(input != 0){features}.long().cumsum({time_axis}).argmax({time_axis}) + 1"


def _is_mask(given: torch.Tensor, N: int, L: int) -> bool:
    """Whether `given` as lengths is zeros and ones for each step of each sample."""
    if not is_dense(given) or L == 1 or tuple(given.shape) not in ((N, L), (L, N)):
        return False
    return bool(((given == 0) | (given == 1)).all())


def _features(input: torch.Tensor) -> str:
    """The calls that tell the steps of `input != 0` apart, whatever axes follow N and L."""
    return ".flatten(2).any(-1)" if input.dim() > 2 else ""


def length_list(lengths: object) -> list[int] | None:
    """The lengths as numbers; None for what is not a list of numbers with one axis."""
    if getattr(lengths, "ndim", 1) != 1 or (isinstance(lengths, torch.Tensor) and not is_dense(lengths)):
        return None
    values = lengths.tolist() if hasattr(lengths, "tolist") else lengths
    if not isinstance(values, Sequence) or isinstance(values, str):
        return None
    values = [value.item() if isinstance(value, torch.Tensor) and value.dim() == 0 else value for value in values]
    return [int(value) for value in values] if all(isinstance(value, Real) for value in values) else None


@dataclass(frozen=True, kw_only=True)
class Packing:
    """The arguments of `pack_padded_sequence`; `values` are the lengths as numbers."""

    input: torch.Tensor
    lengths: object
    values: list[int]
    batch_first: bool
    enforce_sorted: bool

    @property
    def N(self) -> int:
        return self.input.size(0 if self.batch_first else 1)

    @property
    def L(self) -> int:
        return self.input.size(1 if self.batch_first else 0)


def pack_problems(
    input: object, lengths: object, batch_first: bool = False, enforce_sorted: bool = True
) -> list[Problem]:
    """What is wrong with `pack_padded_sequence(input, lengths, batch_first, enforce_sorted)`, in its order."""
    if not isinstance(input, torch.Tensor) or input.dim() < 2:
        return []
    values = length_list(lengths)
    if input.numel() == 0 and values is not None:
        return [_nothing_to_pack(input, batch_first)]
    if values is None and isinstance(lengths, torch.Tensor) and lengths.dim() == 1 and not lengths.is_meta:
        return []  # numbers that cannot be read here
    if values is None:
        return [_lengths_type(input, lengths, batch_first, enforce_sorted)]
    packing = Packing(
        input=input, lengths=lengths, values=values, batch_first=batch_first, enforce_sorted=enforce_sorted
    )
    problems = []
    if enforce_sorted and getattr(lengths, "is_cuda", False):
        problems.append(
            Problem(
                code="lengths-device",
                raises=RuntimeError("'lengths' argument should be a 1D CPU int64 tensor"),
                message="lengths is on the GPU.",
                why="Lengths steer the loop over time steps, which runs on the CPU. The input stays on the GPU.",
                fix="lengths = lengths.cpu()",
                tensor="lengths",
                axis="N",
            )
        )
    if len(values) != packing.N:
        return [*problems, _lengths_count(packing)]
    return [*problems, *_lengths_values(packing)]


def _nothing_to_pack(input: torch.Tensor, batch_first: bool) -> Problem:
    """A batch without samples, steps or features."""
    sizes = dict(zip(("N", "L") if batch_first else ("L", "N"), input.shape, strict=False))
    empty = next((axis for axis, size in sizes.items() if size == 0), "the number of features")
    counted_things = {"N": "samples", "L": "time steps"}.get(empty, "features")
    return Problem(
        code="input-empty",
        raises=RuntimeError("Cannot pack empty tensors."),
        message=f"input has no {counted_things}: {empty} is 0.",
        why="There is nothing to pack. Skip such a batch, or leave it out where the batches are made.",
        fix="",
        tensor="input",
        axis=empty if empty in sizes else "",
    )


def _lengths_type(input: torch.Tensor, lengths: object, batch_first: bool, enforce_sorted: bool) -> Problem:
    """Lengths that are not a list of numbers, a mask for instance."""
    N, L = (input.size(0), input.size(1)) if batch_first else (input.size(1), input.size(0))
    given = None if conversion(lengths, "lengths", torch.int64) is None else torch.as_tensor(lengths)
    raises: Exception = IndexError("index_select(): Index is supposed to be a vector")
    if enforce_sorted or given is None or given.dim() < 2:
        raises = RuntimeError("'lengths' argument should be a 1D CPU int64 tensor")
    why = "lengths is a list or a 1-D tensor on the CPU: one number of time steps for each sample."
    fix = f"lengths = torch.as_tensor(lengths).flatten().expand({N}).cpu()"
    if given is not None and _is_mask(given, N, L):
        axis = 1 if given.shape == (N, L) else 0
        over = f"axis {axis}, L," if N != L else "axis 1 if it is (N, L), over axis 0 if it is (L, N),"
        why = f"It looks like a mask, 1 at each step of data: its sum over {over} is the number of those."
        fix = f"lengths = torch.as_tensor(lengths).sum({axis}).cpu()"
    elif given is None or given.numel() not in (1, N):
        fix = f"lengths = {_steps_source(1 if batch_first else 0, _features(input))}"
    return Problem(
        code="lengths-type",
        raises=raises,
        message=f"lengths is not one number for each of {counted(N, 'sample')}.",
        why=why,
        fix=fix,
        tensor="lengths",
        axis="N",
    )


def _lengths_count(packing: Packing) -> Problem:
    """More or fewer lengths than samples."""
    values, N, L = packing.values, packing.N, packing.L
    raises: Exception | None = RuntimeError(
        f"Expected `len(lengths)` to be equal to batch_size, but got {len(values)} (batch_size={N})"
    )
    if not packing.enforce_sorted:  # torch reorders the samples before it counts them
        above = IndexError("index out of range in self") if packing.batch_first else RuntimeError("INDICES")
        raises = above if len(values) > N else None
    code, why, fix = "lengths-too-many", "Each sample has one length.", f"lengths = lengths[:{N}]"
    if len(values) == L and values and max(values) <= N:
        layout = "(N, L, …)" if packing.batch_first else "(L, N, …)"
        code, fix = "layout-swapped", "input = input.transpose(0, 1)"
        why = f"There are as many lengths as time steps, {L}: input is probably not {layout}."
    elif len(values) < N:
        code = "lengths-too-few"
        why = "Each sample has one length. With enforce_sorted=False the samples without one are dropped."
        fix = f"lengths = {_steps_source(1 if packing.batch_first else 0, _features(packing.input))}"
    there = "There is" if len(values) == 1 else "There are"
    return Problem(
        code=code,
        raises=raises,
        message=f"{there} {counted(len(values), 'length')} for N = {counted(N, 'sample')}.",
        why=why,
        fix=fix,
        tensor="lengths",
        axis="N",
    )


def _lengths_values(packing: Packing) -> Iterator[Problem]:
    """Lengths, one for each sample, that are out of order, below one step or above L."""
    values, L = packing.values, packing.L
    if not values:
        return
    ordered = values if packing.enforce_sorted else sorted(values, reverse=True)
    if ordered != sorted(values, reverse=True) and ordered[-1] > 0:
        yield Problem(
            code="lengths-unsorted",
            raises=RuntimeError("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True"),
            message="lengths do not fall from the longest to the shortest.",
            why="enforce_sorted is True by default. With False, PyTorch sorts, and puts your order "
            "back in the results.",
            fix=f"packed = {_pack('input', 'lengths', packing.batch_first)}",
            tensor="lengths",
        )
    if min(values) <= 0:
        yield Problem(
            code="lengths-zero",
            raises=RuntimeError("Length of all samples has to be greater than 0"),
            message=f"lengths[{values.index(min(values))}] is {min(values)}; "
            "each sample has at least one of the L steps.",
            why="A sample without time steps has no state. Leave it out, or read one step of its padding.",
            fix="lengths = torch.as_tensor(lengths).clamp(min=1)",
            tensor="lengths",
            axis="L",
        )
    if max(values) > L:
        yield Problem(
            code="lengths-above-input",
            raises=None,
            message=f"lengths[{values.index(max(values))}] is {max(values)}; L is {L}.",
            why="Usually the lengths were counted before truncating. "
            "Packing raises nothing. The layer then runs out of data, and its error names no length.",
            fix=f"lengths = torch.as_tensor(lengths).clamp(max={L})",
            tensor="lengths",
            axis="L",
        )


def unpack_problem(sequence: object, batch_first: bool, total_length: object) -> Problem | None:
    """What is wrong with `pad_packed_sequence(sequence, batch_first, total_length=total_length)`."""
    first = ", batch_first=True" if batch_first else ""
    if isinstance(sequence, torch.Tensor):
        return Problem(
            code="output-not-packed",
            raises=AttributeError("'Tensor' object has no attribute 'batch_sizes'"),
            message="output is a tensor, already padded: the input was not packed.",
            why="Only a PackedSequence has lengths. Pack the input before the layer reads it.",
            fix=f"output, _ = module({_pack('input', 'lengths', batch_first)})",
            tensor="output",
        )
    if looks_like_result(sequence):
        return result_problem(sequence, AttributeError("'tuple' object has no attribute 'batch_sizes'"), batch_first)
    if isinstance(sequence, PackedSequence) and isinstance(total_length, int):
        longest = len(sequence.batch_sizes)
        return Problem(
            code="total-length-too-small",
            raises=ValueError("Expected total_length to be at least the length of the longest sequence in input"),
            message=f"total_length is {total_length}; output has L = {counted(longest, 'time step')}.",
            why="total_length pads further than the longest sample. It cuts nothing off.",
            fix=f"output, lengths = pad_packed_sequence(output{first}, total_length={longest})",
            tensor="output",
            axis="L",
        )
    return None


def _pack(input: str, lengths: str, batch_first: bool) -> str:
    first = "batch_first=True, " if batch_first else ""
    return f"pack_padded_sequence({input}, {lengths}, {first}enforce_sorted=False)"
