import { cellOf, type State } from "./cells.ts";
import { checkForward, type Geometry, type Hx } from "./check.ts";
import { type Dense, dense, type Nested, nested } from "./dense.ts";
import { UnsupportedError } from "./errors.ts";
import { construct, type Module, type Spec } from "./module.ts";
import { pack } from "./pack.ts";
import { GATES, loadedParameters, seededParameters } from "./parameters.ts";

/** One box of the grid: the state of one layer, in one direction, after one step of one sample. */
export interface Box {
  readonly layer: number;
  /** 0 forward, 1 backward. */
  readonly direction: number;
  readonly step: number;
  readonly sample: number;
  /** (H_out,) */
  readonly h: readonly number[];
  /** (hidden_size,), in an LSTM. */
  readonly c?: readonly number[];
}

export interface Result {
  /** The input's shape, but for its last axis: D * H_out. Where a sample has ended, zeros. */
  readonly output: Nested;
  /** (D * num_layers, N, H_out), or without N when the input is unbatched. */
  readonly h_n: Nested;
  /** (D * num_layers, N, hidden_size), in an LSTM. */
  readonly c_n?: Nested;
  /** Of output, h_n and c_n: what their lists cannot say when N is 0. */
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** By name, in PyTorch's order. */
  readonly parameters: Readonly<Record<string, Nested>>;
  /** Every box that was computed, by layer, then direction, step and sample; none where a sample has ended. */
  readonly states: readonly Box[];
}

/** Of one module. They come back as lists of numbers. */
const MAX_WEIGHTS = 2 ** 22;
/** Of one run: about a second's. */
const MAX_MULTIPLICATIONS = 2 ** 30;

/**
 * What PyTorch computes, on a CPU in float32, for
 *
 *     torch.manual_seed(seed)
 *     module = nn.LSTM(input_size, hidden_size, ...)
 *     output, (h_n, c_n) = module(input, (h_0, c_0))
 *
 * With `lengths`, the input is packed, and output padded back with `total_length=L`: it keeps the input's L even when
 * every sample is shorter, where `pad_packed_sequence` alone would cut it to the longest.
 *
 * Throws a `TorchError` with PyTorch's own message for a mistake, in the order in which PyTorch finds them, and an
 * `UnsupportedError` for a module too large to run in a page.
 */
export function run(spec: Spec): Result {
  const module = construct(spec);
  if (module.D * module.num_layers * weightsPerLayer(module) > MAX_WEIGHTS) throw tooLarge();
  const parameters = spec.parameters
    ? loadedParameters(module, spec.parameters)
    : seededParameters(module, spec.seed ?? 0);
  const input = dense(spec.input);
  const hx = hxOf(spec);
  const packed = spec.lengths ? pack(input, spec.lengths, module.batch_first, spec.enforce_sorted ?? false) : null;
  const geometry = checkForward(module, input, spec.dtype ?? "float32", hx, packed);
  if (multiplications(module, geometry) > MAX_MULTIPLICATIONS) throw tooLarge();

  const { N, L, batched, lengths } = geometry;
  const { D, H_out, hidden_size } = module;
  const h_n = new Float32Array(module.num_layers * D * N * H_out);
  const c_n = new Float32Array(module.num_layers * D * N * hidden_size);
  const states: Box[] = [];
  let sequences = sequencesOf(module, input, geometry);

  for (let layer = 0; layer < module.num_layers; layer++) {
    const width = D * H_out;
    const next = lengths.map((length) => {
      const sequence = new Float32Array(length * width); // one array: many small ones take much longer
      return Array.from({ length }, (_, step) => sequence.subarray(step * width, (step + 1) * width));
    });
    for (let direction = 0; direction < D; direction++) {
      const cell = cellOf(module, parameters, layer, direction);
      const boxes: Box[][] = Array.from({ length: L }, () => []);
      for (let sample = 0; sample < N; sample++) {
        const length = lengths[sample]!;
        const row = layer * D + direction;
        let state = initialState(module, geometry, row, sample);
        for (let count = 0; count < length; count++) {
          const step = direction === 0 ? count : length - 1 - count;
          state = cell(sequences[sample]![step]!, state);
          next[sample]![step]!.set(state.h, direction * H_out);
          boxes[step]!.push(boxOf(layer, direction, step, sample, state));
        }
        h_n.set(state.h, (row * N + sample) * H_out);
        if (state.c) c_n.set(state.c, (row * N + sample) * hidden_size);
      }
      for (const step of boxes) states.push(...step);
    }
    sequences = next;
  }

  const output = new Float32Array(L * N * D * H_out);
  for (const [sample, sequence] of sequences.entries()) {
    for (const [step, h] of sequence.entries()) output.set(h, position(module, geometry, step, sample) * D * H_out);
  }
  const axes = !batched ? [L] : module.batch_first ? [N, L] : [L, N];
  const rows = batched ? [module.num_layers * D, N] : [module.num_layers * D];
  const shapes = { output: [...axes, D * H_out], h_n: [...rows, H_out], c_n: [...rows, hidden_size] };
  const hasCell = module.name === "LSTM";
  return {
    output: nested({ shape: shapes.output, data: output }),
    h_n: nested({ shape: shapes.h_n, data: h_n }),
    ...(hasCell ? { c_n: nested({ shape: shapes.c_n, data: c_n }) } : {}),
    shapes: hasCell ? shapes : { output: shapes.output, h_n: shapes.h_n },
    parameters: Object.fromEntries([...parameters].map(([name, parameter]) => [name, nested(parameter)])),
    states,
  };
}

