"""The call of a layer that a question is about: how it is drawn, its shapes, and its code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from unrolled.drill.wording import RULES, STACKS
from unrolled.shapes import Layer
from unrolled.text import tuple_text

T = TypeVar("T")


class Pick(Protocol):
    """Draws one of some options."""

    def __call__(self, options: Sequence[T], /) -> T: ...


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One call of a layer, as far as its shapes go.

    `N` is None where the input has no batch axis, `lengths` where it is not packed.
    """

    layer: Layer
    N: int | None
    L: int
    lengths: tuple[int, ...] | None

    @property
    def rows(self) -> int:
        """How many rows `hn` has."""
        return self.layer.D * self.layer.num_layers

    @property
    def batch(self) -> tuple[int, ...]:
        """The batch axis of a state, or nothing."""
        return () if self.N is None else (self.N,)

    @property
    def input_sizes(self) -> tuple[int, ...]:
        time_first = (self.L, *self.batch)
        return (*(time_first[::-1] if self.layer.batch_first else time_first), self.layer.input_size)

    def sizes(self, tensor: str) -> tuple[int | None, ...]:
        """The sizes of `"output"`, `"h_n"`, …, or of a parameter."""
        rules = [*self.layer.read(self.input_sizes).tensors(), *self.layer.parameters()]
        return next(rule.expected for rule in rules if rule.name == tensor)

    def half(self, direction: int) -> str:
        """The part of `output`'s last axis that is this direction; nothing where there is one direction."""
        H = self.layer.H_out
        return "" if self.layer.D == 1 else f":{H}" if direction == 0 else f"{H}:"

    def output_at(self, step: int, features: str = "", sample: int | None = None) -> str:
        """`output` at one step, of one sample or of all."""
        which = ":" if sample is None else str(sample)
        index = [str(step)] if self.N is None else [which, str(step)] if self.layer.batch_first else [str(step), which]
        if index[-1] == ":" and not features:
            index.pop()
        return f"output[{', '.join([*index, features] if features else index)}]"

    def final_in_output(self, direction: int, sample: int | None = None) -> str:
        """The top layer's final state of this direction, as a part of `output`."""
        last = -1 if sample is None or self.lengths is None else self.lengths[sample] - 1
        return self.output_at(0 if direction else last, self.half(direction), sample)

    def code(self, *, with_initial_state: bool = False) -> tuple[str, ...]:
        """The lines that make the layer and call it."""
        layer = self.layer
        name, is_lstm = layer.kind.lower(), layer.has_cell_state
        results = "output, (hn, cn)" if is_lstm else "output, hn"
        construction = (f"{name} = {layer.source()}", f"x = torch.randn{tuple_text(self.input_sizes)}")
        if self.lengths is None:
            initial = (", (h0, c0)" if is_lstm else ", h0") if with_initial_state else ""
            return (*construction, f"{results} = {name}(x{initial})")
        batch_first = ", batch_first=True" if layer.batch_first else ""
        return (
            *construction,
            f"packed = pack_padded_sequence(x, {list(self.lengths)}{batch_first}, enforce_sorted=False)",
            f"{results} = {name}(packed)",
            f"output, lengths = pad_packed_sequence(output{batch_first})",
        )


def draw_setting(kind: str, level: int, pick: Pick) -> Setting:
    """A setting for this kind of question. The draws and their order are those of `web/drill/setting.ts`."""
    groups, first_levels, sizes = RULES["groups"], RULES["first_levels"], RULES["sizes"]
    module = pick(["LSTM"] if kind == "cn-shape" else ["RNN", "LSTM", "GRU"])
    num_layers, bidirectional = pick(STACKS[level])
    batch_first = pick([True, False])
    is_unbatched = (
        pick([False, False, False, True])
        and level >= first_levels["unbatched"]
        and kind in groups["sometimes_unbatched"]
    )
    is_projected = pick([False, True]) and level >= first_levels["projected"] and module == "LSTM"
    input_size, hidden_size, proj_size = (pick(sizes[name]) for name in ("input_size", "hidden_size", "proj_size"))
    layer = Layer(
        module,
        input_size,
        hidden_size,
        num_layers,
        batch_first=batch_first,
        bidirectional=bidirectional,
        proj_size=proj_size if is_projected else 0,
    )
    axes = sizes["about_shapes" if kind in groups["about_shapes"] else "about_states"]
    # No two axes of one size, or a shape with its axes swapped could be the right one by chance.
    different = [N for N in axes["N"] if kind not in groups["about_shapes"] or layer.D * num_layers != N]
    N, L = pick(different), pick(axes["L"])
    is_packed = (
        pick([False, True])
        and level >= first_levels["packed"]
        and kind in groups["sometimes_packed"]
        and not is_unbatched
    )
    lengths = [pick(range(2, L)) for _ in range(N)]
    lengths[pick(range(N))] = L
    return Setting(
        layer=layer,
        N=None if is_unbatched else N,
        L=L,
        lengths=tuple(lengths) if is_packed or kind in groups["always_packed"] else None,
    )
