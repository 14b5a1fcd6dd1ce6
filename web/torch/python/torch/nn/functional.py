"""`torch.nn.functional`: activations, dropout, embedding, convolution; the losses are in `_losses`."""

from __future__ import annotations

from typing import Any

import _kernels
import torch
from torch import _dtypes, random
from torch._arguments import tensor_argument
from torch._elementwise import relu, softplus
from torch._linalg import linear
from torch._missing import missing
from torch._size import wrap_dim
from torch._tensor import Tensor, fresh, record
from torch.nn._norms import batch_norm, layer_norm, normalize
from torch.nn._losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    cosine_similarity,
    cross_entropy,
    huber_loss,
    kl_div,
    l1_loss,
    mse_loss,
    nll_loss,
    smooth_l1_loss,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cosine_similarity",
    "cross_entropy",
    "huber_loss",
    "kl_div",
    "l1_loss",
    "linear",
    "mse_loss",
    "nll_loss",
    "relu",
    "smooth_l1_loss",
    "softplus",
]


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-x))"""
    return input.sigmoid()


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """x, or a small part of it below 0."""
    with torch.no_grad():
        result = torch.where(input > 0, input, input * negative_slope)
    slope = torch.where(input > 0, torch.ones_like(input), torch.full_like(input, negative_slope))
    return record(result, "LeakyReluBackward0", (input,), lambda g: g * slope.detach(), (input,))


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """x times the probability that a normal number is smaller."""
    return input * 0.5 * (1 + (input * 0.7071067811865476).erf())


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """x * sigmoid(x)"""
    return input * input.sigmoid()


def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x))"""
    return -softplus(-input)


def _along(input: Tensor, dim: Any, logarithm: bool, dtype: Any) -> Tensor:
    if dim is None:
        raise missing("softmax without dim")
    if dtype is not None:
        input = input.to(dtype)
    name = "log_softmax" if logarithm else "softmax"
    if not input.dtype.is_floating_point:
        raise NotImplementedError(f"\"{name}_lastdim_kernel_impl\" not implemented for '{input.dtype.legacy}'")
    axis = wrap_dim(dim, input.dim())
    last = input.detach().transpose(axis, -1) if input.dim() else input.detach()
    result = fresh(_kernels.softmax(last.view_handle(), logarithm, input.dtype.name), input.dtype, last.shape)
    if input.dim() and axis != input.dim() - 1:
        result = result.transpose(axis, -1).contiguous()

    def back(g: Tensor) -> Tensor:
        if logarithm:
            return g - result.exp() * g.sum(axis, keepdim=True)
        return result * (g - (g * result).sum(axis, keepdim=True))

    return record(result, "LogSoftmaxBackward0" if logarithm else "SoftmaxBackward0", (input,), back, (result,))


def softmax(input: Tensor, dim: Any = None, dtype: Any = None, _stacklevel: int = 3) -> Tensor:
    """Shares that add up to 1 along an axis."""
    return _along(input, dim, False, dtype)


