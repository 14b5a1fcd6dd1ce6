"""The methods of `torch.Tensor` and the functions of `torch`, put together from the files beside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import (
    _arithmetic,
    _creation,
    _deepcopy,
    _dtypes,
    _elementwise,
    _indexing,
    _linalg,
    _methods,
    _parts,
    _reduce,
    _scatter,
    _statistics,
    _tensor_str,
    _views,
    random,
)
from torch._missing import missing
from torch._tensor import Tensor

BOTH: dict[str, Callable[..., Any]] = {}
"""What is a function of torch and a method of its first argument."""
for part in (_elementwise, _arithmetic, _views, _parts, _reduce, _statistics, _linalg, _scatter):
    BOTH |= part.FUNCTIONS
NO_METHODS = {
    "broadcast_tensors",
    "cat",
    "concat",
    "concatenate",
    "einsum",
    "hstack",
    "isin",
    "stack",
    "vstack",
    "where",
}
ONLY_METHODS = {"expand", "expand_as", "new_full", "reshape_as", "view", "view_as"}

FUNCTIONS: dict[str, Callable[..., Any]] = {name: each for name, each in BOTH.items() if name not in ONLY_METHODS}
FUNCTIONS |= _creation.FUNCTIONS | random.FUNCTIONS
FUNCTIONS |= {"clone": _methods.clone}

IN_PLACE = (
    "abs add bitwise_and bitwise_or bitwise_not ceil clamp clip cos cumsum div divide eq erf exp floor floor_divide ge gt "
    "index_add index_copy index_fill le log logical_and logical_not logical_or lt masked_fill mul multiply ne neg pow "
    "reciprocal relu remainder round rsqrt scatter scatter_add sigmoid sign sin sqrt square sub subtract tan tanh tril "
    "triu trunc"
)


def _attach() -> None:
    methods = {name: each for name, each in BOTH.items() if name not in NO_METHODS} | _parts.METHODS
    methods |= {f"{name}_": _methods._in_place(name, BOTH[name]) for name in IN_PLACE.split()}
    for name in (
        "bernoulli_ clone contiguous copy_ cpu cuda fill_ item new_full new_tensor normal_ numpy random_ squeeze_ to "
        "tolist uniform_ unsqueeze_ zero_"
    ).split():
        methods[name] = getattr(_methods, name)
    methods |= {"new_empty": _methods._new(0), "new_ones": _methods._new(1), "new_zeros": _methods._new(0)}
    methods["where"] = lambda self, condition, other: _arithmetic.where(condition, self, other)
    methods |= {
        name: _methods._caster(kind)
        for name, kind in (
            ("bfloat16", _dtypes.bfloat16),
            ("bool", _dtypes.bool_),
            ("double", _dtypes.float64),
            ("float", _dtypes.float32),
            ("half", _dtypes.float16),
            ("int", _dtypes.int32),
            ("long", _dtypes.int64),
            ("short", _dtypes.int16),
        )
    }
    methods |= {
        "type": _methods.type_,
        "type_as": lambda self, other: self.to(other.dtype),
        "index_put_": _index_put,
        "bernoulli": random.bernoulli,
        "multinomial": random.multinomial,
        "detach_": _detach,
        "is_signed": lambda self: self.dtype.is_signed,
        "is_inference": lambda self: False,
        "pin_memory": lambda self: self,
        "share_memory_": lambda self: self,
    }
    for name, method in methods.items():
        if name not in Tensor.__dict__:
            setattr(Tensor, name, method)


def _index_put(self: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    if accumulate:
        raise missing("Tensor.index_put_(accumulate=True)")
    _indexing.put(self, tuple(indices), values)
    return self


def _detach(self: Tensor) -> Tensor:
    self._node, self._leaf_requires_grad = None, False
    return self


OPERATORS = {
    "add": _arithmetic.add,
    "sub": _arithmetic.sub,
    "mul": _arithmetic.mul,
    "truediv": _arithmetic.div,
    "floordiv": _arithmetic.floor_divide,
    "mod": _arithmetic.remainder,
    "pow": _arithmetic.pow,
    "and": _arithmetic.FUNCTIONS["bitwise_and"],
    "or": _arithmetic.FUNCTIONS["bitwise_or"],
    "xor": _arithmetic.FUNCTIONS["bitwise_xor"],
}
FLIPPED = {
    **OPERATORS,
    "add": lambda other, self: _arithmetic.add(self, other),
    "mul": lambda other, self: _arithmetic.mul(self, other),
    "sub": lambda other, self: _arithmetic.rsub(self, other),
    "truediv": lambda other, self: _arithmetic.mul(self.reciprocal(), other),
    "pow": lambda other, self: _scalar_power(base=other, exponent=self),
}


def _scalar_power(base: float, exponent: Tensor) -> Tensor:
    """A number to the power of a tensor."""
    import math

    from torch._elementwise import binary
    from torch._tensor import record

    result = binary("pow", base, exponent)
    return record(result, "PowBackward2", (exponent,), lambda g: g * result * math.log(base), (result,))


def _operators() -> None:
    for name, function in OPERATORS.items():
        setattr(Tensor, f"__{name}__", _methods.operator(function))
        setattr(Tensor, f"__r{name}__", _methods.operator(FLIPPED[name], flipped=True))
        if name not in ("floordiv", "mod", "and", "or", "xor"):
            setattr(Tensor, f"__i{name}__", _methods._in_place(name, function))
    for name in ("and", "or", "xor"):
        setattr(Tensor, f"__i{name}__", _methods._in_place(name, OPERATORS[name]))
    for name in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(Tensor, f"__{name}__", _methods.compare(name))
    special: dict[str, Any] = {
        "__hash__": object.__hash__,
        "__matmul__": _methods.matmul_,
        "__neg__": _elementwise.neg,
        "__pos__": lambda self: self,
        "__abs__": _elementwise.abs,
        "__invert__": _methods.invert,
        "__bool__": _methods.truth,
        "__len__": _methods.length,
        "__iter__": _methods.iterate,
        "__float__": lambda self: float(_methods.number(self)),
        "__int__": lambda self: int(_methods.number(self)),
        "__index__": _methods.index,
        "__contains__": _methods.contains,
        "__getitem__": _indexing.get,
        "__setitem__": _indexing.put,
        "__repr__": _tensor_str.tensor_str,
        "__format__": _methods.formatted,
        "__deepcopy__": _deepcopy.deep_copy,
        "__getattr__": _unknown,
    }
    for name, method in special.items():
        setattr(Tensor, name, method)
    Tensor.T = property(_views.reversed_axes)  # type: ignore[attr-defined]
    Tensor.mT = property(lambda self: self.transpose(-2, -1))  # type: ignore[attr-defined]


KNOWN = frozenset(
    "acosh addcdiv addcmul addmv addr angle aminmax argwhere asinh as_strided atan2 atanh baddbmm bucketize cholesky cross "
    "cummax cummin deg2rad det diag diag_embed diff digamma dist erfc erfinv exp2 expm1_ fmod frac frexp hardshrink "
    "histc hypot i0 imag index_reduce inner inverse kthvalue ldexp lerp lgamma logaddexp logcumsumexp logdet logit lu "
    "masked_scatter matrix_exp matrix_power median mode msort mvlgamma nanmean nanmedian nanquantile nansum nan_to_num "
    "narrow_copy nextafter numpy_ ormqr pinverse polygamma put_ qr quantile rad2deg real renorm resize_ rot90 "
    "searchsorted sgn sinc slogdet sparse_mask svd swapaxes_ take tensor_split trace true_divide_ unfold "
    "unique_consecutive unsafe_chunk vdot view_as_complex view_as_real xlogy".split()
)
"""Methods of PyTorch's tensors that this page's do not have: what asks for one of them gets the sentence."""


def _unknown(self: Tensor, name: str) -> Any:
    if name in KNOWN or name.rstrip("_") in KNOWN:
        raise missing(f"Tensor.{name}")
    raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")


_attach()
_operators()
