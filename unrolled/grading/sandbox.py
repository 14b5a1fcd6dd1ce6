"""The process in which students' code runs. It knows the inputs of the exercises and no answer.

It imports torch once, is told the inputs once, and then forks a process for each submission. That process cannot see the ones that
judge: its results are JSON, and whoever reads them trusts none of it. On Linux it gets, where the system lets it, namespaces of its
own: no network, no other process in sight, every file read-only but those of its own empty folder, and the exercises' files hidden.
Elsewhere each submission still has its own process and limits; where processes do not fork, each imports torch anew.
"""

from __future__ import annotations

import ast
import ctypes
import json
import linecache
import math
import os
import pickle
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from unrolled.exercises.results import raised, results_of

Cases = Mapping[str, tuple[str, Sequence[tuple]]]
"""For each exercise's id the name of its function and the arguments of each case."""

PACKAGE = Path(__file__).parents[1]
ANSWERS = (
    PACKAGE / "exercises" / "sets",
    PACKAGE.parent / "book" / "solutions",
    PACKAGE.parent / "_build",
)  # the last two: in a checkout
MOST_RESULTS = 16_000_000  # bytes that one process may answer with
MOST_MESSAGE = 1_000_000_000
RUNS_AT_TOP_LEVEL = (
    *(ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Try, ast.If, ast.With, ast.For),
)
PATIENCE = 3
START = 120  # seconds in which a new process has to have imported torch
TIME_IS_UP = 3  # the exit status of a process that has used its computing time
UNREADABLE = (SyntaxError, ValueError, RecursionError, MemoryError)
# What IPython reads and Python does not: a magic, a shell command, its result taken, a question.
MAGIC = re.compile(r"^[ \t]*(?:[%!]|\w+[ \t]*=[ \t]*[%!]|[\w.]+\?+[ \t]*$).*$", re.MULTILINE)
CLONE_NEWNS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = (
    0x20000,
    0x8000000,
    0x10000000,
    0x20000000,
    0x40000000,
)
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 0x4000, 0x40000
SYS_MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
MS_RDONLY, MS_NOEXEC = 1, 8
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAPABILITY_VERSION_3 = 0x20080522


@dataclass(frozen=True)
class Limits:
    """What one submission may use: seconds of computing for each answer, MB of memory beyond what torch itself takes, and so on.

    On a busy machine computing takes longer by the clock, so an answer that does not compute is ended after `PATIENCE` times as long.
    """

    seconds: float = 10.0
    memory: int = 2000
    processes: int = 64
    file_size: int = 16
    fork: bool = hasattr(os, "fork")


@dataclass(frozen=True)
class Run:
    """What came of one process: the lines that it wrote, and how it ended."""

    lines: list[dict[str, Any]]
    end: Literal["done", "time", "died", "flooded"]


