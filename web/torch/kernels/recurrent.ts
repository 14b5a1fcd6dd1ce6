import { columnSums, outer, products, times } from "./products.ts";
import { dense, numbers, rows, type View } from "./view.ts";

/** A layer in one direction over all its steps, with all that its gradient needs. Sums run in double precision. */
export interface Run {
  readonly output: View;
  readonly h_n: View;
  readonly c_n: View | null;
  readonly tape: Tape;
}

export type Mode = "RNN_TANH" | "RNN_RELU" | "LSTM" | "GRU";

/** What a run was given and what it kept: arrays of rows, a row for each sample at each of its steps. */
interface Tape {
  readonly mode: Mode;
  readonly dtype: View["dtype"];
  readonly N: number;
  /** hidden_size; the width of h, which is another with a projection; the input's width. */
  readonly H: number;
  readonly P: number;
  readonly I: number;
  readonly steps: readonly Step[];
  readonly x: Float64Array;
  readonly W_ih: Float64Array;
  readonly W_hh: Float64Array;
  readonly W_hr: Float64Array | null;
  /** The gates after their functions; in a GRU, with the reset gate's operand W_hn h + b_hn behind them. */
  readonly gates: Float64Array;
  readonly hBefore: Float64Array;
  readonly cBefore: Float64Array;
  readonly cAfter: Float64Array;
  /** An LSTM's h before its projection. */
  readonly hWide: Float64Array;
}

/** The rows of one step: the samples that are running are the first `running` ones. */
interface Step {
  readonly first: number;
  readonly running: number;
}

const GATES = { RNN_TANH: 1, RNN_RELU: 1, LSTM: 4, GRU: 3 } as const;

/** All arrays here are of doubles: a loop that meets one kind of array is several times as fast. */
function doubles(view: View): Float64Array {
  return new Float64Array(dense(view));
}

/** The steps in the order in which they are run. */
function stepsOf(batchSizes: readonly number[], reverse: boolean): Step[] {
  let first = 0;
  const steps = batchSizes.map((running) => {
    const step = { first, running };
    first += running;
    return step;
  });
  return reverse ? steps.reverse() : steps;
}

/**
 * `x` (rows, I), `h_0` (N, P), `c_0` (N, H) or null, weights as PyTorch has them (biases and the projection may be null);
 * `batchSizes` as text: how many samples are running at each step.
 */
export function recurrent(
  mode: Mode,
  x: View,
  h_0: View,
  c_0: View | null,
  weight_ih: View,
  weight_hh: View,
  bias_ih: View | null,
  bias_hh: View | null,
  weight_hr: View | null,
  batchSizes: string,
  reverse: boolean,
): Run {
  const [total, I] = x.shape as [number, number];
  const [N, P] = h_0.shape as [number, number];
  const G = weight_hh.shape[0]!;
  const H = G / GATES[mode];
  const tape: Tape = {
    mode,
    dtype: x.dtype,
    N,
    H,
    P,
    I,
    steps: stepsOf(numbers(batchSizes), reverse),
    x: doubles(x),
    W_ih: doubles(weight_ih),
    W_hh: doubles(weight_hh),
    W_hr: weight_hr && doubles(weight_hr),
    gates: new Float64Array(total * (mode === "GRU" ? 4 * H : G)),
    hBefore: new Float64Array(total * P),
    cBefore: new Float64Array(mode === "LSTM" ? total * H : 0),
    cAfter: new Float64Array(mode === "LSTM" ? total * H : 0),
    hWide: new Float64Array(mode === "LSTM" ? total * H : 0),
  };
  const round = x.dtype === "float32" ? Math.fround : exact;
  const h = doubles(h_0);
  const c = c_0 && doubles(c_0);
  const output = new Float64Array(total * P);
  const b_ih = bias_ih && doubles(bias_ih);
  const b_hh = bias_hh && doubles(bias_hh);
  const cell = CELLS[mode];
  const fromX = products(tape.x, total, I, tape.W_ih, G, b_ih);
  for (const { first, running } of tape.steps) {
    tape.hBefore.set(h.subarray(0, running * P), first * P);
    if (c) tape.cBefore.set(c.subarray(0, running * H), first * H);
    const fromH = products(h, running, P, tape.W_hh, G, b_hh);
    for (let n = 0; n < running; n++) {
      cell(tape, first + n, fromX, (first + n) * G, fromH, n * G, h, c, n, round);
    }
    if (tape.W_hr) project(tape, first, running, h, round);
    output.set(h.subarray(0, running * P), first * P);
  }
  return {
    output: stored(x.dtype, [total, P], output),
    h_n: stored(x.dtype, [N, P], h),
    c_n: c && stored(x.dtype, [N, H], c),
    tape,
  };
}

