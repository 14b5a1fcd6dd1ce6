"""What the judge's side and the process that runs submissions send each other: messages with their length in front."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

from unrolled.exercises.results import Task

Tasks = Mapping[str, Task]
"""What to run, by the exercise's id."""
End = Literal["done", "time", "died", "flooded", "memory", "processes", "budget"]

# What the warm process is asked for, a byte each, so that no two are read as one.
FORK, WARM_OPTIMIZERS = b"f", b"o"
MAX_RESULT_BYTES = 16_000_000
MAX_MESSAGE_BYTES = 1_000_000_000
PATIENCE = 3
TIME_IS_UP = 3  # the exit status of a process that has used its computing time


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one submission may use.

    `seconds`: of computing for each answer; since on a busy machine computing takes longer by the clock, an answer that
    does not compute is ended after `PATIENCE` times as long. `minutes`: by the clock, for all answers of a student
    together. `memory`: MB, of all its processes together, beyond what torch itself takes. `processes`: at a time.
    `file_size`: MB.
    """

    seconds: float = 10.0
    minutes: float = 10.0
    memory: int = 2000
    processes: int = 64
    file_size: int = 16
    fork: bool = hasattr(os, "fork")


@dataclass(frozen=True, kw_only=True)
class Run:
    """The result of one process: what it wrote, which nobody trusts, and how it ended."""

    written: bytes
    end: End


def send(stream: BinaryIO, message: bytes) -> None:
    """Write the message with its length before it."""
    stream.write(struct.pack("<Q", len(message)) + message)
    stream.flush()


def receive(stream: BinaryIO) -> bytes | None:
    """The next message, or None at the end of the stream."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    (length,) = struct.unpack("<Q", head)
    if length > MAX_MESSAGE_BYTES:
        return None
    message = stream.read(length)
    return message if len(message) == length else None
