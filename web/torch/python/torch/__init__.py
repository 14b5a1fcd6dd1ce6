"""The page's PyTorch: the part of it that the course uses, on the numbers that `_kernels` computes.

Functions, messages and digits are those of PyTorch 2.13 on a CPU. What is not here says so in one sentence.
"""

from __future__ import annotations

import math as _math
import sys as _sys
from typing import Any

from torch import _assemble, _dtypes, random
from torch._dtypes import bfloat16, dtype, finfo, float16, float32, float64, int8, int16, int32, int64, uint8
from torch._missing import missing as _not_here
from torch._size import Size
from torch._tensor import Tensor, device
from torch._tensor_str import set_printoptions
from torch.autograd.grad_mode import enable_grad, inference_mode, is_grad_enabled, no_grad, set_grad_enabled
from torch.random import Generator, default_generator

__version__ = "2.13.0+page"

globals().update(_assemble.FUNCTIONS)
bool = _dtypes.bool_
float, double, half = float32, float64, float16
int, long, short = int32, int64, int16
inf, nan, pi, e = _math.inf, _math.nan, _math.pi, _math.e
newaxis = None


class OutOfMemoryError(RuntimeError):
    """PyTorch's exception of a GPU whose memory is full."""


class layout:
    """How the elements of a tensor are kept."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"torch.{self.name}"


strided, jagged = layout("strided"), layout("jagged")
sparse_coo, sparse_csr, sparse_csc = layout("sparse_coo"), layout("sparse_csr"), layout("sparse_csc")
sparse_bsr, sparse_bsc = layout("sparse_bsr"), layout("sparse_bsc")
contiguous_format, preserve_format = "contiguous", "preserve"
FloatTensor = LongTensor = None


def is_tensor(obj: Any) -> Any:
    """Whether it is a tensor."""
    return isinstance(obj, Tensor)


def is_floating_point(input: Tensor) -> Any:
    """Whether its numbers have fractions."""
    return input.dtype.is_floating_point


def numel(input: Tensor) -> Any:
    """How many elements it has."""
    return input.numel()


def get_default_dtype() -> dtype:
    """What `torch.zeros` and the like, and Python's floats, are."""
    return _dtypes.default


def set_default_dtype(d: dtype) -> None:
    """Set it."""
    _dtypes.set_default(d)


def get_default_device() -> device:
    """The CPU."""
    return device("cpu")


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The dtype that holds both."""
    result = _dtypes.promote(type1, type2)
    assert result is not None
    return result


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of an operation on the two."""
    return _dtypes.result_type(tensor1, tensor2)


def get_num_threads() -> Any:
    """1: the page has one thread for Python."""
    return 1


def set_num_threads(_: Any) -> None:
    """Accepted, to no effect."""


set_num_interop_threads = set_num_threads


def use_deterministic_algorithms(mode: Any, *, warn_only: Any = False) -> None:
    """Accepted: everything here is deterministic."""


def is_autocast_enabled(device_type: str = "cuda") -> Any:
    """False: there is no autocast here."""
    return False


def from_numpy_missing(*_: Any) -> Any:
    """Not here: the page has no numpy."""
    raise _not_here("torch.from_numpy")


from torch import autograd, backends, cuda, func, linalg, nn, ops, optim, overrides, testing, utils  # noqa: E402
from torch._serialization import load, save  # noqa: E402
from torch.nn import functional as _functional  # noqa: E402
from torch.nn.functional import (  # noqa: E402
    conv1d,
    cosine_similarity,
    dropout,
    embedding,
    layer_norm,
    log_softmax,
    pairwise_distance,
    softmax,
)

from torch import _C, _VF  # noqa: E402  # isort: skip

for _name in ("softmax", "log_softmax"):
    setattr(Tensor, _name, getattr(_functional, _name))
Tensor.softmax.__module__ = "torch"
lstm, gru, rnn_tanh, rnn_relu = _VF.lstm, _VF.gru, _VF.rnn_tanh, _VF.rnn_relu


for _name in ("torch.nn._losses", "torch.nn._norms"):
    _sys.modules[_name].__name__ = "torch.nn.functional"
for _name, _module in list(_sys.modules.items()):
    if (_name.startswith("torch._") and _name != "torch._deepcopy") or _name in (
        "torch.random",
        "torch.autograd.graph",
    ):
        _module.__cpp__ = True  # type: ignore[attr-defined]  # PyTorch does in C++ what is here


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(f"module 'torch' has no attribute '{name}'")
    raise _not_here(f"torch.{name}")
