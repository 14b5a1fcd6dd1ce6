"""The losses of `nn.functional` as modules."""

from __future__ import annotations

from typing import Any

from torch._tensor import Tensor
from torch.nn import functional
from torch.nn.modules.module import Module


class _Loss(Module):
    """A loss: `function` with the options of the constructor."""

    function: Any = None

    def __init__(self, weight: Any = None, reduction: str = "mean", **options: Any) -> None:
        super().__init__()
        self.reduction, self.options = reduction, {**options, "reduction": reduction}
        self.register_buffer("weight", weight)
        if weight is not None:
            self.options["weight"] = weight

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss."""
        return type(self).function(input, target, **self.options)


def _loss(name: str, function: Any) -> type[_Loss]:
    made = type(name, (_Loss,), {"function": staticmethod(function), "__doc__": f"`{function.__name__}` as a module."})
    made.__module__ = "torch.nn.modules.loss"
    return made


BCELoss = _loss("BCELoss", functional.binary_cross_entropy)
BCEWithLogitsLoss = _loss("BCEWithLogitsLoss", functional.binary_cross_entropy_with_logits)
CrossEntropyLoss = _loss("CrossEntropyLoss", functional.cross_entropy)
HuberLoss = _loss("HuberLoss", functional.huber_loss)
KLDivLoss = _loss("KLDivLoss", functional.kl_div)
L1Loss = _loss("L1Loss", functional.l1_loss)
MSELoss = _loss("MSELoss", functional.mse_loss)
NLLLoss = _loss("NLLLoss", functional.nll_loss)
SmoothL1Loss = _loss("SmoothL1Loss", functional.smooth_l1_loss)
