import { type Evaluation, positions, run, type Tensor, TorchError } from "../engine/index.ts";
import {
  callOf,
  evaluateFor,
  evaluateWithoutTensors,
  lastStep,
  lengthOf,
  numbersAsked,
  type Place,
  placesOf,
  placesOfStates,
} from "./boxes.ts";
import { half, inputSizes, layerName, moduleOf, outputAt, type Question, range, specOf, tuple } from "./questions.ts";
import { shapeSlip } from "./slips.ts";

/** What is made of a typed answer. One that cannot be read does not count; `message` says why. */
export type Judgement =
  /** `caution`: where the same answer would not be right. */
  | { readonly verdict: "right"; readonly caution?: string }
  | { readonly verdict: "wrong"; readonly misconception: string | null; readonly places: readonly Place[] }
  | { readonly verdict: "unread"; readonly message: string };

const RIGHT: Judgement = { verdict: "right" };

export function judge(question: Question, typed: string): Judgement {
  const text = typed.trim();
  if (text === "") return unread("Type an answer first.");
  switch (question.form) {
    case "shape":
      return judgeShape(question, text);
    case "expression":
      return judgeExpression(question, text);
    case "yes or no":
      return judgeYesOrNo(question, text);
    case "steps":
      return judgeSteps(question, text);
  }
}

function unread(message: string): Judgement {
  return { verdict: "unread", message };
}

function wrong(misconception: string | null, places: readonly Place[] = []): Judgement {
  return { verdict: "wrong", misconception, places };
}

function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

// Shapes

function judgeShape(question: Question, text: string): Judgement {
  const sizes = readShape(text);
  if (sizes === null) return unread("A shape is made of whole numbers, such as `(3, 7, 10)`.");
  if (same(sizes, readShape(question.answer)!)) return RIGHT;
  const slip = shapeSlip(question, sizes);
  const refusal = question.subject === "h0" ? refusalOf(question, sizes) : null;
  return wrong([slip, refusal && `PyTorch says: \`${refusal}\`.`].filter(Boolean).join(" ") || null);
}

/** `(3, 7, 40)`, `3 7 40`, `[3,7,40]`, `torch.Size([3, 7, 2*20])`, `3x7x40`; null for what is no shape. */
export function readShape(text: string): number[] | null {
  if (/^[\s([]*\d{1,9}(?:[\s,;x×]+\d{1,9})*[\s,;)\]]*$/.test(text)) return text.match(/\d+/g)!.map(Number);
  try {
    const { value } = evaluateWithoutTensors(text);
    const items = value.kind === "sequence" ? value.items : [value];
    const sizes = items.flatMap((item) => (item.kind === "number" && item.type === "int" ? [item.value] : []));
    return sizes.length === items.length ? sizes : null;
  } catch {
    return null; // not an expression either
  }
}

/** PyTorch's own message for an h0 of this shape; null where it has none or the shape is too large to be tried. */
function refusalOf(question: Question, shape: readonly number[]): string | null {
  const size = shape.reduce((product, length) => product * length, 1);
  if (size > 100_000 || shape.some((length) => length < 0)) return null;
  const { hidden_size, num_layers, D } = moduleOf(question.setting);
  const cell = [D * num_layers, ...(question.setting.N === null ? [] : [question.setting.N]), hidden_size];
  const zeros = (shape: readonly number[]) => ({
    shape,
    data: new Float32Array(shape.reduce((product, length) => product * length, 1)),
  });
  const input = zeros(inputSizes(question.setting));
  try {
    run({
      ...specOf(question),
      input,
      h_0: zeros(shape),
      ...(question.setting.module === "LSTM" ? { c_0: zeros(cell) } : {}),
    });
    return null;
  } catch (error) {
    if (error instanceof TorchError) return error.message;
    throw error;
  }
}

// Expressions

