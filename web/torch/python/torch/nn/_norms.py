"""Normalisations."""

from __future__ import annotations

from typing import Any

import torch
from torch._tensor import Tensor
from torch.nn._losses import _renamed


def layer_norm(input: Tensor, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Tensor:
    """Mean 0 and variance 1 over the last axes."""
    wanted = list(normalized_shape)
    if list(input.shape[-len(wanted) :]) != wanted:
        raise RuntimeError(
            f"Given normalized_shape={wanted}, expected input with shape [*, {', '.join(map(str, wanted))}], but got input "
            f"of size{list(input.shape)}"
        )
    dims = list(range(-len(wanted), 0))
    centred = input - input.mean(dims, keepdim=True)
    result = centred / (centred.square().mean(dims, keepdim=True) + eps).sqrt()
    result = result if weight is None else result * weight
    return _renamed(result if bias is None else result + bias, "NativeLayerNormBackward0")


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12) -> Tensor:
    """Of norm 1 along an axis."""
    return input / input.norm(p, dim, keepdim=True).clamp(min=eps).expand_as(input)


def batch_norm(
    input: Tensor,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Mean 0 and variance 1 of each channel, that of the batch in training and the running one in evaluation."""
    channels = input.shape[1]
    if running_mean is not None and running_mean.numel() != channels:
        raise RuntimeError(f"running_mean should contain {channels} elements not {running_mean.numel()}")
    shape = [1, channels, *(1 for _ in input.shape[2:])]
    if training:
        dims = [0, *range(2, input.dim())]
        count = input.numel() // channels
        if count == 1:
            raise ValueError(f"Expected more than 1 value per channel when training, got input size {input.shape}")
        mean, var = input.mean(dims), input.var(dims, unbiased=False)
        if running_mean is not None:
            with torch.no_grad():
                running_mean.mul_(1 - momentum).add_(mean.detach(), alpha=momentum)
                running_var.mul_(1 - momentum).add_(var.detach() * (count / (count - 1)), alpha=momentum)
    else:
        mean, var = running_mean, running_var
    result = (input - mean.view(shape)) / (var.view(shape) + eps).sqrt()
    result = result if weight is None else result * weight.view(shape)
    return _renamed(result if bias is None else result + bias.view(shape), "NativeBatchNormBackward0")
