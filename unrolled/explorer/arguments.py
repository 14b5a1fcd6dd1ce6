"""What `unrolled.explore` is called with, modules and tensors, as the explorer's settings hold it: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import traitlets

from unrolled.missing_torch import require_torch

if TYPE_CHECKING:
    from torch import Tensor, nn

# The greatest integers that become a float: a number beyond them has no place in a tensor.
MAX_INTEGER = 2**1023


def settings_of_module(module: nn.Module) -> dict[str, Any]:
    """The settings that show this module, its own weights among them.

    Raises:
        TypeError: it is not an `nn.RNN`, `nn.LSTM` or `nn.GRU`.
        MissingTorchError: PyTorch is not installed.
    """
    require_torch("explore")
    from torch import nn

    for kind, recurrent in (("RNN", nn.RNN), ("LSTM", nn.LSTM), ("GRU", nn.GRU)):
        if isinstance(module, recurrent):
            names = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional", "proj_size"]
            names += ["nonlinearity"] if kind == "RNN" else []
            parameters = {name: nested_lists(value) for name, value in module.state_dict().items()}
            return {"module": kind, **{name: getattr(module, name) for name in names}, "parameters": parameters}
    raise TypeError(f"explore shows an nn.RNN, nn.LSTM or nn.GRU; this is a {type(module).__name__}.")


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """The padded input of which a packed one was made, and how many steps each sample has."""

    input: Tensor
    lengths: list[int]

    @classmethod
    def of(cls, input: object, batch_first: bool) -> Unpacked | None:
        """A `PackedSequence` unpacked; None for anything else."""
        if type(input).__name__ != "PackedSequence":  # torch may be missing
            return None
        from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

        if not isinstance(input, PackedSequence):
            return None
        padded, lengths = pad_packed_sequence(input, batch_first)
        return cls(input=padded, lengths=lengths.tolist())


def tensor_setting(name: str, value: Any) -> Any:
    """The setting of this name for a tensor, an array or nested lists: nested lists, a shape, or None for None.

    Raises:
        traitlets.TraitError: it is no tensor of real numbers with an axis.
    """
    try:
        setting = nested_lists(value)
        is_tensor = setting is None or bool(shape_of(setting))
    except RuntimeError:  # torch's own, for a tensor that has no numbers in memory: sparse, nested, on the meta device
        is_tensor = False
    if not is_tensor:
        this = f"a {type(value).__name__} of {value.dtype}" if hasattr(value, "dtype") else f"{value!r:.60}"
        raise traitlets.TraitError(
            f"{name} has to be a dense tensor of real numbers with at least one axis, or nested lists of them; "
            f"this is {this}."
        )
    return setting


def nested_lists(value: Any) -> Any:
    """A tensor or an array as nested lists, or as its shape where it has no number; nine digits hold a float32."""
    if 0 in getattr(value, "shape", ()):
        return {"shape": list(value.shape)}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [nested_lists(part) for part in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def shape_of(value: object) -> list[int]:
    """The shape of nested lists of numbers, or the one that is given; empty for anything else, a number included."""
    if isinstance(value, dict):
        sizes = value.get("shape")
        if isinstance(sizes, (list, tuple)) and all(isinstance(size, int) and size >= 0 for size in sizes):
            return list(sizes)
        return []
    if not isinstance(value, list):
        return []
    if all(isinstance(part, float) or (type(part) is int and abs(part) < MAX_INTEGER) for part in value):
        return [len(value)]
    shapes = [shape_of(part) for part in value]
    return [len(value), *shapes[0]] if shapes[0] and all(shape == shapes[0] for shape in shapes) else []
