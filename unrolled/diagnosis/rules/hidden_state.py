"""What is wrong with hx, the initial states of a recurrent layer: their type, their axes, their sizes.

The exceptions are those of `torch.nn.RNN`, `LSTM`, `GRU` and their cells in PyTorch 2.13 on a CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from unrolled.diagnosis.problem import Problem
from unrolled.diagnosis.rules.hidden_state_errors import (
    UNCHECKED,
    GivenState,
    dtype_raises,
    first_method,
    is_sorted,
    pair_raises,
    sizes_raises,
    unchecked,
)
from unrolled.diagnosis.rules.inputs import OTHER_DEVICE, swapped_axes
from unrolled.diagnosis.rules.state_repair import (
    exact_change,
    is_width_for_batch,
    of_two_directions,
    parts_along_layers,
    states_fix,
    zeros,
)
from unrolled.diagnosis.rules.state_source import StateSource, part_of_batch, source_of_states
from unrolled.diagnosis.traceback.frames import Traceback
from unrolled.diagnosis.values import conversion, features_of, is_tensor, method_error, type_name
from unrolled.shapes import BatchedCall, Call, KnownCall, PackedCall, TensorShape, UnbatchedCall
from unrolled.text import counted

CONVERT = "A state is a tensor of the dtype of the weights."
"""What is said of the state of another library, or of numbers."""


def initial_states(call: Call, hx: Any) -> list[TensorShape]:
    """The rules for h_0 (and c_0), with the sizes of what `hx` holds in that place, if it holds a tensor."""
    rules = [shape for shape in call.tensors() if shape.name in ("h_0", "c_0")]
    states = hx if isinstance(hx, tuple | list) else [hx]
    sizes: list[tuple[int, ...] | None] = [tuple(state.shape) if is_tensor(state) else None for state in states]
    sizes += [None] * len(rules)
    return [TensorShape(rule.name, rule.axes, given) for rule, given in zip(rules, sizes, strict=False)]


def state_problems(
    call: KnownCall,
    input: Any,
    hx: Any,
    weight: torch.Tensor,
    trace: Traceback | None = None,
    module: torch.nn.Module | None = None,
) -> list[Problem]:
    """What is wrong with `hx` for this call.

    `input` is a tensor or a PackedSequence, `weight` one of the layer `module`; `trace` shows what is around the call.
    """
    if hx is None:
        return []
    problem = _no_pair(call, input, hx, weight.dtype, trace) if call.layer.has_cell_state else None
    if not call.layer.has_cell_state and not is_tensor(hx):
        problem = _no_single(call, input, hx, weight.dtype)
    if problem is not None:
        return [problem]
    tensors = tuple(hx) if call.layer.has_cell_state else (hx,)
    states = _given_states(call, tensors)
    if any(state.wrong for state in states):
        source = source_of_states(tensors, trace, module)
        if isinstance(call, BatchedCall):
            whole, first = part_of_batch(input, call.batch_axis)
            source = replace(source, whole=whole, first=first)
        return list(_sizes_problems(call, input, states, source))
    return list(_placement(call, features_of(input), tensors, weight))


def _given_states(call: KnownCall, tensors: Sequence[torch.Tensor]) -> list[GivenState]:
    rules = [shape for shape in call.tensors() if shape.name in ("h_0", "c_0")]
    return [
        GivenState(
            name=rule.name,
            axes=rule.axes,
            sizes=tuple(tensor.shape),
            needed=tuple(size for size in rule.expected if size is not None),
        )
        for rule, tensor in zip(rules, tensors, strict=False)
    ]


def _no_single(call: KnownCall, input: Any, hx: Any, dtype: torch.dtype) -> Problem:
    """An h_0 that is not a tensor, for a layer of weights of `dtype` that takes one tensor."""
    pair = isinstance(hx, tuple | list) and len(hx) > 0 and is_tensor(hx[0])
    why, fix = "Leave hx out to start from zeros.", "hx = None"
    value = conversion(hx, "hx", dtype) if hasattr(hx, "__array__") else None
    if pair:
        why, fix = "The pair (h_0, c_0) belongs to an LSTM.", "hx = hx[0]"
    elif value:
        why, fix = CONVERT, f"hx = {value}"
    return Problem(
        code="state-type",
        raises=method_error(hx, first_method(call, input)),
        message=f"hx is {type_name(hx)}; {call.layer.kind} takes one tensor, h_0.",
        why=why,
        fix=fix,
        tensor="h_0",
    )


def _no_pair(call: KnownCall, input: Any, hx: Any, dtype: torch.dtype, trace: Traceback | None) -> Problem | None:
    """An hx that is not a pair of tensors, for an LSTM of weights of `dtype`."""
    two = isinstance(hx, tuple | list) and len(hx) == 2
    if two and all(is_tensor(state) for state in hx):
        return None
    h, c = initial_states(call, hx)
    if is_tensor(hx) and (not call.has_batch_axis or is_sorted(input)) and hx.dim() == len(h.axes) + 1 and len(hx) == 2:
        return None  # h_0 and c_0 stacked in one tensor: torch unpacks it
    what = f"hx is {type_name(hx)} of {len(hx)}" if isinstance(hx, tuple | list) else f"hx is {type_name(hx)}"
    if is_tensor(hx):
        what = f"hx is one tensor {tuple(hx.shape)}"
    why, fix = _pair_advice(call, hx, dtype, trace)
    if two:
        odd = next(index for index in (0, 1) if not is_tensor(hx[index]))
        what, values = f"hx[{odd}] is {type_name(hx[odd])}", [conversion(state, "state", dtype) for state in hx]
        if any(state is None for state in hx):
            missing = h.name if h.sizes is None else c.name
            why = f"None is no state, and {missing} is missing. Leave hx out to start from zeros."
        elif all(values):
            why, fix = CONVERT, f"hx = tuple({values[0]} for state in hx)"
    return Problem(
        code="state-pair",
        raises=pair_raises(call, input, hx),
        message=f"{what}; an LSTM takes the pair (h_0, c_0).",
        why=why,
        fix=fix,
        tensor="c_0" if h.sizes else "h_0",
    )


def _pair_advice(call: KnownCall, hx: Any, dtype: torch.dtype, trace: Traceback | None) -> tuple[str, str]:
    """Why a pair is needed, and a line that makes one of `hx`: with the c that came with h, or with zeros for c."""
    h, c = initial_states(call, hx)
    why = "An LSTM carries two states, h and c." + " c_0 is missing." * bool(h.sizes)
    no_states = [GivenState(name=c.name, axes=c.axes, sizes=(), needed=())]
    if h.sizes and h.sizes == h.expected:
        state = hx if is_tensor(hx) else hx[0]
        name = "hx" if is_tensor(hx) else "hx[0]"
        source = source_of_states([state], trace)
        if source.cell_state:
            why = f"{why} {source.cell_state} is the c that was returned with it."
            return why, f"hx = ({name}, {source.cell_state})"
        if not source.is_zeros:
            why += " Pass the pair that the layer returned, (hn, cn). Zeros for c are right only where there was none."
        return why, f"hx = ({name}, {zeros(call, no_states[0])})"
    if hasattr(hx, "__array__") and not isinstance(hx, torch.Tensor):
        value = conversion(hx, "hx", dtype)
        if value and tuple(hx.shape) == h.expected:
            return why, f"hx = ({value}, {zeros(call, no_states[0])})"
    if isinstance(hx, tuple | list) and len(hx) > 2 and all(is_tensor(state) for state in hx[:2]):
        states = _given_states(call, hx[:2])
        if not any(state.wrong for state in states):
            return why, "hx = tuple(hx[:2])"
    return why, "hx = None"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is wrong with the sizes of one state."""

    code: str
    message: str
    """What is said after the tensor's name: `"has N = 3; this call needs 2."`."""
    why: str
    axis: str
    fix: str | None = None
    """A line that repairs the input, where that is what is wrong; None where the states are."""


