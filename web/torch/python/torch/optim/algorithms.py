"""The algorithms: each `_update` is one parameter's step, in PyTorch's order of operations."""

from __future__ import annotations

from typing import Any

import _kernels
import torch
from torch._tensor import Tensor
from torch.optim.optimizer import Optimizer


def _check_rate(lr: Any) -> None:
    if not lr >= 0.0:
        raise ValueError(f"Invalid learning rate: {lr}")


class SGD(Optimizer):
    """p -= lr * gradient, with momentum where it is asked for."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: Any = None,
        differentiable: bool = False,
        fused: Any = None,
    ) -> None:
        _check_rate(lr)
        if momentum < 0.0:
            raise ValueError(f"Invalid momentum value: {momentum}")
        if weight_decay < 0.0:
            raise ValueError(f"Invalid weight_decay value: {weight_decay}")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def _update(self, param: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        kept = state.get("momentum_buffer")
        if group["momentum"] and kept is None:
            kept = state["momentum_buffer"] = torch.zeros(param.shape, dtype=param.dtype)
            damping = 0.0
        else:
            damping = group["dampening"]
        _kernels.sgd(
            param.view_handle(),
            gradient.view_handle(),
            None if kept is None else kept.view_handle(),
            group["lr"],
            group["momentum"],
            damping,
            group["weight_decay"],
            group["nesterov"],
        )
        param._versions[0] += 1


class Adam(Optimizer):
    """Steps by the means of gradients and of their squares."""

    decoupled = False

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: Any = None,
        capturable: bool = False,
        differentiable: bool = False,
        fused: Any = None,
    ) -> None:
        _check_rate(lr)
        if not eps >= 0.0:
            raise ValueError(f"Invalid epsilon value: {eps}")
        for place, beta in enumerate(betas):
            if not 0.0 <= beta < 1.0:
                raise ValueError(f"Invalid beta parameter at index {place}: {beta}")
        if amsgrad:
            raise torch._not_here("torch.optim.Adam(amsgrad=True)")
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def _update(self, param: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if not state:
            state["step"] = torch.tensor(0.0)
            state["exp_avg"] = torch.zeros(param.shape, dtype=param.dtype)
            state["exp_avg_sq"] = torch.zeros(param.shape, dtype=param.dtype)
        state["step"] += 1
        _kernels.adam(
            param.view_handle(),
            gradient.view_handle(),
            state["exp_avg"].view_handle(),
            state["exp_avg_sq"].view_handle(),
            state["step"].item(),
            group["lr"],
            *group["betas"],
            group["eps"],
            group["weight_decay"],
            self.decoupled,
        )
        param._versions[0] += 1


class AdamW(Adam):
    """Adam whose decay of weights is apart from the gradient."""

    decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        **options: Any,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, **options)


class RMSprop(Optimizer):
    """Steps by the mean of the gradients' squares."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        **options: Any,
    ) -> None:
        _check_rate(lr)
        if momentum or centered:
            raise torch._not_here("torch.optim.RMSprop(momentum=..., centered=True)")
        super().__init__(params, {"lr": lr, "alpha": alpha, "eps": eps, "weight_decay": weight_decay, **options})

    def _update(self, param: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        if group["weight_decay"]:
            gradient = gradient + param * group["weight_decay"]
        squares = state.setdefault("square_avg", torch.zeros_like(param))
        squares.mul_(group["alpha"]).add_(gradient * gradient * (1 - group["alpha"]))
        param.add_(gradient / squares.sqrt().add_(group["eps"]), alpha=-group["lr"])


class Adagrad(Optimizer):
    """Steps by the sum of the gradients' squares."""

    def __init__(self, params: Any, lr: float = 1e-2, eps: float = 1e-10, **options: Any) -> None:
        _check_rate(lr)
        super().__init__(params, {"lr": lr, "eps": eps, **options})

    def _update(self, param: Tensor, gradient: Tensor, state: dict[str, Any], group: dict[str, Any]) -> None:
        total = state.setdefault("sum", torch.zeros_like(param))
        total.add_(gradient * gradient)
        param.add_(gradient / total.sqrt().add_(group["eps"]), alpha=-group["lr"])
