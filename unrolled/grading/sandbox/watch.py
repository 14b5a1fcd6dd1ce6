"""Run something in a forked process, and end it when it takes too much: time, memory, processes, or room for its
results.
"""

from __future__ import annotations

import os
import re
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unrolled.grading.sandbox.protocol import MAX_RESULT_BYTES, TIME_IS_UP, End, Run

LOOK_EVERY = 0.1  # seconds
BUFFER = 250_000  # bytes that a pipe or a socket may hold in the system's memory
BEGINNING = re.compile(rb'\{"start": "[^"]*"\}')


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What a forked process may take.

    `silence`: seconds without beginning anything new, and `beginnings`: how many things there are to begin; writing the
    same again, or anything else, is no sign of life. `seconds`: in all. `memory`: bytes, `processes`: at a time, both
    of all that it starts together; None where they are not watched.
    """

    silence: float
    seconds: float
    beginnings: int
    memory: int | None = None
    processes: int | None = None


def run_forked(work: Callable[[int], None], allowed: Allowance) -> Run:
    """Fork, and call `work` there with a file to write results to; read them until it ends or is ended."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            work(writer)
        finally:
            os._exit(1)
    os.close(writer)
    try:
        return Watch(child, reader, allowed).until_it_ends()
    finally:
        os.close(reader)


class Watch:
    """A forked process while it runs."""

    def __init__(self, child: int, reader: int, allowed: Allowance) -> None:
        self._child, self._reader, self._allowed = child, reader, allowed
        self._written = bytearray()
        self._begun: set[bytes] = set()
        self._unread = 0  # where the last line begins that was not looked at
        self._started = self._last_sign = self._last_look = time.monotonic()
        os.set_blocking(reader, False)

    def until_it_ends(self) -> Run:
        """Read what it writes; end it when it takes too much."""
        while True:
            status = os.waitpid(self._child, os.WNOHANG)[1] if _has_ended(self._child) else None
            select.select([self._reader], [], [], 0.05 if status is None else 0)
            self._read()
            if status is not None:
                kill_group(self._child)
                ends: dict[int, End] = {0: "done", TIME_IS_UP: "time"}
                return self._run(ends.get(os.waitstatus_to_exitcode(status), "died"))
            if too_much := self._too_much():
                kill_all(self._child)
                os.waitpid(self._child, 0)
                return self._run(too_much)

    def _run(self, end: End) -> Run:
        return Run(written=bytes(self._written[:MAX_RESULT_BYTES]), end=end)

    def _read(self) -> None:
        while len(self._written) <= MAX_RESULT_BYTES and (chunk := _read_some(self._reader)):
            self._written += chunk
        end = self._written.rfind(b"\n") + 1
        if end > self._unread:
            new = {one[:200] for one in BEGINNING.findall(self._written[self._unread : end])} - self._begun
            self._unread = end
            if new and len(self._begun) < self._allowed.beginnings:
                self._begun |= new
                self._last_sign = time.monotonic()

    def _too_much(self) -> End | None:
        now = time.monotonic()
        if len(self._written) > MAX_RESULT_BYTES:
            return "flooded"
        if now - self._started > self._allowed.seconds:
            return "budget"
        if now - self._last_sign > self._allowed.silence:
            return "time"
        if self._allowed.memory is None or now - self._last_look < LOOK_EVERY or not os.path.exists("/proc/self/fd"):
            return None
        self._last_look = now
        return self._over_the_sum()

    def _over_the_sum(self) -> End | None:
        """Whether all processes of the submission together take too much.

        One that cannot be looked into hides something.
        """
        processes = descendants(self._child)
        if self._allowed.processes is not None and len(processes) > self._allowed.processes + 2:
            return "processes"
        try:
            taken = memory_of(processes)
        except PermissionError:
            return "memory"
        return "memory" if self._allowed.memory is not None and taken > self._allowed.memory else None


def _has_ended(child: int) -> bool:
    """Whether the process has ended; it stays to be waited for, so that its number is not given away."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _read_some(reader: int) -> bytes:
    try:
        return os.read(reader, 1 << 16)
    except BlockingIOError:
        return b""


def kill_group(child: int) -> None:
    """End the process and its group; where it has a process namespace, that ends with it."""
    for kill, target in ((os.killpg, child), (os.kill, child)):
        with suppress(ProcessLookupError, PermissionError):
            kill(target, signal.SIGKILL)


def kill_all(child: int) -> None:
    """End the process and all that it started."""
    started = descendants(child)
    kill_group(child)
    for process in started[1:]:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(process, signal.SIGKILL)


def descendants(process: int) -> list[int]:
    """The process and all that it started, and these in turn, as far as Linux shows them."""
    found = [process]
    for one in found:
        with suppress(OSError):
            for task in os.listdir(f"/proc/{one}/task"):
                children = Path(f"/proc/{one}/task/{task}/children").read_text(encoding="ascii")
                found += [int(child) for child in children.split()]
    return found


def memory_of(processes: list[int]) -> int:
    """The bytes that these processes take together, memory in files and in what waits in pipes included.

    Raises:
        PermissionError: a process does not let itself be looked into.
    """
    total = 0
    seen: set[tuple[int, int]] = set()
    for process in processes:
        with suppress(FileNotFoundError, ProcessLookupError):
            rollup = Path(f"/proc/{process}/smaps_rollup").read_bytes()
            sizes = dict(re.findall(rb"^(\w+): +(\d+) kB", rollup, re.MULTILINE))
            total += 1000 * sum(int(sizes.get(kind, 0)) for kind in (b"Pss_Anon", b"Pss_Shmem", b"SwapPss"))
            for task in os.listdir(f"/proc/{process}/task"):  # each can have open files of its own
                files = f"/proc/{process}/task/{task}/fd"
                total += sum(_bytes_behind(f"{files}/{file}", seen) for file in os.listdir(files))
    return total


def _bytes_behind(file: str, seen: set[tuple[int, int]]) -> int:
    """The memory behind an open file that has no place in a file system: a memory file, a pipe, a socket."""
    with suppress(FileNotFoundError, ProcessLookupError):
        target = os.readlink(file)
        if not target.startswith(("/memfd:", "pipe:", "socket:")):
            return 0
        status = os.stat(file)
        if (key := (status.st_dev, status.st_ino)) not in seen:
            seen.add(key)
            return status.st_blocks * 512 if target.startswith("/memfd:") else BUFFER
    return 0
