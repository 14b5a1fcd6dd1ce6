"""What the values of a call are: tensors with sizes, things that can become one, results of a recurrent layer."""

from __future__ import annotations

from typing import Any, TypeGuard

import torch
from torch.nn.utils.rnn import PackedSequence
from torch.utils._python_dispatch import _get_current_dispatch_mode_stack

WITHOUT_NUMBERS = ("FakeTensorMode", "ProxyTorchDispatchMode", "FunctionalTensorMode")
"""The modes in which torch computes shapes only."""


def is_tensor(thing: object) -> TypeGuard[torch.Tensor]:
    """Whether `thing` is a tensor with sizes: a nested tensor has none."""
    return isinstance(thing, torch.Tensor) and not thing.is_nested


def has_sizes(thing: object) -> TypeGuard[torch.Tensor | PackedSequence]:
    """Whether `thing` can be an input: a tensor with sizes, or a packed one."""
    return is_tensor(thing) or isinstance(thing, PackedSequence)


def features_of(thing: Any) -> torch.Tensor:
    """The tensor of an input or an output: of a packed one, its real steps."""
    return thing.data if isinstance(thing, PackedSequence) else thing


def is_dense(thing: object) -> TypeGuard[torch.Tensor]:
    """Whether `thing` is a tensor whose numbers can be read and compared.

    They cannot be of meta, sparse and quantised tensors, of subclasses, under `torch.vmap` and the like, and while
    `torch.export` or a fake mode runs the code without numbers.
    """
    return (
        type(thing) in (torch.Tensor, torch.nn.Parameter)
        and is_tensor(thing)
        and thing.layout is torch.strided
        and not (thing.is_meta or thing.is_quantized)
        and not torch._C._functorch.is_functorch_wrapped_tensor(thing)
        and not any(type(mode).__name__ in WITHOUT_NUMBERS for mode in _get_current_dispatch_mode_stack())
    )


def type_name(thing: object) -> str:
    """The type of `thing` with its article: `"a tuple"`, `"an int"`; None is `"None"`."""
    if thing is None:
        return "None"
    kind = type(thing).__name__
    return f"{'an' if kind.lower().startswith(('a', 'e', 'i', 'o', 'u', 'nd')) else 'a'} {kind}"


def method_error(thing: object, name: str = "dim") -> Exception:
    """What torch raises where it calls the method `name` of tensors on `thing`, in the words of `thing` itself."""
    try:
        attribute = getattr(thing, name)
    except AttributeError as error:
        return AttributeError(str(error))
    if callable(attribute):
        return RuntimeError()
    return TypeError(f"'{type(attribute).__name__}' object is not callable")


def conversion(thing: object, name: str, dtype: torch.dtype) -> str | None:
    """An expression that makes a tensor of `thing`, called `name`; None where `torch.as_tensor` cannot."""
    if isinstance(thing, torch.Tensor) and thing.is_nested:
        return None
    if isinstance(thing, tuple | list) and any(isinstance(item, torch.Tensor) and item.dim() for item in thing):
        return None  # a tensor of tensors: torch.stack, or pad_sequence
    try:
        torch.as_tensor(thing, dtype=dtype)
    except Exception:
        return None
    return f"torch.as_tensor({name}, dtype={dtype})"


def looks_like_result(thing: object) -> bool:
    """Whether `thing` is what a recurrent layer returns: `(output, h_n)` or `(output, (h_n, c_n))`."""
    if type(thing) is not tuple or len(thing) != 2:
        return False
    states = thing[1] if isinstance(thing[1], tuple) else (thing[1],)
    return isinstance(thing[0], torch.Tensor | PackedSequence) and all(
        isinstance(state, torch.Tensor) and state.dim() in (2, 3) for state in states
    )


def is_padded_pair(thing: object) -> bool:
    """Whether `thing` is a padded batch and its lengths, as `pad_packed_sequence` returns them."""
    if not isinstance(thing, tuple | list) or len(thing) != 2:
        return False
    padded, lengths = thing
    if not (is_tensor(padded) and is_tensor(lengths) and padded.dim() > 1 and padded.dtype.is_floating_point):
        return False
    if lengths.dim() != 1 or lengths.dtype.is_floating_point or not is_dense(lengths) or not len(lengths):
        return False
    axes = [axis for axis in (0, 1) if padded.shape[axis] == len(lengths)]
    return any(int(lengths.min()) >= 1 and int(lengths.max()) <= padded.shape[1 - axis] for axis in axes)


def ends_in_padding(padded: torch.Tensor, lengths: torch.Tensor) -> bool:
    """Whether every sample of a padded batch is zeros behind its length, the longest fills it, and one does not."""
    if not is_dense(padded) or 0 in padded.shape:
        return False
    batch = 0 if padded.shape[0] == len(lengths) else 1
    L = padded.shape[1 - batch]
    values = lengths.tolist()
    if max(values) != L or min(values) == L:
        return False
    samples = zip(padded.unbind(batch), values, strict=True)
    return not any(bool(sample[length:].any()) for sample, length in samples)


def split_result(thing: Any) -> tuple[Any, tuple[Any, ...]]:
    """output, and the states that came with it: none for an output alone."""
    if not looks_like_result(thing):
        return thing, ()
    output, states = thing
    return output, states if isinstance(states, tuple) else (states,)
