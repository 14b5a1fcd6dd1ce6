import { parameters } from "../../unrolled/drill/questions.json";
import { GATES, mt19937, type Spec, size, uniform } from "../engine/index.ts";
import { claimsOf } from "./claims.ts";
import { range, tuple } from "./lists.ts";
import {
  batchOf,
  codeOf,
  drawSetting,
  finalInOutput,
  half,
  inputSizes,
  moduleOf,
  outputAt,
  type PickOne,
  type Setting,
  sizesOf,
} from "./setting.ts";
import { type Kind, sentence } from "./wording.ts";

/** Which state: h or c, of a layer and direction, after `step`, or after the direction's last step (null). */
export interface StateIndex {
  readonly tensor: "h" | "c";
  readonly layer: number;
  readonly direction: number;
  readonly step: number | null;
}

export type Form = "shape" | "expression" | "yes or no" | "steps";

/** A question with its answer. Texts hold code between backticks. */
export interface Question {
  readonly kind: Kind;
  readonly level: number;
  readonly seed: number;
  readonly setting: Setting;
  readonly code: readonly string[];
  readonly ask: string;
  readonly form: Form;
  readonly answer: string;
  /** Other right answers. */
  readonly also: readonly string[];
  readonly reason: string;
  /** The tensor, the parameter or the expression that the question is about. */
  readonly subject: string;
  /** Which states an expression is asked for, side by side along the last axis. */
  readonly states: readonly StateIndex[];
  /** Of which sample; null for all. */
  readonly sample: number | null;
}

/** What a maker writes of a question. */
type Draft = Pick<Question, "code" | "ask" | "form" | "answer" | "reason" | "subject"> & Partial<Question>;

/**
 * The question that this kind, level (1 to LEVELS) and seed (32 bits) name. `unrolled/drill/question_maker.py` is the same
 * maker in Python: the same kind, level and seed give the same question.
 */
export function question(kind: Kind, level: number, seed: number): Question {
  const draw = mt19937(seed);
  const pick: PickOne = (options) => options[draw() % options.length]!;
  const setting = drawSetting(kind, level, pick);
  return { kind, level, seed, setting, also: [], states: [], sample: null, ...MAKERS[kind](setting, pick) };
}

/** The call as it is run, on numbers that tell every state from every other. */
export function specOf({ setting, seed }: Question): Spec {
  const { N, L, lengths, proj_size, ...rest } = setting;
  const shape = inputSizes(setting);
  const input = { shape, data: uniform(mt19937(seed), size(shape), -1, 1) };
  return { ...rest, ...(proj_size > 0 ? { proj_size } : {}), seed, input, ...(lengths ? { lengths } : {}) };
}

// Parts of sentences

/** One sentence on the order of the axes of `x` and `output`. */
function axisOrder({ N, batch_first }: Setting): string {
  if (N === null) return sentence(batch_first ? "order_unbatched_batch_first" : "order_unbatched");
  return sentence(batch_first ? "order_batch_first" : "order_time_first");
}

/** ` of the bottom layer`, or nothing where there is one layer. */
function ofLayer(setting: Setting, layer: number): string {
  return setting.num_layers === 1 ? "" : sentence("of_layer", { layer: layerName(setting, layer) });
}

export function layerName({ num_layers }: Setting, layer: number): string {
  if (layer === 0) return sentence("bottom_layer");
  return layer === num_layers - 1 ? sentence("top_layer") : sentence("middle_layer", { layer });
}

/** `forward `, `backward `, or nothing where there is one direction. */
function directionWord({ bidirectional }: Setting, direction: number): string {
  return bidirectional ? sentence(direction === 0 ? "forward" : "backward") : "";
}

/** The end of a question: for which samples, and the shape that the expression is to have. */
function forSamples({ N }: Setting, width: number, sample: number | null = null): string {
  if (N === null) return sentence("for_one_sequence", { shape: tuple([width]) });
  if (sample === null) return sentence("for_all_samples", { shape: tuple([N, width]) });
  return sentence("for_sample", { sample, shape: tuple([width]) });
}

// Questions about a shape

/** The question about `subject`, as the code names it (`hn`); `tensor` is the engine's name for it (`h_n`). */
function shapeDraft(setting: Setting, subject: string, tensor: string, reason: string): Draft {
  const isGiven = subject === "h0";
  return {
    code: codeOf(setting, isGiven),
    ask: sentence(isGiven ? "ask_h0_shape" : "ask_shape", { subject }),
    form: "shape",
    answer: tuple(sizesOf(tensor, setting)),
    reason,
    subject,
  };
}

function outputShape(setting: Setting): Draft {
  const { D, H_out, proj_size } = moduleOf(setting);
  const reasons = [
    sentence("output_is_the_top_layer"),
    axisOrder(setting),
    sentence(D === 2 ? "output_two_directions" : "output_one_direction", { H_out }),
  ];
  if (proj_size > 0) reasons.push(sentence("output_projected", { H_out }));
  return shapeDraft(setting, "output", "output", reasons.join(" "));
}

