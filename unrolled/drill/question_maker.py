"""Questions on shapes and slices, made from a seed: the question, its answer, and why.

The answers follow from the rules of shape (`unrolled.shapes`), so this package needs no torch;
`tests/drill/test_worksheet.py` asks torch for every one. `web/drill/questions.ts` is the same maker in the browser: the
same kind, level and seed give the same question. `unrolled/drill/wording.py` says what the two share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from unrolled.drill.claims import claims_of
from unrolled.drill.setting import Pick, Setting, T, draw_setting
from unrolled.drill.wording import KINDS, LEVELS, RULES, STACKS, sentence
from unrolled.explorer.forward_pass import mersenne_twister
from unrolled.text import tuple_text

Form = Literal["shape", "expression", "yes or no", "steps"]


@dataclass(frozen=True, kw_only=True)
class StateIndex:
    """Which state: h or c, of a layer and direction, after `step`, or after the direction's last step (None)."""

    tensor: Literal["h", "c"]
    layer: int
    direction: int
    step: int | None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """What a maker writes of a question. Texts hold code between backticks.

    `also` are other right answers. `subject` is the tensor, the parameter or the expression that the question is about;
    `states` says which states an expression is asked for, side by side along the last axis, and `sample` of which
    sample (None: of all).
    """

    code: tuple[str, ...]
    ask: str
    form: Form
    answer: str
    also: tuple[str, ...] = ()
    reason: str
    subject: str
    states: tuple[StateIndex, ...] = ()
    sample: int | None = None


@dataclass(frozen=True, kw_only=True)
class Question(Draft):
    """A question with its answer: what `question(kind, level, seed)` gives."""

    kind: str
    level: int
    seed: int
    setting: Setting


def question(kind: str, level: int, seed: int) -> Question:
    """The question that this kind, level (1 to `LEVELS`) and seed (32 bits) name.

    Raises:
        ValueError: there is no such kind or level.

    Example:
        >>> question("hn-shape", 1, 0).ask
        'What is the shape of `hn`?'
    """
    if kind not in KINDS:
        raise ValueError(f"There is no kind {kind!r}; there are {', '.join(KINDS)}.")
    if level not in STACKS:
        raise ValueError(f"There is no level {level!r}; there are 1 to {LEVELS}.")
    draws = mersenne_twister(seed)

    def pick(options: Sequence[T], /) -> T:
        return options[next(draws) % len(options)]

    setting = draw_setting(kind, level, pick)
    return Question(kind=kind, level=level, seed=seed, setting=setting, **vars(_MAKERS[kind](setting, pick)))


def questions(seed: int, count: int) -> Iterator[Question]:
    """`count` different questions, every kind in turn, from the first level to the last."""
    draws = mersenne_twister(seed)
    earlier: set[tuple[tuple[str, ...], str]] = set()
    kinds: list[str] = []
    for number in range(count):
        if not kinds:
            kinds = list(KINDS)
        kind = kinds.pop(next(draws) % len(kinds))
        level = 1 + LEVELS * number // count
        candidate = question(kind, level, next(draws))
        while (candidate.code, candidate.ask) in earlier:
            candidate = question(kind, level, next(draws))
        earlier.add((candidate.code, candidate.ask))
        yield candidate


# Parts of sentences


def _axis_order(setting: Setting) -> str:
    """One sentence on the order of the axes of `x` and `output`."""
    if setting.N is None:
        return sentence("order_unbatched_batch_first" if setting.layer.batch_first else "order_unbatched")
    return sentence("order_batch_first" if setting.layer.batch_first else "order_time_first")


def _of_layer(setting: Setting, layer: int) -> str:
    """` of the bottom layer`, or nothing where there is one layer."""
    if setting.layer.num_layers == 1:
        return ""
    if layer == 0:
        return sentence("of_layer", layer=sentence("bottom_layer"))
    if layer == setting.layer.num_layers - 1:
        return sentence("of_layer", layer=sentence("top_layer"))
    return sentence("of_layer", layer=sentence("middle_layer", layer=layer))


