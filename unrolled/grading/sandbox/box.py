"""The judge's side of the process in which students' code runs."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, cast, get_args

from unrolled.grading.sandbox.protocol import (
    MAX_RESULT_BYTES,
    PATIENCE,
    TIME_IS_UP,
    End,
    Limits,
    Run,
    Tasks,
    receive,
    send,
)

PACKAGE = Path(__file__).parents[2]
START_SECONDS = 120  # in which a new process has to have imported torch


class Worker:
    """A started process and the two pipes to it."""

    def __init__(self, folder: str, first_message: bytes) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]),
            "OMP_NUM_THREADS": "1",
            "PYTHONHASHSEED": "0",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from unrolled.grading.sandbox.worker import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        # Popen types its pipes as if they could be missing, which these are not.
        self.requests = cast("BinaryIO", self.process.stdin)
        self.answers = cast("BinaryIO", self.process.stdout)
        send(self.requests, first_message)
        self.isolation: list[str] = json.loads(receive(self.answers) or b"[]")

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        self.requests.close()
        self.answers.close()


class Sandbox:
    """A process that runs submissions, from the judge's side.

    with Sandbox(tasks, limits) as sandbox:
        run = sandbox.run(cells, skip=())
    """

    def __init__(self, tasks: Tasks, limits: Limits, hidden: Sequence[Path] = ()) -> None:
        """`hidden`: folders that no submission must see, such as those of the other submissions and of the grades."""
        self._first_message = pickle.dumps((tasks, asdict(limits), [str(folder.resolve()) for folder in hidden]))
        self.limits = limits
        self._worker: Worker | None = None
        self._folder = tempfile.mkdtemp(prefix="unrolled-")
        self.isolation: list[str] | None = None  # not known before something has run

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process and delete its folder."""
        self._stop()
        remove_folder(self._folder)

    def _start(self) -> Worker:
        worker = Worker(self._folder, self._first_message)
        self.isolation = worker.isolation
        return worker

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def run(self, cells: Sequence[str], skip: Sequence[str] = ()) -> Run:
        """Run the cells' definitions and then every exercise's function, leaving out the statements and exercises in
        `skip`.
        """
        if not self.limits.fork:
            return self._run_alone(cells, skip)
        if self._worker is None or self._worker.process.poll() is not None:
            self._stop()
            self._worker = self._start()
        try:
            send(self._worker.requests, json.dumps({"cells": list(cells), "skip": list(skip)}).encode())
            answer = receive(self._worker.answers)
        except BrokenPipeError:
            answer = None
        if answer is None:  # it took the whole sandbox with it
            self._stop()
            return Run(lines=[], end="died")
        end, _, written = answer.partition(b"\n")
        return Run(lines=list(_read_lines(written)), end=_end(end.decode()))

    def _run_alone(self, cells: Sequence[str], skip: Sequence[str]) -> Run:
        """Where processes do not fork: in a new one, which imports torch anew and writes to a file that is watched
        here.
        """
        lines = Path(tempfile.mkdtemp(dir=self._folder), "lines")
        lines.touch()
        worker = self._start()
        process = worker.process
        send(worker.requests, json.dumps({"cells": list(cells), "skip": list(skip), "lines": str(lines)}).encode())
        size, last, end = 0, time.monotonic(), "done"
        while process.poll() is None:
            time.sleep(0.02)
            if lines.stat().st_size != size:
                size, last = lines.stat().st_size, time.monotonic()
            if time.monotonic() - last > (PATIENCE * self.limits.seconds if size else START_SECONDS):
                end = "time"
                process.kill()
        worker.stop()
        if process.returncode and end == "done":
            end = "time" if process.returncode == TIME_IS_UP else "died"
        return Run(lines=list(_read_lines(lines.read_bytes()[:MAX_RESULT_BYTES])), end=_end(end))


def remove_folder(folder: str) -> None:
    """Delete the folder, unless something is mounted in it: that belongs to somebody, left by a submission that nothing
    isolated.
    """
    mounts = Path("/proc/self/mountinfo")  # os.path.ismount does not see what is mounted from the same file system
    escaped = re.sub(r"[ \t\n\\]", lambda match: f"\\{ord(match[0]):03o}", os.path.realpath(folder))
    points = [line.split(" ")[4] for line in os.fsdecode(mounts.read_bytes()).splitlines()] if mounts.exists() else []
    if not any(Path(point).is_relative_to(escaped) for point in points):
        shutil.rmtree(folder, ignore_errors=True)


def _end(word: str) -> End:
    return next((end for end in get_args(End) if end == word), "died")


def _read_lines(written: bytes) -> Iterator[dict[str, Any]]:
    """The lines of a process that nobody trusts: what is no JSON object is passed over."""
    for line in written.split(b"\n"):
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value
