"""Inside the process in which students' code runs: it forks for each submission, and passes on what that one wrote.

Where processes fork, a first one imports torch and knows nothing; each worker is forked from it, when a sandbox asks
for one over the socket that is its standard input. A worker knows the inputs, and no answers.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from unrolled.exercises.results import raised
from unrolled.grading.sandbox import linux
from unrolled.grading.sandbox.cells import do_nothing, run_cells
from unrolled.grading.sandbox.folders import PACKAGE, remove_folder
from unrolled.grading.sandbox.protocol import (
    PATIENCE,
    TIME_IS_UP,
    WARM_OPTIMIZERS,
    Limits,
    Run,
    Tasks,
    receive,
    send,
)
from unrolled.grading.sandbox.watch import Allowance, run_forked

# Bound before a submission can replace what they are.
_to_json, _write_bytes = json.dumps, os.write
ISOLATION = ("no network", "no other process in sight", "no file to write but its own", "no other submission to read")


@dataclass(frozen=True, kw_only=True)
class Box:
    """Where submissions run: what they need to read, and which folders in there they must not see."""

    needed: Sequence[str]
    covered: Sequence[str]


def serve_forks() -> None:
    """Import torch, then fork a worker for each pair of files that comes over the socket on standard input."""
    _warm_up()
    _let_go_of_streams(keep=0)
    requests = socket.socket(fileno=0)
    while True:
        message, files, _, _ = socket.recv_fds(requests, 1, 2)
        if message == WARM_OPTIMIZERS:
            _warm_optimizers()
            continue
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not message:
            return
        if os.fork() == 0:
            linux.die_with_parent()
            requests.close()
            _serve(files[0], files[1])
            os._exit(0)
        for file in files:
            os.close(file)


def serve_alone() -> None:
    """Where processes do not fork: import torch, and run one submission, whose request comes on standard input."""
    _warm_up()
    _warm_optimizers()
    requests, answers = os.dup(0), os.dup(1)
    _let_go_of_streams(keep=None)
    _serve(requests, answers)


def _let_go_of_streams(keep: int | None) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        if stream != keep:
            os.dup2(nowhere, stream)


def _serve(request_file: int, answer_file: int) -> None:
    """Answer a worker's requests until they end."""
    requests, answers = os.fdopen(request_file, "rb"), os.fdopen(answer_file, "wb")
    _let_go_of_streams(keep=None)
    first = receive(requests)
    if first is None:
        return
    task_bytes, limit_values, hidden, folder = pickle.loads(first)
    tasks: Tasks = pickle.loads(task_bytes)
    os.chdir(folder)
    limits = Limits(**limit_values)
    box = _usable_box(hidden) if limits.fork else None
    isolation = ISOLATION if box else ()
    send(answers, json.dumps({"process": os.getpid(), "isolation": isolation}).encode())
    while (message := receive(requests)) is not None:
        request = json.loads(message)
        if not limits.fork:
            lines = os.open(request["lines"], os.O_WRONLY)
            os.chdir(tempfile.mkdtemp(dir=os.getcwd()))
            _execute(request, tasks, limits, lines)
            os._exit(0)
        run = _run_submission(request, tasks, limits, box)
        send(answers, run.end.encode() + b"\n" + run.written)


def _warm_up() -> None:
    """Do here once what torch does on its first calls, instead of in every process; and take the exercises away."""
    import torch

    torch.set_num_threads(1)  # threads do not survive a fork
    layer = torch.nn.LSTM(2, 2, batch_first=True, bidirectional=True)
    loss = torch.nn.functional.cross_entropy(layer(torch.zeros(1, 2, 2))[0][0], torch.zeros(2, dtype=torch.int64))
    torch.autograd.backward(loss)
    try:
        layer(torch.zeros(1, 2, 3))
    except RuntimeError as error:
        raised(error)
    _hide_exercises()


def _warm_optimizers() -> None:
    """Make the first step of a process, for which torch imports for seconds."""
    import torch

    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([parameter])
    parameter.grad = torch.zeros(1)
    optimizer.step()


