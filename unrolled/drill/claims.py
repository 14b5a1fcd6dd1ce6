"""The claims of equality that a yes-or-no question is drawn from: two expressions, whether they are equal, and why."""

from __future__ import annotations

from dataclasses import dataclass

from unrolled.drill.setting import Setting
from unrolled.drill.wording import sentence
from unrolled.text import tuple_text


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`left` and `right` are expressions over the call's tensors; `holds` says whether they are equal, `reason` why."""

    left: str
    right: str
    holds: bool
    reason: str


def claims_of(setting: Setting) -> list[Claim]:
    """Every claim that can be made about `output` and the final states of this call."""
    if setting.lengths is not None:
        return _packed_claims(setting, setting.lengths)
    return _claims_of_two_directions(setting) if setting.layer.D == 2 else _claims_of_one_direction(setting)


def _claim(left: str, right: str, holds: bool, reason: str, **values: object) -> Claim:
    return Claim(left=left, right=right, holds=holds, reason=sentence(reason, **values))


def _claims_of_two_directions(setting: Setting) -> list[Claim]:
    K, H = setting.layer.num_layers, setting.layer.H_out
    end, start = setting.output_at(-1, f":{H}"), setting.output_at(0, f":{H}")
    backward_end, backward_start = setting.output_at(-1, f"{H}:"), setting.output_at(0, f"{H}:")
    claims = [
        _claim(end, "hn[-2]", True, "claim_forward", expression="hn[-2]"),
        _claim(backward_start, "hn[-1]", True, "claim_backward"),
        _claim(backward_end, "hn[-1]", False, "claim_backward_at_the_end"),
        _claim(setting.output_at(-1), "hn[-1]", False, "claim_both_directions", both=2 * H, H_out=H),
        _claim(end, "hn[-1]", False, "claim_other_direction"),
        _claim(start, "hn[-2]", False, "claim_forward_at_the_start"),
    ]
    if K > 1:
        upper = f"hn[{2 * K - 2}]"
        claims.append(_claim(end, "hn[0]", False, "claim_bottom_layer"))
        claims.append(_claim(end, upper, True, "claim_forward", expression=upper))
    return claims


def _claims_of_one_direction(setting: Setting) -> list[Claim]:
    layer, K, H = setting.layer, setting.layer.num_layers, setting.layer.H_out
    end = setting.output_at(-1)
    shapes = {"hn_shape": tuple_text((K, *setting.batch, H)), "output_shape": tuple_text((*setting.batch, H))}
    claims = [
        _claim(end, "hn[-1]", True, "claim_last_row"),
        _claim(end, "hn", False, "claim_axis_of_layers", **shapes),
        _claim(setting.output_at(0), "hn[-1]", False, "claim_start"),
    ]
    if K > 1:
        top = f"hn[{K - 1}]"
        claims.append(_claim(end, "hn[0]", False, "claim_bottom_layer"))
        claims.append(_claim(end, top, True, "claim_top_layer", expression=top))
    else:
        claims.append(_claim(end, "hn[0]", True, "claim_one_layer"))
    if layer.has_cell_state:
        claims.append(_claim(end, "cn[-1]", False, "claim_cell_state"))
    if setting.N is not None and layer.batch_first:
        claims.append(_claim("output[-1]", "hn[-1]", False, "claim_batch_first"))
    elif setting.N is not None:
        claims.append(_claim("output[:, -1]", "hn[-1]", False, "claim_time_first"))
    return claims


def _packed_claims(setting: Setting, lengths: tuple[int, ...]) -> list[Claim]:
    """Of packed input whose output is padded back."""
    D, K, L = setting.layer.D, setting.layer.num_layers, setting.L
    short = next(sample for sample, length in enumerate(lengths) if length < L)
    longest = lengths.index(L)
    last = lengths[short] - 1
    forward = setting.half(0)
    end_of_short = setting.output_at(last, forward, short)
    claims = [
        _claim(setting.output_at(-1, forward), f"hn[{-D}]", False, "claim_padding", sample=short, last=last),
        _claim(
            setting.output_at(-1, forward, short),
            f"hn[{-D}, {short}]",
            False,
            "claim_padding",
            sample=short,
            last=last,
        ),
        _claim(
            end_of_short,
            f"hn[{-D}, {short}]",
            True,
            "claim_short_sample",
            sample=short,
            length=lengths[short],
            last=last,
        ),
        _claim(
            setting.output_at(-1, forward, longest),
            f"hn[{-D}, {longest}]",
            True,
            "claim_longest_sample",
            sample=longest,
        ),
    ]
    if D == 2:
        claims.append(_claim(setting.output_at(0, setting.half(1)), "hn[-1]", True, "claim_backward_of_every_sample"))
    if K > 1:
        claims.append(_claim(end_of_short, f"hn[0, {short}]", False, "claim_bottom_layer"))
    return claims
