"""Notes on the errors of recurrent layers: the axes as they were, the wrong one, the cause, the fix.

An error keeps its type, its message and its traceback, and gains a note (`add_note`, PEP 678). The call
is found in the traceback's frames, so the code may sit in your own `nn.Module`. Texts that are not
those of PyTorch 2.13 get the axes alone, without a cause.
"""

from __future__ import annotations

import re
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ContextDecorator
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any

from unrolled.shapes import Dim, Layer, TensorShape, packing, recurrent_kind

KINDS = (RuntimeError, ValueError, TypeError, IndexError, AttributeError, UserWarning)
HEADING = "unrolled:\n"
WANTS_TENSOR = re.compile(r"(\w+)\(\): argument 'input' \(position 1\) must be Tensor, not (?:tuple|PackedSequence)")
MOST_NODES = 20_000
"""Nodes of a graph that are read: PyTorch 2.13 ends the process when it frees a chain of some 70,000 read ones."""
GIVEN = ("input", "input.data", "h_0", "c_0")
TUPLE_AS_TENSOR = ("tuple indices must be integers or slices, not ", "'tuple' object has no attribute ")
UNKNOWN_TEXT = "Here are the axes. The text is none that is known for them, so no cause is named."
UNKNOWN = (Dim("?", "unknown", None),)


