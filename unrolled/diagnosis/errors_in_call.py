"""Errors that a recurrent layer raises itself: in its call, its constructor, in packing and in loading its weights."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import Any

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from unrolled.diagnosis.explain_call import call_problems, call_tensors
from unrolled.diagnosis.problem import Explanation
from unrolled.diagnosis.rules.checkpoints import loading
from unrolled.diagnosis.rules.construction import arguments_problem, construction_problem
from unrolled.diagnosis.rules.inputs import read
from unrolled.diagnosis.rules.lengths import pack_problems
from unrolled.diagnosis.traceback.frames import Traceback, is_torch
from unrolled.diagnosis.values import conversion
from unrolled.shapes import Layer, packing, recurrent_kind

GIVEN = ("input", "input.data", "h_0", "c_0")
"""The tensors of a call that its caller gives."""


@dataclass(frozen=True, kw_only=True)
class FailingCall:
    """A call of a recurrent layer, with its arguments as they were passed."""

    module: torch.nn.Module
    input: Any
    hx: Any
    extra: tuple[Any, ...] = ()
    """Further arguments, which forward does not take."""
    keywords: Mapping[str, Any] = field(default_factory=dict)
    """Arguments by names that forward does not have."""


def failing_call(trace: Traceback) -> FailingCall | None:
    """The innermost call of a recurrent layer among torch's innermost frames."""
    forward: FailingCall | None = None
    for frame in trace.inside:
        names, module = frame.f_locals, frame.f_locals.get("self")
        if not isinstance(module, torch.nn.Module) or recurrent_kind(module) is None:
            continue
        if frame.f_code.co_name == "_call_impl" and (names["args"] or "input" in names["kwargs"]):
            passed = dict(zip(("input", "hx"), names["args"], strict=False)) | names["kwargs"]
            return FailingCall(
                module=module,
                input=passed["input"],
                hx=passed.get("hx"),
                extra=tuple(names["args"][2:]),
                keywords={name: value for name, value in names["kwargs"].items() if name not in ("input", "hx")},
            )
        if frame.f_code.co_name == "forward":  # called as module.forward(…), or by a subclass
            hx = _hx_as_passed(frame, trace)
            forward = FailingCall(module=module, input=names.get("orig_input", names.get("input")), hx=hx)
    return forward


def _hx_as_passed(frame: FrameType, trace: Traceback) -> Any:
    """The hx of forward's frame, without the batch axis that forward itself adds for one sequence."""
    names: Mapping[str, Any] = frame.f_locals
    hx = names.get("hx")
    if names.get("is_batched", True) or frame is trace.inside[0] or hx is None:
        return hx
    return hx.squeeze(1) if hasattr(hx, "squeeze") else tuple(state.squeeze(1) for state in hx)


def recurrent_call(trace: Traceback) -> Explanation | None:
    """A recurrent layer or cell that fails."""
    call = failing_call(trace)
    if call is None or isinstance(trace.error, torch.OutOfMemoryError | Warning):
        return None
    layer = Layer.of(call.module)
    if call.extra or call.keywords:
        return _too_many_arguments(trace, call)
    problems = call_problems(call.module, call.input, call.hx, trace=trace)
    tensors = call_tensors(read(layer, call.input), call.input, call.hx)
    return Explanation(
        heading=f"{layer.source()} is given:",
        tensors=tuple(shape for shape in tensors if shape.name in GIVEN),
        problems=tuple(problems),
    )


