import { tuple } from "./lists.ts";
import { batchOf, half, moduleOf, outputAt, type Setting } from "./setting.ts";
import { sentence } from "./wording.ts";

/** Two expressions over the call's tensors, whether they are equal, and why. */
export interface Claim {
  readonly left: string;
  readonly right: string;
  readonly holds: boolean;
  readonly reason: string;
}

/** Every claim that can be made about `output` and the final states of this call. */
export function claimsOf(setting: Setting): Claim[] {
  if (setting.lengths) return packedClaims(setting, setting.lengths);
  return setting.bidirectional ? claimsOfTwoDirections(setting) : claimsOfOneDirection(setting);
}

function claim(left: string, right: string, holds: boolean, reason: string): Claim {
  return { left, right, holds, reason };
}

function claimsOfTwoDirections(setting: Setting): Claim[] {
  const { H_out: H, num_layers: K } = moduleOf(setting);
  const [end, start] = [outputAt(setting, -1, `:${H}`), outputAt(setting, 0, `:${H}`)];
  const [backwardEnd, backwardStart] = [outputAt(setting, -1, `${H}:`), outputAt(setting, 0, `${H}:`)];
  const claims = [
    claim(end, "hn[-2]", true, sentence("claim_forward", { expression: "hn[-2]" })),
    claim(backwardStart, "hn[-1]", true, sentence("claim_backward")),
    claim(backwardEnd, "hn[-1]", false, sentence("claim_backward_at_the_end")),
    claim(outputAt(setting, -1), "hn[-1]", false, sentence("claim_both_directions", { both: 2 * H, H_out: H })),
    claim(end, "hn[-1]", false, sentence("claim_other_direction")),
    claim(start, "hn[-2]", false, sentence("claim_forward_at_the_start")),
  ];
  if (K > 1) {
    const upper = `hn[${2 * K - 2}]`;
    claims.push(claim(end, "hn[0]", false, sentence("claim_bottom_layer")));
    claims.push(claim(end, upper, true, sentence("claim_forward", { expression: upper })));
  }
  return claims;
}

function claimsOfOneDirection(setting: Setting): Claim[] {
  const { H_out: H, num_layers: K, name: module } = moduleOf(setting);
  const end = outputAt(setting, -1);
  const batch = batchOf(setting);
  const shapes = { hn_shape: tuple([K, ...batch, H]), output_shape: tuple([...batch, H]) };
  const claims = [
    claim(end, "hn[-1]", true, sentence("claim_last_row")),
    claim(end, "hn", false, sentence("claim_axis_of_layers", shapes)),
    claim(outputAt(setting, 0), "hn[-1]", false, sentence("claim_start")),
  ];
  if (K > 1) {
    const top = `hn[${K - 1}]`;
    claims.push(claim(end, "hn[0]", false, sentence("claim_bottom_layer")));
    claims.push(claim(end, top, true, sentence("claim_top_layer", { expression: top })));
  } else {
    claims.push(claim(end, "hn[0]", true, sentence("claim_one_layer")));
  }
  if (module === "LSTM") claims.push(claim(end, "cn[-1]", false, sentence("claim_cell_state")));
  if (setting.N !== null) {
    claims.push(
      setting.batch_first
        ? claim("output[-1]", "hn[-1]", false, sentence("claim_batch_first"))
        : claim("output[:, -1]", "hn[-1]", false, sentence("claim_time_first")),
    );
  }
  return claims;
}

/** Of packed input whose output is padded back. */
function packedClaims(setting: Setting, lengths: readonly number[]): Claim[] {
  const { D, num_layers: K } = moduleOf(setting);
  const short = lengths.findIndex((length) => length < setting.L);
  const longest = lengths.indexOf(setting.L);
  const length = lengths[short]!;
  const last = length - 1;
  const forward = half(setting, 0);
  const endOfShort = outputAt(setting, last, forward, short);
  const padding = sentence("claim_padding", { sample: short, last });
  const claims = [
    claim(outputAt(setting, -1, forward), `hn[${-D}]`, false, padding),
    claim(outputAt(setting, -1, forward, short), `hn[${-D}, ${short}]`, false, padding),
    claim(endOfShort, `hn[${-D}, ${short}]`, true, sentence("claim_short_sample", { sample: short, length, last })),
    claim(
      outputAt(setting, -1, forward, longest),
      `hn[${-D}, ${longest}]`,
      true,
      sentence("claim_longest_sample", { sample: longest }),
    ),
  ];
  if (D === 2) {
    const backward = outputAt(setting, 0, half(setting, 1));
    claims.push(claim(backward, "hn[-1]", true, sentence("claim_backward_of_every_sample")));
  }
  if (K > 1) claims.push(claim(endOfShort, `hn[0, ${short}]`, false, sentence("claim_bottom_layer")));
  return claims;
}