class Sandbox:
    """A process that runs submissions, from the judge's side.

    with Sandbox(cases, limits) as sandbox:
        found = sandbox.run(cells, skip=())
    """

    def __init__(self, cases: Cases, limits: Limits, hidden: Sequence[Path] = ()) -> None:
        """`hidden`: folders that no submission must see, such as those of the other submissions and of the grades."""
        self._first = pickle.dumps((cases, asdict(limits), [str(folder.resolve()) for folder in hidden]))
        self.limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._folder = tempfile.mkdtemp(prefix="unrolled-")
        self.isolation: list[str] | None = None  # not known before something has run

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exception: object) -> None:
        self._stop()
        remove(self._folder)

    def _start(self) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
            "PYTHONHASHSEED": "0",
        }
        command = [sys.executable, "-c", "from unrolled.grading.sandbox import serve; serve()"]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env=environment,
            start_new_session=True,
        )
        _send(process.stdin, self._first)
        self.isolation = json.loads(_receive(process.stdout) or b"[]")
        return process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process = None

    def run(self, cells: Sequence[str], skip: Sequence[str] = ()) -> Run:
        """Run the cells' definitions and then every exercise's function, leaving out the statements and exercises in `skip`."""
        if not self.limits.fork:
            return self._run_alone(cells, skip)
        if self._process is None or self._process.poll() is not None:
            self._stop()
            self._process = self._start()
        try:
            _send(self._process.stdin, json.dumps({"cells": list(cells), "skip": list(skip)}).encode())
            answer = _receive(self._process.stdout)
        except BrokenPipeError:
            answer = None
        if answer is None:  # it took the whole sandbox with it
            self._stop()
            return Run([], "died")
        end, _, written = answer.partition(b"\n")
        return Run(list(_read_lines(written)), end.decode())

    def _run_alone(self, cells: Sequence[str], skip: Sequence[str]) -> Run:
        """Where processes do not fork: in a new one, which imports torch anew and writes to a file that is watched here."""
        lines = Path(tempfile.mkdtemp(dir=self._folder), "lines")
        lines.touch()
        process = self._start()
        _send(process.stdin, json.dumps({"cells": list(cells), "skip": list(skip), "lines": str(lines)}).encode())
        size, last, end = 0, time.monotonic(), "done"
        while process.poll() is None:
            time.sleep(0.02)
            if lines.stat().st_size != size:
                size, last = lines.stat().st_size, time.monotonic()
            if time.monotonic() - last > (PATIENCE * self.limits.seconds if size else START):
                end = "time"
                process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()
        if process.returncode and end == "done":
            end = "time" if process.returncode == TIME_IS_UP else "died"
        return Run(list(_read_lines(lines.read_bytes()[:MOST_RESULTS])), end)


def remove(folder: str) -> None:
    """Delete the folder, unless something is mounted in it: that is somebody's, left by a submission that nothing isolated."""
    mounts = Path("/proc/self/mountinfo")  # os.path.ismount does not see what is mounted from the same file system
    escaped = re.sub(r"[ \t\n\\]", lambda match: f"\\{ord(match[0]):03o}", os.path.realpath(folder))
    points = [line.split(" ")[4] for line in os.fsdecode(mounts.read_bytes()).splitlines()] if mounts.exists() else []
    if not any(Path(point).is_relative_to(escaped) for point in points):
        shutil.rmtree(folder, ignore_errors=True)


def _read_lines(written: bytes) -> Iterator[dict[str, Any]]:
    """The lines of a process that nobody trusts: what is no JSON object is passed over."""
    for line in written.split(b"\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _send(stream: BinaryIO, message: bytes) -> None:
    stream.write(struct.pack("<Q", len(message)) + message)
    stream.flush()


def _receive(stream: BinaryIO) -> bytes | None:
    """The next message, or None at the end of the stream."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    (length,) = struct.unpack("<Q", head)
    if length > MOST_MESSAGE:
        return None
    message = stream.read(length)
    return message if len(message) == length else None


# From here on: inside that process.


def serve() -> None:
    """Answer requests on standard input until it ends."""
    import torch

    torch.set_num_threads(1)  # threads do not survive a fork
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    first = _receive(requests)
    if first is None:
        return
    cases, limits, hidden = pickle.loads(first)
    _warm_up(cases)
    _hide_exercises()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    limits = Limits(**limits)
    hidden += [str(path) for path in ANSWERS]
    isolation = _try_isolation(hidden) if limits.fork else []
    _send(answers, json.dumps(isolation).encode())
    while (message := _receive(requests)) is not None:
        request = json.loads(message)
        if not limits.fork:
            _execute(request, cases, limits, tempfile.mkdtemp(dir=os.getcwd()), os.open(request["lines"], os.O_WRONLY))
            os._exit(0)
        _send(answers, _answer(request, cases, limits, hidden if isolation else None))


def _warm_up(cases: Cases) -> None:
    """What torch does on its first calls, done once here instead of in every process."""
    import torch

    layer = torch.nn.LSTM(2, 2, batch_first=True, bidirectional=True)
    optimizer = torch.optim.Adam(layer.parameters())  # the first of a process imports for seconds
    torch.nn.functional.cross_entropy(layer(torch.zeros(1, 2, 2))[0][0], torch.zeros(2, dtype=torch.int64)).backward()
    optimizer.step()
    try:
        layer(torch.zeros(1, 2, 3))
    except RuntimeError as error:
        raised(error)


def _hide_exercises() -> None:
    for path in (PACKAGE / "exercises" / "sets").glob("*.py"):
        sys.modules[f"unrolled.exercises.sets.{path.stem}"] = None


def _answer(request: dict[str, Any], cases: Cases, limits: Limits, hidden: Sequence[str] | None) -> bytes:
    """How the submission's process ended, and on the lines after it what it wrote. `hidden`: as for `isolate`; None to do without it."""
    folder = tempfile.mkdtemp(dir=os.getcwd())
    os.makedirs(os.path.join(folder, "work"))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reader)
            _keep(request, cases, limits, os.path.join(folder, "work"), writer, hidden)
        finally:
            os._exit(1)
    os.close(writer)
    end, written = _watch(child, reader, PATIENCE * limits.seconds, PATIENCE * limits.seconds * (len(cases) + 4))
    os.close(reader)
    remove(folder)
    return end + b"\n" + written


