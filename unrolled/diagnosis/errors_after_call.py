"""Errors that come after the call: something is done with a result that it does not fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from unrolled.diagnosis.problem import Explanation, Problem
from unrolled.diagnosis.rules.inputs import pair_problem
from unrolled.diagnosis.rules.lengths import unpack_problem
from unrolled.diagnosis.rules.losses import STARTS, Loss, loss_problem
from unrolled.diagnosis.rules.result_use import (
    flattened_problem,
    joined_misfit_problem,
    misfit_problem,
    result_problem,
    state_pair_problem,
    strides_problem,
    unpacked_problem,
    viewed_problem,
)
from unrolled.diagnosis.traceback.autograd_graph import joined_layers, nearest, views_above
from unrolled.diagnosis.traceback.frames import Traceback
from unrolled.diagnosis.traceback.results import (
    UNKNOWN,
    are_states,
    made_by,
    result_layer,
    result_shapes,
    states_in_sight,
    states_layer,
)
from unrolled.diagnosis.values import (
    ends_in_padding,
    is_dense,
    is_padded_pair,
    looks_like_result,
    split_result,
)
from unrolled.shapes import AXES, Dim, Layer, TensorShape, recurrent_kind

WANTS_TENSOR = re.compile(r"(\w+)\(\): argument 'input' \(position 1\) must be Tensor, not (?:tuple|PackedSequence)")
TUPLE_AS_TENSOR = ("tuple indices must be integers or slices, not ", "'tuple' object has no attribute ")
UNPACKED = re.compile(r"(?:not enough|too many) values to unpack \(expected ")
NOT_VIEWABLE = "view size is not compatible"
MISFIT = re.compile(r"mat1 and mat2 shapes cannot be multiplied \(\d+x(\d+) and (\d+)x(\d+)\)")


def unpacking(trace: Traceback) -> Explanation | None:
    """`pad_packed_sequence` that fails."""
    frame = next((frame for frame in trace.inside if frame.f_code is pad_packed_sequence.__code__), None)
    if frame is None:
        return None
    sequence, first, total = (frame.f_locals[name] for name in ("sequence", "batch_first", "total_length"))
    is_packed = isinstance(sequence, PackedSequence)
    if not (isinstance(sequence, torch.Tensor) or is_packed or looks_like_result(sequence)):
        return None
    return _result_explanation(
        trace,
        "pad_packed_sequence is given:",
        sequence,
        lambda batch_first: unpack_problem(sequence, first if is_packed else batch_first, total),
    )


@dataclass(frozen=True, kw_only=True)
class Misuse:
    """A value that is given where a tensor is wanted."""

    candidates: list[Any]
    taker: str | None
    """What it is given to; None where your own code indexes it, or asks it for an attribute."""
    raises: Exception


def _misuse(trace: Traceback) -> Misuse | None:
    """What was given in place of a tensor, by the words of the error."""
    error, text = trace.error, trace.text
    call = trace.call_of_module()
    wants_tensor = WANTS_TENSOR.match(text)
    as_tensor = text.startswith(TUPLE_AS_TENSOR)
    raises = _error_like(trace) if as_tensor else TypeError(wants_tensor[0] if wants_tensor else "")
    if call is not None:
        return Misuse(
            candidates=list(call.f_locals["args"][:1]), taker=type(call.f_locals["self"]).__name__, raises=raises
        )
    if wants_tensor:  # a function, such as F.linear, called in your own code
        return Misuse(candidates=trace.values_in_expression(), taker=wants_tensor[1], raises=raises)
    if not trace.inside and as_tensor:  # indexed, or asked for a method, in your own code
        owner = getattr(error, "obj", None)
        candidates = trace.values_in_expression() if owner is None else [owner]
        return Misuse(candidates=candidates, taker=None, raises=raises)
    return None


def misused_result(trace: Traceback) -> Explanation | None:
    """Something like `nn.Linear` that is given what a recurrent layer returns, instead of its output."""
    if not isinstance(trace.error, TypeError | AttributeError):
        return None
    misuse = _misuse(trace)
    if misuse is None:
        return None
    values = {
        id(thing): thing
        for thing in misuse.candidates
        if isinstance(thing, PackedSequence)
        or (looks_like_result(thing) and (result_layer(trace, thing) or states_layer(trace, thing)))
        or states_layer(trace, thing)
    }
    pair = next((thing for thing in misuse.candidates if is_padded_pair(thing)), None)
    if not values and pair is not None:
        return _padded_pair(trace, pair, misuse)
    if not values and trace.call_of_module() is None:  # the result has no name: torch.relu(rnn(x)), rnn(x)[:, -1]
        return _unnamed_result(trace)
    if len(values) != 1:
        return None
    (value,) = values.values()
    heading = f"{misuse.taker} is given:" if misuse.taker else "It is:"
    lstm = states_layer(trace, value)
    if lstm is not None and result_layer(trace, value) is None:
        layer = Layer.of(lstm)
        call = layer.read(None)
        rules = [shape for shape in call.tensors() if shape.name in ("h_n", "c_n", "h_1", "c_1")]
        shapes = [
            TensorShape(
                rule.name, rule.axes if len(rule.axes) == state.dim() else UNKNOWN * state.dim(), tuple(state.shape)
            )
            for rule, state in zip(rules, value, strict=True)
        ]
        attribute = getattr(trace.error, "name", None) or ""
        problem = state_pair_problem(attribute, trace.name_of(value, "hx"), misuse.raises)
        return Explanation(heading=heading, tensors=tuple(shapes), problems=(problem,))
    nested = any(isinstance(frame.f_locals.get("self"), torch.nn.Sequential) for frame in trace.inside)
    return _result_explanation(
        trace, heading, value, lambda first: _whole_result_problem(trace, value, misuse, first, nested)
    )


def _whole_result_problem(trace: Traceback, value: Any, misuse: Misuse, batch_first: bool, nested: bool) -> Problem:
    """The problem of a result that is given whole.

    Where it is an argument of the failing function, in a hook for instance, no line there calls the layer.
    """
    problem = result_problem(value, misuse.raises, batch_first, nested)
    argument = trace.is_argument(value)
    if argument and problem.code == "result-tuple":
        others = "(hn, cn)" if isinstance(value[1], tuple) else "hn"
        return replace(problem, fix=f"{argument}, {others} = {argument}")
    return problem


def _padded_pair(trace: Traceback, pair: Any, misuse: Misuse) -> Explanation | None:
    """A padded batch with its lengths, given whole: of a recurrent layer by its graph, perhaps by its padding."""
    padded, lengths = pair
    module = made_by(trace, padded)
    if module is None and not (trace.recurrent_layers and ends_in_padding(padded, lengths)):
        return None
    name = trace.name_of(pair, "output")
    problem = pair_problem(name, "output", misuse.raises, likely=module is not None)
    heading = f"{misuse.taker} is given:" if misuse.taker else "It is:"
    shapes = result_shapes(module, padded, ())
    N = (Dim("N", AXES["N"], len(lengths)),)
    return Explanation(
        heading=heading,
        tensors=(*shapes, TensorShape("lengths", N, tuple(lengths.shape))),
        problems=(problem,),
    )


def _unnamed_result(trace: Traceback) -> Explanation | None:
    """A result that is used in the expression that makes it: the layer is called there."""
    layers = [Layer.of(thing) for thing in trace.callees_in_expression() if recurrent_kind(thing)]
    if len(layers) != 1 or layers[0].is_cell:
        return None
    states = (None, None) if layers[0].has_cell_state else None
    problem = result_problem((None, states), _error_like(trace), False)
    return Explanation(heading=f"{layers[0].source()} returns it.", tensors=(), problems=(problem,))


def misunpacked(trace: Traceback) -> Explanation | None:
    """A result that is taken apart into three names, or whose one state is taken for a pair."""
    if trace.inside or not isinstance(trace.error, ValueError) or not UNPACKED.match(trace.text):
        return None
    layers = {Layer.of(thing) for thing in trace.callees_in_lines() if recurrent_kind(thing)}
    if len(layers) != 1 or any(layer.is_cell for layer in layers):
        return None
    (layer,) = layers
    shapes = [shape for shape in layer.read(None).tensors() if shape.name in ("output", "h_n", "c_n")]
    problem = unpacked_problem(layer, ValueError(trace.text))
    return Explanation(heading=f"{layer.source()} returns:", tensors=tuple(shapes), problems=(problem,))


def viewed(trace: Traceback) -> Explanation | None:
    """`view` of an output with batch_first=True, or of states whose axes are exchanged."""
    if trace.inside or not isinstance(trace.error, RuntimeError) or not trace.text.startswith(NOT_VIEWABLE):
        return None
    begins = trace.values_at_start()
    pairs = [item for thing in begins if isinstance(thing, tuple) for item in thing]  # one of hidden[0], hidden[1]
    for given in filter(is_dense, begins + pairs):
        for layer, states in states_in_sight(trace):
            if states is given and states.is_contiguous():
                name = "hn" if pairs else trace.name_of(states, "hn")
                return _strides_explanation(layer, tuple(states.shape), name, False)
            if _is_transposed(layer, given) and given.data_ptr() == states.data_ptr():
                sizes = tuple(given.transpose(0, 1).shape)
                return _strides_explanation(layer, sizes, trace.name_of(given, "hn"), True)
    for given in trace.values_in_expression():
        module = result_layer(trace, given) if isinstance(given, torch.Tensor) and given.dim() == 3 else None
        if module is not None and Layer.of(module).batch_first and given.transpose(0, 1).is_contiguous():
            problem = viewed_problem(trace.name_of(given, "output"), RuntimeError(NOT_VIEWABLE))
            return Explanation(
                heading=f"{module.__class__.__name__}'s output is:",
                tensors=tuple(result_shapes(module, given, ())),
                problems=(problem,),
            )
    for given in filter(is_dense, begins):
        module = made_by(trace, given)
        if module is not None and _is_transposed(Layer.of(module), given):
            sizes = tuple(given.transpose(0, 1).shape)
            return _strides_explanation(Layer.of(module), sizes, trace.name_of(given, "hn"), True)
    return None


def _is_transposed(layer: Layer, given: torch.Tensor) -> bool:
    """Whether `given` can be the states of `layer` with N in front."""
    if given.dim() != 3:
        return False
    return are_states(layer, given.shape[1], given.shape[2]) and given.transpose(0, 1).is_contiguous()


def _strides_explanation(layer: Layer, sizes: tuple[int, ...], name: str, transposed: bool) -> Explanation:
    problem = strides_problem(layer, name, transposed, RuntimeError(NOT_VIEWABLE))
    return Explanation(
        heading=f"{layer.source()} returns:", tensors=(_states_shape(layer, name, sizes),), problems=(problem,)
    )


def _states_shape(layer: Layer, name: str, sizes: tuple[int, ...]) -> TensorShape:
    """States called `name` with their axes, those of c_n where only c_n is as wide."""
    rules = {shape.name: shape for shape in layer.read(None).tensors()}
    return TensorShape(name, rules["h_n" if sizes[2] == layer.H_out else "c_n"].axes, sizes)


@dataclass(frozen=True, kw_only=True)
class FlatStates:
    """States of a layer, flattened to a row for each sample."""

    layer: Layer
    states: torch.Tensor
    mixed: bool
    """Whether one row holds numbers of several samples."""


def _flattened(given: Any, trace: Traceback) -> FlatStates | None:
    """The states that `given` is."""
    if not is_dense(given) or given.dim() != 2:
        return None
    fitting = [(layer, states) for layer, states in states_in_sight(trace) if given.shape == _flat(states).shape]
    for layer, states in fitting:
        for mixed, flat in ((False, _flat(states)), (True, states.reshape(len(given), -1))):
            if given.device == flat.device and torch.equal(given, flat):
                return FlatStates(layer=layer, states=states, mixed=mixed)
    for view in views_above(given.grad_fn) if given.grad_fn is not None else ():  # a dropout, say, gives other numbers
        for layer, states in fitting:
            rows, N, H = states.shape
            if "View" in view.operation and view.sizes in ((rows, N, H), (N, rows, H)):
                return FlatStates(layer=layer, states=states, mixed=view.transposes == 0)
    return None


def _flat(states: torch.Tensor) -> torch.Tensor:
    """All states of each sample in a row."""
    return states.transpose(0, 1).flatten(1)


@dataclass(frozen=True, kw_only=True)
class MisfitLinear:
    """A linear map that is given another width than it takes."""

    given: Any
    width: int
    takes: int
    what: str
    """The module as it prints, or `"linear"`."""
    taker: str
    wider: str
    """A line that makes the map as wide as what it is given."""


def _misfit_linear(trace: Traceback) -> MisfitLinear | None:
    sizes = MISFIT.match(trace.text)
    if not isinstance(trace.error, RuntimeError) or not sizes:
        return None
    width, takes, makes = map(int, sizes.groups())
    call = trace.call_of_module()
    if call is not None:
        linear, given = call.f_locals["self"], next(iter(call.f_locals["args"]), None)
        if not isinstance(linear, torch.nn.Linear):
            return None
        what, taker, wider = str(linear), "nn.Linear", f"linear = nn.Linear({width}, {makes})"
    elif any(thing is torch.nn.functional.linear for thing in trace.values_in_expression()):
        tensors = [thing for thing in trace.values_in_expression() if isinstance(thing, torch.Tensor) and thing.dim()]
        given = next((tensor for tensor in tensors if tensor.shape[-1] == width), None)
        what, taker, wider = "linear", "the weight", f"weight = nn.Linear({width}, {makes}).weight"
    else:
        return None
    return MisfitLinear(given=given, width=width, takes=takes, what=what, taker=taker, wider=wider)


def misfit_linear(trace: Traceback) -> Explanation | None:
    """A linear map that expects one direction of the layer that made its input and is given both, or the reverse."""
    misfit = _misfit_linear(trace)
    if misfit is None or not isinstance(misfit.given, torch.Tensor):
        return None
    given, takes = misfit.given, misfit.takes
    flat = _flattened(given, trace)
    if flat is not None:
        layer, sizes = flat.layer, tuple(flat.states.shape)
        name, width = trace.name_of(flat.states, "hn"), flat.layer.D * sizes[2]
        wider = misfit.wider.replace(f"nn.Linear({given.shape[1]}, ", f"nn.Linear({width}, ")
        problem = flattened_problem(layer, name, sizes, flat.mixed, takes, wider, misfit.taker)
        if problem is not None:
            return Explanation(
                heading=f"{layer.source()} returns:", tensors=(_states_shape(layer, name, sizes),), problems=(problem,)
            )
    module = made_by(trace, given)
    if module is not None:
        layer = Layer.of(module)
        problem = misfit_problem(layer, misfit.width, takes, misfit.wider, misfit.taker)
    else:
        layers = () if given.grad_fn is None else map(Layer.of, joined_layers(given.grad_fn, trace.recurrent_layers))
        fitting = [layer for layer in layers if layer.D == 2 and misfit.width - takes == layer.H_out]
        if len(fitting) != 1:
            return None
        (layer,) = fitting
        problem = joined_misfit_problem(layer, misfit.width, takes, misfit.wider, misfit.taker)
    if problem is None or not problem.is_raised_as(trace.error):
        return None
    axes = (*UNKNOWN * (given.dim() - 1), Dim("in_features", "in_features", takes))
    return Explanation(
        heading=f"{misfit.what}, after {layer.source()}, is given:",
        tensors=(TensorShape("input", axes, tuple(given.shape)),),
        problems=(problem,),
    )


def misfit_loss(trace: Traceback) -> Explanation | None:
    """A loss whose scores, made by a recurrent layer in sight, count something else than its target does."""
    loss = next((frame for frame in trace.inside if frame.f_globals.get("__name__") == "torch.nn.functional"), None)
    if loss is None or not trace.text.startswith(STARTS):
        return None
    scores, target = (loss.f_locals.get(name) for name in ("input", "target"))
    if not (isinstance(scores, torch.Tensor) and isinstance(target, torch.Tensor) and scores.dim() and target.dim()):
        return None
    failing = Loss(
        scores=tuple(scores.shape),
        target=tuple(target.shape),
        scores_name=trace.name_of(scores, "scores"),
        target_name=trace.name_of(target, "target"),
        raises=_error_like(trace),
    )
    in_sight = {
        tuple(thing.shape[:2])
        for frame in trace.own_frames
        for thing in list(frame.f_locals.values())
        if _may_be_input(thing)
    }
    module = nearest(scores.grad_fn, trace.recurrent_layers) if scores.grad_fn is not None else None
    if module is None or Layer.of(module).is_cell:
        return None
    layer = Layer.of(module)
    problem = loss_problem(layer, failing, views_above(scores.grad_fn), in_sight)
    if problem is None:
        return None
    return Explanation(
        heading=f"{loss.f_code.co_name}, after {layer.source()}, is given:",
        tensors=tuple(failing.shapes(problem.code)),
        problems=(problem,),
    )


def _error_like(trace: Traceback) -> Exception:
    """An exception of the type and text of the error."""
    kind = type(trace.error)
    return kind(trace.text) if issubclass(kind, Exception) else RuntimeError(trace.text)


def _may_be_input(thing: Any) -> bool:
    """Whether a model may have been given `thing`: a batch of vectors or of ids, that nothing has computed."""
    if not isinstance(thing, torch.Tensor) or isinstance(thing, torch.nn.Parameter) or not thing.is_leaf:
        return False
    return thing.dim() == 3 or (thing.dim() == 2 and not thing.is_floating_point())


def _result_explanation(
    trace: Traceback, heading: str, value: Any, problem_of: Callable[[bool], Problem | None]
) -> Explanation:
    """What is wrong with a misused result, whose axes are those of the layer in sight that returned it."""
    module, (output, states) = result_layer(trace, value), split_result(value)
    problem = problem_of(module is not None and Layer.of(module).batch_first)
    return Explanation(
        heading=heading,
        tensors=tuple(result_shapes(module, output, states)),
        problems=() if problem is None else (problem,),
    )


AFTER_CALL = (unpacking, misunpacked, misused_result, viewed, misfit_linear, misfit_loss)
