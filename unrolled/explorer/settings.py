"""The explorer's settings: names, defaults and limits from `settings.json`, which `web/view/settings.ts` reads too."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Literal, TypedDict

from unrolled.shapes import Layer

Nested = float | list["Nested"]
"""A number, or lists of them as `tensor.tolist()` gives them."""


class Shaped(TypedDict):
    """A tensor of which only the shape is given."""

    shape: list[int]


class Limits(TypedDict):
    """The least and the greatest value of a setting that can be drawn."""

    min: int
    max: int


_SOURCE = json.loads(files("unrolled.explorer").joinpath("settings.json").read_text(encoding="utf-8"))
DEFAULTS: dict[str, Any] = _SOURCE["defaults"]
"""The seed notebook's settings."""
LIMITS: dict[str, Limits] = _SOURCE["limits"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that the explorer's picture follows from. `settings.json` says what each setting means."""

    module: Literal["RNN", "LSTM", "GRU"]
    input_size: int
    hidden_size: int
    num_layers: int
    nonlinearity: Literal["tanh", "relu"]
    bias: bool
    batch_first: bool
    bidirectional: bool
    proj_size: int
    seed: int
    parameters: Mapping[str, Nested] | None
    N: int
    L: int
    batched: bool
    input: Literal["sin"] | Nested | Shaped | None
    lengths: list[int] | None
    h_0: Nested | Shaped | None
    c_0: Nested | Shaped | None
    expression: str | None
    sample: int
    step: int | None
    selected: str | None

    @classmethod
    def of(cls, changes: Mapping[str, Any]) -> Settings:
        """The default settings with these changes.

        Raises:
            TypeError: there is no setting of one of these names.

        Example:
            >>> Settings.of({"num_layers": 2}).num_layers
            2
        """
        return cls(**DEFAULTS | changed_settings(changes))

    @property
    def layer(self) -> Layer:
        """The layer with these arguments. Only an LSTM has a projection, and only an RNN a choice of nonlinearity."""
        return Layer(
            self.module,
            self.input_size,
            self.hidden_size,
            self.num_layers,
            nonlinearity=self.nonlinearity,
            bias=self.bias,
            batch_first=self.batch_first,
            bidirectional=self.bidirectional,
            proj_size=self.proj_size if self.module == "LSTM" else 0,
        )


def changed_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that are not the default's.

    Raises:
        TypeError: there is no setting of one of these names.

    Example:
        >>> changed_settings({"num_layers": 2, "bias": True})
        {'num_layers': 2}
    """
    if unknown := set(settings) - set(DEFAULTS):
        raise TypeError(f"The explorer has no setting {', '.join(sorted(unknown))}. It has {', '.join(DEFAULTS)}.")
    return {name: value for name, value in settings.items() if value != DEFAULTS[name]}
