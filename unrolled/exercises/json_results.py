"""What a function did with its arguments, as plain data: it can cross to another process, be compared, and be put into words.

Plain data is what JSON can hold. A tensor becomes `{"tensor": {"shape", "dtype", "values", "requires_grad"}}`, a tuple or a list a
list and so does a range, a set of whole numbers `{"set": [in rising order]}`, an exception `{"raised": {"type", "message", "notes",
"place"}}`, the blank of an exercise (`...`) `{"blank": true}`, and anything else `{"other": "its type"}`. Whoever reads it need not trust
whoever wrote it.
"""

from __future__ import annotations

import copy
import math
import os
import random
import re
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import product
from typing import Any

from unrolled.text import counted

Plain = Any
MOST_NUMBERS = 100_000
MOST_CHARACTERS = 2_000
TOLERANCE = 1e-5
BLANK: Plain = {"blank": True}
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]+")
"""Where an object lies in memory: another place in each process, and of no use to anybody."""


def plain(value: object, depth: int = 6) -> Plain:
    """The value as plain data. What is too large, too deep or of no kind that an exercise asks for is named and left out."""
    import torch

    if value is ...:
        return BLANK
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return int(value) if value.bit_length() < 64 else _other(f"an int of {value.bit_length()} bits")
    if isinstance(value, str):
        return str(value) if len(value) <= MOST_CHARACTERS else _other(f"a string of {len(value)} characters")
    if isinstance(value, torch.Tensor):
        return _plain_tensor(value)
    if isinstance(value, (tuple, list, range)) and depth and len(value) <= MOST_NUMBERS:
        return [plain(part, depth - 1) for part in value]
    if (
        isinstance(value, (set, frozenset))
        and 0 < len(value) <= MOST_NUMBERS
        and all(type(part) is int for part in value)
    ):
        return {"set": plain(sorted(value))}
    if isinstance(value, dict) and depth and all(isinstance(key, str) for key in value):
        return {"dict": {key: plain(part, depth - 1) for key, part in value.items()}}
    if hasattr(value, "tolist") and hasattr(value, "dtype"):  # numpy's arrays and numbers
        return plain(torch.as_tensor(value), depth)
    return _other(f"a {type(value).__name__}")


def _plain_tensor(value: Any) -> Plain:
    odd = value.layout is not sys.modules["torch"].strided or value.is_meta or value.is_complex() or value.is_quantized
    if odd or value.numel() > MOST_NUMBERS:
        return _other(f"a tensor of {value.numel()} numbers")
    return {
        "tensor": {
            "shape": list(value.shape),
            "dtype": str(value.dtype).removeprefix("torch."),
            "values": value.detach().cpu().reshape(-1).tolist(),
            "requires_grad": value.requires_grad,
        }
    }


def _other(words: str) -> Plain:
    return {"other": words}


def outcomes(function: Callable[..., object], cases: Sequence[tuple]) -> list[Plain]:
    """What `function` does with each case's arguments, which it gets as copies; from the same random state each time.

    What it prints is dropped. An exception, `SystemExit` included, is an outcome. `KeyboardInterrupt` is not: it is the user's.
    """
    import numpy as np
    import torch

    found = []
    with one_thread(), open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        for arguments in cases:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                random.seed(0)
                np.random.seed(0)
                torch.default_generator.manual_seed(
                    0
                )  # torch.manual_seed keeps a traceback for each call, for GPUs to come
                try:
                    found.append(plain(function(*copy.deepcopy(arguments))))
                except (Exception, SystemExit) as error:
                    found.append(raised(error))
    return found


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread, and silent: on tensors this small more of them wait for each other, on a busy machine for seconds."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # torch warns of some layers once a process, so of one case and not of the next
            yield
    finally:
        torch.set_num_threads(before)


def in_lists(outcome: Plain) -> Plain:
    """The outcome with its tensors as the lists or numbers that they hold: who predicts a list of steps may write it as either."""
    if isinstance(outcome, list):
        return [in_lists(part) for part in outcome]
    if not isinstance(outcome, dict) or "tensor" not in outcome:
        return outcome
    shape, values = outcome["tensor"]["shape"], outcome["tensor"]["values"]
    for length in reversed(shape[1:]):
        values = [values[start : start + length] for start in range(0, len(values), max(1, length))]
    return values if shape else values[0]


def is_blank(outcome: Plain) -> bool:
    """Whether a blank was returned, or a tuple in which one is left."""
    return outcome == BLANK or (isinstance(outcome, list) and any(map(is_blank, outcome)))


def raised(error: BaseException) -> Plain:
    """An exception as an outcome: with the student's own frames, and the note of `clarify` where it has one."""
    from unrolled.diagnosis.clarify_error import add_explanation

    add_explanation(error)
    try:
        message = ADDRESS.sub("at 0x...", str(error)[:MOST_CHARACTERS])
    except Exception:  # a student's own exception, which cannot even be put into words
        message = ""
    notes = "\n".join(getattr(error, "__notes__", ()))[:MOST_CHARACTERS]
    frames = traceback.extract_tb(error.__traceback__)
    own = [
        frame for frame in frames if frame.filename.startswith(("<cell", "<ipython")) or "ipykernel_" in frame.filename
    ]
    place = f"line {own[-1].lineno}: {own[-1].line}" if own and own[-1].line else ""
    return {"raised": {"type": type(error).__name__, "message": message, "notes": notes, "place": place}}