function judgeExpression(question: Question, text: string): Judgement {
  const asked = numbersAsked(question);
  let read: Evaluation;
  try {
    read = evaluateFor(text, question);
  } catch (error) {
    return unread(error instanceof Error ? error.message : String(error));
  }
  const { value, cells } = read;
  if (value.kind !== "tensor")
    return unread(`That gives ${shortened(read.text)}. A tensor of shape \`${tuple(asked.shape)}\` is asked for.`);
  if (value.dtype !== "float32")
    return unread(`That compares. A tensor of numbers, of shape \`${tuple(asked.shape)}\`, is asked for.`);
  const data = Array.from(positions(value), (position) => value.storage.data[position]!);
  if (same(data, asked.data)) {
    if (same(value.shape, asked.shape)) return { ...RIGHT, ...cautionFor(question, text) };
    return unread(
      `The numbers are right, but in shape \`${tuple(value.shape)}\`. Bring them into shape \`${tuple(asked.shape)}\`.`,
    );
  }
  const places = placesOf(cells, question.setting);
  const count = Object.values(cells).reduce((sum, indices) => sum + indices.length, 0);
  const sentence = areTaken(question, data)
    ? misreading(question, value, data, places, count)
    : "That computes something new. Take the states as they are.";
  return wrong(sentence, places);
}

/** A right expression that a batch of one would give another shape, as `squeeze()` does, which takes away every axis of size 1. */
function cautionFor(question: Question, text: string): { caution?: string } {
  const { setting, sample } = question;
  if (setting.N === null || setting.lengths || sample !== null) return {};
  const alone = { ...question, setting: { ...setting, N: 1 } };
  const wanted = numbersAsked(alone).shape;
  try {
    const { value } = evaluateFor(text, alone);
    if (value.kind !== "tensor" || same(value.shape, wanted)) return {};
    return {
      caution: `With a batch of one, though, it has shape \`${tuple(value.shape)}\` and not \`${tuple(wanted)}\`.`,
    };
  } catch {
    return {}; // it names a sample that a batch of one has not
  }
}