const exact = (a: number): number => a;

/** The numbers in the array of their dtype. */
function stored(dtype: View["dtype"], shape: number[], data: Float64Array): View {
  return rows(dtype, shape, dtype === "float32" ? new Float32Array(data) : data);
}

const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));

type Cell = (
  tape: Tape,
  row: number,
  fromX: Float64Array,
  x: number,
  fromH: Float64Array,
  a: number,
  h: Float64Array,
  c: Float64Array | null,
  n: number,
  round: (a: number) => number,
) => void;

/** h' = f(W_ih x + b_ih + W_hh h + b_hh) */
function rnn(f: (a: number) => number): Cell {
  return ({ H, gates }, row, fromX, x, fromH, a, h, _c, n, round) => {
    for (let k = 0; k < H; k++) {
      h[n * H + k] = round(f(fromX[x + k]! + fromH[a + k]!));
      gates[row * H + k] = h[n * H + k]!;
    }
  };
}

/** c' = f * c + i * g and h' = o * tanh(c'); gates in the order i, f, g, o. */
const lstm: Cell = ({ H, gates, cAfter, hWide, W_hr }, row, fromX, x, fromH, a, h, c, n, round) => {
  for (let k = 0; k < H; k++) {
    const i = sigmoid(fromX[x + k]! + fromH[a + k]!);
    const f = sigmoid(fromX[x + H + k]! + fromH[a + H + k]!);
    const g = Math.tanh(fromX[x + 2 * H + k]! + fromH[a + 2 * H + k]!);
    const o = sigmoid(fromX[x + 3 * H + k]! + fromH[a + 3 * H + k]!);
    const after = round(f * c![n * H + k]! + i * g);
    const wide = round(o * Math.tanh(after));
    c![n * H + k] = after;
    if (!W_hr) h[n * H + k] = wide;
    cAfter[row * H + k] = after;
    hWide[row * H + k] = wide;
    const at = row * 4 * H + k;
    gates[at] = i;
    gates[at + H] = f;
    gates[at + 2 * H] = g;
    gates[at + 3 * H] = o;
  }
};

/** h' = (1 - z) * n + z * h; gates in the order r, z, n. The reset gate multiplies W_hn h + b_hn. */
const gru: Cell = ({ H, gates }, row, fromX, x, fromH, a, h, _c, sample, round) => {
  for (let k = 0; k < H; k++) {
    const r = sigmoid(fromX[x + k]! + fromH[a + k]!);
    const z = sigmoid(fromX[x + H + k]! + fromH[a + H + k]!);
    const n = Math.tanh(fromX[x + 2 * H + k]! + r * fromH[a + 2 * H + k]!);
    h[sample * H + k] = round((1 - z) * n + z * h[sample * H + k]!);
    const at = row * 4 * H + k;
    gates[at] = r;
    gates[at + H] = z;
    gates[at + 2 * H] = n;
    gates[at + 3 * H] = fromH[a + 2 * H + k]!;
  }
};

const CELLS: Record<Mode, Cell> = {
  RNN_TANH: rnn(Math.tanh),
  RNN_RELU: rnn((a) => Math.max(a, 0)),
  LSTM: lstm,
  GRU: gru,
};

/** h = W_hr h' */
function project(
  { hWide, H, P, W_hr }: Tape,
  first: number,
  running: number,
  h: Float64Array,
  round: (a: number) => number,
): void {
  const narrow = products(hWide.subarray(first * H, (first + running) * H), running, H, W_hr!, P, null);
  for (let j = 0; j < narrow.length; j++) h[j] = round(narrow[j]!);
}

