"""Run an answer on the cases of its exercise, and write down what it gave as JSON, which can go to another process.

A tensor becomes `{"tensor": {"shape", "dtype", "values", "requires_grad"}}`, a tuple, a list or a range a list, a set
of whole numbers `{"set": [in rising order]}`, an exception `{"raised": {"type", "message", "notes", "place"}}`, the
blank of an exercise (`...`) `{"blank": true}`, and anything else `{"other": "its type"}`. Where the answer called what
its exercise forbids, all this is inside `{"forbidden": the function's name, "result": …}`. `comparison.py` compares two
results.
"""

from __future__ import annotations

import copy
import os
import random
import re
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

Result = Any
"""What JSON can hold, in the form described above. Any: it may come from a process that ran a student's code."""
Arguments = tuple[Any, ...]
"""The arguments of one case."""
MAX_NUMBERS = 100_000
MAX_CHARACTERS = 2_000
MAX_DEPTH = 6
BLANK: Result = {"blank": True}
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
"""Where an object is in memory: another place in each process, and of no use to anybody."""


def to_json(value: object, depth: int = MAX_DEPTH) -> Result:
    """The value as a result. What is too large, too deep or of no kind that an exercise asks for is named and left out.

    >>> to_json((2, range(3)))
    [2, [0, 1, 2]]
    """
    import torch

    if value is ...:
        return BLANK
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() < 64 else _other(f"an int of {value.bit_length()} bits")
    if isinstance(value, str):
        return str(value) if len(value) <= MAX_CHARACTERS else _other(f"a string of {len(value)} characters")
    if isinstance(value, torch.Tensor):
        return _tensor_to_json(value)
    if isinstance(value, (tuple, list, range)) and depth and len(value) <= MAX_NUMBERS:
        return [to_json(item, depth - 1) for item in value]
    if isinstance(value, (set, frozenset)) and 0 < len(value) <= MAX_NUMBERS:
        whole = all(type(item) is int for item in value)
        return {"set": to_json(sorted(value))} if whole else _other(f"a {type(value).__name__}")
    if isinstance(value, dict) and depth and all(isinstance(key, str) for key in value):
        return {"dict": {key: to_json(item, depth - 1) for key, item in value.items()}}
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # numpy's arrays and numbers
        return to_json(torch.as_tensor(value), depth)
    return _other(f"a {type(value).__name__}")


def _tensor_to_json(value: torch.Tensor) -> Result:
    import torch

    odd = value.layout is not torch.strided or value.is_meta or value.is_complex() or value.is_quantized
    if odd or value.numel() > MAX_NUMBERS:
        return _other(f"a tensor of {value.numel()} numbers")
    return {
        "tensor": {
            "shape": list(value.shape),
            "dtype": str(value.dtype).removeprefix("torch."),
            "values": value.detach().cpu().reshape(-1).tolist(),
            "requires_grad": value.requires_grad,
        }
    }


def _other(words: str) -> Result:
    return {"other": words}


def results_of(
    function: Callable[..., object], cases: Sequence[Arguments], *, forbidden: Set[str] = frozenset(), seed: int = 0
) -> list[Result]:
    """What `function` does with each case's arguments, which it gets as copies; every case begins with this seed.

    `forbidden`: names of torch's functions, as `torch._VF` has them; a result says where one of them was called. What
    the function prints is dropped. An exception, `SystemExit` included, is a result. `KeyboardInterrupt` is not: it is
    the user's.
    """
    import numpy as np
    import torch

    results = []
    with (
        one_thread(),
        _own_random_numbers(),
        open(os.devnull, "w", encoding="utf-8") as nowhere,
        redirect_stdout(nowhere),
        redirect_stderr(nowhere),
    ):
        for arguments in cases:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                random.seed(seed)
                np.random.seed(seed)
                # torch.manual_seed keeps a traceback for each call, for GPUs to come
                torch.default_generator.manual_seed(seed)
                calls: list[str] = []
                try:
                    with _noting(forbidden, calls) if forbidden else nullcontext():
                        value = function(*copy.deepcopy(arguments))
                    result = to_json(value)
                except (Exception, SystemExit) as error:
                    result = raised(error)
                results.append({"forbidden": calls[0], "result": result} if calls else result)
    return results


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a process needs that runs an answer: its function's name, the cases, and what it must not call."""

    name: str
    cases: Sequence[Arguments]
    forbidden: Set[str] = frozenset()

    def run(self, function: Callable[..., object]) -> list[Result]:
        """The results of `function` on each case."""
        return results_of(function, self.cases, forbidden=self.forbidden)


def _noting(names: Set[str], calls: list[str]) -> AbstractContextManager[object]:
    """While this is open, calls of the functions of torch with these names are added to `calls`."""
    from torch.overrides import TorchFunctionMode

    class Noting(TorchFunctionMode):
        def __torch_function__(
            self, function: Any, types: Any, arguments: Any = (), keywords: dict[str, Any] | None = None
        ) -> Any:
            if getattr(function, "__name__", "") in names:
                calls.append(function.__name__)
            return function(*arguments, **(keywords or {}))

    return Noting()


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Python's and NumPy's random numbers go on afterwards where they were: they are the notebook's."""
    import numpy as np

    python_state, numpy_state = random.getstate(), np.random.get_state()
    try:
        yield
    finally:
        random.setstate(python_state)
        np.random.set_state(numpy_state)


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread, and without warnings.

    On tensors this small several threads wait for each other, on a busy machine for seconds.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            # torch warns about some layers once in a process, so about one case and not about the next
            warnings.simplefilter("ignore")
            yield
    finally:
        torch.set_num_threads(before)


def raised(error: BaseException) -> Result:
    """An exception as a result: with the student's own frames, and the note of `clarify` where it has one."""
    from unrolled.diagnosis.clarify_error import add_explanation

    add_explanation(error)
    try:
        message = ADDRESS.sub("at 0x...", str(error)[:MAX_CHARACTERS])
    except Exception:  # a student's own exception, whose text itself raises
        message = ""
    notes = "\n".join(getattr(error, "__notes__", ()))[:MAX_CHARACTERS]
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if frame.filename.startswith(("<cell", "<ipython")) or "ipykernel_" in frame.filename
    ]
    place = f"line {own[-1].lineno}: {own[-1].line}" if own and own[-1].line else ""
    return {"raised": {"type": type(error).__name__, "message": message, "notes": notes, "place": place}}