function shortened(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

/** Whether all of these numbers stand in the call's tensors. */
function areTaken(question: Question, data: readonly number[]): boolean {
  const known = new Set(
    [...callOf(question).scope.tensors.values()].flatMap(({ storage }) => Array.from(storage.data)),
  );
  return data.every((value) => known.has(value));
}

/** The sentence that undoes a wrong slice. `count`: how many numbers of the call went into it. */
function misreading(
  question: Question,
  value: Tensor,
  data: readonly number[],
  places: readonly Place[],
  count: number,
): string | null {
  const { setting, states } = question;
  const { D, num_layers: K, H_out, name: module } = moduleOf(setting);
  const asked = placesOfStates(states, question.sample, setting);
  const has = (tensor: Place["tensor"]): Place | undefined => places.find((place) => place.tensor === tensor);
  const padded = has("padding");

  if (data.length === 0) return `That is empty, of shape \`${tuple(value.shape)}\`.`;
  if (has("x"))
    return `\`x\` is what goes in. A state comes out: it is in \`output\` or in ${module === "LSTM" ? "`hn` or `cn`" : "`hn`"}.`;
  if (has("h0") || has("c0")) return "That is an initial state, which goes in.";
  if (padded) {
    const length = lengthOf(setting, padded.sample);
    return `Sample ${padded.sample} has ${length} steps. From step ${length} on, \`output\` is padding: zeros.`;
  }
  const wanted = states[0]!.tensor;
  if (wanted === "h" && has("c"))
    return "`cn` holds cell states. The hidden states are in `hn`, and those of the top layer in `output`.";
  if (wanted === "c" && has("h"))
    return "That is a hidden state. The cell states are in `cn`, and `output` has none of them.";

  const [typedKeys, askedKeys] = [keys(places), keys(asked)];
  if (sameKeys(typedKeys, askedKeys)) return rearranged(question, value, data, count);

  const steps = unique(places.map(({ step }) => step));
  const samples = unique(places.map(({ sample }) => sample));
  const directions = unique(places.map(({ row }) => row % D));
  const layers = unique(places.map(({ row }) => Math.floor(row / D)));
  const N = setting.N ?? 1;
  if (question.sample === null && N > 1 && samples.length === 1 && steps.length === setting.L) {
    const order = setting.batch_first ? "With `batch_first=True` the batch comes first" : "Time comes first here";
    return `${order}: that is every step of sample ${samples[0]}. Step t of all samples is \`${outputAt(setting, 0).replace("0", "t")}\`.`;
  }
  if (setting.N === null && steps.length === setting.L && same(value.shape, [setting.L])) {
    return "`x` has no batch axis, so the first index of `output` is the step: that is one number of every step.";
  }
  const wantsEnd = states.some(({ step }) => step === null);
  if (D === 2 && wantsEnd && steps.length === 1 && layers[0] === K - 1) {
    const backwardWanted = states.some(({ direction }) => direction === 1);
    const lastOfSample = samples.every((sample) => steps[0] === lengthOf(setting, sample) - 1);
    if (backwardWanted && directions.includes(1) && lastOfSample) {
      const theirs = outputAt(setting, question.sample === null ? -1 : steps[0]!, half(setting, 1), question.sample);
      return `Your backward half has read one step: that is \`${theirs}\`. Its last step is t = 0.`;
    }
    if (states.some(({ direction }) => direction === 0) && directions.includes(0) && steps[0] === 0) {
      return "Step 0 is where forward begins: that half has read one step. Its last step is the end.";
    }
  }
  const [askedState] = states as [(typeof states)[0] & {}];
  if (
    states.length === 1 &&
    D === 2 &&
    directions.length === 2 &&
    layers.length === 1 &&
    steps.length <= 2 &&
    value.shape.at(-1) === 2 * H_out
  ) {
    return `That holds both directions side by side, ${2 * H_out} wide. Forward is \`:${H_out}\`, backward \`${H_out}:\`.`;
  }
  if (states.length === 2 && directions.length === 1) {
    return `That is the ${["forward", "backward"][directions[0]!]} direction alone. The other one has read the sequence, too.`;
  }
  const rows = unique(places.map(({ row }) => row));
  const byDirection = askedState.direction * K + askedState.layer;
  if (wantsEnd && K > 1 && D === 2 && rows.length === 1 && rows[0] === byDirection && rows[0] !== asked[0]!.row) {
    return `That counts direction by direction. The rows run layer by layer: row ${rows[0]} is ${layerName(setting, layers[0]!)}, ${["forward", "backward"][directions[0]!]}.`;
  }
  return difference(question, places, asked);
}

/** The right numbers, not as they were asked for. */
function rearranged(question: Question, value: Tensor, data: readonly number[], count: number): string {
  const asked = numbersAsked(question);
  const width = asked.shape.at(-1)!;
  if (count < asked.data.length) return `That is a part of it: ${count} of ${asked.data.length} numbers.`;
  if (question.states.length === 2) {
    if (!same(value.shape, asked.shape)) {
      return `That has shape \`${tuple(value.shape)}\`: one under the other. Side by side is along the last axis: \`torch.cat([…], dim=-1)\`.`;
    }
    const halves = range(0, data.length / width).flatMap((row) => {
      const at = row * width;
      return [...data.slice(at + width / 2, at + width), ...data.slice(at, at + width / 2)];
    });
    if (same(halves, asked.data)) return "That puts backward first. Forward was asked for first.";
    return "Those are the right numbers, mixed: `view` and `reshape` keep the order in memory, so one row now holds two samples.";
  }
  return `Those are the right numbers in another order, of shape \`${tuple(value.shape)}\`.`;
}

/** How the places differ from those that are asked for, in words. */
function difference(question: Question, places: readonly Place[], asked: readonly Place[]): string {
  const { setting } = question;
  const { D, num_layers } = moduleOf(setting);
  const allFinal = [...places, ...asked].every(({ row, step, sample }) => step === lastStep(setting, row, sample));
  const aspects: ((places: readonly Place[]) => string)[] = [
    (places) => {
      const layers = unique(places.map(({ row }) => Math.floor(row / D)));
      return layers.length === 1
        ? layerName(setting, layers[0]!)
        : layers.length === num_layers
          ? "every layer"
          : `layers ${layers.join(", ")}`;
    },
    (places) => {
      const directions = unique(places.map(({ row }) => row % D));
      return directions.length === 2 ? "both directions" : ["forward", "backward"][directions[0]!]!;
    },
    (places) => {
      const steps = unique(places.map(({ step }) => step));
      if (allFinal) return ""; // the row says at which step it ends
      return steps.length === setting.L ? "every step" : `step${steps.length > 1 ? "s" : ""} ${steps.join(", ")}`;
    },
    (places) => {
      const samples = unique(places.map(({ sample }) => sample));
      return samples.length === setting.N
        ? "every sample"
        : `sample${samples.length > 1 ? "s" : ""} ${samples.join(", ")}`;
    },
  ];
  const pairs = aspects
    .map((words) => [words(places), words(asked)] as const)
    .filter(([typed, wanted]) => typed !== wanted);
  if (pairs.length === 0) return "That is only near to what is asked.";
  return `That is ${pairs.map(([typed]) => typed).join(", ")}. Asked is ${pairs.map(([, wanted]) => wanted).join(", ")}.`;
}

function keys(places: readonly Place[]): string[] {
  return places.map((place) => Object.values(place).join()).sort();
}

function sameKeys(a: readonly string[], b: readonly string[]): boolean {
  return a.join(" ") === b.join(" ");
}

function unique(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

// Yes or no

function judgeYesOrNo(question: Question, text: string): Judgement {
  const word = text.toLowerCase().replace(/[.!]$/, "");
  const said = ["yes", "y", "true", "1"].includes(word)
    ? "yes"
    : ["no", "n", "false", "0"].includes(word)
      ? "no"
      : null;
  if (said === null) return unread("Type yes or no.");
  return said === question.answer ? RIGHT : wrong(null);
}

// Steps

function judgeSteps(question: Question, text: string): Judgement {
  const { setting } = question;
  const asked = readSteps(question.answer, setting.L)!;
  const places = placesOf(evaluateFor(question.subject, question).cells, setting);
  const sample = places[0]!.sample;
  const end = lengthOf(setting, sample);
  const steps = readSteps(text, end);
  if (steps === null) return unread("Steps are whole numbers, such as `0, 1, 2` or `0-2`, or `all`.");
  if (same(steps, asked)) return RIGHT;
  const { D, num_layers } = moduleOf(setting);
  const { row, step } = places[0]!; // where a direction ends, for hn
  const backward = D === 2 && row % 2 === 1;
  const crossed = D === 2 && row >= D && num_layers > 1;
  const marked = steps.map((step): Place => ({ tensor: "x", row: 0, step, sample }));
  const explain = (): string | null => {
    if (
      same(
        steps,
        asked.map((step) => step + 1),
      )
    )
      return "That counts from 1.";
    if (steps.some((step) => step >= setting.L)) return `There are ${setting.L} steps, 0 to ${setting.L - 1}.`;
    if (steps.some((step) => step >= end))
      return `Sample ${sample} ends at step ${end - 1}. What follows is padding, and the layer never reads it.`;
    if (crossed && question.subject.startsWith("output"))
      return "You followed one direction. The layer below has two, and they meet in every state above.";
    if (same(steps, [step])) return "That is its own step alone. A state carries what its direction has read before.";
    if (backward && same(steps, range(0, step + 1)))
      return "That is what forward has read. Backward begins at the end.";
    if (!backward && same(steps, range(step, end)))
      return "That is what backward would have read. This one begins at step 0.";
    if (!crossed && steps.some((other) => (backward ? other < step : other > step))) {
      return `At step ${step} it has not come that far: it reads from step ${backward ? `${end - 1} down` : "0 on"}.`;
    }
    if (!steps.includes(step)) return `It has read its own step, ${step}, too.`;
    return null;
  };
  return wrong(explain(), marked);
}

/** `0, 1, 2`, `0 1 2`, `0-2`, `0:3`, `range(0, 3)`, `all`; null for what is none of these. In ascending order, each step once. */
export function readSteps(text: string, end: number): number[] | null {
  const bare = text
    .toLowerCase()
    .replace(/[()[\]{}]/g, " ")
    .replace(/\band\b|\bsteps?\b|\bt\s*=/g, " ")
    .trim();
  if (/^(all|every|everything)( of them)?$/.test(bare)) return range(0, end);
  const [, low, dash, high] =
    /^(\d{1,3})\s*(-|–|to|\.\.|:|\s)\s*(\d{1,3})$/.exec(
      bare.replace(/^range\s+(\d+)\s*,\s*/, "$1:").replace(/^range\s+/, "0:"),
    ) ?? [];
  if (dash?.trim()) return range(Number(low), Number(high) + (dash === ":" ? 0 : 1));
  if (!/^\d{1,3}(?:[\s,;]+\d{1,3})*[\s,;]*$/.test(bare)) return null;
  return unique(bare.match(/\d+/g)!.map(Number));
}
