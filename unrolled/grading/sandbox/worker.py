"""Inside the process in which students' code runs: it forks for each submission, and writes down what came of its
functions.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import select
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from unrolled.exercises.results import raised
from unrolled.grading.sandbox.box import PACKAGE, remove_folder
from unrolled.grading.sandbox.cells import run_cells
from unrolled.grading.sandbox.linux import die_with_parent, give_up_rights, isolate
from unrolled.grading.sandbox.protocol import (
    MAX_RESULT_BYTES,
    PATIENCE,
    TIME_IS_UP,
    Limits,
    Tasks,
    receive,
    send,
)

# The last two are there in a checkout.
ANSWERS = (PACKAGE / "exercises" / "sets", PACKAGE.parent / "book" / "solutions", PACKAGE.parent / "_build")


def serve() -> None:
    """Answer requests on standard input until it ends."""
    import torch

    torch.set_num_threads(1)  # threads do not survive a fork
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    first = receive(requests)
    if first is None:
        return
    tasks, limit_values, hidden = pickle.loads(first)
    _warm_up()
    _hide_exercises()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    limits = Limits(**limit_values)
    hidden += [str(path) for path in ANSWERS]
    isolation = _try_isolation(hidden) if limits.fork else []
    send(answers, json.dumps(isolation).encode())
    while (message := receive(requests)) is not None:
        request = json.loads(message)
        if not limits.fork:
            lines = os.open(request["lines"], os.O_WRONLY)
            _execute(request, tasks, limits, tempfile.mkdtemp(dir=os.getcwd()), lines)
            os._exit(0)
        send(answers, _run_submission(request, tasks, limits, hidden if isolation else None))


def _warm_up() -> None:
    """Do here once what torch does on its first calls, instead of in every process."""
    import torch

    layer = torch.nn.LSTM(2, 2, batch_first=True, bidirectional=True)
    optimizer = torch.optim.Adam(layer.parameters())  # the first of a process imports for seconds
    loss = torch.nn.functional.cross_entropy(layer(torch.zeros(1, 2, 2))[0][0], torch.zeros(2, dtype=torch.int64))
    torch.autograd.backward(loss)
    optimizer.step()
    try:
        layer(torch.zeros(1, 2, 3))
    except RuntimeError as error:
        raised(error)


def _hide_exercises() -> None:
    for path in (PACKAGE / "exercises" / "sets").glob("*.py"):
        # Python takes None for a module that must not be imported; its type stub does not know that.
        sys.modules[f"unrolled.exercises.sets.{path.stem}"] = None  # type: ignore[assignment]


def _run_submission(request: dict[str, Any], tasks: Tasks, limits: Limits, hidden: Sequence[str] | None) -> bytes:
    """How the submission's process ended, and on the lines after it what it wrote.

    `hidden`: as for `isolate`; None runs without it.
    """
    folder = tempfile.mkdtemp(dir=os.getcwd())
    os.makedirs(os.path.join(folder, "work"))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            _run_isolated(request, tasks, limits, os.path.join(folder, "work"), writer, hidden)
        finally:
            os._exit(1)
    os.close(writer)
    end, written = _read_until_it_ends(
        child, reader, PATIENCE * limits.seconds, PATIENCE * limits.seconds * (len(tasks) + 4)
    )
    os.close(reader)
    remove_folder(folder)
    return end + b"\n" + written


def _read_until_it_ends(child: int, reader: int, seconds: float, in_all: float) -> tuple[bytes, bytes]:
    """Read what the process writes until it ends, or is ended: it has written nothing for so many seconds, or has run
    for so many in all.
    """
    os.set_blocking(reader, False)
    written, status = bytearray(), None
    last = begun = time.monotonic()
    while status is None:
        status = os.waitpid(child, os.WNOHANG)[1] if _has_ended(child) else None
        select.select([reader], [], [], 0.05 if status is None else 0)
        while chunk := _read_some(reader):
            written += chunk
            last = time.monotonic()
            if len(written) > MAX_RESULT_BYTES:
                break
        late = time.monotonic() - last > seconds or time.monotonic() - begun > in_all
        if status is None and (len(written) > MAX_RESULT_BYTES or late):
            _kill(child)
            os.waitpid(child, 0)
            return (b"flooded" if len(written) > MAX_RESULT_BYTES else b"time"), bytes(written[:MAX_RESULT_BYTES])
    _kill(child)
    ended = {0: b"done", TIME_IS_UP: b"time"}.get(os.waitstatus_to_exitcode(status), b"died")
    return ended, bytes(written)


def _has_ended(child: int) -> bool:
    """Whether the process has ended; it stays to be waited for, so that its number is not given away."""
    return os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _read_some(reader: int) -> bytes:
    try:
        return os.read(reader, 1 << 16)
    except BlockingIOError:
        return b""


def _kill(child: int) -> None:
    """End the process and what it started: its namespace ends with it, or else its process group."""
    for kill, target in ((os.killpg, child), (os.kill, child)):
        with suppress(ProcessLookupError):
            kill(target, signal.SIGKILL)


def _run_isolated(
    request: dict[str, Any], tasks: Tasks, limits: Limits, folder: str, writer: int, hidden: Sequence[str] | None
) -> None:
    """Isolate, and run the submission as the first process of the new namespaces: all it started ends with it."""
    os.setsid()
    die_with_parent()  # nothing outlives the sandbox
    # Over what this process inherits it could speak in the sandbox's own name.
    os.closerange(3, writer)
    os.closerange(writer + 1, os.sysconf("SC_OPEN_MAX"))
    if hidden is not None and isolate(folder, hidden):
        runner = os.fork()
        if runner:
            os.close(writer)
            _, status = os.waitpid(runner, 0)
            os._exit(max(0, os.waitstatus_to_exitcode(status)) if os.WIFEXITED(status) else 1)
        die_with_parent()
        os.setsid()  # a signal to its own group must not reach the process that waits for it
        give_up_rights()
    _execute(request, tasks, limits, folder, writer)
    os._exit(0)


def _try_isolation(hidden: Sequence[str]) -> list[str]:
    """What `isolate` achieves here, tried in a process of its own."""
    folder = tempfile.mkdtemp(dir=os.getcwd())
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:  # some systems allow the namespaces and then not what goes with them
            os.write(writer, json.dumps(isolate(folder, hidden)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    achieved: list[str] = json.loads(os.read(reader, 1000) or b"[]")
    os.close(reader)
    return achieved


def _limit(limits: Limits) -> None:
    if sys.platform == "win32":
        return
    import resource

    taken = 0
    if os.path.exists("/proc/self/statm"):
        taken = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")
    wanted = {
        resource.RLIMIT_AS: taken + limits.memory * 1_000_000,
        resource.RLIMIT_FSIZE: limits.file_size * 1_000_000,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: 128,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (allowed, allowed))


def _allow_more_time(seconds: float) -> None:
    """End this process when it has computed for so many seconds from now on."""
    if sys.platform == "win32":
        return
    import resource

    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(TIME_IS_UP))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + seconds), hard))


def _execute(request: dict[str, Any], tasks: Tasks, limits: Limits, folder: str, writer: int) -> None:
    """Run the submission and write what begins and what came of each exercise, a line each."""
    os.chdir(folder)
    _limit(limits)

    def write(**line: Any) -> None:
        if "start" in line:
            _allow_more_time(limits.seconds)
        os.write(writer, json.dumps(line).encode() + b"\n")

    run_cells(request["cells"], set(request["skip"]), tasks, write)