class clarify(ContextDecorator):
    """Explain the errors of recurrent layers that are raised inside.

        with clarify():
            output, hn = module(input, h0)

    As a decorator, `@clarify()` does it for every call of a function. It costs nothing until an error
    is raised, and an error that is not about a recurrent layer passes through untouched.
    """

    def __enter__(self) -> clarify:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            add_explanation(error)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext unrolled`: explain the errors of every cell from here on."""

    def show(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None) -> None:
        add_explanation(error)
        shell.showtraceback((kind, error, trace), tb_offset=tb_offset)

    shell.set_custom_exc(KINDS, show)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext unrolled`: show errors as before."""
    shell.set_custom_exc((), None)


def add_explanation(error: BaseException) -> None:
    """Add the note to `error` if a recurrent layer, or the line that misuses its result, raised it."""
    if not isinstance(error, KINDS) or "torch" not in sys.modules or _is_explained(error):
        return
    frames = [frame for frame, _ in walk_tb(error.__traceback__)]
    try:
        note = _note(error, frames)
    except Exception as own:  # a defect in here must not hide your error
        note = f"no explanation, because {type(own).__name__} was raised while reading the traceback: {own}"
    if note:
        error.add_note(HEADING + note)


def _is_explained(error: BaseException) -> bool:
    return any(note.startswith(HEADING) for note in getattr(error, "__notes__", ()))


def _note(error: BaseException, frames: list[FrameType]) -> str | None:
    """The note for `error`, or None when it is not about a recurrent layer."""
    # The innermost frames that are torch's own: your own raise inside a hook or a subclass is not torch's.
    inside: list[FrameType] = []
    for frame in reversed(frames):
        if not _is_torch(frame):
            break
        inside.append(frame)
    for read in (_recurrent_call, _packing, _unpacking, _construction, _second_backward, _misused_result, _misfit_linear):
        note = read(error, inside, frames)
        if note:
            return note
    return None


def _is_torch(frame: FrameType) -> bool:
    return frame.f_globals.get("__name__", "").split(".")[0] == "torch"


def _recurrent_call(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """A recurrent layer or cell that fails."""
    import torch

    from unrolled.explain import call_problems, call_tensors
    from unrolled.problems import read

    call = _arguments(inside)
    if call is None or isinstance(error, (torch.OutOfMemoryError, Warning)):
        return None
    module, input, hx = call
    layer = Layer.of(module)
    problems = call_problems(module, input, hx)
    given = [shape for shape in call_tensors(read(layer, input), input, hx) if shape.name in GIVEN]
    return _text(error, f"{layer.source()} is given:", given, problems)


def _arguments(inside: list[FrameType]) -> tuple[Any, Any, Any] | None:
    """Module, input and hx of the innermost call of a recurrent layer, as they were passed."""
    found = None
    for frame in inside:
        names, module = frame.f_locals, frame.f_locals.get("self")
        if recurrent_kind(module) is None:
            continue
        if frame.f_code.co_name == "_call_impl" and (names["args"] or "input" in names["kwargs"]):
            passed = dict(zip(("input", "hx"), names["args"])) | names["kwargs"]
            return module, passed["input"], passed.get("hx")
        if frame.f_code.co_name == "forward":  # called as module.forward(…), or by a subclass
            hx = names.get("hx")
            if not names.get("is_batched", True) and frame is not inside[0] and hx is not None:
                hx = hx.squeeze(1) if hasattr(hx, "squeeze") else tuple(state.squeeze(1) for state in hx)
            found = module, names.get("orig_input", names.get("input")), hx
    return found


def _packing(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """`pack_padded_sequence` that fails."""
    import torch

    from unrolled.lengths import length_list, pack_problems

    for frame in inside:
        if frame.f_code is torch.nn.utils.rnn.pack_padded_sequence.__code__:
            names = frame.f_locals
            arguments = [names[name] for name in ("input", "lengths", "batch_first", "enforce_sorted")]
            input, lengths, first, enforced = arguments
            if not isinstance(input, torch.Tensor) or input.dim() < 2:
                return None
            order = names.get("sorted_indices")
            if isinstance(order, torch.Tensor):  # lengths is sorted by now: back to the order that was given
                arguments[1] = lengths = lengths[torch.argsort(order.to(lengths.device))]
            tensors = packing(tuple(input.shape), first, length_list(lengths) or ())
            heading = f"pack_padded_sequence with batch_first={first}, enforce_sorted={enforced} is given:"
            return _text(error, heading, tensors, pack_problems(*arguments))
    return None


def _construction(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """The constructor of a recurrent layer that fails (or warns, where warnings are errors)."""
    from unrolled.explain import problem_text
    from unrolled.problems import construction_problem

    for frame in inside:
        module = frame.f_locals.get("self")
        if frame.f_code.co_name == "__init__" and recurrent_kind(module):
            problem = construction_problem(recurrent_kind(module), frame.f_locals)
            if problem is not None and problem.is_raised_as(error):
                return problem_text(problem)
    return None


def _second_backward(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """`backward()` through a state that was carried from an earlier call."""
    import torch

    from unrolled.explain import call_tensors
    from unrolled.problems import freed_problem

    losses = next((f.f_locals["tensors"] for f in inside if f.f_code is torch.autograd.backward.__code__), ())
    nodes = [loss.grad_fn for loss in losses if loss.grad_fn is not None]
    for module in _recurrent_modules(frames) if nodes else ():
        layer = Layer.of(module)
        # a cell is called once a step, so its calls do not show whether a state was carried
        if layer.is_cell or not freed_problem(layer, True).is_raised_as(error):
            continue
        calls, fresh = _calls_in_graph(nodes, module.weight_ih_l0, module.weight_hh_l0)
        if calls > 1:
            problem = freed_problem(layer, fresh < calls if fresh is not None else None)
            states = [shape for shape in call_tensors(layer.read(None), None) if shape.name in ("h_n", "c_n")]
            return _text(error, f"{layer.source()}, called more than once in this graph:", states, [problem])
    return None


def _calls_in_graph(nodes: Sequence[Any], weight_ih: Any, weight_hh: Any) -> tuple[int, int | None]:
    """How many calls of a layer the graph above `nodes` holds, and how many of them start from a state of no other.

    weight_ih is used once in each call, weight_hh once in each of its steps. The first step of a call that
    is given no other call's state is the only one that does not come from any use of weight_ih. The second
    number is None where the graph does not show the steps.
    """
    below: dict[Any, list[Any]] = {node: [] for node in nodes}
    waiting, calls, steps = deque(nodes), [], []
    while waiting and len(below) < MOST_NODES:
        node = waiting.popleft()
        for above, _ in node.next_functions:
            if above is None:
                continue
            variable = getattr(above, "variable", None)
            calls += [node] * (variable is weight_ih)
            steps += [node] * (variable is weight_hh)
            if above not in below:
                below[above] = []
                waiting.append(above)
            below[above].append(node)
    unread, made, waiting = bool(waiting), set(calls), deque(calls)
    while waiting:
        new = [node for node in below[waiting.pop()] if node not in made]
        made.update(new)
        waiting += new
    if unread or not steps or len(set(calls)) < len(calls):
        return len(calls), None
    fresh = 0
    for step in steps:
        if step in calls:  # one node is the whole call: its state comes after its weights
            edges = [above for above, _ in step.next_functions]
            last = max(index for index, above in enumerate(edges) if hasattr(above, "variable"))
            fresh += made.isdisjoint(edges[last + 1 :])
        else:  # a transposed weight, used by the product of this step
            products = below[step]
            fresh += all(above is step or above not in made for node in products for above, _ in node.next_functions)
    return len(calls), fresh


def _misused_result(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """Something like `nn.Linear` that is given what a recurrent layer returns, instead of its output."""
    from unrolled.problems import looks_like_result, result_problem

    if not isinstance(error, (TypeError, AttributeError)):
        return None
    packed = sys.modules["torch"].nn.utils.rnn.PackedSequence
    is_result = lambda thing: looks_like_result(thing) or isinstance(thing, packed)
    call = next((frame for frame in inside if frame.f_code.co_name == "_call_impl"), None)
    known = WANTS_TENSOR.match(str(error))
    if call is not None:
        candidates, taker = list(call.f_locals["args"][:1]), type(call.f_locals["self"]).__name__
    elif known:  # a function, such as F.linear, called in your own code
        candidates, taker = list(frames[-1].f_locals.values()), known[1]
    elif not inside and str(error).startswith(TUPLE_AS_TENSOR):  # indexed, or asked for a method, in your own code
        owner = getattr(error, "obj", None)
        candidates = list(frames[-1].f_locals.values()) if owner is None else [owner]
        given = {id(thing): thing for thing in candidates if looks_like_result(thing) and _maker(frames, thing)}
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


def _misfit_linear(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """An `nn.Linear` that expects one direction of a recurrent layer in sight and is given both, or the reverse."""
    import torch

    from unrolled.problems import misfit_problem

    call = next((frame for frame in inside if frame.f_code.co_name == "_call_impl"), None)
    linear = call.f_locals["self"] if call is not None else None
    if not isinstance(error, RuntimeError) or not isinstance(linear, torch.nn.Linear) or not call.f_locals["args"]:
        return None
    given = call.f_locals["args"][0]
    if not isinstance(given, torch.Tensor) or given.dim() < 2:
        return None
    for module in _recurrent_modules(frames):
        layer = Layer.of(module)
        problem = misfit_problem(layer, given.shape[-1], linear.in_features, linear.out_features)
        if problem is not None and problem.is_raised_as(error):
            last = Dim("in_features", "in_features", linear.in_features)
            shape = TensorShape("input", (*UNKNOWN * (given.dim() - 1), last), tuple(given.shape))
            return _text(error, f"{linear}, after {layer.source()}, is given:", [shape], [problem])
    return None


def _unpacking(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """`pad_packed_sequence` that fails."""
    from unrolled.lengths import unpack_problem
    from unrolled.problems import looks_like_result

    rnn = sys.modules["torch"].nn.utils.rnn
    for frame in inside:
        if frame.f_code is rnn.pad_packed_sequence.__code__:
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


def _result_note(
    error: BaseException, heading: str, given: Any, frames: list[FrameType], problem_of: Callable[[bool], Any]
) -> str:
    """The note on a misused result, whose axes are those of the layer in sight that can have made it."""
    maker, (output, states) = _maker(frames, given), _parts(given)
    shapes = _result_shapes(maker, output, states)
    return _text(error, heading, shapes, filter(None, [problem_of(maker is not None and maker.batch_first)]))


def _parts(given: Any) -> tuple[Any, Sequence[Any]]:
    """output, and the states that came with it."""
    from unrolled.problems import looks_like_result

    output, states = given if looks_like_result(given) else (given, ())
    return output, states if isinstance(states, tuple) else (states,)


def _maker(frames: Sequence[FrameType], given: Any) -> Any:
    """The layer in sight that can have made a result, or None."""
    output, states = _parts(given)
    return next((module for module in _recurrent_modules(frames) if _may_have_made(module, output, states)), None)


def _recurrent_modules(frames: Sequence[FrameType]) -> Iterator[Any]:
    """The recurrent layers that the frames can see, alone or inside a module, innermost frame first."""
    import torch

    scopes = [frame.f_locals for frame in reversed(frames)]
    scopes += [frame.f_globals for frame in reversed(frames) if not _is_torch(frame)]
    for thing in (thing for scope in scopes for thing in list(scope.values())):
        if isinstance(thing, torch.nn.Module):
            yield from (part for part in thing.modules() if recurrent_kind(part))


def _may_have_made(module: Any, output: Any, states: Sequence[Any]) -> bool:
    layer = Layer.of(module)
    widths = [layer.H_out, layer.hidden_size]
    return (
        not layer.is_cell
        and len(states) in (0, 1 + layer.has_cell_state)  # (h_n, c_n) alone is no result
        and output.data.shape[-1] == layer.D * layer.H_out
        and [state.shape[-1] for state in states] == widths[: len(states)]
        and all(state.shape[0] == layer.D * layer.num_layers for state in states)
    )


def _result_shapes(maker: Any, output: Any, states: Sequence[Any]) -> list[TensorShape]:
    """output, h_n and c_n with their axes, or with unnamed axes when no layer in sight can have made them."""
    sizes = [tuple(tensor.data.shape) for tensor in (output, *states)]
    batches = output.batch_sizes.tolist() if hasattr(output, "batch_sizes") else None
    names = ["output" if batches is None else "output.data", "h_n", "c_n"]
    if maker is None:
        return [TensorShape(name, UNKNOWN * len(size), size) for name, size in zip(names, sizes)]
    rules = {shape.name: shape for shape in Layer.of(maker).read(sizes[0], batches).tensors()}
    return [TensorShape(name, rules[name].axes, size) for name, size in zip(names, sizes)]


def _text(error: BaseException, heading: str, tensors: Sequence[TensorShape], problems: Iterable[Any]) -> str:
    """The note: the problem that raises this very error, or the axes alone when the wording is unknown."""
    from unrolled.explain import axis_table, problem_text

    problem = next((problem for problem in problems if problem.is_raised_as(error)), None)
    table = f"\n{axis_table(tensors)}" if tensors else ""
    if problem is None:
        return f"{UNKNOWN_TEXT}\n{heading}{table}"
    return f"{problem_text(problem)}\n{heading}{table}"