def _watch(child: int, reader: int, seconds: float, in_all: float) -> tuple[bytes, bytes]:
    """Read what the process writes until it ends, or is ended: it has written nothing for so many seconds, or has run for so many in all."""
    os.set_blocking(reader, False)
    written, status = bytearray(), None
    last = begun = time.monotonic()
    while status is None:
        status = os.waitpid(child, os.WNOHANG)[1] if _has_ended(child) else None
        select.select([reader], [], [], 0.05 if status is None else 0)
        while chunk := _read_some(reader):
            written += chunk
            last = time.monotonic()
            if len(written) > MOST_RESULTS:
                break
        late = time.monotonic() - last > seconds or time.monotonic() - begun > in_all
        if status is None and (len(written) > MOST_RESULTS or late):
            _kill(child)
            os.waitpid(child, 0)
            return (b"flooded" if len(written) > MOST_RESULTS else b"time"), bytes(written[:MOST_RESULTS])
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
        try:
            kill(target, signal.SIGKILL)
        except ProcessLookupError:
            pass


def _keep(
    request: dict[str, Any], cases: Cases, limits: Limits, folder: str, writer: int, hidden: Sequence[str] | None
) -> None:
    """Isolate, and run the submission as the first process of the new namespaces: when it ends, so does all it started."""
    os.setsid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # nothing outlives the sandbox
    # Over what this process inherits it could speak in the sandbox's own name.
    os.closerange(3, writer)
    os.closerange(writer + 1, os.sysconf("SC_OPEN_MAX"))
    if hidden is not None and isolate(folder, hidden):
        runner = os.fork()
        if runner:
            os.close(writer)
            _, status = os.waitpid(runner, 0)
            os._exit(max(0, os.waitstatus_to_exitcode(status)) if os.WIFEXITED(status) else 1)
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()  # a signal to its own group must not reach the process that waits for it
        give_up_rights()
    _execute(request, cases, limits, folder, writer)
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
    achieved = json.loads(os.read(reader, 1000) or b"[]")
    os.close(reader)
    return achieved


def isolate(folder: str, hidden: Sequence[str]) -> list[str]:
    """Leave the network, the other processes and the other files behind, as far as this system allows; say what was left behind.

    `folder` is the only one to write to, and empty; so are, to read, those of `hidden` that are there and hold nothing that Python runs from.
    Linux's namespaces, as of 5.12; without them nothing changes. The next process that is forked is the first of its namespace.
    """
    if sys.platform != "linux":
        return []
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC) != 0:
        return []
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        Path("/proc/self", name).write_text(text)
    read_only = struct.pack("<QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
    files = libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None) == 0
    files = files and libc.syscall(SYS_MOUNT_SETATTR, AT_FDCWD, b"/", AT_RECURSIVE, read_only, len(read_only)) == 0
    needed = [os.path.realpath(path) for path in (folder, sys.prefix, sys.base_prefix, *sys.path)]
    covered = [
        path for path in hidden if os.path.isdir(path) and not any(Path(one).is_relative_to(path) for one in needed)
    ]
    for path in (folder, *covered) if files else ():
        files = libc.mount(b"tmpfs", os.fsencode(path), b"tmpfs", MS_NOSUID | MS_NODEV, b"size=16m") == 0 and files
    private = files and len(covered) == sum(map(os.path.isdir, hidden))
    return (
        ["no network", "no other process in sight"]
        + ["no file to write but its own"] * files
        + ["no other submission to read"] * private
    )


