"""Products of matrices and vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import _kernels
from torch._arguments import tensor_argument
from torch._missing import missing
from torch._storage import broadcast_shapes
from torch._tensor import Tensor, fresh, record


def _batched(input: Tensor, shape: Sequence[int], strides: Sequence[int]) -> Any:
    return Tensor(input._storage, shape, strides, input._offset).view_handle()


def _product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """(n, k) @ (k, m) + bias, outside the graph."""
    if a.is_meta or b.is_meta:
        return Tensor(None, (a.shape[0], b.shape[1]), dtype=a.dtype)
    left = _batched(a, (1, *a.shape), (0, *a._strides))
    right = _batched(b, (1, *b.shape), (0, *b._strides))
    handle = _kernels.matmul(left, right, a.dtype.name, None if bias is None else bias.view_handle())
    return Tensor(fresh(handle, a.dtype, (1, a.shape[0], b.shape[1]))._storage, (a.shape[0], b.shape[1]))


def _same_dtype(a: Tensor, b: Tensor) -> None:
    if a.dtype != b.dtype:
        names = {"Float": "float", "Double": "double", "Long": "long int", "Bool": "bool", "Int": "int"}
        first, second = (names.get(tensor.dtype.legacy, tensor.dtype.legacy) for tensor in (a, b))
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {first} != {second}")


def mm(input: Tensor, mat2: Tensor) -> Tensor:
    """(n, k) @ (k, m)"""
    if input.dim() != 2:
        raise RuntimeError("self must be a matrix")
    if mat2.dim() != 2:
        raise RuntimeError("mat2 must be a matrix")
    if input.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({input.shape[0]}x{input.shape[1]} and "
            f"{mat2.shape[0]}x{mat2.shape[1]})"
        )
    _same_dtype(input, mat2)
    return record(
        _product(input, mat2),
        "MmBackward0",
        (input, mat2),
        lambda g: (
            mm(g, mat2.t()) if input.requires_grad else None,
            mm(input.t(), g) if mat2.requires_grad else None,
        ),
        [one for one, other in ((input, mat2), (mat2, input)) if other.requires_grad],
    )


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """input + (n, k) @ (k, m)"""
    if mat1.shape[1] != mat2.shape[0]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({mat1.shape[0]}x{mat1.shape[1]} and "
            f"{mat2.shape[0]}x{mat2.shape[1]})"
        )
    if mat1.dtype != mat2.dtype:
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {mat1.dtype.legacy} and {mat2.dtype.legacy}"
        )
    if (beta, alpha) != (1, 1):
        raise missing("torch.addmm(beta=..., alpha=...)")
    if input.dim() == 1 and input.shape[0] == mat2.shape[1]:
        result = _product(mat1, mat2, input)
    else:
        result = input.detach() + _product(mat1, mat2)

    def back(g: Tensor) -> tuple[Any, ...]:
        from torch._elementwise import sum_to

        return (
            sum_to(g, input) if input.requires_grad else None,
            mm(g, mat2.t()) if mat1.requires_grad else None,
            mm(mat1.t(), g) if mat2.requires_grad else None,
        )

    saved = [one for one, other in ((mat1, mat2), (mat2, mat1)) if other.requires_grad]
    return record(result, "AddmmBackward0", (input, mat1, mat2), back, saved)


def mv(input: Tensor, vec: Tensor) -> Tensor:
    """(n, k) @ (k,)"""
    if input.dim() != 2 or vec.dim() != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {1}, {input.dim()}, {vec.dim()}")
    if input.shape[1] != vec.shape[0]:
        raise RuntimeError(
            f"size mismatch, got input ({input.shape[0]}), mat ({input.shape[0]}x{input.shape[1]}), "
            f"vec ({vec.shape[0]})"
        )
    _same_dtype(input, vec)
    column = Tensor(vec._storage, (vec.shape[0], 1), (vec._strides[0], 1), vec._offset)
    result = Tensor(_product(input, column)._storage, (input.shape[0],))
    return record(
        result,
        "MvBackward0",
        (input, vec),
        lambda g: (
            g.unsqueeze(1) * vec if input.requires_grad else None,
            mv(input.t(), g) if vec.requires_grad else None,
        ),
        (input, vec),
    )


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """The sum of the products of two vectors."""
    if input.dim() != 1 or tensor.dim() != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.dim()}D and {tensor.dim()}D tensors")
    if input.shape != tensor.shape:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{input.shape[0]}] and src [{tensor.shape[0]}] to have the same "
            f"number of elements, but got {input.shape[0]} and {tensor.shape[0]} elements respectively"
        )
    if input.dtype != tensor.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {input.dtype.legacy} and {tensor.dtype.legacy}"
        )
    row = Tensor(input._storage, (1, input.shape[0]), (0, input._strides[0]), input._offset)
    column = Tensor(tensor._storage, (tensor.shape[0], 1), (tensor._strides[0], 1), tensor._offset)
    result = Tensor(_product(row, column)._storage, ())
    return record(result, "DotBackward0", (input, tensor), lambda g: (g * tensor, g * input), (input, tensor))


def bmm(input: Tensor, mat2: Tensor) -> Tensor:
    """(B, n, k) @ (B, k, m)"""
    if input.dim() != 3 or mat2.dim() != 3:
        raise RuntimeError("batch1 must be a 3D tensor" if input.dim() != 3 else "batch2 must be a 3D tensor")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        expected = [input.shape[0], input.shape[2]]
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: {expected} but got: "
            f"{[mat2.shape[0], mat2.shape[1]]}."
        )
    _same_dtype(input, mat2)
    shape = (input.shape[0], input.shape[1], mat2.shape[2])
    if input.is_meta:
        return Tensor(None, shape, dtype=input.dtype)
    result = fresh(_kernels.matmul(input.view_handle(), mat2.view_handle(), input.dtype.name, None), input.dtype, shape)
    return record(
        result,
        "BmmBackward0",
        (input, mat2),
        lambda g: (bmm(g, mat2.transpose(1, 2)), bmm(input.transpose(1, 2), g)),
        (input, mat2),
    )


def unsafe_view(input: Tensor, shape: Sequence[int]) -> Tensor:
    """What the product of folded matrices becomes: the result's own shape."""
    own = input.shape
    result = Tensor(input._storage, shape, dtype=input.dtype)
    return record(result, "UnsafeViewBackward0", (input,), lambda g: g.reshape(own))


