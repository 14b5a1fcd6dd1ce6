"""`nn.utils`: gradients clipped, parameters as one vector, packing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch._tensor import Tensor
from torch.nn.utils import rnn as rnn


def _listed(parameters: Any) -> list[Tensor]:
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    return [parameter for parameter in given if parameter.grad is not None]


@torch.no_grad()
def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: Any = None
) -> Tensor:
    """Scale all gradients so that their norm together is at most `max_norm`; the norm before."""
    gradients = [parameter.grad for parameter in _listed(parameters)]
    if not gradients:
        return torch.tensor(0.0)
    norms = torch.stack([gradient.norm(norm_type) for gradient in gradients])
    total = norms.norm(norm_type)
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(
            f"The total norm of order {float(norm_type)} for gradients from `parameters` is non-finite, so it cannot be "
            "clipped. To disable this error and scale the gradients by the non-finite norm anyway, set "
            "`error_if_nonfinite=False`"
        )
    scale = (max_norm / (total + 1e-6)).clamp(max=1.0)
    for gradient in gradients:
        gradient.mul_(scale)
    return total


@torch.no_grad()
def clip_grad_value_(parameters: Any, clip_value: float, foreach: Any = None) -> None:
    """Cut each number of each gradient to this size."""
    for parameter in _listed(parameters):
        assert parameter.grad is not None
        parameter.grad.clamp_(-clip_value, clip_value)


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All numbers in one vector."""
    return torch.cat([parameter.view(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """The numbers of a vector back into the parameters."""
    start = 0
    for parameter in parameters:
        count = parameter.numel()
        parameter.data = vec[start : start + count].view_as(parameter).detach().clone()
        start += count
