import { defaults, limits } from "../../unrolled/explorer/settings.json";
import type { Arguments, ModuleName, Nested } from "../engine/index.ts";
import { size } from "../engine/index.ts";

/** A tensor that only its shape is given of; `tensors.ts` says what fills it. */
export interface Shaped {
  readonly shape: readonly number[];
}

/** Everything that the explorer shows follows from this: PyTorch's arguments, and what is being looked at. `settings.json` says what each means. */
export interface Settings extends Arguments {
  readonly module: ModuleName;
  readonly seed: number;
  /** Weights by name, as `state_dict()` has them; null for those of the seed. */
  readonly parameters: Readonly<Record<string, Nested>> | null;

  /** What x is made with while `input` does not say it itself. */
  readonly N: number;
  readonly L: number;
  readonly batched: boolean;
  /** null: 0, 1, 2, …; "sin": the sines of these; a shape or values: exactly that tensor. */
  readonly input: "sin" | Shaped | Nested | null;
  readonly lengths: readonly number[] | null;
  readonly h_0: Shaped | Nested | null;
  readonly c_0: Shaped | Nested | null;

  /** null: the line that says where output and hn meet (`cornerOf`). */
  readonly expression: string | null;
  /** The sheet on top. */
  readonly sample: number;
  /** How many steps are shown as computed; null for all. */
  readonly step: number | null;
  /** The key of the place that stays lit (`places.ts`). */
  readonly selected: string | null;
}

/** What one page can draw and compute within a frame or so. */
export const LIMITS = limits;

export type Count = keyof typeof LIMITS;

/** The seed notebook's setting. JSON has no literal types; a test reads these as it would read anybody's settings. */
export const DEFAULTS = defaults as Settings;

export const MAX_ELEMENTS = 16 * 32 * 32;
const MAX_RANK = 6;

/** The value, or undefined for one that cannot be there. */
type Reader<T> = (value: unknown) => T | undefined;

const flag: Reader<boolean> = (value) => (typeof value === "boolean" ? value : undefined);
const integer =
  (low: number, high: number): Reader<number> =>
  (value) =>
    Number.isInteger(value) && (value as number) >= low && (value as number) <= high ? (value as number) : undefined;
const count = (name: Count): Reader<number> => integer(LIMITS[name].min, LIMITS[name].max);
const oneOf =
  <T extends string>(...words: readonly T[]): Reader<T> =>
  (value) =>
    words.find((word) => word === value);
const orNull =
  <T>(reader: Reader<T>): Reader<T | null> =>
  (value) =>
    value === null ? null : reader(value);
const text =
  (longest: number): Reader<string> =>
  (value) =>
    typeof value === "string" && value.length <= longest ? value : undefined;
const list =
  <T>(item: Reader<T>, longest: number): Reader<readonly T[]> =>
  (value) => {
    if (!Array.isArray(value) || value.length > longest) return undefined;
    const items = value.map(item);
    return items.every((read) => read !== undefined) ? (items as T[]) : undefined;
  };

const numbers: Reader<Nested> = (value) => {
  let left = 4 * MAX_ELEMENTS;
  const isNested = (part: unknown, depth: number): boolean => {
    if (--left < 0 || depth > MAX_RANK) return false;
    return Array.isArray(part) ? part.every((item) => isNested(item, depth + 1)) : typeof part === "number";
  };
  return Array.isArray(value) && isNested(value, 0) ? (value as Nested) : undefined;
};
const shaped: Reader<Shaped> = (value) => {
  if (typeof value !== "object" || value === null || !("shape" in value)) return undefined;
  const shape = list(integer(0, MAX_ELEMENTS), MAX_RANK)(value.shape);
  return shape && size(shape) <= MAX_ELEMENTS ? { shape } : undefined;
};
const tensor: Reader<Shaped | Nested> = (value) => shaped(value) ?? numbers(value);
const weights: Reader<Readonly<Record<string, Nested>>> = (value) => {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value);
  return entries.length < 200 && entries.every(([, given]) => numbers(given) !== undefined)
    ? (value as Record<string, Nested>)
    : undefined;
};

