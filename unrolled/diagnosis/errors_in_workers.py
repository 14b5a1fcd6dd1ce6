"""Errors that torch raises anew in another process or thread: of a DataLoader's worker, of a replica of DataParallel.

Their frames are gone. What is left is the inner traceback as text, with the place and the line of each frame.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from unrolled.diagnosis.errors_in_call import unsorted_collate
from unrolled.diagnosis.problem import Explanation, Problem
from unrolled.diagnosis.traceback.frames import Traceback
from unrolled.shapes import AXES, Dim, TensorShape

CAUGHT = re.compile(r"Caught (\w+) in (DataLoader worker process|replica) ")
FRAME = re.compile(r'  File "(?P<path>[^"]*)", line \d+, in (?P<function>\S+)\n(?:    (?P<line>\S[^\n]*)\n)?')
HIDDEN = re.compile(r"Expected (?:hidden|hidden\[[01]\]) size \((\d+), (\d+), (\d+)\), got \[(\d+), (\d+), (\d+)\]")
RECURRENT_FILES = ("torch/nn/utils/rnn.py", "torch/nn/modules/rnn.py")


@dataclass(frozen=True, kw_only=True)
class InnerError:
    """What the text of an error that was raised anew shows of the first one."""

    text: str
    """Its message."""
    function: str
    """The function of torch's that raised it, such as `"pack_padded_sequence"`."""
    line: str
    """Your innermost line of code; empty where torch called torch."""


def _inner_error(text: str) -> InnerError | None:
    """The first error, if one of torch's recurrent functions raised it."""
    caught = CAUGHT.match(text)
    frames = list(FRAME.finditer(text))
    if not caught or not frames or not frames[-1]["path"].replace("\\", "/").endswith(RECURRENT_FILES):
        return None
    message = re.search(rf"^{caught[1]}: (.*)", text[frames[-1].start() :], re.S | re.M)
    own = [frame for frame in frames if "/torch/" not in frame["path"].replace("\\", "/")]
    return InnerError(
        text=message[1].strip() if message else "",
        function=frames[-1]["function"],
        line=(own[-1]["line"] or "") if own else "",
    )


def raised_anew(trace: Traceback) -> Explanation | None:
    """An error of packing or of a recurrent layer, out of a worker or a replica."""
    inner = _inner_error(trace.text)
    if inner is None:
        return None
    for problem in (_unsorted, _zero_length, _chunked_state):
        found = problem(trace, inner)
        if found is not None:
            heading = f"Your line: {inner.line}" if inner.line else ""
            return Explanation(heading=heading, tensors=_tensors(inner), problems=(found,))
    return None


def _raises(trace: Traceback) -> Exception:
    kind = type(trace.error)
    return kind(trace.text) if issubclass(kind, Exception) else RuntimeError(trace.text)


def _tensors(inner: InnerError) -> tuple[TensorShape, ...]:
    """The state that the text shows, with its axes."""
    sizes = HIDDEN.search(inner.text)
    if sizes is None:
        return ()
    numbers = [int(number) for number in sizes.groups()]
    names = (("D·num_layers", "layers and directions"), ("N", AXES["N"]), ("H_out", AXES["H_out"]))
    axes = tuple(Dim(name, meaning, size) for (name, meaning), size in zip(names, numbers, strict=False))
    return (TensorShape("c_0" if "hidden[1]" in inner.text else "h_0", axes, tuple(numbers[3:])),)


def _devices(trace: Traceback, parts: int) -> str:
    """Where the frames, torch's included, name as many devices: `" (device_ids)"`."""
    for frame in reversed(trace.frames):
        own = getattr(frame.f_locals.get("self"), "__dict__", {})
        for name, value in [*frame.f_locals.items(), *own.items()]:
            if name == "device_ids" and isinstance(value, list | tuple) and len(value) == parts:
                return " (len(device_ids))"
    return ""


def _unsorted(trace: Traceback, inner: InnerError) -> Problem | None:
    if not inner.text.startswith("`lengths` array must be sorted"):
        return None
    fix = ""
    if "pack_" in inner.line and inner.line.endswith(")"):
        fix = f"{inner.line[:-1].rstrip(', ')}, enforce_sorted=False)"
    elif not inner.line or "pack_" not in inner.line:
        fix = unsorted_collate(trace)
    return Problem(
        code="lengths-unsorted",
        raises=_raises(trace),
        message="lengths do not fall from the longest to the shortest.",
        why="enforce_sorted is True by default. With False, PyTorch sorts, and puts your order back in the results.",
        fix=fix,
        tensor="lengths",
    )


def _zero_length(trace: Traceback, inner: InnerError) -> Problem | None:
    if not inner.text.startswith("Length of all samples has to be greater than 0"):
        return None
    return Problem(
        code="lengths-zero",
        raises=_raises(trace),
        message="A sample of this batch has no time step.",
        why="A sample without time steps has no state. Leave it out of the data set, or of the batch.",
        fix="",
        tensor="lengths",
        axis="L",
    )


def _chunked_state(trace: Traceback, inner: InnerError) -> Problem | None:
    """A state whose sizes show that DataParallel divided it along its layers, or left it whole."""
    sizes = HIDDEN.search(inner.text)
    if sizes is None or "in replica" not in trace.text:
        return None
    rows, N, _, got_rows, got_N, _ = map(int, sizes.groups())
    if N == 0 or got_rows == 0 or got_N % N or got_N == N:
        return None
    parts = f"{got_N // N}{_devices(trace, got_N // N)}"
    why = f"It has {parts} times the samples of the replica's input: the model keeps it whole. Make it in forward."
    if rows == got_rows * (got_N // N):
        why = (
            f"It has 1/{rows // got_rows} of the rows and {parts} times the samples: nn.DataParallel divides "
            "everything along axis 0, which counts a state's layers. Pass it with N in front, hx.transpose(0, 1), and "
            "begin forward with hx = hx.transpose(0, 1).contiguous()."
        )
    return Problem(
        code="state-sizes",
        raises=_raises(trace),
        message=f"h_0 is {(got_rows, got_N)} in its first two axes; the replica needs {(rows, N)}.",
        why=why,
        fix="",
        tensor="h_0",
        axis="N",
    )


RAISED_ANEW = (raised_anew,)
