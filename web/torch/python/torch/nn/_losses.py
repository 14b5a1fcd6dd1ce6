"""Losses, with PyTorch's checks of their arguments."""

from __future__ import annotations

import warnings
from typing import Any

import _kernels
import torch
from torch import _dtypes
from torch._missing import missing
from torch._tensor import Tensor, record


def _reduced(loss: Tensor, reduction: str, name: str, inputs: Any, back: Any, saved: Any = ()) -> Tensor:
    """The mean, the sum or each loss, as one operation; `back` gives the gradients from that of each loss."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    with torch.no_grad():
        result = loss if reduction == "none" else getattr(loss, reduction)()
    count = loss.numel() if reduction == "mean" else 1

    def each(g: Tensor) -> Any:
        return back(g / count if reduction == "mean" else g)

    return record(result, name, inputs, each, saved)


def _warn_sizes(input: Tensor, target: Tensor) -> None:
    if target.size() != input.size():
        warnings.warn(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}). This will "
            "likely lead to incorrect results due to broadcasting. Please ensure they have the same size.",
            stacklevel=3,
        )


def mse_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """The squared differences."""
    _warn_sizes(input, target)
    one, other = torch.broadcast_tensors(input, target)
    with torch.no_grad():
        gap = one - other
    return _reduced(
        gap * gap,
        reduction,
        "MseLossBackward0",
        (one, other),
        lambda g: (g * 2 * (one - other), g * -2 * (one - other)),
        (one, other),
    )


def l1_loss(
    input: Tensor, target: Tensor, size_average: Any = None, reduce: Any = None, reduction: str = "mean"
) -> Tensor:
    """The absolute differences."""
    _warn_sizes(input, target)
    loss = (input - target).abs()
    return loss if reduction == "none" else getattr(loss, reduction)()


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """Squared below `beta`, absolute above."""
    _warn_sizes(input, target)
    gap = (input - target).abs()
    loss = torch.where(gap < beta, gap * gap * (0.5 / beta), gap - 0.5 * beta)
    return loss if reduction == "none" else getattr(loss, reduction)()


def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta: float = 1.0) -> Tensor:
    """As `smooth_l1_loss`, times delta."""
    return smooth_l1_loss(input, target, reduction=reduction, beta=delta) * delta


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    *,
    smoothing: float = 0.0,
) -> Tensor:
    """Minus the logarithms of the probabilities of the right classes, classes along the second axis."""
    _check_classes(input, target)
    classes = input.shape[1] if input.dim() > 1 else input.shape[0]
    last = input.movedim(1, -1) if input.dim() > 2 else input
    flat, at = last.reshape(-1, classes), target.reshape(-1)
    kept = at != ignore_index
    low, high = _kernels.extremes(at.masked_fill(~kept, 0).view_handle())
    if low < 0 or high >= classes:
        raise IndexError(f"Target {int(low if low < 0 else high)} is out of bounds.")
    safe = at.masked_fill(~kept, 0)
    share = kept.to(input.dtype) if weight is None else weight.detach()[safe] * kept
    picked = -flat.gather(1, safe.unsqueeze(1)).squeeze(1) * share
    if smoothing:
        spread = flat if weight is None else flat * weight
        smooth = -spread.sum(1) * kept / classes
    if reduction == "none":
        picked = picked * (1 - smoothing) + smooth * smoothing if smoothing else picked
        return picked.reshape(target.shape)
    total = share.sum() if reduction == "mean" else 1.0
    result = picked.sum() / total
    if smoothing:
        result = result * (1 - smoothing) + smooth.sum() / total * smoothing
    if input.dim() == 1 and reduction == "none":
        return result
    return _renamed(result, "NllLoss2DBackward0" if input.dim() > 2 else "NllLossBackward0")


def _renamed(result: Tensor, name: str) -> Tensor:
    """One node in place of several: as PyTorch's kernel makes it."""
    node = result.grad_fn
    if node is None:
        return result
    flat = result.detach()
    return record(flat, name, (result,), lambda g: g)