const READERS: { readonly [Name in keyof Settings]: Reader<Settings[Name]> } = {
  module: oneOf("RNN", "LSTM", "GRU"),
  input_size: count("input_size"),
  hidden_size: count("hidden_size"),
  num_layers: count("num_layers"),
  nonlinearity: oneOf("tanh", "relu"),
  bias: flag,
  batch_first: flag,
  bidirectional: flag,
  proj_size: count("proj_size"),
  seed: count("seed"),
  parameters: orNull(weights),
  N: count("N"),
  L: count("L"),
  batched: flag,
  input: orNull((value) => oneOf("sin")(value) ?? tensor(value)),
  lengths: orNull(list(integer(0, 64), 64)),
  h_0: orNull(tensor),
  c_0: orNull(tensor),
  expression: orNull(text(2000)),
  sample: integer(0, 63),
  step: orNull(integer(0, 999)),
  selected: orNull(text(40)),
};

export const NAMES = Object.keys(READERS) as readonly (keyof Settings)[];

export function isName(name: string): name is keyof Settings {
  return Object.hasOwn(READERS, name);
}

/** `given`, laid over `base`, and the names of what in it is unknown or cannot be. */
export function readSettings(given: unknown, base: Settings = DEFAULTS): { settings: Settings; ignored: string[] } {
  if (typeof given !== "object" || given === null || Array.isArray(given))
    return { settings: base, ignored: ["all of it"] };
  const read: Record<string, unknown> = {};
  const ignored: string[] = [];
  for (const [name, value] of Object.entries(given)) {
    const accepted = isName(name) ? READERS[name](value) : undefined;
    if (accepted === undefined) ignored.push(name);
    else read[name] = accepted;
  }
  return { settings: { ...base, ...read }, ignored };
}

/** The settings that are not the default's, in the order in which they are declared. */
export function changedSettings(settings: Settings): Partial<Settings> {
  const changed = NAMES.filter((name) => JSON.stringify(settings[name]) !== JSON.stringify(DEFAULTS[name]));
  return Object.fromEntries(changed.map((name) => [name, settings[name]]));
}

/**
 * `settings` after someone has changed some of them by hand. What the change makes meaningless goes: x of one's own when
 * its size is asked for anew, lengths when there is no batch.
 */
export function adjusted(settings: Settings, change: Partial<Settings>): Settings {
  const next = { ...settings, ...change };
  const resized = "N" in change || "L" in change || "batched" in change;
  const ownInput = typeof next.input === "object" && next.input !== null;
  const lengths = next.lengths?.slice(0, next.N).map((length) => Math.min(length, next.L));
  while (lengths && lengths.length < next.N) lengths.push(next.L);
  const shape = [
    "module",
    "num_layers",
    "bidirectional",
    "hidden_size",
    "input_size",
    "bias",
    "proj_size",
    "seed",
    "nonlinearity",
  ];
  return {
    ...next,
    input: resized && ownInput ? null : next.input,
    lengths: resized && lengths ? (next.batched ? lengths : null) : next.lengths,
    // Weights of one's own fit one module; the seed's fit any.
    parameters: shape.some((name) => name in change) && !("parameters" in change) ? null : next.parameters,
    step: shape.slice(0, 3).some((name) => name in change) || "L" in change ? null : next.step,
    selected: "selected" in change ? next.selected : sameState(settings, next),
  };
}

/** What was selected, under the row that it has when a second direction comes in between the layers' rows, or goes. */
function sameState(before: Settings, after: Settings): string | null {
  if (before.selected === null || before.bidirectional === after.bidirectional) return before.selected;
  return before.selected.replace(/^([hc]0?)\.(\d+)/, (_, state: string, row: string) => {
    return `${state}.${after.bidirectional ? Number(row) * 2 : Math.floor(Number(row) / 2)}`;
  });
}
