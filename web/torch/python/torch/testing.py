"""`torch.testing.assert_close`."""

from __future__ import annotations

from typing import Any

from torch._tensor import Tensor

TOLERANCES = {"float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def assert_close(
    actual: Any, expected: Any, *, rtol: float | None = None, atol: float | None = None, equal_nan: bool = False
) -> None:
    """Shapes, dtypes and all numbers have to agree.

    Raises:
        AssertionError: they do not; it says where.
    """
    import torch

    actual, expected = (each if isinstance(each, Tensor) else torch.as_tensor(each) for each in (actual, expected))
    for name in ("shape", "dtype"):
        one, other = getattr(actual, name), getattr(expected, name)
        if one != other:
            raise AssertionError(f"The values for attribute '{name}' do not match: {one} != {other}.")
    known = TOLERANCES.get(actual.dtype.name, (0.0, 0.0))
    relative = known[0] if rtol is None else rtol
    absolute = known[1] if atol is None else atol
    actual, expected = actual.detach(), expected.detach()
    close = torch.isclose(actual, expected, rtol=relative, atol=absolute, equal_nan=equal_nan)
    if bool(close.all()):
        return
    raise AssertionError(_differences(actual, expected, close, relative, absolute))


def _differences(actual: Tensor, expected: Tensor, close: Tensor, rtol: float, atol: float) -> str:
    if actual.dim() == 0:
        off = abs(actual.item() - expected.item())
        share = off / abs(expected.item()) if expected.item() else float("inf")
        return (
            f"Scalars are not close!\n\nExpected {expected.item()} but got {actual.item()}.\n"
            f"Absolute difference: {off} (up to {atol} allowed)\nRelative difference: {share} (up to {rtol} allowed)"
        )
    wrong, total = int((~close).sum().item()), actual.numel()
    gaps = (actual.double() - expected.double()).abs().masked_fill(close, 0)
    ratios = gaps / expected.double().abs()
    lines = [f"Tensor-likes are not close!\n\nMismatched elements: {wrong} / {total} ({wrong / total:.1%})"]
    for name, values, limit in (("absolute", gaps, atol), ("relative", ratios, rtol)):
        place = values.flatten().argmax().item()
        index = []
        for length in reversed(actual.shape):
            index.insert(0, place % length)
            place //= length
        biggest = values[tuple(index)].to(actual.dtype).item()
        lines.append(f"Greatest {name} difference: {biggest} at index {tuple(index)} (up to {limit} allowed)")
    return "\n".join(lines)
