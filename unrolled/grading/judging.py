"""Judging what a submission's process wrote, in a process that can die.

What comes out of the box is untrusted to the last byte. Each line is parsed here, its form is checked before anything
is made of it, and all of it runs under limits: if judging an answer ends this process, that answer alone could not be
graded.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import Any

from unrolled.exercises.comparison import forbidden_call
from unrolled.exercises.exercise import DrawnCases, judge
from unrolled.exercises.results import Result
from unrolled.grading.sandbox.lacking import what_is_lacking
from unrolled.grading.sandbox.linux import die_with_parent
from unrolled.grading.sandbox.protocol import receive, send
from unrolled.grading.sandbox.watch import Allowance, run_forked

MAX_FEEDBACK_CHARACTERS = 4000  # a student's exception can have millions
MAX_LABEL_CHARACTERS = 100
MAX_AXES, MAX_DEPTH, MAX_INT = 32, 12, 2**64
MEMORY, SECONDS = 1_000_000_000, 60  # for judging one notebook
RAISED = {"type", "message", "notes", "place"}
COULD_NOT_READ = "answered in a form that cannot be read"


class Judge:
    """A process that knows the right answers, from the pipeline's side. It can be asked from several threads."""

    def __init__(self, drawn: Mapping[str, DrawnCases]) -> None:
        self._drawn = drawn
        self._lock = threading.Lock()
        self._process = 0
        if hasattr(os, "fork"):
            self._start()

    def _start(self) -> None:
        """Fork now, while there is one thread: the fork has the answers that this process has drawn, and nothing has to
        be sent.
        """
        their_requests, requests = os.pipe()
        answers, their_answers = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            try:
                die_with_parent()
                os.close(requests)
                os.close(answers)
                serve(self._drawn, their_requests, their_answers)
            finally:
                os._exit(0)
        os.close(their_requests)
        os.close(their_answers)
        self._requests, self._answers = os.fdopen(requests, "wb"), os.fdopen(answers, "rb")

    def close(self) -> None:
        """End the process."""
        if self._process:
            for file in (self._requests, self._answers):
                with suppress(BrokenPipeError):
                    file.close()
            os.waitpid(self._process, 0)
            self._process = 0

    def judged(self, written: bytes, ids: Sequence[str]) -> list[dict[str, Any]]:
        """What is in the lines that a submission's process wrote, as far as they are about the exercises `ids` or the
        notebook.

        `{"id", "status", "feedback", "misconception", "lacks", "compared"}` or `{"id", "missing", "lacks"}` for an
        exercise, `{"failed", "reason"}` for a statement, `{"unreadable", "line", "message"}` for a cell, and at the end
        `{"begun"}` with what had begun and not ended. `compared`: whether the answer was compared with the wrong ones.
        """
        lines: list[dict[str, Any]] = []
        failed: list[str] = []
        while True:
            rest = [id for id in ids if id not in failed]
            lines = self._ask(written, rest)
            last = lines[-1] if lines else {"judging": None}
            if "begun" in last:
                break
            died_at = last.get("judging")
            if died_at is None:  # before any exercise: its lines cannot even be parsed
                died_at = rest[0] if rest else None
            if died_at is None:
                lines.append({"begun": ""})
                break
            failed.append(died_at)
        unclear = [{"id": id, "could_not_read": True, "lacks": []} for id in failed]
        return [*(line for line in lines if "judging" not in line), *unclear]

    def _ask(self, written: bytes, ids: Sequence[str]) -> list[dict[str, Any]]:
        if not self._process:
            with self._lock:
                return list(read_run(written, {id: self._drawn[id] for id in ids}))
        with self._lock:
            send(self._requests, json.dumps(list(ids)).encode() + b"\n" + written)
            answer = receive(self._answers)
        return [json.loads(line) for line in (answer or b"").split(b"\n")[:-1]]


def serve(drawn: Mapping[str, DrawnCases], requests: int, answers: int) -> None:
    """Answer a judge's requests until they end, each in a process of its own.

    What the wrong answers of an exercise give is worked out when the first submission needs it. It is kept here, so
    that the later processes inherit it.
    """
    with os.fdopen(requests, "rb") as asked, os.fdopen(answers, "wb") as answered:
        while (message := receive(asked)) is not None:
            ids, _, written = message.partition(b"\n")
            own = {id: drawn[id] for id in json.loads(ids)}
            allowed = Allowance(silence=SECONDS, seconds=SECONDS, beginnings=0)
            lines = run_forked(_judge_into(written, own), allowed).written
            send(answered, lines)
            for line in parsed_lines(lines):
                if line.get("compared"):
                    _ = drawn[line["id"]].mistaken  # cached from now on


def _judge_into(written: bytes, drawn: Mapping[str, DrawnCases]) -> Callable[[int], None]:
    def work(writer: int) -> None:
        die_with_parent()
        _limit()
        for line in read_run(written, drawn):
            os.write(writer, json.dumps(line).encode() + b"\n")
        os._exit(0)

    return work