/** Of a state: its rows, its batch axis and its width. */
function stateShape(setting: Setting, subject: "hn" | "cn" | "h0", tensor: string): Draft {
  const { D, H_out, num_layers, batch_first, proj_size, hidden_size } = moduleOf(setting);
  const { N } = setting;
  const rows = D === 2 ? "rows_two_directions" : "rows_one_direction";
  const reasons = [sentence(rows, { tensor: subject, num_layers, rows: D * num_layers })];
  if (N === null) reasons.push(sentence("state_unbatched"));
  else reasons.push(sentence(batch_first ? "state_batch_first" : "state_time_first", { N }));
  if (proj_size > 0) {
    reasons.push(
      subject === "cn"
        ? sentence("cell_state_not_projected", { hidden_size })
        : sentence("hidden_state_projected", { H_out }),
    );
  }
  return shapeDraft(setting, subject, tensor, reasons.join(" "));
}

function parameterShape(setting: Setting, pick: PickOne): Draft {
  const { D, num_layers, proj_size, name: module } = moduleOf(setting);
  const [layer, direction] = [pick(range(0, num_layers)), pick(range(0, D))];
  const parameter = pick(proj_size > 0 ? [...parameters, "weight_hr"] : parameters);
  const name = `${parameter}_l${layer}${direction === 1 ? "_reverse" : ""}`;
  return {
    code: codeOf(setting).slice(0, 1),
    ask: sentence("ask_shape", { subject: `${module.toLowerCase()}.${name}` }),
    form: "shape",
    answer: tuple(sizesOf(name, setting)),
    reason: parameterReason(setting, parameter, layer),
    subject: name,
  };
}

function parameterReason(setting: Setting, parameter: string, layer: number): string {
  const { D, H_out, hidden_size, input_size, proj_size, name: module } = moduleOf(setting);
  if (parameter === "weight_hr") return sentence("weight_hr", { hidden_size, proj_size });
  const gates = GATES[module];
  const rows = sentence(gates > 1 ? "gates" : "no_gates", { gates, hidden_size, rows: gates * hidden_size });
  const columns = (): string => {
    if (parameter === "weight_hh") return sentence(proj_size > 0 ? "weight_hh_projected" : "weight_hh", { H_out });
    if (parameter !== "weight_ih") return sentence("bias");
    if (layer === 0) return sentence("weight_ih_of_x", { input_size });
    return sentence(D === 2 ? "weight_ih_two_directions" : "weight_ih_one_direction", { H_out });
  };
  return `${rows} ${columns()}`;
}

// Questions for an expression

function finalState(setting: Setting, pick: PickOne): Draft {
  const { D, H_out, hidden_size, num_layers: K, name: module } = moduleOf(setting);
  const [layer, direction] = [pick(range(0, K)), pick(range(0, D))];
  const tensor = pick<"h" | "c">(module === "LSTM" ? ["h", "h", "c"] : ["h"]);
  const row = layer * D + direction;
  const name = `${tensor}n`;
  const width = tensor === "h" ? H_out : hidden_size;
  const also = [`${name}[${row - D * K}]`];
  if (D === 2 && K > 1) also.push(`${name}.view${tuple([K, D, ...batchOf(setting), width])}[${layer}, ${direction}]`);
  if (tensor === "h" && layer === K - 1) also.push(finalInOutput(setting, direction));
  const rows =
    K > 1 ? (D === 2 ? "final_layers_and_directions" : "final_layers") : D === 2 ? "final_directions" : "final_one_row";
  const reasons = [sentence(rows, { tensor: name, layer, direction, row })];
  if (direction === 1) reasons.push(sentence("final_backward"));
  return {
    code: codeOf(setting),
    ask: sentence("ask_final_state", {
      direction: directionWord(setting, direction),
      tensor: module === "LSTM" ? sentence(tensor === "h" ? "hidden" : "cell") : "",
      of_layer: ofLayer(setting, layer),
      for_samples: forSamples(setting, width),
    }),
    form: "expression",
    answer: `${name}[${row}]`,
    also,
    reason: reasons.join(" "),
    subject: name,
    states: [{ tensor, layer, direction, step: null }],
  };
}

function stateAtStep(setting: Setting, pick: PickOne): Draft {
  const { D, H_out, num_layers } = moduleOf(setting);
  const top = num_layers - 1;
  const direction = pick(range(0, D));
  // Never the step at which the direction ends: that state is a row of hn, too.
  const step = pick(range(0, setting.L - 1)) + direction;
  const features = half(setting, direction);
  const reasons = [sentence("every_step", { of_layer: ofLayer(setting, top) }), axisOrder(setting)];
  if (D === 2) reasons.push(sentence("halves", { H_out }));
  return {
    code: codeOf(setting),
    ask: sentence("ask_state_at_step", {
      direction: directionWord(setting, direction),
      of_layer: ofLayer(setting, top),
      step,
      for_samples: forSamples(setting, H_out),
    }),
    form: "expression",
    answer: outputAt(setting, step, features),
    also: [outputAt(setting, step - setting.L, features)],
    reason: reasons.join(" "),
    subject: "output",
    states: [{ tensor: "h", layer: top, direction, step }],
  };
}