def _check_classes(input: Tensor, target: Tensor) -> None:
    if input.dim() == 1 and target.dim() == 0:
        return
    if input.dim() == 2 and target.dim() > 1:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if input.dim() <= 2 and input.shape[:1] != target.shape[:1]:
        raise ValueError(f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({_first(target)}).")
    if input.dim() > 2:
        if input.shape[0] != target.shape[0]:
            raise ValueError(
                f"Expected input batch_size ({input.shape[0]}) to match target batch_size ({target.shape[0]})."
            )
        expected = (input.shape[0], *input.shape[2:])
        if target.dim() != input.dim() - 1:
            raise RuntimeError(
                f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {target.dim()}"
                if input.dim() == 4
                else f"Expected target size {list(expected)}, got {list(target.shape)}"
            )
        if tuple(target.shape) != expected:
            raise RuntimeError(f"Expected target size {list(expected)}, got {list(target.shape)}")
    if target.dtype not in (_dtypes.int64, _dtypes.uint8):
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.legacy}")


def _first(target: Tensor) -> int:
    return target.shape[0] if target.dim() else 1


def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """`nll_loss` of `log_softmax`: scores in, classes (or their probabilities) as the target."""
    from torch._arguments import tensor_argument
    from torch.nn.functional import log_softmax

    tensor_argument("cross_entropy_loss", "input", 1, input)
    tensor_argument("cross_entropy_loss", "target", 2, target)
    axis = 0 if input.dim() == 1 else 1
    if target.dtype.is_floating_point and input.shape == target.shape:
        shares = target * (1 - label_smoothing) + label_smoothing / input.shape[axis]
        terms = -(log_softmax(input, axis) * shares)
        terms = terms if weight is None else terms * weight
        if reduction == "mean":
            return _renamed(terms.sum() / (input.numel() // input.shape[axis]), "DivBackward1")
        return terms.sum(axis) if reduction == "none" else terms.sum()
    if input.dim() > 1 or target.dim():
        _check_classes(input, target)
    return nll_loss(
        log_softmax(input, axis),
        target,
        weight,
        ignore_index=ignore_index,
        reduction=reduction,
        smoothing=label_smoothing,
    )


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Tensor:
    """`binary_cross_entropy` of the sigmoid of scores."""
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.size()}) must be the same as input size ({input.size()})")
    factor = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    from torch._elementwise import softplus

    terms = (1 - target) * input + factor * softplus(-input)
    terms = terms if weight is None else terms * weight
    result = terms if reduction == "none" else getattr(terms, reduction)()
    return _renamed(result, "BinaryCrossEntropyWithLogitsBackward0")


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Any = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Minus the logarithms of the probabilities of two classes."""
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.size()}) that is different to the input size ({input.size()}) is deprecated. "
            "Please ensure they have the same size."
        )
    if float(input.detach().min()) < 0 or float(input.detach().max()) > 1:
        raise RuntimeError("all elements of input should be between 0 and 1")
    terms = -(target * input.log().clamp(min=-100) + (1 - target) * (1 - input).log().clamp(min=-100))
    terms = terms if weight is None else terms * weight
    result = terms if reduction == "none" else getattr(terms, reduction)()
    return _renamed(result, "BinaryCrossEntropyBackward0")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """The divergence of two distributions, `input` as logarithms."""
    if log_target:
        raise missing("nn.functional.kl_div(log_target=True)")
    terms = torch.where(target > 0, target * (target.clamp(min=1e-45).log() - input), target * 0)
    if reduction == "batchmean":
        return terms.sum() / input.shape[0]
    return terms if reduction == "none" else getattr(terms, reduction)()


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """The cosine of the angle along an axis."""
    return (x1 * x2).sum(dim) / (x1.norm(dim=dim).clamp(min=eps) * x2.norm(dim=dim).clamp(min=eps))