def _limit() -> None:
    import resource

    taken = 0
    if os.path.exists("/proc/self/statm"):
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[0]
        taken = int(pages) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (taken + MEMORY, taken + MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


def read_run(written: bytes, drawn: Mapping[str, DrawnCases]) -> Iterator[dict[str, Any]]:
    """The lines of `Judge.judged`.

    Before the line of an exercise comes `{"judging": id}`, for whoever wants to know where this ended.
    """
    begun, done = "", set()
    for line in parsed_lines(written):
        if isinstance(start := line.get("start"), str):
            begun = start[:MAX_LABEL_CHARACTERS]
        elif isinstance(label := line.get("failed"), str):
            yield {"failed": label[:MAX_LABEL_CHARACTERS], "reason": why_failed(label, line.get("outcome"))}
        elif isinstance(number := line.get("unreadable"), int):
            message = str(line.get("message"))[:MAX_FEEDBACK_CHARACTERS]
            yield {"unreadable": number, "line": str(line.get("line"))[:20], "message": message}
        elif isinstance(id := line.get("exercise"), str) and id in drawn and id == begun and id not in done:
            yield {"judging": id}
            yield judged_line(id, line, drawn[id])
            done.add(id)
            begun = ""
    yield {"begun": begun}


def parsed_lines(written: bytes) -> Iterator[dict[str, Any]]:
    """Those lines that are JSON objects."""
    start = 0
    while (end := written.find(b"\n", start)) >= 0:
        with suppress(ValueError, RecursionError, MemoryError):
            value = json.loads(written[start:end])
            if isinstance(value, dict):
                yield value
        start = end + 1


def why_failed(label: str, outcome: object) -> str:
    """Why a statement at the top level failed, in words."""
    error = outcome.get("raised") if isinstance(outcome, dict) else None
    where = f"the statement in {label[:MAX_LABEL_CHARACTERS]}"
    if not isinstance(error, dict):
        return f"{where} failed"
    if lacking := what_is_lacking(error):
        verb = "imports" if lacking.startswith("what is not installed") else "needs"
        return f"the notebook {verb} {lacking}"[:MAX_FEEDBACK_CHARACTERS]
    return f"{where} raised {error.get('type')}: {error.get('message')}"[:MAX_FEEDBACK_CHARACTERS]


def judged_line(id: str, line: Mapping[str, Any], drawn: DrawnCases) -> dict[str, Any]:
    """What one exercise's line of results is worth."""
    lacks = line.get("lacks")
    labels = (
        [label[:MAX_LABEL_CHARACTERS] for label in lacks[:20] if isinstance(label, str)]
        if isinstance(lacks, list)
        else []
    )
    if line.get("missing"):
        return {"id": id, "missing": True, "lacks": labels}
    results = line.get("outcomes")
    unclear = {"id": id, "could_not_read": True, "lacks": labels}
    if not isinstance(results, list) or len(results) != len(drawn.cases) or not all(map(well_formed, results)):
        return unclear
    try:
        verdict = judge(drawn, results)
        lacking = _all_lacking(drawn, results) if verdict.status == "wrong" else None
    except Exception:  # these are the words of a process that nobody trusts: they can be anything
        return unclear
    if lacking:
        return {"id": id, "needs": lacking[:MAX_FEEDBACK_CHARACTERS], "lacks": labels}
    message = verdict.message
    if len(message) > MAX_FEEDBACK_CHARACTERS:
        message = f"{message[:MAX_FEEDBACK_CHARACTERS]} …"
    return {
        "id": id,
        "status": verdict.status,
        "feedback": message,
        "misconception": verdict.misconception,
        "lacks": labels,
        "compared": "mistaken" in vars(drawn),
    }


def _all_lacking(drawn: DrawnCases, results: Sequence[Result]) -> str | None:
    """What this machine lacks, if all cases that are not right failed for that."""
    plain = [result["result"] if forbidden_call(result) else result for result in results]
    reasons = [
        what_is_lacking(result["raised"]) if isinstance(result, dict) and "raised" in result else None
        for position, result in enumerate(plain)
        if not drawn.accepts(position, result)
    ]
    return reasons[0] if reasons and all(reasons) else None


def well_formed(result: Result, depth: int = MAX_DEPTH) -> bool:
    """Whether this is a result as `results_of` writes it: nothing in it promises more than is there.

    >>> well_formed({"tensor": {"shape": [2, 3], "dtype": "float32", "values": [0.0], "requires_grad": False}})
    False
    """
    if result is None or isinstance(result, bool | float | str):
        return True
    if isinstance(result, int):
        return -MAX_INT < result < MAX_INT
    if depth == 0:
        return False
    if isinstance(result, list):
        return all(well_formed(item, depth - 1) for item in result)
    if isinstance(result, dict) and result.keys() == {"forbidden", "result"}:
        return isinstance(result["forbidden"], str) and well_formed(result["result"], depth - 1)
    if not isinstance(result, dict) or len(result) != 1:
        return False
    ((kind, value),) = result.items()
    if kind == "tensor":
        return _well_formed_tensor(value)
    if kind == "raised":
        return (
            isinstance(value, dict) and value.keys() == RAISED and all(isinstance(one, str) for one in value.values())
        )
    if kind == "set":
        return isinstance(value, list) and all(type(item) is int and well_formed(item) for item in value)
    if kind == "dict":
        return isinstance(value, dict) and all(well_formed(item, depth - 1) for item in value.values())
    return (kind == "blank" and value is True) or (kind == "other" and isinstance(value, str))


def _well_formed_tensor(tensor: object) -> bool:
    if not isinstance(tensor, dict) or tensor.keys() != {"shape", "dtype", "values", "requires_grad"}:
        return False
    shape, values = tensor["shape"], tensor["values"]
    if not isinstance(shape, list) or not isinstance(values, list) or len(shape) > MAX_AXES:
        return False
    if not all(type(size) is int and 0 <= size <= MAX_INT for size in shape) or prod(shape) != len(values):
        return False
    numbers = all(
        isinstance(value, float) or (isinstance(value, int) and -MAX_INT < value < MAX_INT) for value in values
    )
    return numbers and isinstance(tensor["dtype"], str) and isinstance(tensor["requires_grad"], bool)