def agree(expected: Plain, got: Plain) -> bool:
    """Whether two outcomes are the same: tensors by shape and to 1e-5, numbers to 1e-5, exceptions by type and message, text but for case."""
    if isinstance(expected, dict) or isinstance(got, dict):
        return _dicts_agree(expected, got)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(agree, expected, got))
    if isinstance(expected, str) and isinstance(got, str):
        return expected.strip().casefold() == got.strip().casefold()
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None or got is None:
        return expected is got
    return _is_number(expected) and _is_number(got) and close(expected, got)


def _dicts_agree(expected: Plain, got: Plain) -> bool:
    expected, got = _without_axes(expected), _without_axes(got)
    if not (isinstance(expected, dict) and isinstance(got, dict)):
        return not isinstance(expected, dict) and not isinstance(got, dict) and agree(expected, got)
    if "tensor" in expected and "tensor" in got:
        one, other = expected["tensor"], got["tensor"]
        same_size = one["shape"] == other["shape"] and len(one["values"]) == len(other["values"])
        return same_size and all(map(close, one["values"], other["values"]))
    if "raised" in expected and "raised" in got:
        return all(expected["raised"][part] == got["raised"][part] for part in ("type", "message"))
    if "dict" in expected and "dict" in got:
        one, other = expected["dict"], got["dict"]
        return one.keys() == other.keys() and all(agree(one[key], other[key]) for key in one)
    return expected == got == BLANK


def _without_axes(value: Plain) -> Plain:
    """A tensor without axes as the number that it holds: an exercise that asks for a number takes either."""
    if isinstance(value, dict) and value.get("tensor", {}).get("shape") == []:
        return value["tensor"]["values"][0]
    return value


def _is_number(value: Plain) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def close(one: float, other: float) -> bool:
    if math.isfinite(one) and math.isfinite(other):
        return abs(one - other) <= TOLERANCE * max(1, abs(one))
    return one == other or (math.isnan(one) and math.isnan(other))


def described(value: Plain) -> str:
    """The outcome in a few words or digits: `a tensor (2, 3)`, `(4, 3, 20)`, `RuntimeError: …`."""
    if isinstance(value, list):
        text = f"({', '.join(map(described, value))}{',' * (len(value) == 1)})"
        return text if len(text) < 160 else f"a tuple of {len(value)}"
    if isinstance(value, float):
        return f"{value:.4f}"
    if not isinstance(value, dict):
        return repr(value)
    if "tensor" in value:
        return f"a tensor {size(value['tensor']['shape'])}"
    if "raised" in value:
        return f"{value['raised']['type']}: {value['raised']['message'].splitlines()[0] if value['raised']['message'] else 'no message'}"
    if "set" in value:
        return f"{{{', '.join(map(described, value['set']))}}}"
    if "dict" in value:
        return f"a dict of {', '.join(value['dict']) or 'nothing'}"
    return value.get("other", "nothing yet")


def size(shape: Sequence[int]) -> str:
    """`(2, 3)`, `(5,)`, `()`: a shape as Python writes it."""
    return str(tuple(shape))


def difference(expected: Plain, got: Plain) -> str:
    """Where two outcomes that do not agree differ first, in words. Empty where only their kinds differ."""
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return f"{len(got)} parts in place of {len(expected)}"
        at = next(i for i, parts in enumerate(zip(expected, got)) if not agree(*parts))
        inner = difference(expected[at], got[at]) or f"{described(got[at])} in place of {described(expected[at])}"
        return f"part {at}: {inner}"
    if not (isinstance(expected, dict) and isinstance(got, dict) and "tensor" in expected and "tensor" in got):
        return ""
    one, other = expected["tensor"], got["tensor"]
    if len(one["shape"]) != len(other["shape"]):
        return f"it has {counted(len(other['shape']), 'axis')} in place of {len(one['shape'])}"
    if one["shape"] != other["shape"]:
        wrong = [
            f"axis {a} is {g} in place of {e}" for a, (e, g) in enumerate(zip(one["shape"], other["shape"])) if e != g
        ]
        return ", ".join(wrong)
    places = list(product(*map(range, one["shape"])))
    wrong = [i for i, pair in enumerate(zip(one["values"], other["values"])) if not close(*pair)]
    first = wrong[0]
    at = list(places[first])
    numbers = f"{other['values'][first]:.4f} in place of {one['values'][first]:.4f}"
    return f"the shape is right; {len(wrong)} of {len(places)} numbers differ, first at {at}: {numbers}"


def argument(value: object) -> str:
    """An argument of a case, in a few words: `(2, 3, 4)` for a tensor, `RNN(4, 5, batch_first=True)` for a module."""
    if hasattr(value, "shape"):
        if value.dim() == 1 and value.numel() <= 8 and not value.dtype.is_floating_point:
            return f"tensor({value.tolist()})"
        return size(value.shape)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {argument(part)}' for key, part in value.items())}}}"
    if isinstance(value, (tuple, list)):
        text = ", ".join(map(argument, value))
        return f"[{text}]" if isinstance(value, list) else f"({text})"
    return repr(value)