def _sizes_problems(call: KnownCall, input: Any, states: list[GivenState], source: StateSource) -> Iterator[Problem]:
    """States whose number of axes or sizes break the rules: one problem each, one line that repairs all."""
    fix = states_fix(call, states, source)
    input_fault = _input_fault(call, input, states, source)
    found: list[Problem] = []
    alike = len({(state.sizes, state.needed) for state in states}) == 1
    texts: list[tuple[str, str]] = []
    for state in states:
        if state.wrong:
            fault = input_fault or _state_fault(call, state, source)
            raises, why = sizes_raises(call, input, state, states), fault.why
            if raises is None:
                why = f"{why} {unchecked(call, input, state)}"
            found.append(
                Problem(
                    code=fault.code,
                    raises=raises,
                    message=f"{state.name} {fault.message}",
                    why=why,
                    fix=fix if fault.fix is None else fault.fix,
                    tensor=state.name,
                    axis=fault.axis,
                )
            )
            same = alike and state.needed == states[0].needed  # then H_cell is H_out
            texts.append(
                (fault.message.replace("H_cell", "H_out"), why.replace("H_cell", "H_out"))
                if same
                else (fault.message, why)
            )
    if len(found) == 2 and texts[0] == texts[1] and type(found[0].raises) is type(found[1].raises):
        message = _plural(texts[0][0])
        if "H_out" in message:  # the same size, of two axes
            message = message.replace("H_out", "H_out and H_cell", 1)
        h, c = found
        also = () if c.raises is None else tuple(filter(None, [str(c.raises)]))
        found = [replace(h, message=f"{h.tensor} and {c.tensor} {message}", also=also)]
    yield from found


