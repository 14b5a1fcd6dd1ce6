import { dense, type Numbers, numbers, rows, type View } from "./view.ts";

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
  readonly x: Numbers;
  readonly W_ih: Numbers;
  readonly W_hh: Numbers;
  readonly W_hr: Numbers | null;
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
    x: dense(x),
    W_ih: dense(weight_ih).slice(),
    W_hh: dense(weight_hh).slice(),
    W_hr: weight_hr && dense(weight_hr).slice(),
    gates: new Float64Array(total * (mode === "GRU" ? 4 * H : G)),
    hBefore: new Float64Array(total * P),
    cBefore: new Float64Array(mode === "LSTM" ? total * H : 0),
    cAfter: new Float64Array(mode === "LSTM" ? total * H : 0),
    hWide: new Float64Array(mode === "LSTM" ? total * H : 0),
  };
  const store = x.dtype === "float32" ? Float32Array : Float64Array;
  const h = store.from(dense(h_0));
  const c = c_0 && store.from(dense(c_0));
  const output = new store(total * P);
  const b_ih = bias_ih && dense(bias_ih);
  const b_hh = bias_hh && dense(bias_hh);
  const fromX = products(tape.x, total, I, tape.W_ih, G, b_ih);
  for (const { first, running } of tape.steps) {
    tape.hBefore.set(h.subarray(0, running * P), first * P);
    if (c) tape.cBefore.set(c.subarray(0, running * H), first * H);
    const fromH = products(h, running, P, tape.W_hh, G, b_hh);
    for (let n = 0; n < running; n++) {
      CELLS[mode](tape, first + n, fromX.subarray((first + n) * G), fromH.subarray(n * G), h, c, n);
    }
    if (tape.W_hr) project(tape, first, running, h);
    output.set(h.subarray(0, running * P), first * P);
  }
  return {
    output: rows(x.dtype, [total, P], output),
    h_n: rows(x.dtype, [N, P], h),
    c_n: c && rows(x.dtype, [N, H], c),
    tape,
  };
}

/** A (rows, width) times the transpose of W (columns, width), plus b. */
function products(A: Numbers, count: number, width: number, W: Numbers, columns: number, b: Numbers | null) {
  const result = new Float64Array(count * columns);
  for (let row = 0, at = 0; row < count; row++) {
    for (let column = 0, w = 0; column < columns; column++) {
      let sum = b ? b[column]! : 0;
      for (let j = 0, a = row * width; j < width; j++) sum += A[a++]! * W[w++]!;
      result[at++] = sum;
    }
  }
  return result;
}

const sigmoid = (a: number): number => 1 / (1 + Math.exp(-a));

type Cell = (
  tape: Tape,
  row: number,
  fromX: Float64Array,
  fromH: Float64Array,
  h: Numbers,
  c: Numbers | null,
  n: number,
) => void;

/** h' = f(W_ih x + b_ih + W_hh h + b_hh) */
function rnn(f: (a: number) => number): Cell {
  return ({ H, gates }, row, fromX, fromH, h, _c, n) => {
    for (let k = 0; k < H; k++) {
      h[n * H + k] = f(fromX[k]! + fromH[k]!);
      gates[row * H + k] = h[n * H + k]!;
    }
  };
}

/** c' = f * c + i * g and h' = o * tanh(c'); gates in the order i, f, g, o. */
const lstm: Cell = ({ H, gates, cAfter, hWide, W_hr }, row, fromX, fromH, h, c, n) => {
  for (let k = 0; k < H; k++) {
    const i = sigmoid(fromX[k]! + fromH[k]!);
    const f = sigmoid(fromX[H + k]! + fromH[H + k]!);
    const g = Math.tanh(fromX[2 * H + k]! + fromH[2 * H + k]!);
    const o = sigmoid(fromX[3 * H + k]! + fromH[3 * H + k]!);
    c![n * H + k] = f * c![n * H + k]! + i * g;
    const after = c![n * H + k]!;
    const wide = o * Math.tanh(after);
    if (!W_hr) h[n * H + k] = wide;
    cAfter[row * H + k] = after;
    hWide[row * H + k] = wide;
    for (const [gate, value] of [i, f, g, o].entries()) gates[(row * 4 + gate) * H + k] = value;
  }
};

/** h' = (1 - z) * n + z * h; gates in the order r, z, n. The reset gate multiplies W_hn h + b_hn. */
const gru: Cell = ({ H, gates }, row, fromX, fromH, h, _c, sample) => {
  for (let k = 0; k < H; k++) {
    const r = sigmoid(fromX[k]! + fromH[k]!);
    const z = sigmoid(fromX[H + k]! + fromH[H + k]!);
    const n = Math.tanh(fromX[2 * H + k]! + r * fromH[2 * H + k]!);
    h[sample * H + k] = (1 - z) * n + z * h[sample * H + k]!;
    for (const [gate, value] of [r, z, n, fromH[2 * H + k]!].entries()) gates[(row * 4 + gate) * H + k] = value;
  }
};

const CELLS: Record<Mode, Cell> = {
  RNN_TANH: rnn(Math.tanh),
  RNN_RELU: rnn((a) => Math.max(a, 0)),
  LSTM: lstm,
  GRU: gru,
};

/** h = W_hr h' */
function project({ hWide, H, P, W_hr }: Tape, first: number, running: number, h: Numbers): void {
  h.set(products(hWide.subarray(first * H, (first + running) * H), running, H, W_hr!, P, null));
}

