import type { Module } from "./module.ts";
import { type Parameters, suffix } from "./parameters.ts";

/** What one box of the grid holds: h (H_out,), and in an LSTM c (hidden_size,). */
export interface State {
  readonly h: Float32Array;
  readonly c?: Float32Array;
}

/** One step of one layer in one direction: x_t and the state before it give the state after it. */
export type Cell = (x: Float32Array, state: State) => State;

/** A matrix (its rows in one array) or a bias, absent when the module has none. */
interface Weights {
  readonly weight_ih: Float32Array;
  readonly weight_hh: Float32Array;
  readonly bias_ih: Float32Array | undefined;
  readonly bias_hh: Float32Array | undefined;
  readonly weight_hr: Float32Array | undefined;
}

/** Sums run in double precision; what PyTorch stores (h and c) is rounded to float32 when it is stored. */
export function cellOf(module: Module, parameters: Parameters, layer: number, direction: number): Cell {
  const named = (name: string): Float32Array | undefined => parameters.get(`${name}_${suffix(layer, direction)}`)?.data;
  const weights: Weights = {
    weight_ih: named("weight_ih")!,
    weight_hh: named("weight_hh")!,
    bias_ih: named("bias_ih"),
    bias_hh: named("bias_hh"),
    weight_hr: named("weight_hr"),
  };
  switch (module.name) {
    case "RNN":
      return rnn(weights, module.nonlinearity === "tanh" ? Math.tanh : relu);
    case "LSTM":
      return lstm(weights);
    case "GRU":
      return gru(weights);
  }
}

/** h' = f(W_ih x + b_ih + W_hh h + b_hh) */
function rnn({ weight_ih, weight_hh, bias_ih, bias_hh }: Weights, f: (a: number) => number): Cell {
  return (x, { h }) => {
    const a_x = linear(weight_ih, x, bias_ih);
    const a_h = linear(weight_hh, h, bias_hh);
    const h_next = new Float32Array(h.length);
    for (let k = 0; k < h.length; k++) h_next[k] = f(a_x[k]! + a_h[k]!);
    return { h: h_next };
  };
}

/** c' = f * c + i * g and h' = o * tanh(c'), which weight_hr then projects; gates in the order i, f, g, o. */
function lstm({ weight_ih, weight_hh, bias_ih, bias_hh, weight_hr }: Weights): Cell {
  return (x, { h, c }) => {
    const H = c!.length;
    const a_x = linear(weight_ih, x, bias_ih);
    const a_h = linear(weight_hh, h, bias_hh);
    const h_next = new Float32Array(H);
    const c_next = new Float32Array(H);
    for (let k = 0; k < H; k++) {
      const i = sigmoid(a_x[k]! + a_h[k]!);
      const f = sigmoid(a_x[H + k]! + a_h[H + k]!);
      const g = Math.tanh(a_x[2 * H + k]! + a_h[2 * H + k]!);
      const o = sigmoid(a_x[3 * H + k]! + a_h[3 * H + k]!);
      c_next[k] = f * c![k]! + i * g;
      h_next[k] = o * Math.tanh(c_next[k]!);
    }
    return { h: weight_hr ? new Float32Array(linear(weight_hr, h_next)) : h_next, c: c_next };
  };
}

/** h' = (1 - z) * n + z * h; gates in the order r, z, n. The reset gate r multiplies W_hn h + b_hn, its bias included. */
function gru({ weight_ih, weight_hh, bias_ih, bias_hh }: Weights): Cell {
  return (x, { h }) => {
    const H = h.length;
    const a_x = linear(weight_ih, x, bias_ih);
    const a_h = linear(weight_hh, h, bias_hh);
    const h_next = new Float32Array(H);
    for (let k = 0; k < H; k++) {
      const r = sigmoid(a_x[k]! + a_h[k]!);
      const z = sigmoid(a_x[H + k]! + a_h[H + k]!);
      const n = Math.tanh(a_x[2 * H + k]! + r * a_h[2 * H + k]!);
      h_next[k] = (1 - z) * n + z * h[k]!;
    }
    return { h: h_next };
  };
}

/** W x + b, as a list: browsers make a small one ten times faster than a `Float64Array`. */
function linear(W: Float32Array, x: Float32Array, b?: Float32Array): number[] {
  const columns = x.length;
  const result = new Array<number>(W.length / columns);
  for (let row = 0, at = 0; row < result.length; row++) {
    let sum = b ? b[row]! : 0;
    for (let column = 0; column < columns; column++) sum += W[at++]! * x[column]!;
    result[row] = sum;
  }
  return result;
}

export function sigmoid(a: number): number {
  return 1 / (1 + Math.exp(-a));
}

export function relu(a: number): number {
  return Math.max(a, 0);
}