def _plural(predicate: str) -> str:
    """What is said of one state, said of two: `"has N = 3; …"` becomes `"have N = 3; …"`."""
    verb, rest = predicate.split(" ", 1)
    plural = {"has": "have", "is": "are", "holds": "hold"}[verb]
    return f"{plural} {rest.replace(': its axes', ': their axes')}"


def _input_fault(call: KnownCall, input: Any, states: list[GivenState], source: StateSource) -> Fault | None:
    """What is wrong with the *input's* axes, where the states show that these are not what was meant."""
    if isinstance(call, UnbatchedCall):
        return _batch_as_sequence(call, input, states, source)
    if not isinstance(call, BatchedCall):
        return None
    swapped = [(state.needed[0], call.L, state.needed[2]) for state in states]
    if call.L == call.N or swapped != [state.sizes for state in states]:
        return None
    return Fault(
        code="layout-swapped",
        message=f"holds {counted(call.L, 'sample')}, the input's L; the input's N is {call.N}.",
        why=swapped_axes(call.layer),
        axis="N",
        fix="input = input.transpose(0, 1)",
    )


def _batch_as_sequence(call: UnbatchedCall, input: Any, states: list[GivenState], source: StateSource) -> Fault | None:
    """States of as many samples as a 2-D input has rows."""
    layer = call.layer
    batch = [(state.needed[0], call.L, state.needed[1]) for state in states]
    if call.L == 1 or batch != [state.sizes for state in states]:
        return None
    message = f"holds {call.L} samples; a 2-D input is one sequence, of {call.L} time steps."
    if layer.input_size == 1 != input.shape[-1]:
        return Fault(
            code="batch-as-sequence",
            message=message,
            why="input_size is 1, and the axis of the one feature is missing: input is probably (N, L). "
            f"This layer reads {'(N, L, 1)' if layer.batch_first else '(L, N, 1)'}.",
            axis="H_in",
            fix=f"input = input{'' if layer.batch_first else '.transpose(0, 1)'}.unsqueeze(-1)",
        )
    sample, steps = (0, 1) if layer.batch_first else (1, 0)
    if source.is_zeros:  # made of as many zeros as the input has rows: one sequence looks like that too
        one = ", ".join(f"{name}[:, :1]" for name in (["hx[0]", "hx[1]"] if len(states) == 2 else ["hx"]))
        return Fault(
            code="batch-as-sequence",
            message=message,
            why=f"If its rows are the steps of one sample (X_test[0], say), give the model a batch of one, "
            f"x.unsqueeze({sample}): N is 1 then. If they are {call.L} samples of one step each, "
            f"input.unsqueeze({steps}) is the missing axis.",
            axis="N",
            fix=f"input, hx = input.unsqueeze({sample}), {f'({one})' if len(states) == 2 else one}",
        )
    return Fault(
        code="batch-as-sequence",
        message=message,
        why="input is probably a batch of single steps, (N, H_in). It needs a time axis.",
        axis="N",
        fix=f"input = input.unsqueeze({steps})",
    )


def _state_fault(call: KnownCall, state: GivenState, source: StateSource) -> Fault:
    """What is wrong with one state."""
    got, needed = state.sizes, state.needed
    if len(got) != len(needed):
        return _axes_fault(call, state, source)
    if exact_change(state, source):
        return Fault(
            code="state-transposed",
            message=f"is {got}: its axes D·num_layers and N are swapped.",
            why="A state is (D·num_layers, N, …) also with batch_first=True, which concerns input and output alone.",
            axis="N",
        )
    wrong = [index for index, (a, b) in enumerate(zip(got, needed, strict=True)) if a != b]
    if len(wrong) > 1:
        return Fault(
            code="state-sizes",
            message=f"is {got}; this call needs {needed}.",
            why=_several_axes(state, source),
            axis=state.axes[wrong[0]].name,
        )
    axis, size = state.axes[wrong[0]], got[wrong[0]]
    if axis.name == "N":
        code, why = "state-batch", _batch_why(size, needed[wrong[0]], source, needed[-1])
    elif axis.name == "D·num_layers":
        code, why = "state-layers", _layers_why(call, size, needed[0], source)
    elif call.layer.proj_size and size in (call.layer.hidden_size, call.layer.proj_size):
        code, why = (
            "state-projection",
            "With proj_size, h is proj_size wide (H_out) and c stays hidden_size wide (H_cell).",
        )
    else:
        code, why = "state-features", _features_why(call, size, needed[-1], f"{axis.name} is {axis.meaning}.", source)
    return Fault(code=code, message=f"has {axis.name} = {size}; this call needs {axis.size}.", why=why, axis=axis.name)


