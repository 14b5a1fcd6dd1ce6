"""`unrolled.explore`: the explorer in a live notebook, where Python sees what is clicked and changes what is shown."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from unrolled.explorer.arguments import Unpacked, nested_lists, settings_of_module, shape_of, tensor_setting
from unrolled.explorer.html import explorer_html
from unrolled.explorer.settings import DEFAULTS, LIMITS, changed_settings
from unrolled.missing_torch import require_torch

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.nn.utils.rnn import PackedSequence

MAX_ARGUMENT_LENGTH = 60  # characters of a setting in the explorer's repr


def _count(name: str) -> traitlets.Int[int, int]:
    """The trait of a whole number that has limits."""
    limits = LIMITS[name]
    return traitlets.Int(DEFAULTS[name], min=limits["min"], max=limits["max"]).tag(sync=True)


def _flag(name: str) -> traitlets.Bool[bool, bool | int]:
    """The trait of a setting that is true or false."""
    return traitlets.Bool(DEFAULTS[name]).tag(sync=True)


def _tensor(name: str) -> traitlets.Any:
    """The trait of a tensor: nested lists, a shape, or none."""
    return traitlets.Any(DEFAULTS[name], allow_none=True).tag(sync=True)


class Explorer(anywidget.AnyWidget):
    """The grid of hidden states of a recurrent layer, to play with.

    Every setting is a trait under PyTorch's name, except that `kind` says which module it is: "RNN", "LSTM" or "GRU".
    A person's changes arrive in the traits, so `explorer.observe(f, "num_layers")` works, and a trait that Python
    changes shows at once. Tensors become nested lists; `{"shape": [1, 2, 5]}` is some tensor of that shape.

    Example:
        >>> explorer = unrolled.explore(num_layers=2)
        >>> explorer.bidirectional = True
        >>> explorer.module()
        RNN(4, 5, num_layers=2, batch_first=True, bidirectional=True)
    """

    _esm = Path(__file__).parent / "static" / "unrolled.js"
    # Where ipywidgets 7 has this method, IPython does not ask for the MIME bundle, and what is stored has no HTML.
    _ipython_display_ = None

    kind = traitlets.Enum(("RNN", "LSTM", "GRU"), DEFAULTS["module"]).tag(sync=True)
    input_size = _count("input_size")
    hidden_size = _count("hidden_size")
    num_layers = _count("num_layers")
    nonlinearity = traitlets.Enum(("tanh", "relu"), DEFAULTS["nonlinearity"]).tag(sync=True)
    bias = _flag("bias")
    batch_first = _flag("batch_first")
    bidirectional = _flag("bidirectional")
    proj_size = _count("proj_size")
    seed = _count("seed")
    parameters = traitlets.Dict(default_value=DEFAULTS["parameters"], allow_none=True).tag(sync=True)
    N = _count("N")
    L = _count("L")
    batched = _flag("batched")
    input = _tensor("input")
    lengths = traitlets.List(traitlets.Int(), DEFAULTS["lengths"], allow_none=True).tag(sync=True)
    h_0 = _tensor("h_0")
    c_0 = _tensor("c_0")
    expression = traitlets.Unicode(DEFAULTS["expression"], allow_none=True).tag(sync=True)
    sample = traitlets.Int(DEFAULTS["sample"], min=0).tag(sync=True)
    step = traitlets.Int(DEFAULTS["step"], min=0, allow_none=True).tag(sync=True)
    selected = traitlets.Unicode(DEFAULTS["selected"], allow_none=True).tag(sync=True)

    @traitlets.validate("input", "h_0", "c_0")
    def _read_tensor(self, proposal: Mapping[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        return value if isinstance(value, str) and (name, value) == ("input", "sin") else tensor_setting(name, value)

    @property
    def settings(self) -> dict[str, Any]:
        """What the traits hold, as far as it is not the default."""
        return changed_settings({name: getattr(self, "kind" if name == "module" else name) for name in DEFAULTS})

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
            module: nn.RNN | nn.LSTM | nn.GRU = getattr(nn, self.kind)(**{name: getattr(self, name) for name in names})
        if self.parameters is not None:
            module.load_state_dict({name: torch.tensor(value) for name, value in self.parameters.items()})
        return module

    def __repr__(self) -> str:
        texts = {name: repr(value) for name, value in self.settings.items()}
        shown = (f"{name}={text if len(text) < MAX_ARGUMENT_LENGTH else '…'}" for name, text in texts.items())
        return f"unrolled.explore({', '.join(shown)})"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget for a live notebook; for a page without a kernel, HTML; for everything else, text."""
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        return {**data, "text/html": explorer_html(self.settings), "text/plain": repr(self)}, metadata


