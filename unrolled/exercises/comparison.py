"""Compare the results of two answers, and put a result, or where two of them differ, into words.

Whoever compares need not trust whoever wrote a result down: nothing here runs any of it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from unrolled.exercises.results import BLANK, Result
from unrolled.text import counted, tuple_text

TOLERANCE = 1e-5
MAX_DESCRIPTION = 160
"""Characters of a tuple that is written out; a longer one is counted."""


def agree(expected: Result, got: Result) -> bool:
    """Whether two results are the same.

    Tensors agree by shape and to 1e-5, numbers to 1e-5, exceptions by type and message, text but for case.

    >>> agree([2, 1e-7], [2, 0.0])
    True
    """
    if isinstance(expected, dict) or isinstance(got, dict):
        return _dicts_agree(expected, got)
    if isinstance(expected, list) and isinstance(got, list):
        return len(expected) == len(got) and all(map(agree, expected, got))
    if isinstance(expected, str) and isinstance(got, str):
        return expected.strip().casefold() == got.strip().casefold()
    if isinstance(expected, bool) or isinstance(got, bool) or expected is None or got is None:
        return expected is got
    return _is_number(expected) and _is_number(got) and close(expected, got)


def _dicts_agree(expected: Result, got: Result) -> bool:
    expected, got = _without_axes(expected), _without_axes(got)
    if not (isinstance(expected, dict) and isinstance(got, dict)):
        return not isinstance(expected, dict) and not isinstance(got, dict) and agree(expected, got)
    if "tensor" in expected and "tensor" in got:
        one, other = expected["tensor"], got["tensor"]
        same_size = one["shape"] == other["shape"] and len(one["values"]) == len(other["values"])
        return same_size and all(map(close, one["values"], other["values"]))
    if "raised" in expected and "raised" in got:
        return all(expected["raised"][key] == got["raised"][key] for key in ("type", "message"))
    if "dict" in expected and "dict" in got:
        one, other = expected["dict"], got["dict"]
        return one.keys() == other.keys() and all(agree(one[key], other[key]) for key in one)
    return bool(expected == got == BLANK)


def _without_axes(value: Result) -> Result:
    """A tensor without axes as the number that it holds: an exercise that asks for a number takes either."""
    if isinstance(value, dict) and value.get("tensor", {}).get("shape") == []:
        return value["tensor"]["values"][0]
    return value


def _is_number(value: Result) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def close(one: float, other: float) -> bool:
    """Whether two numbers are the same to `TOLERANCE`: absolute below 1, relative above. NaN is close to NaN."""
    if math.isfinite(one) and math.isfinite(other):
        return abs(one - other) <= TOLERANCE * max(1, abs(one))
    return one == other or (math.isnan(one) and math.isnan(other))


def is_blank(result: Result) -> bool:
    """Whether a blank was returned, or a tuple in which one is left."""
    return bool(result == BLANK) or (isinstance(result, list) and any(map(is_blank, result)))


def forbidden_call(result: Result) -> bool:
    """Whether the answer called what its exercise forbids; what it gave is then `result["result"]`."""
    return isinstance(result, dict) and "forbidden" in result


def tensors_as_lists(result: Result) -> Result:
    """The result with its tensors as the lists or numbers that they hold.

    Whoever predicts a list of steps may write it as either.
    """
    if isinstance(result, list):
        return [tensors_as_lists(item) for item in result]
    if not isinstance(result, dict) or "tensor" not in result:
        return result
    shape, values = result["tensor"]["shape"], result["tensor"]["values"]
    for length in reversed(shape[1:]):
        values = [values[start : start + length] for start in range(0, len(values), max(1, length))]
    return values if shape else values[0]


def describe(result: Result) -> str:
    """The result in a few words or digits: `a tensor (2, 3)`, `(4, 3, 20)`, `RuntimeError: …`."""
    if isinstance(result, list):
        text = f"({', '.join(map(describe, result))}{',' * (len(result) == 1)})"
        return text if len(text) < MAX_DESCRIPTION else f"a tuple of {len(result)}"
    if isinstance(result, float):
        return f"{result:.4f}"
    if not isinstance(result, dict):
        return repr(result)
    if "tensor" in result:
        return f"a tensor {tuple_text(result['tensor']['shape'])}"
    if "raised" in result:
        message = result["raised"]["message"]
        return f"{result['raised']['type']}: {message.splitlines()[0] if message else 'no message'}"
    if "set" in result:
        return f"{{{', '.join(map(describe, result['set']))}}}"
    if "dict" in result:
        return f"a dict of {', '.join(result['dict']) or 'nothing'}"
    return str(result.get("other", "nothing yet"))


def difference(expected: Result, got: Result) -> str:
    """Where two results that do not agree differ first, in words. Empty where only their kinds differ.

    >>> difference([1, 2], [1, 3])
    'part 1: 3 in place of 2'
    """
    if isinstance(expected, list) and isinstance(got, list):
        if len(expected) != len(got):
            return f"{len(got)} parts in place of {len(expected)}"
        item = next(i for i, pair in enumerate(zip(expected, got, strict=True)) if not agree(*pair))
        inner = difference(expected[item], got[item]) or f"{describe(got[item])} in place of {describe(expected[item])}"
        return f"part {item}: {inner}"
    if not (isinstance(expected, dict) and isinstance(got, dict) and "tensor" in expected and "tensor" in got):
        return ""
    one, other = expected["tensor"], got["tensor"]
    if len(one["shape"]) != len(other["shape"]):
        return f"it has {counted(len(other['shape']), 'axis')} in place of {len(one['shape'])}"
    if one["shape"] != other["shape"]:
        sizes = enumerate(zip(one["shape"], other["shape"], strict=True))
        return ", ".join(f"axis {axis} is {size} in place of {right}" for axis, (right, size) in sizes if right != size)
    wrong = [i for i, pair in enumerate(zip(one["values"], other["values"], strict=True)) if not close(*pair)]
    first = wrong[0]
    numbers = f"{other['values'][first]:.4f} in place of {one['values'][first]:.4f}"
    count, at = len(one["values"]), _indices(first, one["shape"])
    return f"the shape is right; {len(wrong)} of {count} numbers differ, first at {at}: {numbers}"


def _indices(position: int, shape: Sequence[int]) -> list[int]:
    """The indices of the number at `position` in memory, an index for each axis."""
    indices = []
    for size in reversed(shape):
        position, index = divmod(position, size)
        indices.append(index)
    return indices[::-1]


def describe_argument(value: object) -> str:
    """An argument of a case, in a few words: `(2, 3, 4)` for a tensor, `RNN(4, 5, batch_first=True)` for a module."""
    import torch

    if isinstance(value, torch.Tensor):
        if value.dim() == 1 and value.numel() <= 8 and not value.dtype.is_floating_point:
            return f"tensor({value.tolist()})"
        return tuple_text(value.shape)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {describe_argument(item)}' for key, item in value.items())}}}"
    if isinstance(value, (tuple, list)):
        text = ", ".join(map(describe_argument, value))
        return f"[{text}]" if isinstance(value, list) else f"({text})"
    return repr(value)
