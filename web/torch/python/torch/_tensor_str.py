"""How a tensor is printed: the rules of PyTorch's `torch/_tensor_str.py`, on lists of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import _dtypes


@dataclass
class Options:
    """What `torch.set_printoptions` sets."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


OPTIONS = Options()


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed."""
    if profile == "default":
        OPTIONS.__init__()  # type: ignore[misc]
    elif profile == "short":
        OPTIONS.__init__(precision=2, edgeitems=2)  # type: ignore[misc]
    elif profile == "full":
        OPTIONS.__init__(threshold=math.inf)  # type: ignore[misc]
    for name, value in (
        ("precision", precision),
        ("threshold", threshold),
        ("edgeitems", edgeitems),
        ("linewidth", linewidth),
    ):
        if value is not None:
            setattr(OPTIONS, name, value)
    OPTIONS.sci_mode = sci_mode


class _Formatter:
    """How each number is written, which depends on all of them."""

    def __init__(self, values: Sequence[Any], dtype: _dtypes.dtype) -> None:
        self.floating = dtype.is_floating_point
        self.whole, self.scientific, self.width = True, False, 1
        if not self.floating:
            self.width = max([1, *(len(str(value)) for value in values)])
            return
        finite = [value for value in values if math.isfinite(value) and value != 0]
        if not finite:
            return
        sizes = [abs(value) for value in finite]
        smallest, largest = min(sizes), max(sizes)
        self.whole = all(value == math.ceil(value) for value in finite)
        self.scientific = OPTIONS.sci_mode
        if OPTIONS.sci_mode is None:
            self.scientific = largest / smallest > 1000 or largest > 1e8 or smallest < 1e-4
        self.width = max([1, *(len(self._write(value)) for value in finite)])

    def _write(self, value: float) -> str:
        if self.scientific:
            return f"{value:.{OPTIONS.precision}e}"
        if self.whole:
            return f"{value:.0f}" + "." * math.isfinite(value)
        return f"{value:.{OPTIONS.precision}f}"

    def format(self, value: Any) -> str:
        """The number, as wide as the widest."""
        return (self._write(value) if self.floating else str(value)).rjust(self.width)


def _ends(length: int) -> list[int]:
    """The indices of an axis that are shown where not all are."""
    edge = OPTIONS.edgeitems
    return list(range(length)) if length <= 2 * edge else [*range(edge), *range(length - edge, length)]


def _lines(part: Any, shape: Sequence[int], indent: int, cut: bool, formatter: _Formatter) -> str:
    if not shape:
        return formatter.format(part)
    places = _ends(shape[0]) if cut else range(shape[0])
    dots = len(places) < shape[0]
    edge = OPTIONS.edgeitems
    if len(shape) == 1:
        items = [formatter.format(part[place]) for place in places]
        if dots:
            items.insert(edge, " ...")
        per_line = max(1, math.floor((OPTIONS.linewidth - indent) / (formatter.width + 2)))
        lines = [", ".join(items[start : start + per_line]) for start in range(0, len(items), per_line)]
        return "[" + f",\n{' ' * (indent + 1)}".join(lines) + "]"
    slices = [_lines(part[place], shape[1:], indent + 1, cut, formatter) for place in places]
    if dots:
        slices.insert(edge, "...")
    return "[" + ("," + "\n" * (len(shape) - 1) + " " * (indent + 1)).join(slices) + "]"


def _shown(part: Any, shape: Sequence[int], cut: bool) -> list[Any]:
    """The numbers that are shown, in one list."""
    if not shape:
        return [part]
    places = _ends(shape[0]) if cut else range(shape[0])
    return [value for place in places for value in _shown(part[place], shape[1:], cut)]


def _suffixes(tensor: Any) -> list[str]:
    result = []
    if tensor.is_meta:
        result += ["device='meta'", f"size={tuple(tensor.shape)}"]
    empty = not tensor.is_meta and tensor.numel() == 0
    if empty and tensor.dim() != 1:
        result.append(f"size={tuple(tensor.shape)}")
    usual = (_dtypes.default,) if empty else (_dtypes.default, _dtypes.int64, _dtypes.bool_)
    if tensor.dtype not in usual or (tensor.is_meta and tensor.dtype is not _dtypes.default):
        result.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        result.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        result.append("requires_grad=True")
    return result


def tensor_str(tensor: Any) -> str:
    """`repr(tensor)`"""
    import torch

    parameter = isinstance(tensor, torch.nn.Parameter)
    indent = len("tensor(")
    if tensor.is_meta:
        text = "..."
    elif tensor.numel() == 0:
        text = "[]"
    else:
        cut = tensor.numel() > OPTIONS.threshold
        values = tensor.tolist()
        formatter = _Formatter(_shown(values, tensor.shape, cut), tensor.dtype)
        text = _lines(values, tensor.shape, indent, cut, formatter)
    pieces = ["tensor(" + text]
    width = len(pieces[0]) - pieces[0].rfind("\n") + 1
    for suffix in _suffixes(tensor):
        if width + len(suffix) + 2 > OPTIONS.linewidth:
            pieces.append(f",\n{' ' * indent}{suffix}")
            width = indent + len(suffix)
        else:
            pieces.append(f", {suffix}")
            width += len(suffix) + 2
    whole = "".join([*pieces, ")"])
    return f"Parameter containing:\n{whole}" if parameter else whole