def _direction(setting: Setting, direction: int) -> str:
    """`forward `, `backward `, or nothing where there is one direction."""
    return "" if setting.layer.D == 1 else sentence(("forward", "backward")[direction])


def _for_samples(setting: Setting, width: int, sample: int | None = None) -> str:
    """The end of a question: for which samples, and the shape that the expression is to have."""
    if setting.N is None:
        return sentence("for_one_sequence", shape=tuple_text([width]))
    if sample is None:
        return sentence("for_all_samples", shape=tuple_text([setting.N, width]))
    return sentence("for_sample", sample=sample, shape=tuple_text([width]))


# Questions about a shape


def _output_shape(setting: Setting, pick: Pick) -> Draft:
    layer, H = setting.layer, setting.layer.H_out
    reasons = [
        sentence("output_is_the_top_layer"),
        _axis_order(setting),
        sentence("output_two_directions" if layer.D == 2 else "output_one_direction", H_out=H),
    ]
    if layer.proj_size:
        reasons.append(sentence("output_projected", H_out=H))
    return _shape_draft(setting, "output", "output", " ".join(reasons))


def _shape_draft(setting: Setting, subject: str, tensor: str, reason: str) -> Draft:
    """The question about `subject`, as the code names it (`hn`); `tensor` is its name in `unrolled.shapes` (`h_n`)."""
    return Draft(
        code=setting.code(with_initial_state=subject == "h0"),
        ask=sentence("ask_h0_shape" if subject == "h0" else "ask_shape", subject=subject),
        form="shape",
        answer=tuple_text(setting.sizes(tensor)),
        reason=reason,
        subject=subject,
    )


def _state_shape(setting: Setting, subject: str, tensor: str) -> Draft:
    """Of a state: its rows, its batch axis and its width."""
    layer = setting.layer
    rows = "rows_two_directions" if layer.D == 2 else "rows_one_direction"
    reasons = [sentence(rows, tensor=subject, num_layers=layer.num_layers, rows=setting.rows)]
    if setting.N is None:
        reasons.append(sentence("state_unbatched"))
    else:
        reasons.append(sentence("state_batch_first" if layer.batch_first else "state_time_first", N=setting.N))
    if layer.proj_size and subject == "cn":
        reasons.append(sentence("cell_state_not_projected", hidden_size=layer.hidden_size))
    elif layer.proj_size:
        reasons.append(sentence("hidden_state_projected", H_out=layer.H_out))
    return _shape_draft(setting, subject, tensor, " ".join(reasons))


def _hn_shape(setting: Setting, pick: Pick) -> Draft:
    return _state_shape(setting, "hn", "h_n")


def _cn_shape(setting: Setting, pick: Pick) -> Draft:
    return _state_shape(setting, "cn", "c_n")


def _h0_shape(setting: Setting, pick: Pick) -> Draft:
    return _state_shape(setting, "h0", "h_0")


def _parameter_shape(setting: Setting, pick: Pick) -> Draft:
    layer = setting.layer
    k, direction = pick(range(layer.num_layers)), pick(range(layer.D))
    parameter = pick([*RULES["parameters"], *(["weight_hr"] if layer.proj_size else [])])
    name = f"{parameter}_l{k}{'_reverse' * direction}"
    return Draft(
        code=setting.code()[:1],
        ask=sentence("ask_shape", subject=f"{layer.kind.lower()}.{name}"),
        form="shape",
        answer=tuple_text(setting.sizes(name)),
        reason=_parameter_reason(setting, parameter, k),
        subject=name,
    )


