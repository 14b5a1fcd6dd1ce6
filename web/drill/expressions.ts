import { type Evaluation, positions, type Tensor } from "../engine/index.ts";
import {
  callOf,
  evaluateFor,
  lastStep,
  lengthOf,
  numbersAsked,
  type Place,
  placesOf,
  placesOfStates,
} from "./boxes.ts";
import { type Judgement, RIGHT, unread, wrong } from "./judgement.ts";
import { range, same, tuple, unique } from "./lists.ts";
import { layerName, type Question } from "./questions.ts";
import { half, moduleOf, outputAt } from "./setting.ts";

/** What was typed, evaluated: its numbers, the places that they come from, and how many numbers of the call went into it. */
interface Typed {
  readonly value: Tensor;
  readonly data: readonly number[];
  readonly places: readonly Place[];
  readonly count: number;
}

export function judgeExpression(question: Question, text: string): Judgement {
  const right = numbersAsked(question);
  const shape = `\`${tuple(right.shape)}\``;
  let evaluation: Evaluation;
  try {
    evaluation = evaluateFor(text, question);
  } catch (error) {
    return unread(error instanceof Error ? error.message : String(error));
  }
  const { value, cells } = evaluation;
  if (value.kind !== "tensor") {
    return unread(`That gives ${shortened(evaluation.text)}. A tensor of shape ${shape} is asked for.`);
  }
  if (value.dtype !== "float32") return unread(`That compares. A tensor of numbers, of shape ${shape}, is asked for.`);
  const data = Array.from(positions(value), (position) => value.storage.data[position]!);
  if (same(data, right.data)) {
    if (same(value.shape, right.shape)) return { ...RIGHT, ...cautionFor(question, text) };
    return unread(`The numbers are right, but in shape \`${tuple(value.shape)}\`. Bring them into shape ${shape}.`);
  }
  const places = placesOf(cells, question.setting);
  const count = Object.values(cells).reduce((sum, indices) => sum + indices.length, 0);
  if (!areTaken(question, data)) return wrong("That computes something new. Take the states as they are.", places);
  return wrong(misreading(question, { value, data, places, count }), places);
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

/** Whether all of these numbers are in the call's tensors. */
function areTaken(question: Question, data: readonly number[]): boolean {
  const known = new Set(
    [...callOf(question).scope.tensors.values()].flatMap(({ storage }) => Array.from(storage.data)),
  );
  return data.every((value) => known.has(value));
}

/** The sentence that undoes a wrong slice. `count`: how many numbers of the call went into it. */
function misreading(question: Question, typed: Typed): string | null {
  const { setting, states, sample } = question;
  const wanted = placesOfStates(states, sample, setting);
  return (
    otherTensor(question, typed) ??
    (keysOf(typed.places) === keysOf(wanted) ? rearranged(question, typed) : null) ??
    otherAxis(question, typed) ??
    otherEnd(question, typed.places) ??
    otherDirections(question, typed, wanted) ??
    difference(question, typed.places, wanted)
  );
}

/** Nothing, or numbers of a tensor in which no state of the right kind is. */
function otherTensor({ setting, states }: Question, { value, data, places }: Typed): string | null {
  const has = (tensor: Place["tensor"]): Place | undefined => places.find((place) => place.tensor === tensor);
  if (data.length === 0) return `That is empty, of shape \`${tuple(value.shape)}\`.`;
  if (has("x")) {
    return `\`x\` is what goes in. A state comes out: it is in \`output\` or in ${setting.module === "LSTM" ? "`hn` or `cn`" : "`hn`"}.`;
  }
  if (has("h0") || has("c0")) return "That is an initial state, which goes in.";
  const padding = has("padding");
  if (padding) {
    const length = lengthOf(setting, padding.sample);
    return `Sample ${padding.sample} has ${length} steps. From step ${length} on, \`output\` is padding: zeros.`;
  }
  const { tensor } = states[0]!;
  if (tensor === "h" && has("c")) {
    return "`cn` holds cell states. The hidden states are in `hn`, and those of the top layer in `output`.";
  }
  if (tensor === "c" && has("h")) {
    return "That is a hidden state. The cell states are in `cn`, and `output` has none of them.";
  }
  return null;
}

/** A sample in place of a step, or one number of every step. */
function otherAxis({ setting, sample }: Question, { value, places }: Typed): string | null {
  if (stepsOf(places).length !== setting.L) return null;
  const samples = unique(places.map((place) => place.sample));
  if (sample === null && (setting.N ?? 1) > 1 && samples.length === 1) {
    const order = setting.batch_first ? "With `batch_first=True` the batch comes first" : "Time comes first here";
    return `${order}: that is every step of sample ${samples[0]}. Step t of all samples is \`${outputAt(setting, 0).replace("0", "t")}\`.`;
  }
  if (setting.N === null && same(value.shape, [setting.L])) {
    return "`x` has no batch axis, so the first index of `output` is the step: that is one number of every step.";
  }
  return null;
}

/** The step at which the other direction ends, for a final state of the top layer. */
function otherEnd({ setting, states, sample }: Question, places: readonly Place[]): string | null {
  const { D, num_layers: K } = moduleOf(setting);
  const [steps, directions] = [stepsOf(places), directionsOf(places, D)];
  const isFinal = states.some(({ step }) => step === null);
  if (D !== 2 || !isFinal || steps.length !== 1 || layersOf(places, D)[0] !== K - 1) return null;
  const wants = (direction: number): boolean => states.some((state) => state.direction === direction);
  const isLast = places.every((place) => steps[0] === lengthOf(setting, place.sample) - 1);
  if (wants(1) && directions.includes(1) && isLast) {
    const backward = outputAt(setting, sample === null ? -1 : steps[0]!, half(setting, 1), sample);
    return `Your backward half has read one step: that is \`${backward}\`. Its last step is t = 0.`;
  }
  if (wants(0) && directions.includes(0) && steps[0] === 0) {
    return "Step 0 is where forward begins: that half has read one step. Its last step is the end.";
  }
  return null;
}

/** Both directions for one, one for both, or the rows of hn counted direction by direction. */
function otherDirections(
  { setting, states }: Question,
  { value, places }: Typed,
  wanted: readonly Place[],
): string | null {
  const { D, num_layers: K, H_out } = moduleOf(setting);
  const [directions, layers] = [directionsOf(places, D), layersOf(places, D)];
  const state = states[0]!;
  if (
    states.length === 1 &&
    directions.length === 2 &&
    layers.length === 1 &&
    stepsOf(places).length <= 2 &&
    value.shape.at(-1) === 2 * H_out
  ) {
    return `That holds both directions side by side, ${2 * H_out} wide. Forward is \`:${H_out}\`, backward \`${H_out}:\`.`;
  }
  if (states.length === 2 && directions.length === 1) {
    return `That is the ${["forward", "backward"][directions[0]!]} direction alone. The other one has read the sequence, too.`;
  }
  const rows = unique(places.map(({ row }) => row));
  const byDirection = state.direction * K + state.layer;
  const isFinal = states.some(({ step }) => step === null);
  if (isFinal && K > 1 && D === 2 && rows.length === 1 && rows[0] === byDirection && rows[0] !== wanted[0]!.row) {
    return `That counts direction by direction. The rows run layer by layer: row ${rows[0]} is ${layerName(setting, layers[0]!)}, ${["forward", "backward"][directions[0]!]}.`;
  }
  return null;
}

/** The right numbers, not as they were asked for. */
function rearranged(question: Question, { value, data, count }: Typed): string {
  const right = numbersAsked(question);
  const width = right.shape.at(-1)!;
  if (count < right.data.length) return `That is a part of it: ${count} of ${right.data.length} numbers.`;
  if (question.states.length === 2) {
    if (!same(value.shape, right.shape)) {
      return `That has shape \`${tuple(value.shape)}\`: one under the other. Side by side is along the last axis: \`torch.cat([…], dim=-1)\`.`;
    }
    const halves = range(0, data.length / width).flatMap((row) => {
      const at = row * width;
      return [...data.slice(at + width / 2, at + width), ...data.slice(at, at + width / 2)];
    });
    if (same(halves, right.data)) return "That puts backward first. Forward was asked for first.";
    return "Those are the right numbers, mixed: `view` and `reshape` keep the order in memory, so one row now holds two samples.";
  }
  return `Those are the right numbers in another order, of shape \`${tuple(value.shape)}\`.`;
}

/** How the places differ from those that are asked for, in words. */
function difference({ setting }: Question, places: readonly Place[], wanted: readonly Place[]): string {
  const { D, num_layers } = moduleOf(setting);
  const allFinal = [...places, ...wanted].every(({ row, step, sample }) => step === lastStep(setting, row, sample));
  const aspects: ((places: readonly Place[]) => string)[] = [
    (places) => {
      const layers = layersOf(places, D);
      if (layers.length === 1) return layerName(setting, layers[0]!);
      return layers.length === num_layers ? "every layer" : `layers ${layers.join(", ")}`;
    },
    (places) => {
      const directions = directionsOf(places, D);
      return directions.length === 2 ? "both directions" : ["forward", "backward"][directions[0]!]!;
    },
    (places) => {
      if (allFinal) return ""; // the row says at which step it ends
      const steps = stepsOf(places);
      return steps.length === setting.L ? "every step" : `step${steps.length > 1 ? "s" : ""} ${steps.join(", ")}`;
    },
    (places) => {
      const samples = unique(places.map(({ sample }) => sample));
      if (samples.length === setting.N) return "every sample";
      return `sample${samples.length > 1 ? "s" : ""} ${samples.join(", ")}`;
    },
  ];
  const pairs = aspects
    .map((words) => [words(places), words(wanted)] as const)
    .filter(([typed, right]) => typed !== right);
  if (pairs.length === 0) return "That is only near to what is asked.";
  return `That is ${pairs.map(([typed]) => typed).join(", ")}. Asked is ${pairs.map(([, right]) => right).join(", ")}.`;
}

function stepsOf(places: readonly Place[]): number[] {
  return unique(places.map(({ step }) => step));
}

function directionsOf(places: readonly Place[], D: number): number[] {
  return unique(places.map(({ row }) => row % D));
}

function layersOf(places: readonly Place[], D: number): number[] {
  return unique(places.map(({ row }) => Math.floor(row / D)));
}

/** The same for the same places, in whatever order. */
function keysOf(places: readonly Place[]): string {
  return places
    .map((place) => Object.values(place).join())
    .sort()
    .join(" ");
}