def _hide_exercises() -> None:
    """No answer can be imported; and what only shows something to a student does nothing."""
    import unrolled
    from unrolled.exercises import check_answer

    for path in (PACKAGE / "exercises" / "sets").glob("*.py"):
        # Python takes None for a module that must not be imported; its type stub does not know that.
        sys.modules[f"unrolled.exercises.sets.{path.stem}"] = None  # type: ignore[assignment]
    for name in ("check", "hint", "explore"):
        setattr(unrolled, name, do_nothing)
        setattr(check_answer, name, do_nothing)


def _usable_box(hidden: Sequence[str]) -> Box | None:
    """The box in which submissions run here; None where this system does not let a process into it."""
    if sys.platform != "linux":
        return None
    needed = linux.needed_paths(PACKAGE)
    own = [str(PACKAGE / "exercises" / "sets"), *hidden]
    box = Box(needed=needed, covered=linux.covered_paths(needed, own))
    with_answers = [path for path in own if not os.path.isdir(path) or os.listdir(path)]

    def try_it(writer: int) -> None:
        _enter(box, tempfile.mkdtemp(dir=os.getcwd()), writer)
        seen = [path for path in with_answers if os.path.isdir(path) and os.listdir(path)]
        os.write(writer, b"isolated" if not seen and os.getpid() == 1 else b"seen")
        os._exit(0)

    run = run_forked(try_it, Allowance(silence=30, seconds=30, beginnings=0))
    return box if run.written == b"isolated" else None


@cache
def _own_memory() -> int:
    """The bytes of this process that each one forked from it shares with it."""
    with suppress(OSError):
        for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Anonymous:"):
                return 1000 * int(line.split()[1])
    return 0


def _run_submission(request: dict[str, Any], tasks: Tasks, limits: Limits, box: Box | None) -> Run:
    """Run one submission in a process of its own. `box`: None runs it without isolation."""
    folder = tempfile.mkdtemp(dir=os.getcwd())
    # A third: it shares them with this process and with the one that waits for it.
    memory = _own_memory() // 3 + limits.memory * 1_000_000
    allowed = Allowance(
        silence=PATIENCE * limits.seconds,
        seconds=request["seconds"],
        beginnings=len(tasks) + sum(1 + cell.count("\n") + cell.count(";") for cell in request["cells"]) + 1,
        memory=memory,
        processes=limits.processes,
    )

    def work(writer: int) -> None:
        if box is not None:
            _enter(box, folder, writer)
        else:
            os.setsid()
            linux.die_with_parent()
            _close_all_but(writer)
            os.chdir(folder)
        _execute(request, tasks, limits, writer)
        os._exit(0)

    run = run_forked(work, allowed)
    remove_folder(folder)
    return run


def _close_all_but(writer: int) -> None:
    """Close what this process inherits: over it, it could speak in the sandbox's own name."""
    os.closerange(3, writer)
    os.closerange(writer + 1, os.sysconf("SC_OPEN_MAX"))


def _enter(box: Box, folder: str, writer: int) -> None:
    """Go into the box, as the first process of its namespaces: all it starts ends with it.

    The process that waits for it stays outside.
    """
    os.setsid()
    linux.die_with_parent()  # nothing outlives the sandbox
    _close_all_but(writer)
    linux.enter_namespaces()
    runner = os.fork()
    if runner:
        os.close(writer)
        _, status = os.waitpid(runner, 0)
        os._exit(max(0, os.waitstatus_to_exitcode(status)) if os.WIFEXITED(status) else 1)
    linux.die_with_parent()
    os.setsid()  # a signal to its own group must not reach the process that waits for it
    linux.enter_empty_root(folder, box.needed, box.covered)
    linux.give_up_rights()


def _limit(limits: Limits) -> None:
    if sys.platform == "win32":
        return
    import resource

    taken = 0
    if os.path.exists("/proc/self/statm"):
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
        taken = int(pages) * os.sysconf("SC_PAGE_SIZE")
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


def _execute(request: dict[str, Any], tasks: Tasks, limits: Limits, writer: int) -> None:
    """Run the submission and write what begins and what came of each exercise, a line each."""
    _limit(limits)
    sys.path.insert(0, "")  # as in a notebook

    def write(**line: Any) -> None:
        if "start" in line:
            _allow_more_time(limits.seconds)
        _write_bytes(writer, _to_json(line).encode() + b"\n")

    run_cells(request["cells"], set(request["skip"]), tasks, write)
