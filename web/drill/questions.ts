import {
  construct,
  GATES,
  type Module,
  type ModuleName,
  mt19937,
  parameterShapes,
  type Result,
  run,
  type Spec,
  uniform,
} from "../engine/index.ts";

/** Each kind of question, and what it asks about. `unrolled/drill/question_maker.py` is the same maker: the same kind, level and seed give the same question. */
export const KINDS = {
  "output-shape": "the shape of output",
  "hn-shape": "the shape of hn",
  "cn-shape": "the shape of cn",
  "h0-shape": "the shape of h0",
  "parameter-shape": "the shape of a parameter",
  "final-state": "the final state of a layer",
  "state-at-step": "a state at one step",
  classifier: "what a classifier reads",
  "last-valid-step": "the end of a short sample",
  equality: "where output and hn meet",
  "steps-read": "what a state has read",
} as const;
export type Kind = keyof typeof KINDS;

export const LEVELS = 4;
/** num_layers and bidirectional, by level: one layer and one direction first, then one of them more, then both. */
const STACKS: readonly (readonly (readonly [number, boolean])[])[] = [
  [[1, false]],
  [
    [2, false],
    [1, true],
  ],
  [
    [2, true],
    [3, false],
    [1, true],
    [2, true],
  ],
  [
    [2, true],
    [3, true],
    [3, false],
  ],
];
const ABOUT_SHAPES: readonly Kind[] = ["output-shape", "hn-shape", "cn-shape", "h0-shape", "parameter-shape"];
const MAY_BE_UNBATCHED: readonly Kind[] = [...ABOUT_SHAPES, "final-state", "state-at-step", "equality"];

/** One state of a layer: of one direction, after `step`, or after the last step of that direction (null). */
export interface State {
  readonly tensor: "h" | "c";
  readonly layer: number;
  readonly direction: number;
  readonly step: number | null;
}

/** One call of a layer. N is null where the input has no batch. */
export interface Setting {
  readonly module: ModuleName;
  readonly input_size: number;
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly batch_first: boolean;
  readonly bidirectional: boolean;
  readonly proj_size: number;
  readonly N: number | null;
  readonly L: number;
  readonly lengths: readonly number[] | null;
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
  readonly also: readonly string[];
  readonly reason: string;
  /** The tensor, the parameter or the expression that the question is about. */
  readonly subject: string;
  /** Which states an expression is asked for, side by side along the last axis. */
  readonly states: readonly State[];
  /** Of which sample; null for all. */
  readonly sample: number | null;
}

type Choose = <T>(options: readonly T[]) => T;
type Made = Pick<Question, "code" | "ask" | "form" | "answer" | "reason" | "subject"> & Partial<Question>;

/** The question that this kind, level (1 to LEVELS) and seed (32 bits) name. */
export function question(kind: Kind, level: number, seed: number): Question {
  const draw = mt19937(seed);
  const pick: Choose = (options) => options[draw() % options.length]!;
  const setting = drawSetting(kind, level, pick);
  return { kind, level, seed, setting, also: [], states: [], sample: null, ...MAKERS[kind](setting, pick) };
}

function drawSetting(kind: Kind, level: number, pick: Choose): Setting {
  const module = pick<ModuleName>(kind === "cn-shape" ? ["LSTM"] : ["RNN", "LSTM", "GRU"]);
  const [num_layers, bidirectional] = pick(STACKS[level - 1]!);
  const batch_first = pick([true, false]);
  const unbatched = pick([false, false, false, true]) && level > 1 && MAY_BE_UNBATCHED.includes(kind);
  const projects = pick([false, true]) && level > 2 && module === "LSTM";
  const [input_size, hidden_size, proj_size] = [pick([10, 11, 12]), pick([20, 25, 32]), pick([9, 14, 17])];
  const rows = num_layers * (bidirectional ? 2 : 1);
  // No two axes of one size, or a shape with its axes swapped could be the right one by chance.
  const [N, L] = ABOUT_SHAPES.includes(kind)
    ? [pick([3, 8, 16].filter((n) => n !== rows)), pick([5, 7])]
    : [pick([2, 3]), pick([4, 5])];
  const ragged = pick([false, true]) && level > 3 && (kind === "equality" || kind === "steps-read") && !unbatched;
  const lengths = range(0, N).map(() => pick(range(2, L)));
  lengths[pick(range(0, N))] = L;
  return {
    module,
    input_size,
    hidden_size,
    num_layers,
    batch_first,
    bidirectional,
    proj_size: projects ? proj_size : 0,
    N: unbatched ? null : N,
    L,
    lengths: ragged || kind === "last-valid-step" ? lengths : null,
  };
}

