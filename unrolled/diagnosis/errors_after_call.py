"""Notes on the errors that come after the call: something is done with a result that it does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import FrameType
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.diagnosis.explain_call import call_tensors
from unrolled.diagnosis.report import note_text
from unrolled.diagnosis.rules.inputs import looks_like_result
from unrolled.diagnosis.rules.lengths import unpack_problem
from unrolled.diagnosis.rules.losses import STARTS, Loss, loss_problem
from unrolled.diagnosis.rules.result_use import (
    changed_problem,
    flattened_problem,
    freed_problem,
    misfit_problem,
    result_problem,
    state_pair_problem,
    turned_problem,
    unpacked_problem,
    viewed_problem,
)
from unrolled.diagnosis.traceback.autograd_graph import calls_in_graph, nearest, views_above
from unrolled.diagnosis.traceback.names import (
    UNKNOWN,
    are_states,
    at_start_of_failing_expression,
    called_in_failing_lines,
    in_failing_expression,
    is_dense,
    is_torch,
    maker,
    name_of,
    parts,
    recurrent_modules,
    result_shapes,
    states_in_sight,
    states_maker,
)
from unrolled.shapes import Dim, Layer, TensorShape, recurrent_kind

WANTS_TENSOR = re.compile(r"(\w+)\(\): argument 'input' \(position 1\) must be Tensor, not (?:tuple|PackedSequence)")
TUPLE_AS_TENSOR = ("tuple indices must be integers or slices, not ", "'tuple' object has no attribute ")
UNPACKED = re.compile(r"(?:not enough|too many) values to unpack \(expected ")
MISFIT = re.compile(r"mat1 and mat2 shapes cannot be multiplied \(\d+x(\d+) and (\d+)x(\d+)\)")


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
        changed = changed_problem(layer).is_raised_as(error)
        # a cell is called once a step, so its calls do not show whether a state was carried
        if layer.is_cell or not (changed or freed_problem(layer, True).is_raised_as(error)):
            continue
        calls, fresh = calls_in_graph(nodes, module)
        carried = None if fresh is None else fresh < calls
        if calls > 1 and (carried or not changed):
            problem = changed_problem(layer) if changed else freed_problem(layer, carried)
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
        candidates, taker = in_failing_expression(error), known[1]
    elif not inside and str(error).startswith(TUPLE_AS_TENSOR):  # indexed, or asked for a method, in your own code
        owner = getattr(error, "obj", None)
        candidates, taker = in_failing_expression(error) if owner is None else [owner], None
        is_result = lambda thing: looks_like_result(thing) and (maker(frames, thing) or states_maker(frames, thing))
    else:
        return None
    given = {id(thing): thing for thing in candidates if is_result(thing)}
    if not given and call is None:  # the result has no name: torch.relu(rnn(x)), rnn(x)[:, -1]
        layers = [Layer.of(thing) for thing in candidates if recurrent_kind(thing)]
        if len(layers) == 1 and not layers[0].is_cell:
            states = (None, None) if layers[0].has_cell_state else None
            return note_text(
                error,
                f"{layers[0].source()} returns it.",
                [],
                [result_problem((None, states), type(error)(str(error)), False)],
            )
    if len(given) != 1:
        return None
    as_tensor = str(error).startswith(TUPLE_AS_TENSOR)
    raises = type(error)(str(error)) if as_tensor else TypeError(known[0] if known else "")
    heading = f"{taker} is given:" if taker else "It is:"
    (result,) = given.values()
    # Of one layer and one step, output is h_n: what fits as both differs in that.
    lstm = states_maker(frames, result)
    if lstm is not None and (maker(frames, result) is None or not torch.equal(*result)):
        asked = getattr(error, "name", None) or ""
        N = result[0].shape[1:-1]
        rules = (
            Layer.of(lstm)
            .read((*N, 1, lstm.input_size) if lstm.batch_first else (1, *N, lstm.input_size))
            .tensors()[-2:]
        )
        shapes = [TensorShape(rule.name, rule.axes, tuple(state.shape)) for rule, state in zip(rules, result)]
        return note_text(error, heading, shapes, [state_pair_problem(asked, name_of(frames, result, "hx"), raises)])
    nested = any(isinstance(frame.f_locals.get("self"), torch.nn.Sequential) for frame in inside)
    return _result_note(error, heading, result, frames, lambda first: result_problem(result, raises, first, nested))


def misunpacked(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """A result that is taken apart into three names, or whose one state is taken for a pair."""
    if inside or not isinstance(error, ValueError) or not UNPACKED.match(str(error)):
        return None
    layers = {Layer.of(thing) for thing in called_in_failing_lines(error) if recurrent_kind(thing)}
    if len(layers) != 1 or any(layer.is_cell for layer in layers):
        return None
    (layer,) = layers
    shapes = [shape for shape in layer.read(None).tensors() if shape.name in ("output", "h_n", "c_n")]
    return note_text(error, f"{layer.source()} returns:", shapes, [unpacked_problem(layer, ValueError(str(error)))])


def viewed(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """`view` of an output with batch_first=True, or of states whose axes are exchanged."""
    if inside or not isinstance(error, RuntimeError) or not str(error).startswith("view size is not compatible"):
        return None
    begins = at_start_of_failing_expression(error)
    pairs = [part for thing in begins if isinstance(thing, tuple) for part in thing]  # one of hidden[0], hidden[1]
    for given in filter(is_dense, begins + pairs):
        for layer, states in states_in_sight(frames):
            if states is given and states.is_contiguous():
                name = "hn" if pairs else name_of(frames, states, "hn")
                return _turned_note(error, layer, states.shape, name, False)
            if _is_turned(layer, given) and given.data_ptr() == states.data_ptr():
                return _turned_note(error, layer, given.transpose(0, 1).shape, name_of(frames, given, "hn"), True)
    for given in in_failing_expression(error):
        module = maker(frames, given) if isinstance(given, torch.Tensor) and given.dim() == 3 else None
        if module is not None and module.batch_first and given.transpose(0, 1).is_contiguous():
            problem = viewed_problem(name_of(frames, given, "output"), RuntimeError("view size is not compatible"))
            return note_text(
                error, f"{module.__class__.__name__}'s output is:", result_shapes(module, given, ()), [problem]
            )
    for given in filter(is_dense, begins):
        layer = next((layer for layer in map(Layer.of, recurrent_modules(frames)) if _is_turned(layer, given)), None)
        if layer is not None:
            return _turned_note(error, layer, given.transpose(0, 1).shape, name_of(frames, given, "hn"), True)
    return None


def _is_turned(layer: Layer, given: torch.Tensor) -> bool:
    """Whether `given` can be the states of `layer` with N in front."""
    return given.dim() == 3 and are_states(layer, *given.shape[1:]) and given.transpose(0, 1).is_contiguous()


def _turned_note(error: BaseException, layer: Layer, sizes: tuple[int, ...], name: str, turned: bool) -> str:
    problem = turned_problem(layer, name, turned, RuntimeError("view size is not compatible"))
    return note_text(error, f"{layer.source()} returns:", [_states_shape(layer, name, sizes)], [problem])


def _states_shape(layer: Layer, name: str, sizes: tuple[int, ...]) -> TensorShape:
    """States called `name` with their axes, those of c_n where only c_n is as wide."""
    rules = {shape.name: shape for shape in layer.read(None).tensors()}
    return TensorShape(name, rules["h_n" if sizes[2] == layer.H_out else "c_n"].axes, tuple(sizes))


def _flattened(given: torch.Tensor, frames: list[FrameType]) -> tuple[Layer, torch.Tensor, bool] | None:
    """The layer and its states that `given` is, flattened to a row for each sample; and whether samples are mixed."""
    if not is_dense(given) or given.dim() != 2:
        return None
    fitting = [(layer, states) for layer, states in states_in_sight(frames) if given.shape == _flat(states).shape]
    for layer, states in fitting:
        for mixed, flat in ((False, _flat(states)), (True, states.reshape(len(given), -1))):
            if given.device == flat.device and torch.equal(given, flat):
                return layer, states, mixed
    for view in views_above(given.grad_fn) if given.grad_fn is not None else ():  # a dropout, say, gives other numbers
        for layer, states in fitting:
            rows, N, H = states.shape
            if "View" in view.operation and view.sizes in ((rows, N, H), (N, rows, H)):
                return layer, states, view.turns == 0
    return None


def _flat(states: torch.Tensor) -> torch.Tensor:
    """All states of each sample in a row."""
    return states.transpose(0, 1).flatten(1)


def misfit_linear(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """A linear map that expects one direction of a recurrent layer in sight and is given both, or the reverse."""
    sizes = MISFIT.match(str(error))
    if not isinstance(error, RuntimeError) or not sizes:
        return None
    width, takes, makes = map(int, sizes.groups())
    call = next((frame for frame in inside if frame.f_code.co_name == "_call_impl"), None)
    if call is not None:
        linear, given = call.f_locals["self"], next(iter(call.f_locals["args"]), None)
        if not isinstance(linear, torch.nn.Linear):
            return None
        what, taker, fix = str(linear), "nn.Linear", f"linear = nn.Linear({width}, {makes})"
    elif any(thing is torch.nn.functional.linear for thing in in_failing_expression(error)):
        tensors = [thing for thing in in_failing_expression(error) if isinstance(thing, torch.Tensor) and thing.dim()]
        given = next((tensor for tensor in tensors if tensor.shape[-1] == width), None)
        what, taker, fix = "linear", "the weight", f"weight = nn.Linear({width}, {makes}).weight"
    else:
        return None
    flat = _flattened(given, frames)
    if flat is not None:
        layer, states, mixed = flat
        name, width = name_of(frames, states, "hn"), layer.D * states.shape[2]
        fix = fix.replace(f"nn.Linear({given.shape[1]}, ", f"nn.Linear({width}, ")
        problem = flattened_problem(layer, name, tuple(states.shape), mixed, takes, fix, taker)
        if problem is not None:
            return note_text(error, f"{layer.source()} returns:", [_states_shape(layer, name, states.shape)], [problem])
    made_by = nearest(given.grad_fn, recurrent_modules(frames)) if getattr(given, "grad_fn", None) is not None else None
    for module in recurrent_modules(frames) if made_by is None else [made_by]:
        layer = Layer.of(module)
        problem = misfit_problem(layer, width, takes, fix, taker)
        if problem is not None and problem.is_raised_as(error):
            last = Dim("in_features", "in_features", takes)
            shapes = []
            if isinstance(given, torch.Tensor):
                shapes = [TensorShape("input", (*UNKNOWN * (given.dim() - 1), last), tuple(given.shape))]
            return note_text(error, f"{what}, after {layer.source()}, is given:", shapes, [problem])
    return None


def misfit_loss(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """A loss whose scores, made by a recurrent layer in sight, count something else than its target does."""
    loss = next((frame for frame in inside if frame.f_globals.get("__name__") == "torch.nn.functional"), None)
    if loss is None or not str(error).startswith(STARTS):
        return None
    scores, target = (loss.f_locals.get(name) for name in ("input", "target"))
    if not (isinstance(scores, torch.Tensor) and isinstance(target, torch.Tensor) and scores.dim() and target.dim()):
        return None
    names = name_of(frames, scores, "scores"), name_of(frames, target, "target")
    failing = Loss(tuple(scores.shape), tuple(target.shape), *names, type(error)(str(error)))
    own = (frame for frame in frames if not is_torch(frame))
    in_sight = {
        tuple(thing.shape[:2]) for frame in own for thing in list(frame.f_locals.values()) if _may_be_input(thing)
    }
    module = nearest(scores.grad_fn, recurrent_modules(frames)) if scores.grad_fn is not None else None
    if module is None or Layer.of(module).is_cell:
        return None
    layer = Layer.of(module)
    problem = loss_problem(layer, failing, views_above(scores.grad_fn), in_sight)
    if problem is None:
        return None
    return note_text(
        error, f"{loss.f_code.co_name}, after {layer.source()}, is given:", failing.shapes(problem.code), [problem]
    )


def _may_be_input(thing: Any) -> bool:
    """Whether a model may have been given `thing`: a batch of vectors or of ids, that nothing has computed."""
    if not isinstance(thing, torch.Tensor) or isinstance(thing, torch.nn.Parameter) or not thing.is_leaf:
        return False
    return thing.dim() == 3 or (thing.dim() == 2 and not thing.is_floating_point())


def _result_note(
    error: BaseException, heading: str, given: Any, frames: list[FrameType], problem_of: Callable[[bool], Any]
) -> str:
    """The note on a misused result, whose axes are those of the layer in sight that can have made it."""
    module, (output, states) = maker(frames, given), parts(given)
    shapes = result_shapes(module, output, states)
    return note_text(error, heading, shapes, filter(None, [problem_of(module is not None and module.batch_first)]))


READERS = (unpacking, second_backward, misunpacked, misused_result, viewed, misfit_linear, misfit_loss)