def log_softmax(input: Tensor, dim: Any = None, dtype: Any = None, _stacklevel: int = 3) -> Tensor:
    """The logarithm of `softmax`."""
    return _along(input, dim, True, dtype)


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each number 0 with the probability p, or else 1 / (1 - p) times itself."""
    if p < 0.0 or p > 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    tensor_argument("dropout", "input", 1, input)
    if not training or p == 0 or not input.numel():
        return input
    if p == 1:
        return input * torch.zeros((), dtype=input.dtype)
    noise = random.mask(input.shape, 1 - p, input.dtype)
    return input * noise.div_(1 - p)


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None, *_: Any, **__: Any) -> Tensor:
    """For each index the row of `weight`."""
    tensor_argument("embedding", "indices", 2, input)
    if input.dtype not in (_dtypes.int64, _dtypes.int32):
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{input.dtype.legacy}Tensor instead (while checking arguments for embedding)"
        )
    low, high = _kernels.extremes(input.view_handle())
    if input.numel() and (low < 0 or high >= weight.shape[0]):
        raise IndexError("index out of range in self")
    with torch.no_grad():
        rows = weight[input.reshape(-1)]
    result = Tensor(rows._storage, (*input.shape, weight.shape[1]))

    def back(g: Tensor) -> Tensor:
        total = g.new_zeros(weight.shape).index_add_(0, input.reshape(-1), g.reshape(-1, weight.shape[1]))
        if padding_idx is not None:
            total[padding_idx] = 0
        return total

    return record(result, "EmbeddingBackward0", (weight,), back, sparse=False)


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """1 at each index, 0 elsewhere."""
    if tensor.dtype is not _dtypes.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    low, high = _kernels.extremes(tensor.view_handle())
    if low < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = int(high) + 1
    elif high >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    result = torch.zeros(*tensor.shape, num_classes, dtype=torch.int64)
    return result.scatter_(-1, tensor.unsqueeze(-1), 1)


def pad(input: Tensor, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """Axes made longer (or shorter) at both ends, the last one first."""
    if mode != "constant":
        raise missing(f"nn.functional.pad(mode={mode!r})")
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pad) > 2 * input.dim():
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length {len(pad)} and input of dimension {input.dim()}"
        )
    shape, place, source = list(input.shape), [slice(None)] * input.dim(), [slice(None)] * input.dim()
    for number in range(len(pad) // 2):
        dim = input.dim() - 1 - number
        before, after = pad[2 * number], pad[2 * number + 1]
        shape[dim] += before + after
        place[dim] = slice(max(before, 0), shape[dim] - max(after, 0))
        source[dim] = slice(max(-before, 0), input.shape[dim] - max(-after, 0))
    with torch.no_grad():
        result = torch.full(shape, value or 0, dtype=input.dtype)
        result[tuple(place)] = input[tuple(source)]
    own = tuple(place)

    def back(g: Tensor) -> Tensor:
        total = g.new_zeros(input.shape)
        total[tuple(source)] = g[own].detach()
        return total

    return record(result, "ConstantPadNdBackward0", (input,), back)


def conv1d(
    input: Tensor,
    weight: Tensor,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    """A product with each window of the last axis."""
    stride, padding, dilation = (each[0] if isinstance(each, tuple) else each for each in (stride, padding, dilation))
    if groups != 1 or dilation != 1 or isinstance(padding, str):
        raise missing("nn.functional.conv1d(groups=..., dilation=..., padding='...')")
    if input.dim() not in (2, 3):
        raise RuntimeError(
            f"Expected 2D (unbatched) or 3D (batched) input to conv1d, but got input of size: {list(input.shape)}"
        )
    batch = input if input.dim() == 3 else input.unsqueeze(0)
    if batch.shape[1] != weight.shape[1]:
        raise RuntimeError(
            f"Given groups={groups}, weight of size {list(weight.shape)}, expected input{list(input.shape)} to have "
            f"{weight.shape[1]} channels, but got {batch.shape[1]} channels instead"
        )
    if padding:
        batch = pad(batch, (padding, padding))
    width = weight.shape[2]
    if batch.shape[2] < width:
        raise RuntimeError(
            f"Calculated padded input size per channel: ({batch.shape[2]}). Kernel size: ({width}). Kernel size can't be "
            "greater than actual input size"
        )
    count = (batch.shape[2] - width) // stride + 1
    at = (torch.arange(count) * stride).unsqueeze(1) + torch.arange(width)
    with torch.no_grad():
        windows = batch.detach()[:, :, at].permute(0, 2, 1, 3).reshape(batch.shape[0] * count, -1)
        kernel = weight.detach().reshape(weight.shape[0], -1)
        flat = linear(windows, kernel, None if bias is None else bias.detach())
        result = flat.reshape(batch.shape[0], count, -1).transpose(1, 2).contiguous()

    def back(g: Tensor) -> tuple[Any, ...]:
        rows = g.transpose(1, 2).reshape(-1, weight.shape[0])
        parts = (rows @ kernel).reshape(batch.shape[0], count, batch.shape[1], width).permute(0, 2, 1, 3)
        d_batch = g.new_zeros(batch.shape)
        for place in range(width):
            d_batch[:, :, place : place + (count - 1) * stride + 1 : stride] += parts[..., place]
        return d_batch, (rows.t() @ windows).reshape(weight.shape), rows.sum(0)

    result = record(result, "ConvolutionBackward0", (batch, weight, bias), back, (batch, weight))
    return result if input.dim() == 3 else result.squeeze(0)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """The norm of the difference along the last axis."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: Any = None,
) -> Tensor:
    """softmax(Q K^T / sqrt(width)) V"""
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:]).tril().bool()
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, float("-inf")) if attn_mask.dtype is torch.bool else scores + attn_mask
    return dropout(scores.softmax(-1), dropout_p) @ value


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'torch.nn.functional' has no attribute '{name}'")
    raise missing(f"nn.functional.{name}")