/** D, H_out and the like. */
export function moduleOf(setting: Setting): Module {
  return construct({ ...setting, input: [] });
}

export function inputSizes({ N, L, input_size, batch_first }: Setting): number[] {
  if (N === null) return [L, input_size];
  return batch_first ? [N, L, input_size] : [L, N, input_size];
}

/** The call as it is run, on numbers that tell every state from every other. */
export function specOf(question: Question): Spec {
  const { N, L, lengths, proj_size, ...rest } = question.setting;
  const shape = inputSizes(question.setting);
  const data = uniform(
    mt19937(question.seed),
    shape.reduce((product, size) => product * size, 1),
    -1,
    1,
  );
  const projection = proj_size > 0 ? { proj_size } : {};
  return { ...rest, ...projection, seed: question.seed, input: { shape, data }, ...(lengths ? { lengths } : {}) };
}

/** The engine's shape of a tensor or a parameter. */
function sizesOf(name: string, setting: Setting): readonly number[] {
  const module = moduleOf(setting);
  const parameter = parameterShapes(module).get(name);
  if (parameter) return parameter;
  const shape = inputSizes(setting);
  const small: Result = run({
    ...setting,
    lengths: null,
    input: { shape, data: new Float32Array(shape.reduce((product, size) => product * size, 1)) },
  });
  return small.shapes[name === "h_0" ? "h_n" : name]!;
}

export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(end - start, 0) }, (_, index) => start + index);
}