def _parameter_reason(setting: Setting, parameter: str, k: int) -> str:
    layer, hidden_size, H = setting.layer, setting.layer.hidden_size, setting.layer.H_out
    if parameter == "weight_hr":
        return sentence("weight_hr", hidden_size=hidden_size, proj_size=layer.proj_size)
    rows = sentence(
        "gates" if layer.gates > 1 else "no_gates",
        gates=layer.gates,
        hidden_size=hidden_size,
        rows=layer.gates * hidden_size,
    )
    if parameter == "weight_hh":
        columns = sentence("weight_hh_projected" if layer.proj_size else "weight_hh", H_out=H)
    elif parameter == "weight_ih" and k == 0:
        columns = sentence("weight_ih_of_x", input_size=layer.input_size)
    elif parameter == "weight_ih":
        columns = sentence("weight_ih_two_directions" if layer.D == 2 else "weight_ih_one_direction", H_out=H)
    else:
        columns = sentence("bias")
    return f"{rows} {columns}"


# Questions for an expression


def _final_state(setting: Setting, pick: Pick) -> Draft:
    layer, D, K = setting.layer, setting.layer.D, setting.layer.num_layers
    k, direction = pick(range(K)), pick(range(D))
    choices: list[Literal["h", "c"]] = ["h", "h", "c"] if layer.has_cell_state else ["h"]
    tensor = pick(choices)
    row, name, width = k * D + direction, f"{tensor}n", layer.H_out if tensor == "h" else layer.hidden_size
    also = [f"{name}[{row - setting.rows}]"]
    if D == 2 and K > 1:
        also.append(f"{name}.view{tuple_text((K, D, *setting.batch, width))}[{k}, {direction}]")
    if tensor == "h" and k == K - 1:
        also.append(setting.final_in_output(direction))
    rows = {
        (True, True): "final_layers_and_directions",
        (False, True): "final_directions",
        (True, False): "final_layers",
        (False, False): "final_one_row",
    }[K > 1, D == 2]
    reasons = [sentence(rows, tensor=name, layer=k, direction=direction, row=row)]
    if direction == 1:
        reasons.append(sentence("final_backward"))
    return Draft(
        code=setting.code(),
        ask=sentence(
            "ask_final_state",
            direction=_direction(setting, direction),
            tensor=sentence("hidden" if tensor == "h" else "cell") if layer.has_cell_state else "",
            of_layer=_of_layer(setting, k),
            for_samples=_for_samples(setting, width),
        ),
        form="expression",
        answer=f"{name}[{row}]",
        also=tuple(also),
        reason=" ".join(reasons),
        subject=name,
        states=(StateIndex(tensor=tensor, layer=k, direction=direction, step=None),),
    )


def _state_at_step(setting: Setting, pick: Pick) -> Draft:
    layer, top = setting.layer, setting.layer.num_layers - 1
    direction = pick(range(layer.D))
    # Never the step at which the direction ends: that state is a row of hn, too.
    step = pick(range(setting.L - 1)) + direction
    half = setting.half(direction)
    reasons = [sentence("every_step", of_layer=_of_layer(setting, top)), _axis_order(setting)]
    if layer.D == 2:
        reasons.append(sentence("halves", H_out=layer.H_out))
    return Draft(
        code=setting.code(),
        ask=sentence(
            "ask_state_at_step",
            direction=_direction(setting, direction),
            of_layer=_of_layer(setting, top),
            step=step,
            for_samples=_for_samples(setting, layer.H_out),
        ),
        form="expression",
        answer=setting.output_at(step, half),
        also=(setting.output_at(step - setting.L, half),),
        reason=" ".join(reasons),
        subject="output",
        states=(StateIndex(tensor="h", layer=top, direction=direction, step=step),),
    )