/** The gradients of a run, by name: of x, h_0, c_0 and of each weight. `c_n`'s may be null. */
export function recurrentBackward(tape: Tape, output: View, h_n: View, c_n: View | null): Record<string, View> {
  const { mode, dtype, N, H, P, I, steps, x, W_ih, W_hh, W_hr } = tape;
  const total = x.length / I || output.shape[0]!;
  const G = GATES[mode] * H;
  const dOutput = doubles(output);
  const dh = doubles(h_n);
  const dc = c_n ? doubles(c_n) : new Float64Array(mode === "LSTM" ? N * H : 0);
  /** Of W_ih x + b_ih and of W_hh h + b_hh, a row for each row of x. */
  const dFromX = new Float64Array(total * G);
  const dFromH = mode === "GRU" ? new Float64Array(total * G) : dFromX;
  const dW_hr = new Float64Array(W_hr ? P * H : 0);
  const wide = new Float64Array(N * H);
  const backward = BACKWARD[mode];
  for (const { first, running } of [...steps].reverse()) {
    for (let j = 0; j < running * P; j++) dh[j]! += dOutput[first * P + j]!;
    const direct = W_hr ? wide : dh;
    if (W_hr) {
      wide.set(times(dh, running, P, W_hr, H));
      outer(dW_hr, dh, tape.hWide.subarray(first * H), running, P, H);
    }
    for (let n = 0; n < running; n++) backward(tape, first + n, n, direct, dc, dFromX, dFromH);
    const back = times(dFromH.subarray(first * G), running, G, W_hh, P);
    for (let j = 0; j < running * P; j++) dh[j] = mode === "GRU" ? dh[j]! + back[j]! : back[j]!;
  }
  const dW_ih = new Float64Array(G * I);
  const dW_hh = new Float64Array(G * P);
  outer(dW_ih, dFromX, x, total, G, I);
  outer(dW_hh, dFromH, tape.hBefore, total, G, P);
  return {
    x: stored(dtype, [total, I], times(dFromX, total, G, W_ih, I)),
    h_0: stored(dtype, [N, P], dh),
    c_0: stored(dtype, [N, mode === "LSTM" ? H : 0], dc),
    weight_ih: stored(dtype, [G, I], dW_ih),
    weight_hh: stored(dtype, [G, P], dW_hh),
    bias_ih: stored(dtype, [G], columnSums(dFromX, total, G)),
    bias_hh: stored(dtype, [G], columnSums(dFromH, total, G)),
    weight_hr: stored(dtype, [W_hr ? P : 0, H], dW_hr),
  };
}

/** From the gradient of h' (and of c') to those of the sums, of c, and of what of h did not pass through W_hh. */
type CellBackward = (
  tape: Tape,
  row: number,
  n: number,
  dh: Float64Array,
  dc: Float64Array,
  dFromX: Float64Array,
  dFromH: Float64Array,
) => void;

const BACKWARD: Record<Mode, CellBackward> = {
  RNN_TANH: ({ H, gates }, row, n, dh, _dc, dFromX) => {
    for (let k = 0; k < H; k++) dFromX[row * H + k] = dh[n * H + k]! * (1 - gates[row * H + k]! * gates[row * H + k]!);
  },
  RNN_RELU: ({ H, gates }, row, n, dh, _dc, dFromX) => {
    for (let k = 0; k < H; k++) dFromX[row * H + k] = gates[row * H + k]! > 0 ? dh[n * H + k]! : 0;
  },
  LSTM: ({ H, gates, cBefore, cAfter }, row, n, dh, dc, dFromX) => {
    for (let k = 0; k < H; k++) {
      const at = row * 4 * H + k;
      const i = gates[at]!;
      const f = gates[at + H]!;
      const g = gates[at + 2 * H]!;
      const o = gates[at + 3 * H]!;
      const squashed = Math.tanh(cAfter[row * H + k]!);
      const d = dc[n * H + k]! + dh[n * H + k]! * o * (1 - squashed * squashed);
      dFromX[at] = d * g * i * (1 - i);
      dFromX[at + H] = d * cBefore[row * H + k]! * f * (1 - f);
      dFromX[at + 2 * H] = d * i * (1 - g * g);
      dFromX[at + 3 * H] = dh[n * H + k]! * squashed * o * (1 - o);
      dc[n * H + k] = d * f;
    }
  },
  GRU: ({ H, gates, hBefore }, row, sample, dh, _dc, dFromX, dFromH) => {
    for (let k = 0; k < H; k++) {
      const from = row * 4 * H + k;
      const r = gates[from]!;
      const z = gates[from + H]!;
      const n = gates[from + 2 * H]!;
      const fromH = gates[from + 3 * H]!;
      const d = dh[sample * H + k]!;
      const dn = d * (1 - z) * (1 - n * n);
      const dz = d * (hBefore[row * H + k]! - n) * z * (1 - z);
      const dr = dn * fromH * r * (1 - r);
      const at = row * 3 * H + k;
      dFromX[at] = dr;
      dFromX[at + H] = dz;
      dFromX[at + 2 * H] = dn;
      dFromH[at] = dr;
      dFromH[at + H] = dz;
      dFromH[at + 2 * H] = dn * r;
      dh[sample * H + k] = d * z;
    }
  },
};
