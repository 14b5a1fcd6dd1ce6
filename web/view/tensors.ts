import type { Dense, Spec, TensorLike } from "../engine/index.ts";
import { size } from "../engine/index.ts";
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

export function isShaped(given: unknown): given is Shaped {
  return typeof given === "object" && given !== null && "shape" in given;
}

function filled(shape: readonly number[], value: (index: number) => number): Dense {
  return { shape, data: Float32Array.from({ length: size(shape) }, (_, index) => value(index)) };
}
