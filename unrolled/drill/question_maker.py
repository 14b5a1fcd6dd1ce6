"""Questions on shapes and slices, made from a seed: the question, its answer, and why.

The answers follow from the rules of shape (`unrolled.shapes`), so this module needs no torch; `tests/drill/test_worksheet.py` asks torch
for every one. `web/drill/questions.ts` is the same maker in the browser: the same kind, level and seed give the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from unrolled.explorer.forward_pass import mersenne_twister
from unrolled.shapes import Layer
from unrolled.text import tuple_text

KINDS = {
    "output-shape": "the shape of output",
    "hn-shape": "the shape of hn",
    "cn-shape": "the shape of cn",
    "h0-shape": "the shape of h0",
    "parameter-shape": "the shape of a parameter",
    "final-state": "the final state of a layer",
    "state-at-step": "a state at one step",
    "classifier": "what a classifier reads",
    "last-valid-step": "the end of a short sample",
    "equality": "where output and hn meet",
    "steps-read": "what a state has read",
}
"""Each kind of question, and what it asks about."""

LEVELS = 4
# (num_layers, bidirectional), by level: one layer and one direction first, then one of them more, then both.
STACKS = {
    1: [(1, False)],
    2: [(2, False), (1, True)],
    3: [(2, True), (3, False), (1, True), (2, True)],
    4: [(2, True), (3, True), (3, False)],
}
ABOUT_SHAPES = ("output-shape", "hn-shape", "cn-shape", "h0-shape", "parameter-shape")
MAY_BE_UNBATCHED = (*ABOUT_SHAPES, "final-state", "state-at-step", "equality")

Form = Literal["shape", "expression", "yes or no", "steps"]
T = TypeVar("T")
Pick = Callable[[Sequence[T]], T]


@dataclass(frozen=True)
class State:
    """One state of a layer: h or c, of one direction, after `step`, or after the last step of that direction (None)."""

    tensor: Literal["h", "c"]
    layer: int
    direction: int
    step: int | None


@dataclass(frozen=True)
class Setting:
    """One call of a layer, as far as its shapes go. `N` is None where the input has no batch."""

    layer: Layer
    N: int | None
    L: int
    lengths: tuple[int, ...] | None

    @property
    def rows(self) -> int:
        return self.layer.D * self.layer.num_layers

    @property
    def input_sizes(self) -> tuple[int, ...]:
        batch = () if self.N is None else (self.N,)
        return (
            (*batch, self.L, self.layer.input_size)
            if self.layer.batch_first
            else (self.L, *batch, self.layer.input_size)
        )

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


@dataclass(frozen=True)
class Question:
    """A question with its answer. Texts hold code between backticks.

    Of the fields after `reason`, `states` says which states an expression is asked for (side by side along the last axis), `sample`
    of which sample (None: all), and `subject` the tensor, the parameter or the expression that the question is about.
    """

    kind: str
    level: int
    seed: int
    setting: Setting
    code: tuple[str, ...]
    ask: str
    form: Form
    answer: str
    also: tuple[str, ...]
    reason: str
    subject: str = ""
    states: tuple[State, ...] = field(default=())
    sample: int | None = None


def question(kind: str, level: int, seed: int) -> Question:
    """The question that this kind, level (1 to `LEVELS`) and seed (32 bits) name.

    Raises:
        ValueError: there is no such kind or level.
    """
    if kind not in KINDS:
        raise ValueError(f"There is no kind {kind!r}; there are {', '.join(KINDS)}.")
    if level not in STACKS:
        raise ValueError(f"There is no level {level!r}; there are 1 to {LEVELS}.")
    draws = mersenne_twister(seed)

    def pick(options: Sequence[T]) -> T:
        return options[next(draws) % len(options)]

    setting = _setting(kind, level, pick)
    return Question(kind, level, seed, setting, *_MAKERS[kind](setting, pick))


def questions(seed: int, count: int) -> Iterator[Question]:
    """`count` different questions, every kind in turn, from the first level to the last."""
    draws = mersenne_twister(seed)
    asked: set[tuple[tuple[str, ...], str]] = set()
    kinds: list[str] = []
    for number in range(count):
        if not kinds:
            kinds = list(KINDS)
        kind = kinds.pop(next(draws) % len(kinds))
        while (made := question(kind, 1 + LEVELS * number // count, next(draws))) and (made.code, made.ask) in asked:
            pass
        asked.add((made.code, made.ask))
        yield made


def _setting(kind: str, level: int, pick: Pick) -> Setting:
    module = pick(["LSTM"] if kind == "cn-shape" else ["RNN", "LSTM", "GRU"])
    num_layers, bidirectional = pick(STACKS[level])
    batch_first = pick([True, False])
    unbatched = pick([False, False, False, True]) and level > 1 and kind in MAY_BE_UNBATCHED
    projects = pick([False, True]) and level > 2 and module == "LSTM"
    input_size, hidden_size, proj_size = pick([10, 11, 12]), pick([20, 25, 32]), pick([9, 14, 17])
    layer = Layer(
        module,
        input_size,
        hidden_size,
        num_layers,
        batch_first=batch_first,
        bidirectional=bidirectional,
        proj_size=proj_size if projects else 0,
    )
    if kind in ABOUT_SHAPES:
        # No two axes of one size, or a shape with its axes swapped could be the right one by chance.
        N, L = pick([n for n in (3, 8, 16) if n != layer.D * num_layers]), pick([5, 7])
    else:
        N, L = pick([2, 3]), pick([4, 5])
    ragged = pick([False, True]) and level > 3 and kind in ("equality", "steps-read") and not unbatched
    lengths = [pick(range(2, L)) for _ in range(N)]
    lengths[pick(range(N))] = L
    return Setting(layer, None if unbatched else N, L, tuple(lengths) if ragged or kind == "last-valid-step" else None)


# What a maker gives: code, ask, form, answer, also, reason, and then subject, states and sample where there are any.
Made = tuple


def _code(setting: Setting, with_state: bool = False) -> tuple[str, ...]:
    """The lines that make the layer and call it."""
    layer = setting.layer
    name, lstm = layer.kind.lower(), layer.has_cell_state
    state = (", (h0, c0)" if lstm else ", h0") if with_state else ""
    results = "output, (hn, cn)" if lstm else "output, hn"
    made = (f"{name} = {layer.source()}", f"x = torch.randn{tuple_text(setting.input_sizes)}")
    if setting.lengths is None:
        return (*made, f"{results} = {name}(x{state})")
    batch_first = ", batch_first=True" if layer.batch_first else ""
    return (
        *made,
        f"packed = pack_padded_sequence(x, {list(setting.lengths)}{batch_first}, enforce_sorted=False)",
        f"{results} = {name}(packed)",
        f"output, lengths = pad_packed_sequence(output{batch_first})",
    )


def _layout(setting: Setting) -> str:
    """One sentence on the order of the axes of `x` and `output`."""
    if setting.N is None:
        return (
            "`x` has no batch axis, so `batch_first` changes nothing."
            if setting.layer.batch_first
            else "`x` has no batch axis."
        )
    if setting.layer.batch_first:
        return "`batch_first=True` puts the batch before time."
    return "Without `batch_first`, time comes before the batch."


def _output_shape(setting: Setting, pick: Pick) -> Made:
    layer = setting.layer
    reason = "`output` is the top layer at every step. " + _layout(setting)
    if layer.D == 2:
        reason += f" Both directions stand side by side in the last axis: 2 · {layer.H_out}."
    else:
        reason += f" Its last axis is one state, {layer.H_out} wide."
    if layer.proj_size:
        reason += f" `proj_size` makes a state {layer.proj_size} wide."
    return (
        _code(setting),
        "What is the shape of `output`?",
        "shape",
        tuple_text(setting.sizes("output")),
        (),
        reason,
        "output",
    )


def _state_shape(tensor: str, setting: Setting) -> str:
    """Why a state has its shape: its rows, its batch axis and its width."""
    layer = setting.layer
    if layer.D == 2:
        reason = f"`{tensor}` has a row for each layer and direction: {layer.num_layers} · 2 = {setting.rows}. "
    else:
        reason = f"`{tensor}` has a row for each layer: {setting.rows}. "
    if setting.N is None:
        reason += "`x` has no batch axis, so it has none either."
    elif layer.batch_first:
        reason += f"`batch_first` does not touch it: the batch, {setting.N}, is its second axis."
    else:
        reason += f"The batch, {setting.N}, is its second axis."
    if layer.proj_size and tensor == "cn":
        reason += f" A projection narrows h alone: a cell state stays `hidden_size` wide, {layer.hidden_size}."
    elif layer.proj_size:
        reason += f" `proj_size` makes a hidden state {layer.proj_size} wide."
    return reason


def _hn_shape(setting: Setting, pick: Pick) -> Made:
    reason = _state_shape("hn", setting)
    return _code(setting), "What is the shape of `hn`?", "shape", tuple_text(setting.sizes("h_n")), (), reason, "hn"


def _cn_shape(setting: Setting, pick: Pick) -> Made:
    reason = _state_shape("cn", setting)
    return _code(setting), "What is the shape of `cn`?", "shape", tuple_text(setting.sizes("c_n")), (), reason, "cn"


def _h0_shape(setting: Setting, pick: Pick) -> Made:
    reason = _state_shape("h0", setting)
    return (
        _code(setting, True),
        "What shape must `h0` have?",
        "shape",
        tuple_text(setting.sizes("h_0")),
        (),
        reason,
        "h0",
    )


def _parameter_shape(setting: Setting, pick: Pick) -> Made:
    layer, D, H = setting.layer, setting.layer.D, setting.layer.H_out
    k, direction = pick(range(layer.num_layers)), pick(range(D))
    names = ["weight_ih", "weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr"]
    part = pick(names if layer.proj_size else names[:-1])
    name = f"{part}_l{k}{'_reverse' * direction}"
    rows = layer.gates * layer.hidden_size
    gates = f"{layer.gates} gates · {layer.hidden_size} = {rows}" if layer.gates > 1 else f"`hidden_size`, {rows}"
    if part == "weight_hr":
        reason = f"It projects a state from `hidden_size`, {layer.hidden_size}, to `proj_size`, {layer.proj_size}."
    else:
        reason = f"Its rows are what the cell computes: {gates}. "
        if part == "weight_hh":
            reason += f"Its columns multiply the state before, {H} wide"
            reason += " after the projection." if layer.proj_size else "."
        elif part == "weight_ih" and k == 0:
            reason += f"Its columns multiply `x`, {layer.input_size} wide."
        elif part == "weight_ih":
            reason += (
                f"Its columns multiply what the layer below gives, {f'both directions, 2 · {H}' if D == 2 else H} wide."
            )
        else:
            reason += "A bias is one vector of them."
    return (
        _code(setting)[:1],
        f"What is the shape of `{layer.kind.lower()}.{name}`?",
        "shape",
        tuple_text(setting.sizes(name)),
        (),
        reason,
        name,
    )


def _place(setting: Setting, layer: int) -> str:
    """` of the bottom layer`, or nothing where there is one layer."""
    if setting.layer.num_layers == 1:
        return ""
    return f" of {_layer_name(setting, layer)}"


def _layer_name(setting: Setting, layer: int) -> str:
    return (
        "the bottom layer"
        if layer == 0
        else "the top layer"
        if layer == setting.layer.num_layers - 1
        else f"layer {layer}, the middle one"
    )


def _way(setting: Setting, direction: int) -> str:
    """`forward `, `backward `, or nothing where there is one direction."""
    return "" if setting.layer.D == 1 else ("forward ", "backward ")[direction]


def _whose(setting: Setting, width: int, sample: int | None = None) -> str:
    """The end of a question: of which samples, and the shape that the expression is to have."""
    if setting.N is None:
        return f" (shape `{tuple_text([width])}`)?"
    if sample is None:
        return f" for all samples (shape `{tuple_text([setting.N, width])}`)?"
    return f" for sample {sample} (shape `{tuple_text([width])}`)?"


def _final_state(setting: Setting, pick: Pick) -> Made:
    layer, D, K = setting.layer, setting.layer.D, setting.layer.num_layers
    k, direction = pick(range(K)), pick(range(D))
    tensor = pick(["h", "h", "c"] if layer.has_cell_state else ["h"])
    row, name, width = k * D + direction, f"{tensor}n", layer.H_out if tensor == "h" else layer.hidden_size
    what = ("hidden " if tensor == "h" else "cell ") if layer.has_cell_state else ""
    ask = f"Which expression gives the final {_way(setting, direction)}{what}state{_place(setting, k)}{_whose(setting, width)}"
    also = [f"{name}[{row - setting.rows}]"]
    if D == 2 and K > 1:
        batch = () if setting.N is None else (setting.N,)
        also.append(f"{name}.view{tuple_text((K, D, *batch, width))}[{k}, {direction}]")
    if tensor == "h" and k == K - 1:
        also.append(setting.final_in_output(direction))
    if D == 2 and K > 1:
        reason = f"The rows of `{name}` run layer by layer, forward before backward: {k} · 2 + {direction} = {row}."
    elif D == 2:
        reason = f"The rows of `{name}` are forward, then backward."
    elif K > 1:
        reason = f"The rows of `{name}` are the layers, from the bottom up."
    else:
        reason = f"`{name}` keeps its axis of layers even where there is one: `{name}[0]` takes it away."
    if direction == 1:
        reason += " A backward direction ends at step 0."
    return (
        _code(setting),
        ask,
        "expression",
        f"{name}[{row}]",
        tuple(also),
        reason,
        name,
        (State(tensor, k, direction, None),),
    )


def _state_at_step(setting: Setting, pick: Pick) -> Made:
    layer, top = setting.layer, setting.layer.num_layers - 1
    direction, step = pick(range(layer.D)), pick(range(setting.L - 1))
    step += direction  # never the step at which the direction ends: that state is a row of hn, too
    ask = f"Which expression gives the {_way(setting, direction)}state{_place(setting, top)} at step {step}{_whose(setting, layer.H_out)}"
    reason = f"`output` holds every step{_place(setting, top)}, counted from 0. " + _layout(setting)
    if layer.D == 2:
        reason += (
            f" Forward is the first half of the last axis, `:{layer.H_out}`, and backward the second, `{layer.H_out}:`."
        )
    half = setting.half(direction)
    also = (setting.output_at(step - setting.L, half),)
    return (
        _code(setting),
        ask,
        "expression",
        setting.output_at(step, half),
        also,
        reason,
        "output",
        (State("h", top, direction, step),),
    )


def _classifier(setting: Setting, pick: Pick) -> Made:
    layer, top = setting.layer, setting.layer.num_layers - 1
    whose = _whose(setting, layer.D * layer.H_out)
    states = tuple(State("h", top, direction, None) for direction in range(layer.D))
    if layer.D == 1:
        ask = f"A classifier is to read the whole sequence. Which expression gives the final state{_place(setting, top)}{whose}"
        also: tuple[str, ...] = (f"hn[{top}]", setting.final_in_output(0))
        reason = (
            "The last row of `hn` is the top layer after its last step."
            if top
            else "`hn` has one row: the layer after its last step."
        )
        return _code(setting), ask, "expression", "hn[-1]", also, reason, "hn", states
    ask = (
        "A classifier is to read the whole sequence. Which expression puts the final states"
        f"{_place(setting, top)} side by side, forward first,{whose}"
    )
    also = (f"torch.cat([{setting.final_in_output(0)}, {setting.final_in_output(1)}], dim=-1)",)
    reason = (
        "The last two rows of `hn` are the top layer, forward and backward. Forward ends at the last step and backward at step 0, "
        "so no single step of `output` holds both."
    )
    return _code(setting), ask, "expression", "torch.cat([hn[-2], hn[-1]], dim=-1)", also, reason, "hn", states


def _last_valid_step(setting: Setting, pick: Pick) -> Made:
    layer, top, lengths = setting.layer, setting.layer.num_layers - 1, setting.lengths
    sample = pick([sample for sample, length in enumerate(lengths) if length < setting.L])
    direction = pick(range(layer.D))
    ask = f"Which expression gives the final {_way(setting, direction)}state{_place(setting, top)}{_whose(setting, layer.H_out, sample)}"
    row = direction - layer.D
    if direction == 0:
        reason = f"Sample {sample} has {lengths[sample]} steps, so it ends at step {lengths[sample] - 1}; after that, `output` is zeros."
    else:
        reason = f"The backward direction of sample {sample} starts at step {lengths[sample] - 1}, its own last one, and ends at step 0."
    reason += f" `hn` knows the lengths: `hn[{row}, {sample}]` is the same state."
    answer = setting.final_in_output(direction, sample)
    also = (f"hn[{row}, {sample}]", f"hn[{row + setting.rows}, {sample}]")
    states = (State("h", top, direction, None),)
    return _code(setting), ask, "expression", answer, also, reason, "output", states, sample


def _equality(setting: Setting, pick: Pick) -> Made:
    claims = _ragged_claims(setting) if setting.lengths else _claims(setting)
    holds = pick([True, False])
    left, right, _, reason = pick([claim for claim in claims if claim[2] == holds])
    claim = f"torch.equal({left}, {right})"
    return _code(setting), f"Is `{claim}` true?", "yes or no", "yes" if holds else "no", (), reason, claim


def _claims(setting: Setting) -> list[tuple[str, str, bool, str]]:
    """Two expressions, whether they are equal, and why. Not for packed input."""
    layer, D, K, H = setting.layer, setting.layer.D, setting.layer.num_layers, setting.layer.H_out
    at = setting.output_at
    if D == 2:
        claims = [
            (at(-1, f":{H}"), "hn[-2]", True, "`hn[-2]` is the top layer, forward, and forward ends at the last step."),
            (at(0, f"{H}:"), "hn[-1]", True, "`hn[-1]` is the top layer, backward, and backward ends at step 0."),
            (at(-1, f"{H}:"), "hn[-1]", False, "At the last step, backward has read one step. It ends at step 0."),
            (
                at(-1),
                "hn[-1]",
                False,
                f"`output` holds both directions, {2 * H} wide; `hn[-1]` is one of them, {H} wide.",
            ),
            (at(-1, f":{H}"), "hn[-1]", False, "`hn[-1]` is the backward direction. Forward is `hn[-2]`."),
            (at(0, f":{H}"), "hn[-2]", False, "Step 0 is where forward begins. It ends at the last step."),
        ]
        if K > 1:
            claims.append(
                (at(-1, f":{H}"), "hn[0]", False, "`hn[0]` is the bottom layer, and `output` is the top layer.")
            )
            upper = f"`hn[{2 * K - 2}]` is the top layer, forward, and forward ends at the last step."
            claims.append((at(-1, f":{H}"), f"hn[{2 * K - 2}]", True, upper))
        return claims
    batch = () if setting.N is None else (setting.N,)
    shapes = f"`{tuple_text((K, *batch, H))}` against `{tuple_text((*batch, H))}`"
    claims = [
        (
            at(-1),
            "hn[-1]",
            True,
            "The last row of `hn` is the top layer after its last step, and so is this part of `output`.",
        ),
        (at(-1), "hn", False, f"`hn` keeps its axis of layers, so the shapes differ: {shapes}."),
        (at(0), "hn[-1]", False, "Step 0 is where the layer begins. `hn` holds its last step."),
    ]
    if K > 1:
        claims.append((at(-1), "hn[0]", False, "`hn[0]` is the bottom layer, and `output` is the top layer."))
        claims.append((at(-1), f"hn[{K - 1}]", True, f"`hn[{K - 1}]` is the top layer, counted from the bottom."))
    else:
        claims.append((at(-1), "hn[0]", True, "With one layer, `hn[0]` is also the top one."))
    if layer.has_cell_state:
        claims.append((at(-1), "cn[-1]", False, "`output` is made of hidden states. A cell state is in `cn` alone."))
    if setting.N is not None and layer.batch_first:
        claims.append(
            ("output[-1]", "hn[-1]", False, "With `batch_first=True`, `output[-1]` is the last sample at every step.")
        )
    elif setting.N is not None:
        claims.append(
            ("output[:, -1]", "hn[-1]", False, "Time is axis 0 here: `output[:, -1]` is the last sample at every step.")
        )
    return claims


def _ragged_claims(setting: Setting) -> list[tuple[str, str, bool, str]]:
    """The same for packed input, which is padded back."""
    D, K, L = setting.layer.D, setting.layer.num_layers, setting.L
    at, half, forward = setting.output_at, setting.half(0), f"hn[{-D}]"
    short = next(sample for sample, length in enumerate(setting.lengths) if length < L)
    full = next(sample for sample, length in enumerate(setting.lengths) if length == L)
    length = setting.lengths[short]
    padding = f"Sample {short} ends at step {length - 1}: at the last step of `output` it is padding, zeros."
    claims = [
        (at(-1, half), forward, False, padding),
        (at(-1, half, short), f"hn[{-D}, {short}]", False, padding),
        (
            at(length - 1, half, short),
            f"hn[{-D}, {short}]",
            True,
            f"Sample {short} has {length} steps, so step {length - 1} is its last.",
        ),
        (
            at(-1, half, full),
            f"hn[{-D}, {full}]",
            True,
            f"Sample {full} is as long as the batch: the last step is its last.",
        ),
    ]
    if D == 2:
        claims.append(
            (
                at(0, setting.half(1)),
                "hn[-1]",
                True,
                "Every sample's backward direction ends at step 0, whatever its length.",
            )
        )
    if K > 1:
        claims.append(
            (
                at(length - 1, half, short),
                f"hn[0, {short}]",
                False,
                "`hn[0]` is the bottom layer, and `output` is the top layer.",
            )
        )
    return claims


def _steps_read(setting: Setting, pick: Pick) -> Made:
    D, K = setting.layer.D, setting.layer.num_layers
    direction = pick(range(D))
    sample = pick(range(setting.N)) if setting.lengths else None
    end = setting.L if sample is None else setting.lengths[sample]
    step, place = pick(range(end)), pick(["output", "output", "hn"])
    row = pick(range(K)) * D + direction
    every = tuple(range(end))
    of_sample = "" if sample is None else f" of sample {sample}"
    whole = f"all {end} steps{of_sample}"
    if place == "hn":
        subject = f"hn[{row}]" if sample is None else f"hn[{row}, {sample}]"
        read = every
        reason = f"`hn` holds final states, and a final state has read {whole}."
        if direction == 1:
            reason += " A backward direction reads from the end to step 0."
    else:
        subject = setting.output_at(step, setting.half(direction), sample)
        if D == 2 and K > 1:
            read = every
            reason = f"The layer below has two directions, and together they have read {whole}. So has every state above them."
        elif direction == 0:
            read = every[: step + 1]
            reason = f"{'Forward' if D == 2 else 'The layer'} reads from step 0 on, so after step {step} it has read up to there."
        else:
            read = every[step:]
            reason = f"Backward starts at the end{of_sample}, step {end - 1}, so at step {step} it has read from there down to {step}."
    answer = ", ".join(map(str, read))
    of_x = "`x`" if sample is None else f"sample {sample} of `x`"
    return (
        _code(setting),
        f"Which steps of {of_x} has `{subject}` read? Steps count from 0.",
        "steps",
        answer,
        (),
        reason,
        subject,
    )


_MAKERS: dict[str, Callable[[Setting, Pick], Made]] = {
    "output-shape": _output_shape,
    "hn-shape": _hn_shape,
    "cn-shape": _cn_shape,
    "h0-shape": _h0_shape,
    "parameter-shape": _parameter_shape,
    "final-state": _final_state,
    "state-at-step": _state_at_step,
    "classifier": _classifier,
    "last-valid-step": _last_valid_step,
    "equality": _equality,
    "steps-read": _steps_read,
}