def _axes_fault(call: KnownCall, state: GivenState, source: StateSource) -> Fault:
    """A state with more or fewer axes than it needs."""
    got, needed = state.sizes, state.needed
    if call.layer.is_cell:
        why = "A cell's state is one step of one layer: it has no other axis."
    elif len(got) < len(needed):
        why = "The first axis counts layers and directions. Even one layer has it."
    else:
        why = "A 2-D input is one sequence without a batch axis; its states have none either."
        if call.has_batch_axis:
            why = "A state has three axes: all layers and directions are on the first."
    names = ", ".join(axis.name for axis in state.axes)
    without = "" if call.has_batch_axis else ", without N"
    return Fault(
        code="state-axes",
        message=f"has {counted(len(got), 'axis')}, {got}; this call needs ({names}){without}.",
        why=why,
        axis="N" if not call.has_batch_axis or exact_change(state, source) == ".unsqueeze(1)" else state.axes[0].name,
    )


def _several_axes(state: GivenState, source: StateSource) -> str:
    parts = parts_along_layers(state, source)
    if parts:
        return (
            f"It has 1/{parts} of the rows and {parts} times the samples: it was divided along axis 0, its layers, "
            "as nn.DataParallel (or chunk) divides everything. Pass it with N in front, hx.transpose(0, 1), and "
            "begin forward with hx = hx.transpose(0, 1).contiguous()."
        )
    if source.is_zeros:
        return "Several axes are wrong. Make the state from the input."
    return "Several axes are wrong. The fix changes one after the other, and keeps what the state holds."


def _batch_why(size: int, needed: int, source: StateSource, width: int = 0) -> str:
    """Why a state of `size` samples, each `width` wide, does not fit a batch of `needed`."""
    why = _other_batch(size, needed, source)
    if is_width_for_batch(size, needed, width, source):
        return (
            f"{needed} is this layer's H_out, too: perhaps N was read off the state as hidden[0].size(1). That is "
            "right for an LSTM's pair, and of one tensor it is the width. The state's N is hx.size(1). "
            f"(If not: {why[0].lower()}{why[1:]})"
        )
    return why


