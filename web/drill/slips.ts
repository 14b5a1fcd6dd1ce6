import { GATES } from "../engine/index.ts";
import { tuple } from "./lists.ts";
import type { Question } from "./questions.ts";
import { inputSizes, moduleOf } from "./setting.ts";

/** One thing that people believe of a shape, and the sentence that undoes it. */
interface Slip {
  readonly name: string;
  readonly sentence: string;
}

/** The slips that can be made here, and the shape that a set of them leads to; null where they do not go together. */
interface Beliefs {
  readonly slips: readonly Slip[];
  readonly shape: (has: (name: string) => boolean) => number[] | null;
}

/**
 * The sentences for a wrong shape: those of the fewest slips, one or two, that lead to exactly this shape; null where none do.
 */
export function shapeSlip(question: Question, typed: readonly number[]): string | null {
  const { slips, shape } = beliefsOf(question);
  const right = tuple(shape(() => false)!);
  const wrong = tuple(typed);
  const leads = (...chosen: Slip[]): boolean => {
    const result = shape((name) => chosen.some((slip) => slip.name === name));
    return result !== null && tuple(result) === wrong && wrong !== right;
  };
  const one = slips.find((slip) => leads(slip));
  if (one) return one.sentence;
  const other = otherTensor(question, wrong);
  if (other) return other;
  for (const [index, first] of slips.entries()) {
    const second = slips.slice(index + 1).find((slip) => leads(first, slip) && !leads(slip));
    if (second) return `${first.sentence} ${second.sentence}`;
  }
  const sizes = question.answer.match(/\d+/g)!.map(Number);
  if (typed.length !== sizes.length)
    return `It has ${sizes.length} ${sizes.length === 1 ? "axis" : "axes"}, not ${typed.length}.`;
  const differing = sizes.flatMap((size, axis) => (size === typed[axis] ? [] : [axis]));
  return differing.length === 1 && sizes.length > 1 ? `All but axis ${differing[0]} is right.` : null;
}

function beliefsOf(question: Question): Beliefs {
  if (question.subject === "output") return outputBeliefs(question);
  return question.kind === "parameter-shape" ? parameterBeliefs(question) : stateBeliefs(question);
}

/** `That is the shape of x.` */
function otherTensor({ setting, subject }: Question, typed: string): string | null {
  const { D, H_out, num_layers } = moduleOf(setting);
  const input = inputSizes(setting);
  const batch = setting.N === null ? [] : [setting.N];
  const shapes: Record<string, number[]> = {
    x: input,
    output: [...input.slice(0, -1), D * H_out],
    hn: [D * num_layers, ...batch, H_out],
  };
  const known = Object.entries(shapes).find(([name, shape]) => name !== subject && tuple(shape) === typed);
  if (!known || (subject === "h0" && known[0] === "hn")) return null;
  return `That is the shape of \`${known[0]}\`.`;
}

function outputBeliefs({ setting }: Question): Beliefs {
  const { D, H_out, num_layers: K, hidden_size, proj_size, input_size, batch_first } = moduleOf(setting);
  const { N, L } = setting;
  const slips: Slip[] = [];
  const addIf = (when: boolean, name: string, sentence: string): void => void (when && slips.push({ name, sentence }));
  addIf(
    D === 2,
    "one direction",
    `That is one direction wide. \`output\` puts both side by side in its last axis: 2 · ${H_out}.`,
  );
  const order = batch_first
    ? "`batch_first=True` puts the batch before time"
    : "`batch_first` is not set, so time comes before the batch";
  addIf(N !== null, "swapped", `${order}, in \`output\` as in \`x\`.`);
  addIf(
    proj_size > 0,
    "hidden",
    `\`proj_size\` narrows every hidden state to ${proj_size}; \`hidden_size\` is the width of the cell state.`,
  );
  addIf(K > 1, "layers side by side", "The layers are not side by side: `output` is the top layer alone.");
  addIf(K > 1, "layers", "`output` is the top layer alone. The other layers are not in it.");
  addIf(D === 2, "stacked", "`output` puts the directions side by side in its last axis. It is `hn` that stacks them.");
  addIf(true, "input", `The last axis of \`output\` is made of states, not of inputs: ${input_size} is what goes in.`);
  addIf(N === null, "batch of one", "`x` has no batch axis, and neither has `output`.");
  addIf(N !== null, "no batch", "`x` has a batch axis, and `output` keeps it.");
  addIf(true, "last step", "That is one step. `output` holds every step.");
  return {
    slips,
    shape: (has) => {
      const width =
        (has("input") ? input_size : has("hidden") ? hidden_size : H_out) * (has("layers side by side") ? K : 1);
      const features = has("input") || has("one direction") || has("stacked") ? width : D * width;
      const batch = N === null ? (has("batch of one") ? [1] : []) : has("no batch") ? [] : [N];
      const time = has("last step") ? [] : [L];
      const first = batch_first !== has("swapped");
      const lead = [...(has("layers") ? [K] : []), ...(has("stacked") ? [2] : [])];
      return [...lead, ...(first ? [...batch, ...time] : [...time, ...batch]), features];
    },
  };
}

