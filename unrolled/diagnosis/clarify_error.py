"""Notes on the errors of recurrent layers: the axes as they were, the wrong one, the cause, the fix.

An error keeps its type, its message and its traceback, and gains a note (`add_note`, PEP 678). The call
is found in the traceback's frames, so the code may be in your own `nn.Module`. Texts that are not
those of PyTorch 2.13 get the axes alone, without a cause.
"""

from __future__ import annotations

import sys
from contextlib import ContextDecorator
from types import FrameType, TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the package is imported where there is no torch
    from unrolled.diagnosis.traceback.frames import Traceback

KINDS = (RuntimeError, ValueError, TypeError, IndexError, AttributeError, AssertionError, UserWarning)
HEADING = "unrolled:\n"
MAX_CHAIN = 8
"""Errors that are looked at in a chain of errors, each raised from the next."""


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

    shell.set_custom_exc((Exception,), show)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext unrolled`: show errors as before."""
    shell.set_custom_exc((), None)


def add_explanation(error: BaseException) -> None:
    """Add a note to `error`, or to an error that it was raised from, if it is about a recurrent layer."""
    if "torch" not in sys.modules:
        return
    outer: list[FrameType] = []
    link: BaseException | None = error
    for _ in range(MAX_CHAIN):
        if link is None or _is_explained(link):
            return
        note = _note_or_nothing(link, outer)
        if note:
            link.add_note(HEADING + note)
            return
        outer = [*outer, *_frames(link)]
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)


def _frames(error: BaseException) -> list[FrameType]:
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(trace.tb_frame)
        trace = trace.tb_next
    return frames


def _is_explained(error: BaseException) -> bool:
    return any(note.startswith(HEADING) for note in getattr(error, "__notes__", ()))


def _note_or_nothing(error: BaseException, outer: list[FrameType]) -> str | None:
    """The note for one error; nothing where it is not about a recurrent layer, or where reading it fails."""
    if not isinstance(error, KINDS):
        return None
    from torch._C import DisableTorchFunction

    from unrolled.diagnosis.traceback.frames import Traceback

    try:
        with DisableTorchFunction():  # a subclass may refuse to be asked
            return _note(Traceback(error, outer))
    except Exception:  # a defect in here must neither hide your error nor add to it
        return None


def _note(trace: Traceback) -> str | None:
    """The note for an error, or None when it is not about a recurrent layer."""
    from unrolled.diagnosis.errors_after_call import AFTER_CALL
    from unrolled.diagnosis.errors_in_backward import IN_BACKWARD
    from unrolled.diagnosis.errors_in_call import IN_CALL
    from unrolled.diagnosis.errors_in_heads import IN_HEADS
    from unrolled.diagnosis.errors_in_workers import RAISED_ANEW  # which import torch
    from unrolled.diagnosis.report_text import note_text

    for explain_error in (*IN_CALL, *IN_BACKWARD, *AFTER_CALL, *IN_HEADS, *RAISED_ANEW):
        explanation = explain_error(trace)
        if explanation is not None:
            return note_text(trace.error, explanation)
    return None
