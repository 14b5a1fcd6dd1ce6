"""What the frames of one error's traceback show: your code, torch's, and the recurrent layers that both can see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from traceback import walk_tb
from types import FrameType
from typing import Any

from torch import nn

from unrolled.diagnosis.traceback.bytecode import FailingCode, code_at
from unrolled.shapes import recurrent_kind


def is_torch(frame: FrameType) -> bool:
    """Whether a frame runs torch's own code."""
    return str(frame.f_globals.get("__name__", "")).split(".")[0] == "torch"


def is_native(frame: FrameType) -> bool:
    """Whether the frame is of what PyTorch does in C++, and the torch of the book's pages in Python."""
    return "__cpp__" in frame.f_globals


def is_own(frame: FrameType) -> bool:
    """Whether a frame runs your code, neither torch's nor that of `copy.deepcopy`."""
    return not is_torch(frame) and frame.f_globals.get("__name__") != "copy"


class Traceback:
    """One error, and the frames that it went through.

    `outer` are frames around those of the traceback: of an error that another was raised from, those of the other.
    """

    def __init__(self, error: BaseException, outer: list[FrameType] | None = None) -> None:
        self.error = error
        self.text = str(error)
        own = list(walk_tb(error.__traceback__))
        self.frames = [*(outer or []), *(frame for frame, _ in own if not is_native(frame))]
        self._trace = error.__traceback__

    @cached_property
    def inside(self) -> list[FrameType]:
        """The innermost frames that are torch's own, innermost first; none where your hook or subclass raises."""
        inside: list[FrameType] = []
        for frame in reversed(self.frames):
            if not is_torch(frame):
                break
            inside.append(frame)
        return inside

    @cached_property
    def own_frames(self) -> list[FrameType]:
        """The frames of your code, innermost first."""
        return [frame for frame in reversed(self.frames) if is_own(frame)]

    @cached_property
    def code(self) -> FailingCode | None:
        """Your innermost code, at the instruction that failed or called what did."""
        trace, found = self._trace, None
        while trace is not None:
            if is_own(trace.tb_frame):
                found = trace
            trace = trace.tb_next
        return None if found is None else code_at(found.tb_frame, found.tb_lasti)

    def values_in_expression(self) -> list[Any]:
        """The values that your code names in the expression that failed: `x`, `net`, `net.rnn` in `net.rnn(x)[0]`."""
        return [] if self.code is None else self.code.values(self.code.in_expression())

    def values_at_start(self) -> list[Any]:
        """The values named where that expression begins: `hn` in `hn.permute(1, 0, 2).view(N, -1)`."""
        return [] if self.code is None else self.code.values(self.code.at_start())

    def callees_in_lines(self) -> list[Any]:
        """What is called in the lines that failed."""
        return [] if self.code is None else self.code.callees_in_lines()

    def callees_in_expression(self) -> list[Any]:
        """What is called in the expression that failed."""
        return [] if self.code is None else self.code.callees_in_expression()

    @cached_property
    def recurrent_layers(self) -> tuple[nn.Module, ...]:
        """The recurrent layers that the frames can see, alone or inside a module, innermost frame first.

        A module is walked once, however many names lead to it.
        """
        scopes = [frame.f_locals for frame in reversed(self.frames)]
        scopes += [frame.f_globals for frame in self.own_frames]
        seen: set[nn.Module] = set()
        layers: list[nn.Module] = []
        for scope in scopes:
            for thing in list(scope.values()):
                if isinstance(thing, nn.Module) and "_modules" in vars(thing):  # deepcopy makes them bit by bit
                    layers += [module for _, module in thing.named_modules(memo=seen) if recurrent_kind(module)]
        return tuple(layers)

    def call_of_module(self) -> FrameType | None:
        """The innermost call of a module among torch's innermost frames."""
        return next((frame for frame in self.inside if frame.f_code.co_name == "_call_impl"), None)

    def frame_of(self, function: Callable[..., Any]) -> FrameType | None:
        """The frame of one of torch's functions among its innermost frames."""
        code = getattr(function, "__code__", None)
        return next((frame for frame in self.inside if frame.f_code is code), None)

    def names(self) -> Iterator[tuple[str, Any]]:
        """What your innermost code calls things: `hidden`, `net.hidden` of a module, `hidden[0]` of a tuple."""
        names = dict(self.own_frames[0].f_locals) if self.own_frames else {}
        yield from names.items()
        for name, value in names.items():
            if name == "self" or isinstance(value, nn.Module):
                yield from _attributes(name, value)
        for name, value in names.items():
            if isinstance(value, tuple):
                yield from ((f"{name}[{index}]", item) for index, item in enumerate(value))

    def name_of(self, thing: Any, default: str) -> str:
        """What your innermost code calls `thing`."""
        return next((name for name, value in self.names() if value is thing), default)

    def targets(self, default: str) -> str:
        """What your code assigns the result of the failing expression to."""
        return (self.code.targets() if self.code is not None else None) or default

    def is_argument(self, thing: Any) -> str:
        """The name of the argument of your innermost function that `thing` is; empty for what it made itself."""
        if not self.own_frames:
            return ""
        frame = self.own_frames[0]
        names = frame.f_code.co_varnames[: frame.f_code.co_argcount]
        return next((name for name in names if frame.f_locals.get(name) is thing), "")

    def tensors_in_sight(self) -> Iterator[Any]:
        """What your code names, alone or in a tuple."""
        things = [thing for frame in self.own_frames for thing in list(frame.f_locals.values())]
        yield from things
        for thing in things:
            if isinstance(thing, tuple):
                yield from thing

    def is_made_anew(self, name: str, method: str = "") -> bool:
        """Whether the variable `name` is assigned anew before each run of the failing line; see `FailingCode`."""
        return self.code is not None and self.code.is_made_anew(name, method)


def _attributes(name: str, holder: Any) -> Iterator[tuple[str, Any]]:
    own = getattr(holder, "__dict__", {})
    for attributes in (own, own.get("_modules", {})):
        yield from ((f"{name}.{key}", value) for key, value in list(attributes.items()))