/** Of hn, cn and h0. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a list of slips, one after the other, and the shape that they lead to.
function stateBeliefs({ setting, subject }: Question): Beliefs {
  const { D, H_out, num_layers: K, hidden_size, proj_size, batch_first, input_size } = moduleOf(setting);
  const { N, L } = setting;
  const name = `\`${subject}\``;
  const width = subject === "cn" ? hidden_size : H_out;
  const slips: Slip[] = [];
  const addIf = (when: boolean, name: string, sentence: string): void => void (when && slips.push({ name, sentence }));
  const untouched = batch_first ? "`batch_first` does not touch" : "The batch does not come first in";
  addIf(
    N !== null,
    "batch first",
    `${untouched} ${name}: its rows, one for each layer${D === 2 ? " and direction" : ""}, come first.`,
  );
  addIf(D === 2, "one direction", `Each direction ends in a state of its own, so there are 2 rows for each layer.`);
  addIf(K > 1, "one layer", `Every layer ends in a state of its own, not only the top one.`);
  addIf(true, "no rows", `${name} keeps its axis of layers, even where there is one layer.`);
  addIf(
    D === 2,
    "side by side",
    `${name} stacks the directions along its first axis. It is \`output\` that puts them side by side.`,
  );
  addIf(D === 2, "apart", `Layers and directions share one axis: ${K} · 2 = ${2 * K}.`);
  addIf(
    proj_size > 0 && subject !== "cn",
    "hidden",
    `\`proj_size\` narrows every hidden state to ${proj_size}; \`hidden_size\` is the width of the cell state.`,
  );
  addIf(
    proj_size > 0 && subject === "cn",
    "projected",
    `\`proj_size\` narrows h alone. A cell state stays \`hidden_size\` wide, ${hidden_size}.`,
  );
  const batchAxis = batch_first
    ? "with `batch_first=True` the batch is the first axis of `x`"
    : "without `batch_first` the batch is the second axis of `x`";
  addIf(N !== null, "time", `${L} is how many steps there are: ${batchAxis}. ${name} has no axis of time.`);
  addIf(true, "every step", `${name} has no axis of time: it holds one step of each row.`);
  addIf(N === null, "batch of one", `\`x\` has no batch axis, so ${name} has none either.`);
  addIf(
    N === null && L > 0,
    "steps as batch",
    `\`x\` has no batch axis: its ${L} rows are steps. ${name} has neither.`,
  );
  addIf(N !== null, "no batch", `Every sample has states of its own: the second axis of ${name} is the batch.`);
  addIf(true, "input", `A state is ${width} wide. ${input_size} is the width of the input.`);
  return {
    slips,
    shape: (has) => {
      const features =
        (has("input") ? input_size : has("hidden") ? hidden_size : has("projected") ? proj_size : width) *
        (has("side by side") ? 2 : 1);
      const directions = has("one direction") || has("side by side") ? 1 : D;
      const layers = has("one layer") ? 1 : K;
      const rows = has("no rows") ? [] : has("apart") ? [layers, directions] : [layers * directions];
      if (N !== null && has("no batch") && has("time")) return null;
      const samples = has("time") ? L : N;
      const batch =
        samples === null
          ? has("batch of one")
            ? [1]
            : has("steps as batch")
              ? [L]
              : []
          : has("no batch")
            ? []
            : [samples];
      const time = has("every step") ? [L] : [];
      return has("batch first") ? [...batch, ...rows, ...time, features] : [...rows, ...batch, ...time, features];
    },
  };
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a list of slips, one after the other, and the shape that they lead to.
function parameterBeliefs({ setting, subject }: Question): Beliefs {
  const { D, H_out, hidden_size, proj_size, input_size, name: module } = moduleOf(setting);
  const [part, layer] = [subject.slice(0, subject.indexOf("_l")), Number(/_l(\d)/.exec(subject)![1])];
  const gates = GATES[module];
  const slips: Slip[] = [];
  const addIf = (when: boolean, name: string, sentence: string): void => void (when && slips.push({ name, sentence }));
  const isMatrix = part.startsWith("weight");
  const projects = part === "weight_hr";
  addIf(
    isMatrix,
    "transposed",
    projects
      ? "The other way round: rows are what comes out."
      : "The other way round: rows are what the cell computes, columns what it reads.",
  );
  addIf(
    gates > 1 && !projects,
    "one gate",
    `That is one gate. ${module === "LSTM" ? "An LSTM" : "A GRU"} stacks its ${gates} gates along the rows: ${gates} · ${hidden_size}.`,
  );
  addIf(
    gates !== 4 && !projects,
    "four gates",
    `Four gates are an LSTM's. ${module === "GRU" ? "A GRU has 3" : "An RNN has none: `hidden_size` rows"}.`,
  );
  addIf(
    gates !== 3 && !projects,
    "three gates",
    `Three gates are a GRU's. ${module === "LSTM" ? "An LSTM has 4" : "An RNN has none: `hidden_size` rows"}.`,
  );
  addIf(
    part === "weight_ih" && layer > 0 && D === 2,
    "one direction",
    `The layer below hands up both directions side by side: 2 · ${H_out} columns.`,
  );
  addIf(
    part === "weight_ih" && layer > 0,
    "input",
    `Only the bottom layer reads \`x\`. Layer ${layer} reads the layer below.`,
  );
  addIf(
    part === "weight_ih",
    "state",
    "`weight_ih` multiplies what comes in from below. It is `weight_hh` that multiplies the state before.",
  );
  addIf(
    part === "weight_hh" && D === 2,
    "both directions",
    `Each direction reads its own state before, ${H_out} wide.`,
  );
  addIf(
    part === "weight_hh",
    "reads x",
    "`weight_hh` multiplies the state before. It is `weight_ih` that multiplies what comes in.",
  );
  addIf(
    proj_size > 0 && part.endsWith("h") && isMatrix,
    "hidden",
    `The projected state is what is read: \`proj_size\`, ${proj_size}, wide.`,
  );
  addIf(
    proj_size > 0 && !projects,
    "projected rows",
    `The gates are computed before the projection: \`hidden_size\`, ${hidden_size}, rows each.`,
  );
  addIf(projects, "gates", "The projection follows the gates: it reads the one vector that they make.");
  addIf(!isMatrix, "a column", "A bias has one axis.");
  addIf(!isMatrix, "a matrix", "A bias is one number for each row, not a matrix.");
  return {
    slips,
    shape: (has) => {
      const count = has("one gate") ? 1 : has("four gates") ? 4 : has("three gates") ? 3 : gates;
      const rows = projects ? proj_size : count * (has("projected rows") ? proj_size : hidden_size);
      if (!isMatrix) return has("a column") ? [rows, 1] : has("a matrix") ? [rows, hidden_size] : [rows];
      const width = has("hidden") ? hidden_size : H_out;
      const below = layer === 0 || has("input") ? input_size : (has("one direction") ? 1 : D) * width;
      const columns = projects
        ? hidden_size * (has("gates") ? 4 : 1)
        : part === "weight_ih"
          ? has("state")
            ? width
            : below
          : has("reads x")
            ? input_size
            : (has("both directions") ? 2 : 1) * width;
      return has("transposed") ? [columns, rows] : [rows, columns];
    },
  };
}
