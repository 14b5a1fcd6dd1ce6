"""Notes on the errors of recurrent layers: the axes as they were, the wrong one, the cause, the fix.

An error keeps its type, its message and its traceback, and gains a note (`add_note`, PEP 678). The call
is found in the traceback's frames, so the code may sit in your own `nn.Module`. Texts that are not
those of PyTorch 2.13 get the axes alone, without a cause.
"""

from __future__ import annotations

import sys
from contextlib import ContextDecorator
from traceback import walk_tb
from types import FrameType, TracebackType
from typing import Any

from unrolled.diagnosis.explain_call import call_problems, call_tensors
from unrolled.diagnosis.report import note_text, problem_text
from unrolled.diagnosis.traceback.names import is_torch
from unrolled.shapes import Layer, packing, recurrent_kind

KINDS = (RuntimeError, ValueError, TypeError, IndexError, AttributeError, UserWarning)
HEADING = "unrolled:\n"
GIVEN = ("input", "input.data", "h_0", "c_0")


class clarify(ContextDecorator):
    """Explain the errors of recurrent layers that are raised inside.

        with clarify():
            output, hn = module(input, h0)

    As a decorator, `@clarify` or `@clarify()`, it does so for every call of a function. It costs nothing
    until an error is raised, and an error that is not about a recurrent layer passes through untouched.
    """

    def __new__(cls, function: Any = None) -> Any:
        """The context, or `function` inside one."""
        context = super().__new__(cls)
        if function is None:
            return context
        if not callable(function):
            kind = type(function).__name__
            raise TypeError(f"clarify takes one function, as a decorator, or nothing; got {kind}")
        return context(function)

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
        if not is_torch(frame):
            break
        inside.append(frame)
    from unrolled.diagnosis.errors_after_call import READERS
    from unrolled.diagnosis.rules.checkpoints import loading  # which import torch

    for read in (_recurrent_call, _packing, _construction, loading, *READERS):
        note = read(error, inside, frames)
        if note:
            return note
    return None


def _recurrent_call(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """A recurrent layer or cell that fails."""
    import torch

    from unrolled.diagnosis.rules.inputs import read

    call = _arguments(inside)
    if call is None or isinstance(error, (torch.OutOfMemoryError, Warning)):
        return None
    module, input, hx = call
    layer = Layer.of(module)
    problems = call_problems(module, input, hx)
    given = [shape for shape in call_tensors(read(layer, input), input, hx) if shape.name in GIVEN]
    return note_text(error, f"{layer.source()} is given:", given, problems)


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

    from unrolled.diagnosis.rules.inputs import conversion
    from unrolled.diagnosis.rules.lengths import pack_problems

    for frame in inside:
        if frame.f_code is torch.nn.utils.rnn.pack_padded_sequence.__code__:
            names = frame.f_locals
            arguments = [names[name] for name in ("input", "lengths", "batch_first", "enforce_sorted")]
            input, lengths, first, enforced = arguments
            if not isinstance(input, torch.Tensor) or input.dim() < 2:
                return None
            order = names.get("sorted_indices")
            if isinstance(order, torch.Tensor):  # lengths is sorted by now: back to the order that was given
                arguments[1] = lengths = lengths.gather(-1, order.to(lengths.device).argsort(-1))
            readable = conversion(lengths, "lengths", torch.int64) is not None
            tensors = packing(tuple(input.shape), first, tuple(torch.as_tensor(lengths).shape) if readable else ())
            heading = f"pack_padded_sequence with batch_first={first}, enforce_sorted={enforced} is given:"
            return note_text(error, heading, tensors, pack_problems(*arguments))
    return None


def _construction(error: BaseException, inside: list[FrameType], frames: list[FrameType]) -> str | None:
    """The constructor of a recurrent layer that fails (or warns, where warnings are errors)."""
    from unrolled.diagnosis.rules.inputs import construction_problem

    for frame in inside:
        module = frame.f_locals.get("self")
        if frame.f_code.co_name == "__init__" and recurrent_kind(module):
            problem = construction_problem(recurrent_kind(module), frame.f_locals)
            if problem is not None and problem.is_raised_as(error):
                return problem_text(problem)
    return None
