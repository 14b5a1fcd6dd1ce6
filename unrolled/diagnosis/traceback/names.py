"""What the frames of a traceback show: recurrent layers, and the one that can have made a result."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from types import FrameType
from typing import Any

from unrolled.shapes import Dim, Layer, TensorShape, recurrent_kind

UNKNOWN = (Dim("?", "unknown", None),)
DEEPEST = 4
"""Dots that are followed in an expression such as `self.model.encoder.rnn(x)`."""


def is_torch(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").split(".")[0] == "torch"


def recurrent_modules(frames: Sequence[FrameType]) -> Iterator[Any]:
    """The recurrent layers that the frames can see, alone or inside a module, innermost frame first."""
    import torch

    scopes = [frame.f_locals for frame in reversed(frames)]
    scopes += [frame.f_globals for frame in reversed(frames) if not is_torch(frame)]
    for thing in (thing for scope in scopes for thing in list(scope.values())):
        if isinstance(thing, torch.nn.Module):
            yield from (part for part in thing.modules() if recurrent_kind(part))


def parts(given: Any) -> tuple[Any, Sequence[Any]]:
    """output, and the states that came with it."""
    from unrolled.diagnosis.rules.inputs import looks_like_result

    output, states = given if looks_like_result(given) else (given, ())
    return output, states if isinstance(states, tuple) else (states,)


def maker(frames: Sequence[FrameType], given: Any) -> Any:
    """The layer in sight that can have made a result, or None."""
    output, states = parts(given)
    return next((module for module in recurrent_modules(frames) if _may_have_made(module, output, states)), None)


def _may_have_made(module: Any, output: Any, states: Sequence[Any]) -> bool:
    layer = Layer.of(module)
    if layer.is_cell or output.data.shape[-1] != layer.D * layer.H_out:
        return False
    if not states:
        return True
    batches = output.batch_sizes.tolist() if hasattr(output, "batch_sizes") else None
    rules = layer.read(tuple(output.data.shape), batches).tensors()
    made = [shape.expected for shape in rules if shape.name in ("h_n", "c_n")]
    return made == [tuple(state.shape) for state in states]  # (h_n, c_n) alone is no result


def result_shapes(module: Any, output: Any, states: Sequence[Any]) -> list[TensorShape]:
    """output, h_n and c_n with their axes, or with unnamed axes when no layer in sight can have made them."""
    sizes = [tuple(tensor.data.shape) for tensor in (output, *states)]
    batches = output.batch_sizes.tolist() if hasattr(output, "batch_sizes") else None
    names = ["output" if batches is None else "output.data", "h_n", "c_n"]
    if module is None:
        return [TensorShape(name, UNKNOWN * len(size), size) for name, size in zip(names, sizes)]
    rules = {shape.name: shape for shape in Layer.of(module).read(sizes[0], batches).tensors()}
    return [TensorShape(name, rules[name].axes, size) for name, size in zip(names, sizes)]


def states_maker(frames: Sequence[FrameType], given: Any) -> Any:
    """The LSTM in sight that can have made `given` as its (h_n, c_n), or None."""
    from unrolled.diagnosis.rules.inputs import looks_like_result

    if not looks_like_result(given) or not all(hasattr(state, "shape") for state in given):
        return None
    h, c = (tuple(state.shape) for state in given)
    for module in recurrent_modules(frames):
        layer = Layer.of(module)
        fits = h[0] == layer.D * layer.num_layers and (h[-1], c) == (layer.H_out, (*h[:-1], layer.hidden_size))
        if layer.kind == "LSTM" and fits:
            return module
    return None


def states_in_sight(frames: Sequence[FrameType]) -> Iterator[tuple[Layer, Any]]:
    """Tensors that your code names, alone or in a tuple, with the sizes of several states of a layer in sight."""
    scopes = [frame.f_locals for frame in reversed(frames) if not is_torch(frame)]
    things = [thing for scope in scopes for thing in list(scope.values())]
    things += [part for thing in things if isinstance(thing, tuple) for part in thing]
    layers = list(dict.fromkeys(map(Layer.of, recurrent_modules(frames))))
    for thing in things:
        sizes = tuple(thing.shape) if is_dense(thing) else ()
        yield from ((layer, thing) for layer in layers if len(sizes) == 3 and are_states(layer, sizes[0], sizes[2]))


def is_dense(thing: Any) -> bool:
    """Whether `thing` is a tensor whose numbers can be compared."""
    import torch

    return isinstance(thing, torch.Tensor) and thing.layout is torch.strided and not (thing.is_nested or thing.is_meta)


def are_states(layer: Layer, rows: int, width: int) -> bool:
    """Whether `layer` returns `rows` states of a sample, more than one, each `width` wide."""
    widths = (layer.H_out, layer.hidden_size) if layer.has_cell_state else (layer.H_out,)
    return not layer.is_cell and rows == layer.D * layer.num_layers > 1 and width in widths


def name_of(frames: Sequence[FrameType], thing: Any, default: str) -> str:
    """What your own code calls `thing`: a local name, what a module or `self` holds, as in `net.hidden`, or `hidden[0]`."""
    import torch

    frame = next((frame for frame in reversed(frames) if not is_torch(frame)), None)
    names = frame.f_locals if frame is not None else {}
    holders = {name: value for name, value in names.items() if name == "self" or isinstance(value, torch.nn.Module)}
    held = {
        f"{name}.{key}": value
        for name, holder in holders.items()
        for key, value in getattr(holder, "__dict__", {}).items()
    }
    pairs = {name: value for name, value in names.items() if isinstance(value, tuple)}
    inside = {f"{name}[{index}]": part for name, pair in pairs.items() for index, part in enumerate(pair)}
    return next((name for name, value in (names | held | inside).items() if value is thing), default)


def in_failing_expression(error: BaseException) -> list[Any]:
    """The values that your code names in the very expression that failed: `x`, `net` and `net.rnn` in `net.rnn(x)[0]`."""
    frame, steps, (begin, end) = _failing(error)
    return _named(frame, [step for step in steps if begin <= _span(step)[0] and _span(step)[1] <= end])


def at_start_of_failing_expression(error: BaseException) -> list[Any]:
    """The values that your code names where the expression that failed begins: `hn` in `hn.permute(1, 0, 2).view(N, -1)`."""
    frame, steps, (begin, end) = _failing(error)
    return _named(frame, [step for step in steps if begin == _span(step)[0] and _span(step)[1] <= end])


def called_in_failing_lines(error: BaseException) -> list[Any]:
    """What is called in the lines that failed, where the left side of an assignment does, which names no call."""
    frame, steps, (begin, end) = _failing(error)
    steps = [step for step in steps if begin[0] <= _span(step)[0][0] and _span(step)[1][0] <= end[0]]
    calls = {
        _span(step)[0] for step in steps if step.opname.startswith("CALL")
    }  # net.rnn(x) begins as net and net.rnn do
    return _named(frame, [step for step in steps if _span(step)[0] in calls])


def _failing(error: BaseException) -> tuple[FrameType, list[dis.Instruction], tuple[tuple[int, int], tuple[int, int]]]:
    """The innermost frame of a traceback, its instructions, and where the source of the one that failed stands."""
    trace = error.__traceback__
    while trace.tb_next is not None:
        trace = trace.tb_next
    steps = list(dis.get_instructions(trace.tb_frame.f_code))
    return (
        trace.tb_frame,
        steps,
        next((_span(step) for step in steps if step.offset == trace.tb_lasti), ((0, 0), (0, 0))),
    )


def _named(frame: FrameType, steps: Sequence[dis.Instruction]) -> list[Any]:
    """The values that these instructions load by name, those behind a dot included."""
    names = {step.argval for step in steps if step.opname.startswith("LOAD_")}
    scope = frame.f_globals | frame.f_locals
    new = values = [scope[name] for name in scope if name in names]
    for _ in range(DEEPEST):
        new = [getattr(value, name) for value in new for name in names if name in _attributes(value)]
        values = values + new
    return values


def _span(step: dis.Instruction) -> tuple[tuple[int, int], tuple[int, int]]:
    """Where the source of an instruction begins and ends, as lines and columns."""
    lines = step.positions
    return (lines.lineno or 0, lines.col_offset or 0), (lines.end_lineno or 0, lines.end_col_offset or 0)


def _attributes(thing: Any) -> set[str]:
    """What `thing` itself holds: looking these up runs none of your code."""
    own = getattr(thing, "__dict__", {})
    return set(own) | set(own.get("_modules", {}))