def give_up_rights() -> None:
    """See this namespace's processes alone, and lose every capability in it: with one, all that `isolate` did could be undone.

    Raises:
        OSError: the capabilities could not be given up. Nothing of a submission must run then.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mount(b"proc", b"/proc", b"proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, None)
    capability = 0
    while libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0:  # not to be had again by starting another program
        capability += 1
    head, none = struct.pack("<Ii", CAPABILITY_VERSION_3, 0), bytes(24)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.capset(head, none) != 0:
        raise OSError(ctypes.get_errno(), "the process keeps its capabilities")


def _limit(limits: Limits) -> None:
    if sys.platform == "win32":
        return
    import resource

    taken = 0
    if os.path.exists("/proc/self/statm"):
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    wanted = {
        resource.RLIMIT_AS: taken + limits.memory * 1_000_000,
        resource.RLIMIT_FSIZE: limits.file_size * 1_000_000,
        resource.RLIMIT_NPROC: limits.processes,
        resource.RLIMIT_NOFILE: 128,
        resource.RLIMIT_CORE: 0,
    }
    for kind, most in wanted.items():
        _, hard = resource.getrlimit(kind)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (most, most))


def _allow_more_time(seconds: float) -> None:
    """End this process when it has computed for so many seconds from now on."""
    if sys.platform == "win32":
        return
    import resource

    used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    signal.signal(signal.SIGXCPU, lambda *_: os._exit(TIME_IS_UP))
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(used + seconds), hard))


def _execute(request: dict[str, Any], cases: Cases, limits: Limits, folder: str, writer: int) -> None:
    """Run the submission and write, a line each: what begins, and what came of each exercise."""
    os.chdir(folder)
    _limit(limits)

    def write(**line: Any) -> None:
        if "start" in line:
            _allow_more_time(limits.seconds)
        os.write(writer, json.dumps(line).encode() + b"\n")

    import torch

    skip = set(request["skip"])
    namespace: dict[str, Any] = {"__name__": "__main__", "torch": torch, "nn": torch.nn}
    for label, code in statements(request["cells"], write):
        if label not in skip:
            write(start=label)
            try:
                exec(code, namespace)
            except (Exception, SystemExit) as error:
                write(failed=label, outcome=raised(error))
    for id, (name, arguments) in cases.items():
        if id in skip:
            continue
        write(start=id)
        if callable(namespace.get(name)):
            write(exercise=id, outcomes=results_of(namespace[name], arguments))
        else:
            write(exercise=id, missing=True)


def _parsed(source: str, name: str) -> ast.Module:
    """The cell as Python: as it stands, or else without the lines that only IPython reads."""
    try:
        return ast.parse(source, name)
    except SyntaxError:
        return ast.parse(MAGIC.sub("", source), name)


def statements(cells: Sequence[str], write: Any) -> Iterator[tuple[str, Any]]:
    """Each definition, import and assignment at the top level of the cells, compiled, with a label; what cannot be read is written."""
    for number, source in enumerate(cells, start=1):
        name = f"<cell {number}>"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            body = _parsed(source, name).body
        except UNREADABLE as error:
            write(
                unreadable=number,
                line=getattr(error, "lineno", None),
                message=getattr(error, "msg", type(error).__name__),
            )
            continue
        for statement in body:
            if not isinstance(statement, RUNS_AT_TOP_LEVEL):
                continue
            try:  # some errors of syntax show only now, such as a break outside a loop
                code = compile(ast.Module([statement], []), name, "exec")
            except UNREADABLE as error:
                write(
                    unreadable=number,
                    line=getattr(error, "lineno", None),
                    message=getattr(error, "msg", type(error).__name__),
                )
                continue
            yield f"cell {number}, line {statement.lineno}", code
