"""The judge's side of the process in which students' code runs."""

from __future__ import annotations

import atexit
import json
import os
import pickle
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO, cast, get_args

from unrolled.grading.sandbox.folders import PACKAGE, remove_folder
from unrolled.grading.sandbox.protocol import (
    FORK,
    MAX_RESULT_BYTES,
    PATIENCE,
    TIME_IS_UP,
    WARM_OPTIMIZERS,
    End,
    Limits,
    Run,
    Tasks,
    receive,
    send,
)

START_SECONDS = 120  # in which a new process has to have imported torch
KEPT_VARIABLES = ("LD_LIBRARY_PATH", "SYSTEMROOT", "TEMP", "TMP", "TZ")
_warm: list[WarmProcess] = []
_starting = threading.Lock()


def environment() -> dict[str, str]:
    """The variables that Python needs, and none of the teacher's: no key, no token, no address of a socket."""
    kept = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    # Those of the user among them, which Python looks for in the home folder.
    packages = [path for path in sys.path if os.path.basename(path) in ("site-packages", "dist-packages")]
    return kept | {
        "HOME": "/home/student",
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "PATH": "/usr/bin:/bin",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), *packages]),
        "PYTHONSAFEPATH": "1",
    }


def _command(function: str) -> list[str]:
    return [sys.executable, "-c", f"from unrolled.grading.sandbox.worker import {function}; {function}()"]


class WarmProcess:
    """A process that has imported torch, from which workers are forked. It knows no exercise."""

    def __init__(self) -> None:
        self._requests, theirs = socket.socketpair()
        self._optimizers = False
        with theirs:
            self._process = subprocess.Popen(
                _command("serve_forks"),
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=tempfile.gettempdir(),
                env=environment(),
                start_new_session=True,
            )

    def usable(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def warm_optimizers(self) -> None:
        """Import what optimizers need, for submissions that train. It takes two seconds, once."""
        if not self._optimizers:
            self._optimizers = True
            with suppress(BrokenPipeError):
                self._requests.sendall(WARM_OPTIMIZERS)

    def fork(self) -> tuple[BinaryIO, BinaryIO]:
        """Fork a worker; return the files for requests to it and for its answers."""
        their_requests, requests = os.pipe()
        answers, their_answers = os.pipe()
        socket.send_fds(self._requests, [FORK], [their_requests, their_answers])
        os.close(their_requests)
        os.close(their_answers)
        return os.fdopen(requests, "wb"), os.fdopen(answers, "rb")

    def close(self) -> None:
        """End it, and with it its workers."""
        self._requests.close()
        self._process.kill()
        self._process.wait()


def warm_process() -> WarmProcess:
    """The process from which workers are forked, started on the first call. It ends with this one."""
    with _starting:
        if _warm and not _warm[0].usable():
            _warm.pop().close()
        if not _warm:
            _warm.append(WarmProcess())
            if len(_warm) == 1:
                atexit.register(close_warm_process)
        return _warm[0]


def close_warm_process() -> None:
    """End the process from which workers are forked, if there is one."""
    atexit.unregister(close_warm_process)
    while _warm:
        _warm.pop().close()


class Worker:
    """A worker and the two files to speak with it."""

    def __init__(self, first_message: bytes) -> None:
        self.requests, self.answers = warm_process().fork()
        self.process = 0
        self.isolation: list[str] = []
        with suppress(BrokenPipeError):
            send(self.requests, first_message)
            if answer := receive(self.answers):
                about = json.loads(answer)
                self.process, self.isolation = about["process"], about["isolation"]

    def stop(self) -> None:
        """End the worker."""
        if self.process:
            with suppress(ProcessLookupError):
                os.kill(self.process, signal.SIGKILL)
        for file in (self.requests, self.answers):
            with suppress(BrokenPipeError):
                file.close()


class Sandbox:
    """A process that runs submissions, from the judge's side.

    with Sandbox(tasks, limits) as sandbox:
        run = sandbox.run(cells, skip=())
    """

    def __init__(self, tasks: Tasks | bytes, limits: Limits, hidden: Sequence[Path] = ()) -> None:
        """`hidden`: folders that no submission must see, such as those of the other submissions and of the grades."""
        self._folder = tempfile.mkdtemp(prefix="unrolled-")
        task_bytes = tasks if isinstance(tasks, bytes) else pickle.dumps(tasks)
        hidden_names = [str(folder.resolve()) for folder in hidden]
        self._first_message = pickle.dumps((task_bytes, asdict(limits), hidden_names, self._folder))
        self.limits = limits
        self._worker: Worker | None = None
        self.isolation: list[str] | None = None  # not known before something has run

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and delete its folder."""
        self._stop()
        remove_folder(self._folder)

    def start(self) -> None:
        """Start the process, if it does not run, and learn what it is kept from."""
        if self._worker is None and self.limits.fork:
            self._worker = Worker(self._first_message)
            self.isolation = self._worker.isolation

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def run(self, cells: Sequence[str], skip: Sequence[str] = (), seconds: float | None = None) -> Run:
        """Run the cells and then every exercise's function, leaving out the statements and exercises in `skip`.

        `seconds`: by the clock, for all of it; without it, the minutes of the limits.
        """
        in_all = self.limits.minutes * 60 if seconds is None else seconds
        request = {"cells": list(cells), "skip": list(skip), "seconds": in_all}
        if not self.limits.fork:
            return self._run_alone(request, in_all)
        self.start()
        worker = self._worker
        answer = None
        if worker is not None:
            with suppress(BrokenPipeError):
                send(worker.requests, json.dumps(request).encode())
                answer = receive(worker.answers)
        if answer is None:  # it took the whole sandbox with it
            self._stop()
            return Run(written=b"", end="died")
        end, _, written = answer.partition(b"\n")
        return Run(written=written, end=_end(end.decode()))

    def _run_alone(self, request: dict[str, object], seconds: float) -> Run:
        """Where processes do not fork: in a new one, which imports torch anew and writes to a file that is watched
        here.
        """
        lines = Path(tempfile.mkdtemp(dir=self._folder), "lines")
        lines.touch()
        process = subprocess.Popen(
            _command("serve_alone"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=self._folder,
            env=environment(),
            start_new_session=True,
        )
        # Popen types its pipes as if they could be missing, which these are not.
        requests, answers = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
        send(requests, self._first_message)
        self.isolation = json.loads(receive(answers) or b'{"isolation": []}')["isolation"]
        send(requests, json.dumps(request | {"lines": str(lines)}).encode())
        begun, end = time.monotonic(), "done"
        size, last = 0, begun
        while process.poll() is None:
            time.sleep(0.02)
            now = time.monotonic()
            if lines.stat().st_size != size:
                size, last = lines.stat().st_size, now
            silent = now - last > (PATIENCE * self.limits.seconds if size else START_SECONDS)
            if silent or now - begun > seconds + START_SECONDS:
                end = "time"
                process.kill()
        process.wait()
        requests.close()
        answers.close()
        if process.returncode and end == "done":
            end = "time" if process.returncode == TIME_IS_UP else "died"
        with lines.open("rb") as file:
            return Run(written=file.read(MAX_RESULT_BYTES), end=_end(end))


def _end(word: str) -> End:
    return next((end for end in get_args(End) if end == word), "died")