def _other_batch(size: int, needed: int, source: StateSource) -> str:
    if size == 1:
        return "States do not broadcast: each sample has a state of its own. expand gives this one to all of them."
    if size and needed % size == 0 and (not source.is_zeros or source.count_name(needed // size)):
        times = needed // size
        named = source.count_name(times)
        called = f" ({named})" if named else ""
        if "device" in named:
            return (
                f"{needed} is {times} × {size}{called}: the state is that of one device's share of a batch. "
                "nn.DataParallel divides along axis 0 and joins along axis 0, which counts a state's layers: return "
                "the state with N in front, hn.transpose(0, 1)."
            )
        return (
            f"{needed} is {times} × {size}{called}: the input has {times} rows for each sample of the state, as in a "
            "beam search. Give each row the state of its sample. (Rows that are repeated as a whole need repeat "
            "in place of repeat_interleave.)"
        )
    why = f"The state is from a batch of {size}; this one has {needed} (the last of an epoch is often smaller). "
    if needed and size % needed == 0:
        parts = size // needed
        named = source.count_name(parts)
        called = f" ({named})" if "device" in named else ""
        why = (
            f"The state is from a batch of {size}; this one has {needed}, exactly 1/{parts} of "
            "it. nn.DataParallel divides a "
            f"batch among {parts} devices{called} like that, and leaves a state that the model keeps whole: make it in "
            "forward, from the input's own N. Or it is the last batch of an epoch. "
        )
    if source.is_zeros:
        return f"{why}None starts this batch from zeros; DataLoader(…, drop_last=True) leaves the smaller batch out."
    if size == source.whole:
        last = source.first + needed - 1
        return f"{why}This input is samples {source.first} to {last} of a batch, and so are its states."
    if size > needed:
        return (
            f"{why}The first {needed} states go on, if the samples kept their places; None starts new sequences "
            "from zeros; DataLoader(…, drop_last=True) leaves the smaller batch out."
        )
    return f"{why}The states go on, if the samples kept their places, and further samples start from zeros."


def _layers_why(call: KnownCall, size: int, needed: int, source: StateSource) -> str:
    """Why a state of `size` rows does not fit a layer that has `needed`."""
    layer, maker = call.layer, source.layer
    if maker is not None and maker.D * maker.num_layers == size:
        called = f" ({source.layer_name})" if source.layer_name else ""
        why = f"These are the states of {maker.source()}{called}. "
        if maker.bidirectional and layer.D == 1:
            return f"{why}It is bidirectional: combine each layer's two directions." + (
                f" Then take the top {needed} of {maker.num_layers}." if maker.num_layers > needed else ""
            )
        if maker.D == layer.D:
            choice = f"num_layers={maker.num_layers} here takes them all; or choose: hx[-{needed}:] is the top."
            if size < needed:
                choice = (
                    f"num_layers={maker.num_layers} here takes them as they are; or all layers here start from them."
                )
            return why + choice
        return f"{why}Each direction of each layer here has a state of its own."
    why = f"Each {'direction of each ' * (layer.D == 2)}layer has a state of its own."
    if of_two_directions(layer, size, needed):
        return (
            "These are twice the states of a layer of one direction: perhaps those of a bidirectional encoder. "
            "Combine each layer's two directions. (If they are from twice the layers, choose among them: "
            f"hx[-{needed}:] is the top. If you make them yourself, make {counted(needed, 'row')}.)"
        )
    if source.is_zeros:
        return why
    if size > needed:
        return (
            f"{why} hx[-{needed}:] takes the top; num_layers={size // layer.D} here takes all."
            if size % layer.D == 0
            else why
        )
    return f"{why} The state that there is starts each of them."


def _features_why(call: KnownCall, size: int, needed: int, meaning: str, source: StateSource) -> str:
    """Why a state of `size` features does not fit a layer that needs `needed`."""
    if source.is_zeros:
        return meaning
    maker = source.layer
    made = ""
    if maker is not None and size in (maker.H_out, maker.hidden_size):
        made = f" The state is that of {maker.source()}."
    elif size == 2 * needed:
        made = f" {size} is 2 × {needed}: two directions side by side, perhaps."
    return (
        f"{meaning}{made} hidden_size={size} here takes the state as it is; or nn.Linear({size}, {needed}) between, "
        "made once in __init__ and trained with the rest, brings it to this width."
    )


def _placement(
    call: KnownCall, data: torch.Tensor, states: tuple[torch.Tensor, ...], weight: torch.Tensor
) -> Iterator[Problem]:
    """States on another device than the layer, or of another dtype."""
    like = "input.data" if isinstance(call, PackedCall) else "input"
    fix = f"hx = hx.to({like})" if len(states) == 1 else f"hx = tuple(state.to({like}) for state in hx)"
    for name, state in zip(("h_0", "c_0"), states, strict=False):
        if state.device != weight.device:
            text = (
                "Input and hidden tensors are not at the same device, found input tensor at "
                f"{data.device} and hidden tensor at {state.device}"
            )
            yield Problem(
                code="state-device",
                raises=RuntimeError(),
                message=f"{name} is on {state.device}; the weights are on {weight.device}.",
                why="module.to(device) moves parameters, not a state that you made or kept.",
                fix=fix,
                tensor=name,
                also=(text, *OTHER_DEVICE),
            )
        elif state.dtype != weight.dtype and not torch.is_autocast_enabled(data.device.type):
            why = "Make the state from the input: input.new_zeros(…) has its dtype and device."
            if state.is_quantized:
                why, fix = "Layers read floating-point states.", "hx = hx.dequantize()"
                if len(states) == 2:
                    parts = [f"hx[{at}]" + ".dequantize()" * one.is_quantized for at, one in enumerate(states)]
                    fix = f"hx = ({', '.join(parts)})"
            raised = dtype_raises(call, data, name, state.dtype, weight.dtype)
            if raised.error is None:
                why = f"{why} {UNCHECKED} it converts as it goes."
            yield Problem(
                code="state-dtype",
                raises=raised.error,
                message=f"{name} is {state.dtype}; the weights are {weight.dtype}.",
                why=why,
                fix=fix,
                tensor=name,
                also=raised.also,
            )
