"""What PyTorch says of an argument of the wrong kind."""

from __future__ import annotations

from typing import Any


def tensor_argument(function: str, argument: str, position: int, value: Any) -> None:
    """Check that the argument is a tensor.

    Raises:
        TypeError: it is not, in the words of PyTorch's parser of arguments.
    """
    from torch._tensor import Tensor

    if not isinstance(value, Tensor):
        kind = type(value).__name__
        raise TypeError(f"{function}(): argument '{argument}' (position {position}) must be Tensor, not {kind}")


def tensors_argument(function: str, argument: str, position: int, value: Any) -> tuple[Any, ...]:
    """Check that the argument is a tuple or a list of tensors, and give it as a tuple.

    Raises:
        TypeError: it is not, in the words of PyTorch's parser of arguments.
    """
    from torch._tensor import Tensor

    if not isinstance(value, (tuple, list)):
        kind = type(value).__name__
        raise TypeError(
            f"{function}(): argument '{argument}' (position {position}) must be tuple of Tensors, not {kind}"
        )
    for place, each in enumerate(value):
        if not isinstance(each, Tensor):
            raise TypeError(
                f"expected Tensor as element {place} in argument {position - 1}, but got {type(each).__name__}"
            )
    return tuple(value)
