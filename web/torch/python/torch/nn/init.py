"""`nn.init`: how parameters begin. The rules and the order of drawing are PyTorch's."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch._tensor import Tensor


def calculate_gain(nonlinearity: str, param: Any = None) -> float:
    """The factor that keeps the variance through this function."""
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity in ("linear", "sigmoid", "conv1d", "conv2d", "conv3d"):
        return 1
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


@torch.no_grad()
def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Any = None) -> Tensor:
    """From a to below b."""
    return tensor if tensor.is_meta else tensor.uniform_(a, b, generator=generator)


@torch.no_grad()
def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Any = None) -> Tensor:
    """Of a normal distribution."""
    return tensor if tensor.is_meta else tensor.normal_(mean, std, generator=generator)


@torch.no_grad()
def constant_(tensor: Tensor, val: float) -> Tensor:
    """One number."""
    return tensor.fill_(val)


@torch.no_grad()
def ones_(tensor: Tensor) -> Tensor:
    """1"""
    return tensor.fill_(1.0)


@torch.no_grad()
def zeros_(tensor: Tensor) -> Tensor:
    """0"""
    return tensor.zero_()


@torch.no_grad()
def eye_(tensor: Tensor) -> Tensor:
    """1 on the diagonal."""
    if tensor.ndimension() != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    return tensor.copy_(torch.eye(*tensor.shape))


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    if tensor.dim() < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(tensor.shape[2:])
    return tensor.size(1) * field, tensor.size(0) * field


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Glorot's uniform distribution."""
    bound = math.sqrt(3.0) * gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Any = None) -> Tensor:
    """Glorot's normal distribution."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def _he(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    fans = _calculate_fan_in_and_fan_out(tensor)
    return calculate_gain(nonlinearity, a) / math.sqrt(fans[0] if mode == "fan_in" else fans[1])


def kaiming_uniform_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """He's uniform distribution."""
    bound = math.sqrt(3.0) * _he(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Any = None
) -> Tensor:
    """He's normal distribution."""
    return normal_(tensor, 0.0, _he(tensor, a, mode, nonlinearity), generator)


@torch.no_grad()
def orthogonal_(tensor: Tensor, gain: float = 1, generator: Any = None) -> Tensor:
    """Orthogonal columns (or rows, where there are fewer): Q of a random matrix, its signs those of R's diagonal."""
    if tensor.dim() < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if tensor.numel() == 0:
        return tensor
    rows, columns = tensor.size(0), tensor.numel() // tensor.size(0)
    drawn = torch.empty((rows, columns), dtype=tensor.dtype).normal_(0, 1, generator=generator)
    flat = drawn.t() if rows < columns else drawn
    basis = torch.tensor(_orthonormal(flat.double().t().tolist()), dtype=tensor.dtype)  # a row for each column
    result = basis if rows < columns else basis.t()
    return tensor.copy_(result.reshape(tensor.shape)).mul_(gain)


def _orthonormal(columns: list[list[float]]) -> list[list[float]]:
    """Gram and Schmidt's process, each step twice: Q with a positive diagonal of R."""
    basis: list[list[float]] = []
    for column in columns:
        for _ in range(2):
            for other in basis:
                share = sum(a * b for a, b in zip(column, other, strict=True))
                column = [a - share * b for a, b in zip(column, other, strict=True)]
        length = math.sqrt(sum(a * a for a in column))
        basis.append([a / length for a in column])
    return basis