def _classifier(setting: Setting, pick: Pick) -> Draft:
    layer, top = setting.layer, setting.layer.num_layers - 1
    gaps = {
        "of_layer": _of_layer(setting, top),
        "for_samples": _for_samples(setting, layer.D * layer.H_out),
    }
    states = tuple(StateIndex(tensor="h", layer=top, direction=direction, step=None) for direction in range(layer.D))
    if layer.D == 1:
        return Draft(
            code=setting.code(),
            ask=sentence("ask_classifier_one_direction", **gaps),
            form="expression",
            answer="hn[-1]",
            also=(f"hn[{top}]", setting.final_in_output(0)),
            reason=sentence("classifier_last_row" if top else "classifier_one_row"),
            subject="hn",
            states=states,
        )
    return Draft(
        code=setting.code(),
        ask=sentence("ask_classifier_two_directions", **gaps),
        form="expression",
        answer="torch.cat([hn[-2], hn[-1]], dim=-1)",
        also=(f"torch.cat([{setting.final_in_output(0)}, {setting.final_in_output(1)}], dim=-1)",),
        reason=sentence("classifier_two_directions"),
        subject="hn",
        states=states,
    )


def _last_valid_step(setting: Setting, pick: Pick) -> Draft:
    layer, top, lengths = setting.layer, setting.layer.num_layers - 1, setting.lengths or ()
    sample = pick([sample for sample, length in enumerate(lengths) if length < setting.L])
    direction = pick(range(layer.D))
    length, row = lengths[sample], direction - layer.D
    in_hn = f"hn[{row}, {sample}]"
    reasons = [
        sentence("short_backward" if direction else "short_forward", sample=sample, length=length, last=length - 1),
        sentence("short_in_hn", expression=in_hn),
    ]
    return Draft(
        code=setting.code(),
        ask=sentence(
            "ask_final_state",
            direction=_direction(setting, direction),
            tensor="",
            of_layer=_of_layer(setting, top),
            for_samples=_for_samples(setting, layer.H_out, sample),
        ),
        form="expression",
        answer=setting.final_in_output(direction, sample),
        also=(in_hn, f"hn[{row + setting.rows}, {sample}]"),
        reason=" ".join(reasons),
        subject="output",
        states=(StateIndex(tensor="h", layer=top, direction=direction, step=None),),
        sample=sample,
    )


# The others


def _equality(setting: Setting, pick: Pick) -> Draft:
    holds = pick([True, False])
    claim = pick([claim for claim in claims_of(setting) if claim.holds == holds])
    subject = f"torch.equal({claim.left}, {claim.right})"
    return Draft(
        code=setting.code(),
        ask=sentence("ask_equality", subject=subject),
        form="yes or no",
        answer="yes" if holds else "no",
        reason=claim.reason,
        subject=subject,
    )


def _steps_read(setting: Setting, pick: Pick) -> Draft:
    D, K = setting.layer.D, setting.layer.num_layers
    direction = pick(range(D))
    sample = None if setting.lengths is None else pick(range(len(setting.lengths)))
    end = setting.L if sample is None or setting.lengths is None else setting.lengths[sample]
    step, tensor = pick(range(end)), pick(["output", "output", "hn"])
    row = pick(range(K)) * D + direction
    of_sample = "" if sample is None else sentence("of_sample", sample=sample)
    steps = range(end)
    if tensor == "hn":
        subject = f"hn[{row}]" if sample is None else f"hn[{row}, {sample}]"
        reason = sentence("read_final", steps=end, of_sample=of_sample)
        if direction == 1:
            reason = " ".join([reason, sentence("read_final_backward")])
    else:
        subject = setting.output_at(step, setting.half(direction), sample)
        if D == 2 and K > 1:
            reason = sentence("read_below", steps=end, of_sample=of_sample)
        elif direction == 0:
            steps = range(step + 1)
            reason = sentence("read_forward" if D == 2 else "read_layer", step=step)
        else:
            steps = range(step, end)
            reason = sentence("read_backward", of_sample=of_sample, last=end - 1, step=step)
    of_x = sentence("x") if sample is None else sentence("sample_of_x", sample=sample)
    return Draft(
        code=setting.code(),
        ask=sentence("ask_steps_read", of_x=of_x, subject=subject),
        form="steps",
        answer=", ".join(map(str, steps)),
        reason=reason,
        subject=subject,
    )


_MAKERS: dict[str, Callable[[Setting, Pick], Draft]] = {
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
