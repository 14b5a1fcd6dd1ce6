"""Notes on the errors that come after the call: something is done with a result that it does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.explain import call_tensors, note_text
from unrolled.frames import UNKNOWN, maker, parts, recurrent_modules, result_shapes
from unrolled.graph import calls_in_graph
from unrolled.lengths import unpack_problem
from unrolled.problems import looks_like_result
from unrolled.results import freed_problem, misfit_problem, result_problem
from unrolled.shapes import Dim, Layer, TensorShape

WANTS_TENSOR = re.compile(r"(\w+)\(\): argument 'input' \(position 1\) must be Tensor, not (?:tuple|PackedSequence)")
TUPLE_AS_TENSOR = ("tuple indices must be integers or slices, not ", "'tuple' object has no attribute ")


def unpacking(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """`pad_packed_sequence` that fails."""
    for frame in inside:
        if frame.f_code is pad_packed_sequence.__code__:
            sequence, first, total = (frame.f_locals[name] for name in ("sequence", "batch_first", "total_length"))
            if not (hasattr(sequence, "dim") or hasattr(sequence, "batch_sizes") or looks_like_result(sequence)):
                return None
            return _result_note(
                error,
                "pad_packed_sequence is given:",
                sequence,
                frames,
                lambda made: unpack_problem(sequence, first if hasattr(sequence, "batch_sizes") else made, total),
            )
    return None


def second_backward(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """`backward()` through a state that was carried from an earlier call."""
    losses = next((f.f_locals["tensors"] for f in inside if f.f_code is torch.autograd.backward.__code__), ())
    nodes = [loss.grad_fn for loss in losses if loss.grad_fn is not None]
    for module in recurrent_modules(frames) if nodes else ():
        layer = Layer.of(module)
        # a cell is called once a step, so its calls do not show whether a state was carried
        if layer.is_cell or not freed_problem(layer, True).is_raised_as(error):
            continue
        calls, fresh = calls_in_graph(nodes, module.weight_ih_l0, module.weight_hh_l0)
        if calls > 1:
            problem = freed_problem(layer, fresh < calls if fresh is not None else None)
            states = [shape for shape in call_tensors(layer.read(None), None) if shape.name in ("h_n", "c_n")]
            return note_text(error, f"{layer.source()}, called more than once in this graph:", states, [problem])
    return None


def misused_result(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """Something like `nn.Linear` that is given what a recurrent layer returns, instead of its output."""
    if not isinstance(error, (TypeError, AttributeError)):
        return None
    is_result = lambda thing: looks_like_result(thing) or isinstance(thing, PackedSequence)
    call = next((frame for frame in inside if frame.f_code.co_name == "_call_impl"), None)
    known = WANTS_TENSOR.match(str(error))
    if call is not None:
        candidates, taker = list(call.f_locals["args"][:1]), type(call.f_locals["self"]).__name__
    elif known:  # a function, such as F.linear, called in your own code
        candidates, taker = list(frames[-1].f_locals.values()), known[1]
    elif not inside and str(error).startswith(TUPLE_AS_TENSOR):  # indexed, or asked for a method, in your own code
        owner = getattr(error, "obj", None)
        candidates = list(frames[-1].f_locals.values()) if owner is None else [owner]
        given = {id(thing): thing for thing in candidates if looks_like_result(thing) and maker(frames, thing)}
        if len(given) != 1:
            return None
        raises, (result,) = type(error)(str(error)), given.values()
        return _result_note(error, "It is:", result, frames, lambda first: result_problem(result, raises, first))
    else:
        return None
    given = [thing for thing in candidates if is_result(thing)]
    if len(given) != 1:
        return None
    raises = TypeError(known[0] if known else "")
    heading = f"{taker} is given:"
    return _result_note(error, heading, given[0], frames, lambda first: result_problem(given[0], raises, first))


def misfit_linear(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """An `nn.Linear` that expects one direction of a recurrent layer in sight and is given both, or the reverse."""
    call = next((frame for frame in inside if frame.f_code.co_name == "_call_impl"), None)
    linear = call.f_locals["self"] if call is not None else None
    if not isinstance(error, RuntimeError) or not isinstance(linear, torch.nn.Linear) or not call.f_locals["args"]:
        return None
    given = call.f_locals["args"][0]
    if not isinstance(given, torch.Tensor) or given.dim() < 2:
        return None
    for module in recurrent_modules(frames):
        layer = Layer.of(module)
        problem = misfit_problem(layer, given.shape[-1], linear.in_features, linear.out_features)
        if problem is not None and problem.is_raised_as(error):
            last = Dim("in_features", "in_features", linear.in_features)
            shape = TensorShape("input", (*UNKNOWN * (given.dim() - 1), last), tuple(given.shape))
            return note_text(error, f"{linear}, after {layer.source()}, is given:", [shape], [problem])
    return None


def _result_note(
    error: BaseException, heading: str, given: Any, frames: list[FrameType], problem_of: Callable[[bool], Any]
) -> str:
    """The note on a misused result, whose axes are those of the layer in sight that can have made it."""
    module, (output, states) = maker(frames, given), parts(given)
    shapes = result_shapes(module, output, states)
    return note_text(error, heading, shapes, filter(None, [problem_of(module is not None and module.batch_first)]))


READERS = (unpacking, second_backward, misused_result, misfit_linear)