def explore(
    module: str | nn.RNNBase | None = None,
    input: Tensor | PackedSequence | str | None = None,
    hx: Tensor | tuple[Tensor, Tensor] | list[Any] | None = None,
    **settings: Any,
) -> Explorer:
    """Show the hidden states of a recurrent layer as the grid that they are.

    Args:
        module: "RNN", "LSTM" or "GRU"; or a module of these classes, whose own weights are then shown (dropout is not).
        input: what goes in, as the module takes it, packed or not: (N, L, input_size), or (L, N, input_size), or
            (L, input_size). "sin" for the sines of 0, 1, 2, …; without it 0, 1, 2, … as in the seed notebook.
        hx: the initial states, as the module takes them: h_0, or of an LSTM h_0 and c_0, each (rows, N, features).
        settings: any of `unrolled.explorer.settings.DEFAULTS`: the constructor's arguments, `seed`, `N`, `L`,
            `lengths`, …

    Raises:
        TypeError: there is no such setting, or the module is not one of the three.
        traitlets.TraitError: a value that its setting cannot have, such as more layers than can be drawn.
        MissingTorchError: a module is to be shown, and PyTorch is not installed.

    Example:
        >>> unrolled.explore(nn.GRU(4, 5, 2, batch_first=True), torch.rand(2, 3, 4))
        >>> unrolled.explore("LSTM", num_layers=2, expression="hn[-1]")
    """
    arguments = dict(settings)
    if isinstance(module, str):
        arguments["module"] = module
    elif module is not None:
        arguments = settings_of_module(module) | arguments
    arguments |= _settings_of_input(input, arguments)
    if hx is not None:
        are_two = isinstance(hx, tuple) or (isinstance(hx, list) and any(hasattr(state, "shape") for state in hx))
        arguments |= zip(("h_0", "c_0"), hx if are_two else (hx,), strict=False)  # an RNN and a GRU have no c_0
    if arguments.get("lengths") is not None:
        arguments["lengths"] = nested_lists(arguments["lengths"])
    for name in ("h_0", "c_0"):
        arguments[name] = tensor_setting(name, arguments.get(name))
    arguments = changed_settings(arguments)
    _check_limits(arguments)
    if "module" in arguments:
        arguments["kind"] = arguments.pop("module")
    return Explorer(**arguments)


def _settings_of_input(input: Tensor | PackedSequence | str | None, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that this input determines; what is said beside it counts for sizes."""
    if input is None or isinstance(input, str):
        return {} if input is None else {"input": input}
    unpacked = Unpacked.of(input, arguments.get("batch_first", DEFAULTS["batch_first"]))
    values = tensor_setting("input", unpacked.input if unpacked else input)
    shape = shape_of(values)
    sizes = {"input_size": shape[-1], "batched": len(shape) != 2}
    lengths = {"lengths": unpacked.lengths} if unpacked else {}
    return {name: size for name, size in sizes.items() if name not in arguments} | {"input": values} | lengths


def _check_limits(settings: Mapping[str, Any]) -> None:
    """Refuse in one sentence what is too large to draw.

    Raises:
        traitlets.TraitError: a setting is greater than its limit.
    """
    for name, value in settings.items():
        if name in LIMITS and isinstance(value, int) and value > LIMITS[name]["max"]:
            hint = ": a smaller layer has the same axes" if name.endswith("_size") or name == "num_layers" else ""
            greatest = LIMITS[name]["max"]
            raise traitlets.TraitError(f"The explorer takes {name} up to {greatest}, and this is {value}{hint}.")
