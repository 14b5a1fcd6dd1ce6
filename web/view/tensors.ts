import { size, zeros } from "../engine/dense.ts";
import { nested, type Dense, type Nested, type Spec, type TensorLike } from "../engine/index.ts";
import type { Picture } from "./picture.ts";
import { vectorAt, type Input } from "./places.ts";
import type { Settings, Shaped } from "./settings.ts";

/** The arguments of `run` that the settings mean. Those that the module does not take are left out. */
export function specOf(settings: Settings): Spec {
  const { module, input_size, hidden_size, num_layers, bias, batch_first, bidirectional, seed } = settings;
  return {
    module,
    input_size,
    hidden_size,
    num_layers,
    bias,
    batch_first,
    bidirectional,
    seed,
    input: inputOf(settings),
    ...(module === "RNN" ? { nonlinearity: settings.nonlinearity } : {}),
    ...(module === "LSTM" ? { proj_size: settings.proj_size } : {}),
    ...(settings.lengths ? { lengths: settings.lengths } : {}),
    ...(settings.h_0 ? { h_0: stateOf(settings.h_0) } : {}),
    ...(settings.c_0 && module === "LSTM" ? { c_0: stateOf(settings.c_0) } : {}),
    ...(settings.parameters ? { parameters: settings.parameters } : {}),
  };
}

/** The shape of an x that the settings do not hold themselves. */
export function shapeOf({ batched, batch_first, N, L, input_size }: Settings): number[] {
  if (!batched) return [L, input_size];
  return batch_first ? [N, L, input_size] : [L, N, input_size];
}

/** x: 0, 1, 2, … or their sines, sample by sample, unless the settings hold a tensor or its shape. */
export function inputOf(settings: Settings): TensorLike {
  const { input, N, L, input_size, batched, batch_first } = settings;
  if (isShaped(input)) return filled(input.shape, (index) => index);
  if (input !== null && input !== "sin") return input;
  return filled(shapeOf(settings), (at) => {
    const [t, sample, k] = [Math.floor(at / input_size / N), Math.floor(at / input_size) % N, at % input_size];
    const index = batched && !batch_first ? (sample * L + t) * input_size + k : at;
    return input === "sin" ? Math.sin(index) : index;
  });
}

/** An initial state: its values, or 0 to 1 in equal steps where only its shape is known. */
export function stateOf(given: Shaped | Exclude<Settings["h_0"], null>): TensorLike {
  if (!isShaped(given)) return given;
  const count = size(given.shape);
  return filled(given.shape, (index) => index / count);
}

/** The setting after the value `k` of a place has become `value`: all of its tensor, and both states where PyTorch wants both. */
export function withValue(place: Input, picture: Picture, sample: number, k: number, value: number): Partial<Settings> {
  const { module, batched, rows, N } = picture;
  const state = (width: number): Dense => zeros([rows, ...(batched ? [N] : []), width]);
  const tensors = { x: picture.x, h0: picture.h_0 ?? state(module.H_out), c0: picture.c_0 ?? state(module.hidden_size) };
  const { shape, data } = tensors[place.tensor];
  const changed = data.slice();
  changed[vectorAt(place, picture, sample) * shape.at(-1)! + k] = value;
  tensors[place.tensor] = { shape, data: changed };
  if (place.tensor === "x") return { input: listed(tensors.x) };
  return { h_0: listed(tensors.h0), ...(module.name === "LSTM" ? { c_0: listed(tensors.c0) } : {}) };
}

/** Nested lists; nine digits hold a float32. */
function listed(tensor: Dense): Nested {
  const short = (_: string, value: unknown): unknown => (typeof value === "number" ? Number(value.toPrecision(9)) : value);
  return JSON.parse(JSON.stringify(nested(tensor), short)) as Nested;
}

export function isShaped(given: unknown): given is Shaped {
  return typeof given === "object" && given !== null && "shape" in given;
}

function filled(shape: readonly number[], value: (index: number) => number): Dense {
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, index) => value(index)) };
}