/** The gradients of a run, by name: of x, h_0, c_0 and of each weight. `c_n`'s may be null. */
export function recurrentBackward(tape: Tape, output: View, h_n: View, c_n: View | null): Record<string, View> {
  const { mode, dtype, N, H, P, I, steps, x, W_ih, W_hh, W_hr } = tape;
  const total = x.length / I || output.shape[0]!;
  const G = GATES[mode] * H;
  const dOutput = dense(output);
  const dh = Float64Array.from(dense(h_n));
  const dc = c_n ? Float64Array.from(dense(c_n)) : new Float64Array(mode === "LSTM" ? N * H : 0);
  /** Of W_ih x + b_ih and of W_hh h + b_hh, a row for each row of x. */
  const dFromX = new Float64Array(total * G);
  const dFromH = mode === "GRU" ? new Float64Array(total * G) : dFromX;
  const dW_hr = new Float64Array(W_hr ? P * H : 0);
  const wide = new Float64Array(N * H);
  for (const { first, running } of [...steps].reverse()) {
    for (let j = 0; j < running * P; j++) dh[j]! += dOutput[first * P + j]!;
    const direct = W_hr ? wide : dh;
    if (W_hr) {
      wide.set(times(dh, running, P, W_hr, H));
      outer(dW_hr, dh, tape.hWide.subarray(first * H), running, P, H);
    }
    for (let n = 0; n < running; n++) BACKWARD[mode](tape, first + n, n, direct, dc, dFromX, dFromH);
    const back = times(dFromH.subarray(first * G), running, G, W_hh, P);
    for (let j = 0; j < running * P; j++) dh[j] = mode === "GRU" ? dh[j]! + back[j]! : back[j]!;
  }
  const dW_ih = new Float64Array(G * I);
  const dW_hh = new Float64Array(G * P);
  outer(dW_ih, dFromX, x, total, G, I);
  outer(dW_hh, dFromH, tape.hBefore, total, G, P);
  const round = (shape: number[], data: Float64Array): View =>
    rows(dtype, shape, dtype === "float32" ? Float32Array.from(data) : data);
  return {
    x: round([total, I], times(dFromX, total, G, W_ih, I)),
    h_0: round([N, P], dh),
    c_0: round([N, mode === "LSTM" ? H : 0], dc),
    weight_ih: round([G, I], dW_ih),
    weight_hh: round([G, P], dW_hh),
    bias_ih: round([G], columnSums(dFromX, total, G)),
    bias_hh: round([G], columnSums(dFromH, total, G)),
    weight_hr: round([W_hr ? P : 0, H], dW_hr),
  };
}

/** A (rows, width) times W (width, columns). */
function times(A: Numbers, count: number, width: number, W: Numbers, columns: number): Float64Array {
  const result = new Float64Array(count * columns);
  for (let row = 0; row < count; row++) {
    for (let j = 0, w = 0; j < width; j++) {
      const a = A[row * width + j]!;
      for (let column = 0, at = row * columns; column < columns; column++) result[at++]! += a * W[w++]!;
    }
  }
  return result;
}

/** Adds the transpose of A (rows, m) times B (rows, k) to `sum` (m, k). */
function outer(sum: Float64Array, A: Numbers, B: Numbers, count: number, m: number, k: number): void {
  for (let row = 0; row < count; row++) {
    for (let i = 0, at = 0; i < m; i++) {
      const a = A[row * m + i]!;
      for (let j = 0, b = row * k; j < k; j++) sum[at++]! += a * B[b++]!;
    }
  }
}

function columnSums(A: Float64Array, count: number, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let row = 0, at = 0; row < count; row++) {
    for (let column = 0; column < width; column++) sums[column]! += A[at++]!;
  }
  return sums;
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
    for (let k = 0; k < H; k++) dFromX[row * H + k] = dh[n * H + k]! * (1 - gates[row * H + k]! ** 2);
  },
  RNN_RELU: ({ H, gates }, row, n, dh, _dc, dFromX) => {
    for (let k = 0; k < H; k++) dFromX[row * H + k] = gates[row * H + k]! > 0 ? dh[n * H + k]! : 0;
  },
  LSTM: ({ H, gates, cBefore, cAfter }, row, n, dh, dc, dFromX) => {
    for (let k = 0; k < H; k++) {
      const gate = (which: number): number => gates[(row * 4 + which) * H + k]!;
      const [i, f, g, o] = [gate(0), gate(1), gate(2), gate(3)];
      const squashed = Math.tanh(cAfter[row * H + k]!);
      const d = dc[n * H + k]! + dh[n * H + k]! * o * (1 - squashed ** 2);
      const at = row * 4 * H + k;
      dFromX[at] = d * g * i * (1 - i);
      dFromX[at + H] = d * cBefore[row * H + k]! * f * (1 - f);
      dFromX[at + 2 * H] = d * i * (1 - g ** 2);
      dFromX[at + 3 * H] = dh[n * H + k]! * squashed * o * (1 - o);
      dc[n * H + k] = d * f;
    }
  },
  GRU: ({ H, gates, hBefore }, row, sample, dh, _dc, dFromX, dFromH) => {
    for (let k = 0; k < H; k++) {
      const gate = (which: number): number => gates[(row * 4 + which) * H + k]!;
      const [r, z, n, fromH] = [gate(0), gate(1), gate(2), gate(3)];
      const d = dh[sample * H + k]!;
      const dn = d * (1 - z) * (1 - n ** 2);
      const dz = d * (hBefore[row * H + k]! - n) * z * (1 - z);
      const dr = dn * fromH * r * (1 - r);
      const at = row * 3 * H + k;
      for (const [gate, value] of [dr, dz, dn].entries()) dFromX[at + gate * H] = value;
      for (const [gate, value] of [dr, dz, dn * r].entries()) dFromH[at + gate * H] = value;
      dh[sample * H + k] = d * z;
    }
  },
};