function classifier(setting: Setting): Draft {
  const { D, H_out, num_layers } = moduleOf(setting);
  const top = num_layers - 1;
  const states = range(0, D).map((direction): StateIndex => ({ tensor: "h", layer: top, direction, step: null }));
  const gaps = { of_layer: ofLayer(setting, top), for_samples: forSamples(setting, D * H_out) };
  const draft = { code: codeOf(setting), form: "expression", subject: "hn", states } as const;
  if (D === 1) {
    return {
      ...draft,
      ask: sentence("ask_classifier_one_direction", gaps),
      answer: "hn[-1]",
      also: [`hn[${top}]`, finalInOutput(setting, 0)],
      reason: sentence(top > 0 ? "classifier_last_row" : "classifier_one_row"),
    };
  }
  return {
    ...draft,
    ask: sentence("ask_classifier_two_directions", gaps),
    answer: "torch.cat([hn[-2], hn[-1]], dim=-1)",
    also: [`torch.cat([${finalInOutput(setting, 0)}, ${finalInOutput(setting, 1)}], dim=-1)`],
    reason: sentence("classifier_two_directions"),
  };
}

function lastValidStep(setting: Setting, pick: PickOne): Draft {
  const { D, H_out, num_layers } = moduleOf(setting);
  const lengths = setting.lengths ?? [];
  const top = num_layers - 1;
  const sample = pick(range(0, lengths.length).filter((sample) => lengths[sample]! < setting.L));
  const direction = pick(range(0, D));
  const length = lengths[sample]!;
  const row = direction - D;
  const inHn = `hn[${row}, ${sample}]`;
  const reason = sentence(direction === 0 ? "short_forward" : "short_backward", { sample, length, last: length - 1 });
  return {
    code: codeOf(setting),
    ask: sentence("ask_final_state", {
      direction: directionWord(setting, direction),
      tensor: "",
      of_layer: ofLayer(setting, top),
      for_samples: forSamples(setting, H_out, sample),
    }),
    form: "expression",
    answer: finalInOutput(setting, direction, sample),
    also: [inHn, `hn[${row + D * num_layers}, ${sample}]`],
    reason: `${reason} ${sentence("short_in_hn", { expression: inHn })}`,
    subject: "output",
    states: [{ tensor: "h", layer: top, direction, step: null }],
    sample,
  };
}

// The others

function equality(setting: Setting, pick: PickOne): Draft {
  const holds = pick([true, false]);
  const { left, right, reason } = pick(claimsOf(setting).filter((claim) => claim.holds === holds));
  const subject = `torch.equal(${left}, ${right})`;
  const ask = sentence("ask_equality", { subject });
  return { code: codeOf(setting), ask, form: "yes or no", answer: holds ? "yes" : "no", reason, subject };
}

function stepsRead(setting: Setting, pick: PickOne): Draft {
  const { D, num_layers: K } = moduleOf(setting);
  const direction = pick(range(0, D));
  const sample = setting.lengths ? pick(range(0, setting.lengths.length)) : null;
  const end = sample === null ? setting.L : setting.lengths![sample]!;
  const [step, tensor] = [pick(range(0, end)), pick(["output", "output", "hn"])];
  const row = pick(range(0, K)) * D + direction;
  const of_sample = sample === null ? "" : sentence("of_sample", { sample });
  let subject = outputAt(setting, step, half(setting, direction), sample);
  let steps = range(0, end);
  let reason: string;
  if (tensor === "hn") {
    subject = sample === null ? `hn[${row}]` : `hn[${row}, ${sample}]`;
    reason = sentence("read_final", { steps: end, of_sample });
    if (direction === 1) reason = `${reason} ${sentence("read_final_backward")}`;
  } else if (D === 2 && K > 1) {
    reason = sentence("read_below", { steps: end, of_sample });
  } else if (direction === 0) {
    steps = range(0, step + 1);
    reason = sentence(D === 2 ? "read_forward" : "read_layer", { step });
  } else {
    steps = range(step, end);
    reason = sentence("read_backward", { of_sample, last: end - 1, step });
  }
  const of_x = sample === null ? sentence("x") : sentence("sample_of_x", { sample });
  const ask = sentence("ask_steps_read", { of_x, subject });
  return { code: codeOf(setting), ask, form: "steps", answer: steps.join(", "), reason, subject };
}

const MAKERS: Readonly<Record<Kind, (setting: Setting, pick: PickOne) => Draft>> = {
  "output-shape": outputShape,
  "hn-shape": (setting) => stateShape(setting, "hn", "h_n"),
  "cn-shape": (setting) => stateShape(setting, "cn", "c_n"),
  "h0-shape": (setting) => stateShape(setting, "h0", "h_0"),
  "parameter-shape": parameterShape,
  "final-state": finalState,
  "state-at-step": stateAtStep,
  classifier,
  "last-valid-step": lastValidStep,
  equality,
  "steps-read": stepsRead,
};
