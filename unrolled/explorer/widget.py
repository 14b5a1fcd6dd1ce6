"""`unrolled.explore`: the explorer in a live notebook, where Python sees what is clicked and can change what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from unrolled.explorer.html import DEFAULTS, changed, element
from unrolled.missing_torch import require_torch

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.nn.utils.rnn import PackedSequence

# What the page can draw; `LIMITS` of web/view/settings.ts.
SIZE = {"min": 1, "max": 32}


class Explorer(anywidget.AnyWidget):
    """The grid of hidden states of a recurrent layer, to be poked.

    Every setting is a trait under PyTorch's name, except that `kind` says which module it is: "RNN", "LSTM" or "GRU".
    A person's changes arrive in the traits, so `explorer.observe(f, "num_layers")` works, and a trait that Python
    changes shows at once. Tensors become nested lists; `{"shape": [1, 2, 5]}` stands for some tensor of that shape.
    """

    _esm = Path(__file__).parent / "static" / "unrolled.js"

    kind = traitlets.Enum(("RNN", "LSTM", "GRU"), "RNN").tag(sync=True)
    input_size = traitlets.Int(4, **SIZE).tag(sync=True)
    hidden_size = traitlets.Int(5, **SIZE).tag(sync=True)
    num_layers = traitlets.Int(1, min=1, max=6).tag(sync=True)
    nonlinearity = traitlets.Enum(("tanh", "relu"), "tanh").tag(sync=True)
    bias = traitlets.Bool(True).tag(sync=True)
    batch_first = traitlets.Bool(True).tag(sync=True)
    bidirectional = traitlets.Bool(False).tag(sync=True)
    proj_size = traitlets.Int(0, min=0, max=31).tag(sync=True)
    seed = traitlets.Int(0, min=0, max=2**32 - 1).tag(sync=True)
    parameters = traitlets.Dict(default_value=None, allow_none=True).tag(sync=True)
    N = traitlets.Int(2, min=1, max=16).tag(sync=True)
    L = traitlets.Int(3, **SIZE).tag(sync=True)
    batched = traitlets.Bool(True).tag(sync=True)
    input = traitlets.Any(None, allow_none=True).tag(sync=True)
    lengths = traitlets.List(traitlets.Int(), None, allow_none=True).tag(sync=True)
    h_0 = traitlets.Any(None, allow_none=True).tag(sync=True)
    c_0 = traitlets.Any(None, allow_none=True).tag(sync=True)
    expression = traitlets.Unicode(None, allow_none=True).tag(sync=True)
    sample = traitlets.Int(0, min=0).tag(sync=True)
    step = traitlets.Int(None, min=0, allow_none=True).tag(sync=True)
    selected = traitlets.Unicode(None, allow_none=True).tag(sync=True)

    @traitlets.validate("input", "h_0", "c_0")
    def _tensor(self, proposal: Mapping[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        return value if isinstance(value, str) and (name, value) == ("input", "sin") else tensor(name, value)

    @property
    def settings(self) -> dict[str, Any]:
        """What the traits hold, as far as it is not the default."""
        return changed({name: getattr(self, "kind" if name == "module" else name) for name in DEFAULTS})

    def module(self) -> nn.RNN | nn.LSTM | nn.GRU:
        """The torch module that is shown: constructed with these arguments after this seed, or with the weights shown.

        Raises:
            MissingTorchError: PyTorch is not installed.
        """
        require_torch("module")
        import torch
        from torch import nn

        names = ["input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional"]
        names += {"RNN": ["nonlinearity"], "LSTM": ["proj_size"], "GRU": []}[self.kind]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            module = getattr(nn, self.kind)(**{name: getattr(self, name) for name in names})
        if self.parameters is not None:
            module.load_state_dict({name: torch.tensor(value) for name, value in self.parameters.items()})
        return module

    def __repr__(self) -> str:
        written = {name: repr(value) for name, value in self.settings.items()}
        arguments = ", ".join(f"{name}={text if len(text) < 60 else '…'}" for name, text in written.items())
        return f"unrolled.explore({arguments})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget for a live notebook; for a page without a kernel, HTML; for everything else, text."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/html": element(self.settings), "text/plain": repr(self)}, metadata


def explore(
    module: str | nn.RNNBase | None = None,
    input: Tensor | str | None = None,
    hx: Tensor | tuple[Tensor, Tensor] | None = None,
    **settings: Any,
) -> Explorer:
    """Show the hidden states of a recurrent layer as the grid that they are.

    Args:
        module: "RNN", "LSTM" or "GRU"; or a module of these classes, whose own weights are then shown (dropout is not).
        input: what goes in, as the module takes it, packed or not; "sin" for the sines of 0, 1, 2, …; without it 0, 1, 2, … as
            the seed notebook's.
        hx: the initial states, as the module takes them.
        settings: any of `unrolled.explorer.html.DEFAULTS`: the constructor's arguments, `seed`, `N`, `L`, `lengths`, …

    Raises:
        TypeError: there is no such setting, or the module is not one of the three.
        traitlets.TraitError: a value that its setting cannot have, such as more layers than can be drawn.
    """
    given = dict(settings)
    if isinstance(module, str):
        given["module"] = module
    elif module is not None:
        given = arguments_of(module) | given
    if type(input).__name__ == "PackedSequence":
        input, given["lengths"] = padded(input, given.get("batch_first", DEFAULTS["batch_first"]))
    if isinstance(input, str):
        given["input"] = input
    elif input is not None:
        given["input"] = tensor("input", input)
        shape = shape_of(given["input"])
        given.setdefault("input_size", shape[-1])
        given.setdefault("batched", len(shape) != 2)
    if hx is not None:
        are_two = isinstance(hx, tuple) or (isinstance(hx, list) and any(hasattr(state, "shape") for state in hx))
        states = hx if are_two else (hx,)
        given |= dict(zip(("h_0", "c_0"), states))
    if given.get("lengths") is not None:
        given["lengths"] = plain(given["lengths"])
    for name in ("h_0", "c_0"):
        given[name] = tensor(name, given.get(name))
    given = changed(given)
    for name, value in given.items():
        most = getattr(getattr(Explorer, name, None), "max", None)
        if most is not None and isinstance(value, int) and value > most:
            hint = ": a smaller layer has the same axes" if name.endswith("_size") or name == "num_layers" else ""
            raise traitlets.TraitError(f"The explorer takes {name} up to {most}, and this is {value}{hint}.")
    if "module" in given:
        given["kind"] = given.pop("module")
    return Explorer(**given)


def padded(packed: PackedSequence, batch_first: bool) -> tuple[Tensor, list[int]]:
    """The padded input that a packed one was made of, and its lengths."""
    from torch.nn.utils.rnn import pad_packed_sequence

    input, lengths = pad_packed_sequence(packed, batch_first)
    return input, lengths.tolist()


def arguments_of(module: nn.RNNBase) -> dict[str, Any]:
    """The settings that show this module."""
    require_torch("explore")
    from torch import nn

    kinds = {nn.RNN: "RNN", nn.LSTM: "LSTM", nn.GRU: "GRU"}
    kind = next((kind for known, kind in kinds.items() if isinstance(module, known)), None)
    if kind is None:
        raise TypeError(f"explore shows an nn.RNN, nn.LSTM or nn.GRU; this is a {type(module).__name__}.")
    names = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "bidirectional", "proj_size")
    return {
        "module": kind,
        **{name: getattr(module, name) for name in names},
        **({"nonlinearity": module.nonlinearity} if kind == "RNN" else {}),
        "parameters": {name: plain(value) for name, value in module.state_dict().items()},
    }


def plain(value: Any) -> Any:
    """Nested lists in place of a tensor or an array, or its shape where it has no number; nine digits hold a float32."""
    if 0 in getattr(value, "shape", ()):
        return {"shape": list(value.shape)}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


def tensor(name: str, value: Any) -> Any:
    """What stands for this tensor in the settings.

    Raises:
        traitlets.TraitError: it is none.
    """
    try:
        given = plain(value)
        is_tensor = given is None or bool(shape_of(given))
    except RuntimeError:  # torch's own, for a tensor that has no numbers in memory: sparse, nested, on the meta device
        is_tensor = False
    if not is_tensor:
        this = f"a {type(value).__name__} of {value.dtype}" if hasattr(value, "dtype") else f"{value!r:.60}"
        raise traitlets.TraitError(
            f"{name} has to be a dense tensor of real numbers with at least one axis, or nested lists of them; this is {this}."
        )
    return given


def shape_of(value: Any) -> list[int]:
    """The shape of nested lists of numbers, or the one given; empty for what is neither, and for a number."""
    if isinstance(value, dict):
        sizes = value.get("shape")
        return (
            list(sizes)
            if isinstance(sizes, (list, tuple)) and all(isinstance(size, int) and size >= 0 for size in sizes)
            else []
        )
    if not isinstance(value, list):
        return []
    if all(isinstance(part, float) or (type(part) is int and abs(part) < 2**1023) for part in value):
        return [len(value)]
    shapes = [shape_of(part) for part in value]
    return [len(value), *shapes[0]] if shapes[0] and all(shape == shapes[0] for shape in shapes) else []


__all__ = ["Explorer", "explore"]
