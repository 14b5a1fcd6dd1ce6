"""`copy.deepcopy` of a tensor: in PyTorch too it is a function of Python, and a frame of a traceback."""

from __future__ import annotations

from typing import Any

from torch._methods import clone
from torch._tensor import Tensor


def deep_copy(self: Tensor, memo: dict[int, Any]) -> Any:
    """`copy.deepcopy(self)`"""
    if not self.is_leaf:
        raise RuntimeError(
            "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  "
            "If you were attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, "
            "see https://github.com/pytorch/pytorch/pull/103001"
        )
    if id(self) in memo:
        return memo[id(self)]
    from torch.autograd.grad_mode import no_grad

    with no_grad():
        result = clone(self.detach()) if not self.is_meta else Tensor(None, self.shape, dtype=self.dtype)
    result.__class__ = type(self)
    result._leaf_requires_grad = self._leaf_requires_grad
    if self.grad is not None:
        result.grad = deep_copy(self.grad, memo)
    memo[id(self)] = result
    return result