/** As Python writes a tuple. */
export function tuple(sizes: readonly number[]): string {
  return `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
}

/** The line of Python that makes the layer. */
function source({
  module,
  input_size,
  hidden_size,
  num_layers,
  batch_first,
  bidirectional,
  proj_size,
}: Setting): string {
  const options = [
    num_layers > 1 ? `num_layers=${num_layers}` : "",
    batch_first ? "batch_first=True" : "",
    bidirectional ? "bidirectional=True" : "",
    proj_size > 0 ? `proj_size=${proj_size}` : "",
  ];
  return `nn.${module}(${[input_size, hidden_size, ...options.filter(Boolean)].join(", ")})`;
}

/** The lines that make the layer and call it. */
function codeOf(setting: Setting, withState = false): string[] {
  const name = setting.module.toLowerCase();
  const isLstm = setting.module === "LSTM";
  const state = withState ? (isLstm ? ", (h0, c0)" : ", h0") : "";
  const results = isLstm ? "output, (hn, cn)" : "output, hn";
  const made = [`${name} = ${source(setting)}`, `x = torch.randn${tuple(inputSizes(setting))}`];
  if (setting.lengths === null) return [...made, `${results} = ${name}(x${state})`];
  const batchFirst = setting.batch_first ? ", batch_first=True" : "";
  return [
    ...made,
    `packed = pack_padded_sequence(x, [${setting.lengths.join(", ")}]${batchFirst}, enforce_sorted=False)`,
    `${results} = ${name}(packed)`,
    `output, lengths = pad_packed_sequence(output${batchFirst})`,
  ];
}

/** The part of output's last axis that is this direction; nothing where there is one direction. */
export function half(setting: Setting, direction: number): string {
  const { D, H_out } = moduleOf(setting);
  return D === 1 ? "" : direction === 0 ? `:${H_out}` : `${H_out}:`;
}

/** `output` at one step, of one sample or of all. */
export function outputAt(
  { N, batch_first }: Setting,
  step: number,
  features = "",
  sample: number | null = null,
): string {
  const which = sample === null ? ":" : String(sample);
  const index = N === null ? [String(step)] : batch_first ? [which, String(step)] : [String(step), which];
  if (index.at(-1) === ":" && !features) index.pop();
  return `output[${[...index, ...(features ? [features] : [])].join(", ")}]`;
}

/** The top layer's final state of this direction, as a part of output. */
function finalInOutput(setting: Setting, direction: number, sample: number | null = null): string {
  const last = sample === null || setting.lengths === null ? -1 : setting.lengths[sample]! - 1;
  return outputAt(setting, direction === 1 ? 0 : last, half(setting, direction), sample);
}

/** One sentence on the order of the axes of `x` and `output`. */
function layoutWords({ N, batch_first }: Setting): string {
  if (N === null)
    return batch_first ? "`x` has no batch axis, so `batch_first` changes nothing." : "`x` has no batch axis.";
  return batch_first
    ? "`batch_first=True` puts the batch before time."
    : "Without `batch_first`, time comes before the batch.";
}

/** ` of the bottom layer`, or nothing where there is one layer. */
function placeWords(setting: Setting, layer: number): string {
  return setting.num_layers === 1 ? "" : ` of ${layerName(setting, layer)}`;
}

export function layerName({ num_layers }: Setting, layer: number): string {
  return layer === 0
    ? "the bottom layer"
    : layer === num_layers - 1
      ? "the top layer"
      : `layer ${layer}, the middle one`;
}

/** `forward `, `backward `, or nothing where there is one direction. */
function wayWords({ bidirectional }: Setting, direction: number): string {
  return bidirectional ? (direction === 0 ? "forward " : "backward ") : "";
}

/** The end of a question: of which samples, and the shape that the expression is to have. */
function whose({ N }: Setting, width: number, sample: number | null = null): string {
  if (N === null) return ` (shape \`${tuple([width])}\`)?`;
  if (sample === null) return ` for all samples (shape \`${tuple([N, width])}\`)?`;
  return ` for sample ${sample} (shape \`${tuple([width])}\`)?`;
}

/** A question about a shape: its tensor as the code names it, and as the engine does. */
function shapeQuestion(
  setting: Setting,
  subject: string,
  name: string,
  ask: string,
  reason: string,
  code = codeOf(setting),
): Made {
  return { code, ask, form: "shape", answer: tuple(sizesOf(name, setting)), reason, subject };
}

function outputShape(setting: Setting): Made {
  const { D, H_out, proj_size } = moduleOf(setting);
  let reason = `\`output\` is the top layer at every step. ${layoutWords(setting)}`;
  reason +=
    D === 2
      ? ` Both directions stand side by side in the last axis: 2 · ${H_out}.`
      : ` Its last axis is one state, ${H_out} wide.`;
  if (proj_size > 0) reason += ` \`proj_size\` makes a state ${proj_size} wide.`;
  return shapeQuestion(setting, "output", "output", "What is the shape of `output`?", reason);
}

/** Why a state has its shape: its rows, its batch axis and its width. */
function stateShape(
  tensor: string,
  { N, num_layers, bidirectional, batch_first, proj_size, hidden_size }: Setting,
): string {
  let reason = bidirectional
    ? `\`${tensor}\` has a row for each layer and direction: ${num_layers} · 2 = ${2 * num_layers}. `
    : `\`${tensor}\` has a row for each layer: ${num_layers}. `;
  if (N === null) reason += "`x` has no batch axis, so it has none either.";
  else
    reason += batch_first
      ? `\`batch_first\` does not touch it: the batch, ${N}, is its second axis.`
      : `The batch, ${N}, is its second axis.`;
  if (proj_size > 0 && tensor === "cn")
    reason += ` A projection narrows h alone: a cell state stays \`hidden_size\` wide, ${hidden_size}.`;
  else if (proj_size > 0) reason += ` \`proj_size\` makes a hidden state ${proj_size} wide.`;
  return reason;
}

function parameterShape(setting: Setting, pick: Choose): Made {
  const { D, H_out, hidden_size, input_size, proj_size, num_layers, name: module } = moduleOf(setting);
  const [k, direction] = [pick(range(0, num_layers)), pick(range(0, D))];
  const names = ["weight_ih", "weight_ih", "weight_hh", "bias_ih", "bias_hh"];
  const part = pick(proj_size > 0 ? [...names, "weight_hr"] : names);
  const name = `${part}_l${k}${direction === 1 ? "_reverse" : ""}`;
  const gates = GATES[module];
  let reason: string;
  if (part === "weight_hr") {
    reason = `It projects a state from \`hidden_size\`, ${hidden_size}, to \`proj_size\`, ${proj_size}.`;
  } else {
    const rows =
      gates > 1 ? `${gates} gates · ${hidden_size} = ${gates * hidden_size}` : `\`hidden_size\`, ${hidden_size}`;
    reason = `Its rows are what the cell computes: ${rows}. `;
    if (part === "weight_hh")
      reason += `Its columns multiply the state before, ${H_out} wide${proj_size > 0 ? " after the projection." : "."}`;
    else if (part === "weight_ih" && k === 0) reason += `Its columns multiply \`x\`, ${input_size} wide.`;
    else if (part === "weight_ih")
      reason += `Its columns multiply what the layer below gives, ${D === 2 ? `both directions, 2 · ${H_out}` : H_out} wide.`;
    else reason += "A bias is one vector of them.";
  }
  const ask = `What is the shape of \`${module.toLowerCase()}.${name}\`?`;
  return shapeQuestion(setting, name, name, ask, reason, codeOf(setting).slice(0, 1));
}

function finalState(setting: Setting, pick: Choose): Made {
  const { D, H_out, hidden_size, num_layers: K, name: module } = moduleOf(setting);
  const [k, direction] = [pick(range(0, K)), pick(range(0, D))];
  const tensor = pick<"h" | "c">(module === "LSTM" ? ["h", "h", "c"] : ["h"]);
  const row = k * D + direction;
  const name = `${tensor}n`;
  const width = tensor === "h" ? H_out : hidden_size;
  const what = module === "LSTM" ? (tensor === "h" ? "hidden " : "cell ") : "";
  const ask = `Which expression gives the final ${wayWords(setting, direction)}${what}state${placeWords(setting, k)}${whose(setting, width)}`;
  const also = [`${name}[${row - D * K}]`];
  if (D === 2 && K > 1) {
    const batch = setting.N === null ? [] : [setting.N];
    also.push(`${name}.view${tuple([K, D, ...batch, width])}[${k}, ${direction}]`);
  }
  if (tensor === "h" && k === K - 1) also.push(finalInOutput(setting, direction));
  let reason: string;
  if (D === 2 && K > 1)
    reason = `The rows of \`${name}\` run layer by layer, forward before backward: ${k} · 2 + ${direction} = ${row}.`;
  else if (D === 2) reason = `The rows of \`${name}\` are forward, then backward.`;
  else if (K > 1) reason = `The rows of \`${name}\` are the layers, from the bottom up.`;
  else reason = `\`${name}\` keeps its axis of layers even where there is one: \`${name}[0]\` takes it away.`;
  if (direction === 1) reason += " A backward direction ends at step 0.";
  const states = [{ tensor, layer: k, direction, step: null }];
  return {
    code: codeOf(setting),
    ask,
    form: "expression",
    answer: `${name}[${row}]`,
    also,
    reason,
    subject: name,
    states,
  };
}

function stateAtStep(setting: Setting, pick: Choose): Made {
  const { D, H_out, num_layers } = moduleOf(setting);
  const top = num_layers - 1;
  const direction = pick(range(0, D));
  // Never the step at which the direction ends: that state is a row of hn, too.
  const step = pick(range(0, setting.L - 1)) + direction;
  const ask = `Which expression gives the ${wayWords(setting, direction)}state${placeWords(setting, top)} at step ${step}${whose(setting, H_out)}`;
  let reason = `\`output\` holds every step${placeWords(setting, top)}, counted from 0. ${layoutWords(setting)}`;
  if (D === 2)
    reason += ` Forward is the first half of the last axis, \`:${H_out}\`, and backward the second, \`${H_out}:\`.`;
  const features = half(setting, direction);
  const also = [outputAt(setting, step - setting.L, features)];
  const states: State[] = [{ tensor: "h", layer: top, direction, step }];
  return {
    code: codeOf(setting),
    ask,
    form: "expression",
    answer: outputAt(setting, step, features),
    also,
    reason,
    subject: "output",
    states,
  };
}

function classifier(setting: Setting): Made {
  const { D, H_out, num_layers } = moduleOf(setting);
  const top = num_layers - 1;
  const states = range(0, D).map((direction): State => ({ tensor: "h", layer: top, direction, step: null }));
  const opening = "A classifier is to read the whole sequence. Which expression";
  const made = { code: codeOf(setting), form: "expression", subject: "hn", states } as const;
  if (D === 1) {
    const ask = `${opening} gives the final state${placeWords(setting, top)}${whose(setting, H_out)}`;
    const reason =
      top > 0
        ? "The last row of `hn` is the top layer after its last step."
        : "`hn` has one row: the layer after its last step.";
    return { ...made, ask, answer: "hn[-1]", also: [`hn[${top}]`, finalInOutput(setting, 0)], reason };
  }
  return {
    ...made,
    ask: `${opening} puts the final states${placeWords(setting, top)} side by side, forward first,${whose(setting, 2 * H_out)}`,
    answer: "torch.cat([hn[-2], hn[-1]], dim=-1)",
    also: [`torch.cat([${finalInOutput(setting, 0)}, ${finalInOutput(setting, 1)}], dim=-1)`],
    reason:
      "The last two rows of `hn` are the top layer, forward and backward. Forward ends at the last step and backward at step 0, " +
      "so no single step of `output` holds both.",
  };
}

function lastValidStep(setting: Setting, pick: Choose): Made {
  const { D, H_out, num_layers } = moduleOf(setting);
  const lengths = setting.lengths!;
  const top = num_layers - 1;
  const sample = pick(range(0, lengths.length).filter((sample) => lengths[sample]! < setting.L));
  const direction = pick(range(0, D));
  const length = lengths[sample]!;
  const row = direction - D;
  const reason =
    direction === 0
      ? `Sample ${sample} has ${length} steps, so it ends at step ${length - 1}; after that, \`output\` is zeros.`
      : `The backward direction of sample ${sample} starts at step ${length - 1}, its own last one, and ends at step 0.`;
  return {
    code: codeOf(setting),
    ask: `Which expression gives the final ${wayWords(setting, direction)}state${placeWords(setting, top)}${whose(setting, H_out, sample)}`,
    form: "expression",
    answer: finalInOutput(setting, direction, sample),
    also: [`hn[${row}, ${sample}]`, `hn[${row + D * num_layers}, ${sample}]`],
    reason: `${reason} \`hn\` knows the lengths: \`hn[${row}, ${sample}]\` is the same state.`,
    subject: "output",
    states: [{ tensor: "h", layer: top, direction, step: null }],
    sample,
  };
}

type Claim = readonly [left: string, right: string, holds: boolean, reason: string];

function equality(setting: Setting, pick: Choose): Made {
  const claims = setting.lengths ? raggedClaims(setting, setting.lengths) : claimsOf(setting);
  const holds = pick([true, false]);
  const [left, right, , reason] = pick(claims.filter((claim) => claim[2] === holds));
  const subject = `torch.equal(${left}, ${right})`;
  return {
    code: codeOf(setting),
    ask: `Is \`${subject}\` true?`,
    form: "yes or no",
    answer: holds ? "yes" : "no",
    reason,
    subject,
  };
}

/** Two expressions, whether they are equal, and why. Not for packed input. */
function claimsOf(setting: Setting): Claim[] {
  const { D, H_out: H, num_layers: K, name: module } = moduleOf(setting);
  const at = (step: number, features = ""): string => outputAt(setting, step, features);
  if (D === 2) {
    const claims: Claim[] = [
      [at(-1, `:${H}`), "hn[-2]", true, "`hn[-2]` is the top layer, forward, and forward ends at the last step."],
      [at(0, `${H}:`), "hn[-1]", true, "`hn[-1]` is the top layer, backward, and backward ends at step 0."],
      [at(-1, `${H}:`), "hn[-1]", false, "At the last step, backward has read one step. It ends at step 0."],
      [
        at(-1),
        "hn[-1]",
        false,
        `\`output\` holds both directions, ${2 * H} wide; \`hn[-1]\` is one of them, ${H} wide.`,
      ],
      [at(-1, `:${H}`), "hn[-1]", false, "`hn[-1]` is the backward direction. Forward is `hn[-2]`."],
      [at(0, `:${H}`), "hn[-2]", false, "Step 0 is where forward begins. It ends at the last step."],
    ];
    if (K > 1) {
      claims.push([at(-1, `:${H}`), "hn[0]", false, "`hn[0]` is the bottom layer, and `output` is the top layer."]);
      const upper = `hn[${2 * K - 2}]`;
      claims.push([
        at(-1, `:${H}`),
        upper,
        true,
        `\`${upper}\` is the top layer, forward, and forward ends at the last step.`,
      ]);
    }
    return claims;
  }
  const batch = setting.N === null ? [] : [setting.N];
  const shapes = `\`${tuple([K, ...batch, H])}\` against \`${tuple([...batch, H])}\``;
  const claims: Claim[] = [
    [
      at(-1),
      "hn[-1]",
      true,
      "The last row of `hn` is the top layer after its last step, and so is this part of `output`.",
    ],
    [at(-1), "hn", false, `\`hn\` keeps its axis of layers, so the shapes differ: ${shapes}.`],
    [at(0), "hn[-1]", false, "Step 0 is where the layer begins. `hn` holds its last step."],
  ];
  if (K > 1) {
    claims.push([at(-1), "hn[0]", false, "`hn[0]` is the bottom layer, and `output` is the top layer."]);
    claims.push([at(-1), `hn[${K - 1}]`, true, `\`hn[${K - 1}]\` is the top layer, counted from the bottom.`]);
  } else {
    claims.push([at(-1), "hn[0]", true, "With one layer, `hn[0]` is also the top one."]);
  }
  if (module === "LSTM")
    claims.push([at(-1), "cn[-1]", false, "`output` is made of hidden states. A cell state is in `cn` alone."]);
  if (setting.N !== null) {
    claims.push(
      setting.batch_first
        ? ["output[-1]", "hn[-1]", false, "With `batch_first=True`, `output[-1]` is the last sample at every step."]
        : ["output[:, -1]", "hn[-1]", false, "Time is axis 0 here: `output[:, -1]` is the last sample at every step."],
    );
  }
  return claims;
}

/** The same for packed input, which is padded back. */
function raggedClaims(setting: Setting, lengths: readonly number[]): Claim[] {
  const { D, num_layers } = moduleOf(setting);
  const forward = half(setting, 0);
  const short = lengths.findIndex((length) => length < setting.L);
  const full = lengths.indexOf(setting.L);
  const length = lengths[short]!;
  const at = (step: number, sample: number | null): string => outputAt(setting, step, forward, sample);
  const padding = `Sample ${short} ends at step ${length - 1}: at the last step of \`output\` it is padding, zeros.`;
  const claims: Claim[] = [
    [at(-1, null), `hn[${-D}]`, false, padding],
    [at(-1, short), `hn[${-D}, ${short}]`, false, padding],
    [
      at(length - 1, short),
      `hn[${-D}, ${short}]`,
      true,
      `Sample ${short} has ${length} steps, so step ${length - 1} is its last.`,
    ],
    [at(-1, full), `hn[${-D}, ${full}]`, true, `Sample ${full} is as long as the batch: the last step is its last.`],
  ];
  if (D === 2) {
    const backward = outputAt(setting, 0, half(setting, 1));
    claims.push([backward, "hn[-1]", true, "Every sample's backward direction ends at step 0, whatever its length."]);
  }
  if (num_layers > 1)
    claims.push([
      at(length - 1, short),
      `hn[0, ${short}]`,
      false,
      "`hn[0]` is the bottom layer, and `output` is the top layer.",
    ]);
  return claims;
}

function stepsRead(setting: Setting, pick: Choose): Made {
  const { D, num_layers: K } = moduleOf(setting);
  const direction = pick(range(0, D));
  const sample = setting.lengths ? pick(range(0, setting.lengths.length)) : null;
  const end = sample === null ? setting.L : setting.lengths![sample]!;
  const [step, place] = [pick(range(0, end)), pick(["output", "output", "hn"])];
  const row = pick(range(0, K)) * D + direction;
  const ofSample = sample === null ? "" : ` of sample ${sample}`;
  const whole = `all ${end} steps${ofSample}`;
  let subject = outputAt(setting, step, half(setting, direction), sample);
  let read = range(0, end);
  let reason: string;
  if (place === "hn") {
    subject = sample === null ? `hn[${row}]` : `hn[${row}, ${sample}]`;
    reason = `\`hn\` holds final states, and a final state has read ${whole}.`;
    if (direction === 1) reason += " A backward direction reads from the end to step 0.";
  } else if (D === 2 && K > 1) {
    reason = `The layer below has two directions, and together they have read ${whole}. So has every state above them.`;
  } else if (direction === 0) {
    read = range(0, step + 1);
    reason = `${D === 2 ? "Forward" : "The layer"} reads from step 0 on, so after step ${step} it has read up to there.`;
  } else {
    read = range(step, end);
    reason = `Backward starts at the end${ofSample}, step ${end - 1}, so at step ${step} it has read from there down to ${step}.`;
  }
  const ofX = sample === null ? "`x`" : `sample ${sample} of \`x\``;
  const ask = `Which steps of ${ofX} has \`${subject}\` read? Steps count from 0.`;
  return { code: codeOf(setting), ask, form: "steps", answer: read.join(", "), reason, subject };
}

const MAKERS: Readonly<Record<Kind, (setting: Setting, pick: Choose) => Made>> = {
  "output-shape": outputShape,
  "hn-shape": (setting) => shapeQuestion(setting, "hn", "h_n", "What is the shape of `hn`?", stateShape("hn", setting)),
  "cn-shape": (setting) => shapeQuestion(setting, "cn", "c_n", "What is the shape of `cn`?", stateShape("cn", setting)),
  "h0-shape": (setting) =>
    shapeQuestion(setting, "h0", "h_0", "What shape must `h0` have?", stateShape("h0", setting), codeOf(setting, true)),
  "parameter-shape": parameterShape,
  "final-state": finalState,
  "state-at-step": stateAtStep,
  classifier,
  "last-valid-step": lastValidStep,
  equality,
  "steps-read": stepsRead,
};