def matmul(input: Tensor, other: Tensor) -> Tensor:
    """`input @ other` of vectors, matrices, and batches of matrices."""
    tensor_argument("matmul", "input", 1, input)
    tensor_argument("matmul", "other", 2, other)
    a, b = input.dim(), other.dim()
    if not a or not b:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    if a == b == 1:
        return dot(input, other)
    if a == 2 and b == 1:
        return mv(input, other)
    if a == 1 and b == 2:
        return mm(input.unsqueeze(0), other).squeeze(0)
    if a == b == 2:
        return mm(input, other)
    if b <= 2 and a >= 3:
        folded = input.reshape(prod(input.shape[:-1]), input.shape[-1])
        if b == 1:
            return unsafe_view(mv(folded, other), input.shape[:-1])
        return unsafe_view(mm(folded, other), (*input.shape[:-1], other.shape[1]))
    left = input.unsqueeze(0) if a == 1 else input
    right = other.unsqueeze(-1) if b == 1 else other
    batch = broadcast_shapes(left.shape[:-2], right.shape[:-2])
    left = left.expand(*batch, *left.shape[-2:]).reshape(prod(batch), *left.shape[-2:])
    right = right.expand(*batch, *right.shape[-2:]).reshape(prod(batch), *right.shape[-2:])
    shape = (*batch, *(() if a == 1 else (left.shape[1],)), *(() if b == 1 else (right.shape[2],)))
    return unsafe_view(bmm(left, right), shape)


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """Each element of one vector times each of the other."""
    return input.unsqueeze(1) * vec2


def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """`input @ weight.T + bias`"""
    tensor_argument("linear", "input", 1, input)
    tensor_argument("linear", "weight", 2, weight)
    if input.dim() == 2 and bias is not None:
        return addmm(bias, input, weight.t())
    if bias is not None and input.dim() >= 1 and input.is_contiguous():
        folded = input.view(-1, input.shape[-1]) if input.numel() else input.reshape(prod(input.shape[:-1]), -1)
        result = addmm(bias, folded, weight.t())
        shape = (*input.shape[:-1], weight.shape[0])
        return result.view(shape)
    if input.dim() == 1:
        return mm(input.unsqueeze(0), weight.t()).squeeze((0,))
    result = matmul(input, weight.t())
    return result if bias is None else result + bias


def einsum(equation: str, *operands: Any) -> Tensor:
    """A sum of products, as the letters of the axes say; without dots and repeated letters."""
    tensors = operands[0] if len(operands) == 1 and isinstance(operands[0], (list, tuple)) else operands
    terms, arrow, target = equation.replace(" ", "").partition("->")
    inputs = terms.split(",")
    if "." in equation or any(len(set(term)) < len(term) for term in inputs):
        raise missing(f"torch.einsum({equation!r})")
    if not arrow:
        target = "".join(sorted(letter for letter in set(terms) - {","} if terms.count(letter) == 1))
    letters = target + "".join(sorted(set("".join(inputs)) - set(target)))
    product = None
    for term, tensor in zip(inputs, tensors, strict=True):
        order = [term.index(letter) for letter in letters if letter in term]
        spread = tensor.permute(order)[tuple(slice(None) if letter in term else None for letter in letters)]
        product = spread if product is None else product * spread
    assert product is not None
    rest = list(range(len(target), len(letters)))
    return product.sum(rest) if rest else product


FUNCTIONS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (addmm, bmm, dot, einsum, matmul, mm, mv, outer)
}
