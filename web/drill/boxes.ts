import {
  type Cells,
  createScope,
  type Evaluation,
  evaluate,
  type Result,
  run,
  type Scope,
  scopeOf,
  zeros,
} from "../engine/index.ts";
import { range } from "./lists.ts";
import { type Question, type StateIndex, specOf } from "./questions.ts";
import { moduleOf, type Setting } from "./setting.ts";

/** One vector of one sample: a box of the grid, an input, an initial state, or the zeros in output after a sample's end. */
export interface Place {
  readonly tensor: "h" | "c" | "x" | "h0" | "c0" | "padding";
  /** Of the grid: layer · D + direction. 0 for x. */
  readonly row: number;
  /** 0 for an initial state. */
  readonly step: number;
  readonly sample: number;
}

/** A question's call, as the engine ran it. */
export interface Call {
  readonly result: Result;
  /** The tensors under the names that the code gives them, and under those of PyTorch's documentation. */
  readonly scope: Scope;
}

const calls = new WeakMap<Question, Call>();

export function callOf(question: Question): Call {
  const known = calls.get(question);
  if (known) return known;
  const spec = specOf(question);
  const result = run(spec);
  const scope = scopeOf(spec, result);
  const documented = [...scope.tensors].flatMap(([name, tensor]) => [
    [name, tensor] as const,
    [name.replace(/^([hc])([0n])$/, "$1_$2"), tensor] as const,
  ]);
  const call = { result, scope: { ...scope, tensors: new Map(documented) } };
  calls.set(question, call);
  return call;
}

/** What an expression over the question's tensors is worth. `lengths[i]` is replaced by its number. Throws what `evaluate` throws. */
export function evaluateFor(text: string, question: Question): Evaluation {
  const { lengths } = question.setting;
  const read = lengths
    ? text.replace(/\blengths\[\s*(\d)\s*\]/g, (whole, sample: string) => String(lengths[Number(sample)] ?? whole))
    : text;
  return evaluate(read, callOf(question).scope);
}

/** Numbers, and tuples and lists of them, without any tensor. Throws what `evaluate` throws. */
export function evaluateWithoutTensors(text: string): Evaluation {
  return evaluate(text, createScope({ "(no tensor)": { value: zeros([0]) } }));
}

export function lengthOf({ lengths, L }: Setting, sample: number): number {
  return lengths?.[sample] ?? L;
}

/** The step after which a row has read its sample. */
export function lastStep(setting: Setting, row: number, sample: number): number {
  return moduleOf(setting).D === 2 && row % 2 === 1 ? 0 : lengthOf(setting, sample) - 1;
}

/** The places that hold these cells, each once. */
export function placesOf(cells: Cells, setting: Setting): Place[] {
  const places = new Map<string, Place>();
  for (const [name, indices] of Object.entries(cells)) {
    for (const index of indices) {
      const place = placeOf(name, index, setting);
      places.set(Object.values(place).join(), place);
    }
  }
  return [...places.values()];
}

/** The place of one element of a tensor; elements are counted row by row. */
function placeOf(name: string, index: number, setting: Setting): Place {
  const { D, H_out, hidden_size, input_size, num_layers } = moduleOf(setting);
  const samples = setting.N ?? 1;
  if (name === "x" || name === "output") {
    const width = name === "x" ? input_size : D * H_out;
    const at = Math.floor(index / width);
    const [step, sample] =
      setting.N !== null && setting.batch_first
        ? [at % setting.L, Math.floor(at / setting.L)]
        : [Math.floor(at / samples), at % samples];
    if (name === "x") return { tensor: "x", row: 0, step, sample };
    const row = (num_layers - 1) * D + Math.floor((index % width) / H_out);
    return { tensor: step < lengthOf(setting, sample) ? "h" : "padding", row, step, sample };
  }
  const isCell = name.startsWith("c");
  const at = Math.floor(index / (isCell ? hidden_size : H_out));
  const [row, sample] = [Math.floor(at / samples), at % samples];
  if (name.endsWith("0")) return { tensor: isCell ? "c0" : "h0", row, step: 0, sample };
  return { tensor: isCell ? "c" : "h", row, step: lastStep(setting, row, sample), sample };
}

/** The places that a question's states are, sample by sample. */
export function placesOfStates(states: readonly StateIndex[], sample: number | null, setting: Setting): Place[] {
  const { D } = moduleOf(setting);
  const samples = sample === null ? range(0, setting.N ?? 1) : [sample];
  return samples.flatMap((sample) =>
    states.map(({ tensor, layer, direction, step }) => {
      const row = layer * D + direction;
      return { tensor, row, step: step ?? lastStep(setting, row, sample), sample };
    }),
  );
}

/** The numbers of the states that a question asks for: side by side, and one row for each sample. */
export function numbersAsked(question: Question): { shape: number[]; data: number[] } {
  const { setting, states, sample } = question;
  const { D } = moduleOf(setting);
  const places = placesOfStates(states, sample, setting);
  const vectors = places.map((place) => {
    const box = callOf(question).result.states.find(
      (box) => box.layer * D + box.direction === place.row && box.step === place.step && box.sample === place.sample,
    )!;
    return place.tensor === "c" ? box.c! : box.h;
  });
  const data = vectors.flat();
  const rows = sample === null && setting.N !== null ? [setting.N] : [];
  return { shape: [...rows, data.length / (rows[0] ?? 1)], data };
}