function hxOf(spec: Spec): Hx {
  const h_0 = spec.h_0 != null ? dense(spec.h_0) : null;
  const c_0 = spec.c_0 != null ? dense(spec.c_0) : null;
  return c_0 === null ? h_0 : [h_0, c_0];
}

/** Where the vector of a step and a sample is in the input and in output. */
function position(module: Module, { N, L }: Geometry, step: number, sample: number): number {
  return module.batch_first ? sample * L + step : step * N + sample;
}

/** x_t of every sample, up to its length: [sample][step]. */
function sequencesOf(module: Module, input: Dense, geometry: Geometry): Float32Array[][] {
  const H_in = module.input_size;
  // Where too few lengths were given, the input has more samples than take part.
  const inInput = geometry.batched && !module.batch_first ? { ...geometry, N: input.shape[1]! } : geometry;
  return geometry.lengths.map((length, sample) =>
    Array.from({ length }, (_, step) => {
      const at = position(module, inInput, step, sample) * H_in;
      return input.data.subarray(at, at + H_in);
    }),
  );
}

function initialState(module: Module, { h_0, c_0 }: Geometry, row: number, sample: number): State {
  const vector = (given: Dense | null, width: number): Float32Array => {
    if (given === null) return new Float32Array(width);
    const samples = given.shape.length === 3 ? given.shape[1]! : 1;
    const at = (row * samples + sample) * width;
    return given.data.subarray(at, at + width);
  };
  const h = vector(h_0, module.H_out);
  return module.name === "LSTM" ? { h, c: vector(c_0, module.hidden_size) } : { h };
}

function boxOf(layer: number, direction: number, step: number, sample: number, { h, c }: State): Box {
  const box = { layer, direction, step, sample, h: list(h) };
  return c ? { ...box, c: list(c) } : box;
}

/** `Array.from(vector)`, which takes much longer because it asks an iterator for each number. */
function list(vector: Float32Array): number[] {
  const numbers = new Array<number>(vector.length);
  for (let k = 0; k < vector.length; k++) numbers[k] = vector[k]!;
  return numbers;
}

/** The widest layer's, in one direction. */
function weightsPerLayer({ name, input_size, hidden_size, D, H_out }: Module): number {
  return GATES[name] * hidden_size * (Math.max(input_size, D * H_out) + H_out);
}

function multiplications(module: Module, { lengths }: Geometry): number {
  const steps = lengths.reduce((sum, length) => sum + length, 0);
  return steps * module.D * module.num_layers * weightsPerLayer(module);
}

function tooLarge(): UnsupportedError {
  return new UnsupportedError("This module is too large to be run in a page.");
}