def _too_many_arguments(trace: Traceback, call: FailingCall) -> Explanation | None:
    """A call as `lstm(x, h, c)` or `lstm(x, h0=h)`."""
    given = [call.hx] if call.hx is not None else []
    states = [state for state in (*given, *call.extra, *call.keywords.values()) if isinstance(state, torch.Tensor)]
    names = [trace.name_of(state, default) for state, default in zip(states, ("h0", "c0"), strict=False)]
    input, module = trace.name_of(call.input, "input"), trace.name_of(call.module, "module")
    written = None if trace.code is None else trace.code.call()
    if written is not None and len(written.args) + len(written.keywords) == 1 + len(given) + len(call.extra) + len(
        call.keywords
    ):
        arguments = {word.arg: word.value for word in written.keywords}
        first = arguments.pop("input", None) or written.args[0]
        texts = [ast.unparse(one) for one in (*written.args, *arguments.values()) if one is not first]
        input, module, names = ast.unparse(first), ast.unparse(written.func), texts[: len(states)]
    problem = arguments_problem(
        Layer.of(call.module),
        names=names,
        input=input,
        module=module,
        targets=trace.targets(""),
        raises=TypeError(trace.text),
    )
    return None if problem is None else Explanation(heading="", tensors=(), problems=(problem,))


def packing_call(trace: Traceback) -> Explanation | None:
    """`pack_padded_sequence` that fails."""
    frame = trace.frame_of(pack_padded_sequence)
    if frame is None:
        return None
    names = frame.f_locals
    input, lengths, first, enforced = (names[name] for name in ("input", "lengths", "batch_first", "enforce_sorted"))
    if not isinstance(input, torch.Tensor) or input.dim() < 2:
        return None
    if trace.frame_of(pack_sequence) is not None:
        return _pack_sequence(trace, input, lengths)
    order = names.get("sorted_indices")
    if isinstance(order, torch.Tensor):  # lengths is sorted by now: back to the order that was given
        lengths = lengths.gather(-1, order.to(lengths.device).argsort(-1))
    readable = conversion(lengths, "lengths", torch.int64) is not None
    tensors = packing(tuple(input.shape), first, tuple(torch.as_tensor(lengths).shape) if readable else ())
    return Explanation(
        heading=f"pack_padded_sequence with batch_first={first}, enforce_sorted={enforced} is given:",
        tensors=tuple(tensors),
        problems=tuple(pack_problems(input, lengths, first, enforced)),
    )


def _pack_sequence(trace: Traceback, input: torch.Tensor, lengths: Any) -> Explanation | None:
    """`pack_sequence` that fails: its input and lengths exist inside torch only, so the fixes name what you gave it."""
    frame = trace.frame_of(pack_sequence)
    if frame is None:
        return None
    sequences = frame.f_locals["sequences"]
    name = trace.name_of(sequences, "sequences")
    fixes = {
        "lengths-unsorted": f"{trace.targets('packed')} = pack_sequence({name}, enforce_sorted=False)",
        "lengths-zero": f"{name} = [sequence for sequence in {name} if len(sequence)]",
    }
    if frame.f_back is not None and is_torch(frame.f_back):  # a DataLoader's collate_fn
        fixes = {"lengths-unsorted": unsorted_collate(trace)}
    problems = pack_problems(input, lengths, False, frame.f_locals["enforce_sorted"])
    return Explanation(
        heading="pack_sequence is given:",
        tensors=tuple(packing(tuple(input.shape), False, (len(lengths),))),
        problems=tuple(replace(problem, fix=fixes.get(problem.code, "")) for problem in problems),
    )


def unsorted_collate(trace: Traceback) -> str:
    """A line that makes the DataLoader in sight sort what `pack_sequence` packs, in other processes too."""
    loader = next((name for name, value in trace.names() if getattr(value, "collate_fn", None) is pack_sequence), "")
    target = f"{loader}.collate_fn" if loader else "collate_fn"
    return f"from functools import partial; {target} = partial(pack_sequence, enforce_sorted=False)"


def construction(trace: Traceback) -> Explanation | None:
    """The constructor of a recurrent layer that fails (or warns, where warnings are errors)."""
    for frame in trace.inside:
        kind = recurrent_kind(frame.f_locals.get("self"))
        if frame.f_code.co_name == "__init__" and kind is not None:
            problem = construction_problem(kind, frame.f_locals)
            if problem is not None and problem.is_raised_as(trace.error):
                return Explanation(heading="", tensors=(), problems=(problem,))
    return None


IN_CALL = (recurrent_call, packing_call, construction, loading)
