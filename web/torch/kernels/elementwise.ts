import { contiguousStrides } from "../../engine/dense.ts";
import {
  allocate,
  broadcast,
  broadcastShape,
  type DType,
  isContiguous,
  numbers,
  positions,
  type View,
} from "./view.ts";

type Unary = (a: number) => number;
type Binary = (a: number, b: number) => number;

const sigmoid: Unary = (a) => 1 / (1 + Math.exp(-a));

/** Half to even, as PyTorch rounds. */
const round: Unary = (a) => {
  const down = Math.floor(a);
  const above = a - down;
  return above < 0.5 || (above === 0.5 && down % 2 === 0) ? down : down + 1;
};

/** Lanczos' approximation is not exact enough: Abramowitz and Stegun's series, then the continued fraction. */
const erf: Unary = (a) => {
  const x = Math.abs(a);
  if (x > 6) return Math.sign(a);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (Math.sign(a) * 2 * sum) / Math.sqrt(Math.PI);
};

const UNARY: Record<string, Unary> = {
  abs: Math.abs,
  acos: Math.acos,
  asin: Math.asin,
  atan: Math.atan,
  bitwise_not: (a) => -a - 1,
  ceil: Math.ceil,
  cos: Math.cos,
  cosh: Math.cosh,
  erf,
  exp: Math.exp,
  expm1: Math.expm1,
  floor: Math.floor,
  isfinite: (a) => Number(Number.isFinite(a)),
  isinf: (a) => Number(Math.abs(a) === Infinity),
  isnan: (a) => Number(Number.isNaN(a)),
  log: Math.log,
  log10: Math.log10,
  log1p: Math.log1p,
  log2: Math.log2,
  logical_not: (a) => Number(a === 0),
  neg: (a) => -a,
  reciprocal: (a) => 1 / a,
  relu: (a) => Math.max(a, 0),
  round,
  rsqrt: (a) => 1 / Math.sqrt(a),
  sigmoid,
  sign: Math.sign,
  sin: Math.sin,
  sinh: Math.sinh,
  softplus: (a) => (a > 20 ? a : Math.log1p(Math.exp(a))),
  sqrt: Math.sqrt,
  square: (a) => a * a,
  tan: Math.tan,
  tanh: Math.tanh,
  trunc: Math.trunc,
};

const BINARY: Record<string, Binary> = {
  add: (a, b) => a + b,
  atan2: Math.atan2,
  bitwise_and: (a, b) => a & b,
  bitwise_or: (a, b) => a | b,
  bitwise_xor: (a, b) => a ^ b,
  div: (a, b) => a / b,
  eq: (a, b) => Number(a === b),
  floor_divide: (a, b) => Math.floor(a / b),
  ge: (a, b) => Number(a >= b),
  gt: (a, b) => Number(a > b),
  le: (a, b) => Number(a <= b),
  logical_and: (a, b) => Number(a !== 0 && b !== 0),
  logical_or: (a, b) => Number(a !== 0 || b !== 0),
  logical_xor: (a, b) => Number((a !== 0) !== (b !== 0)),
  lt: (a, b) => Number(a < b),
  maximum: Math.max,
  minimum: Math.min,
  mul: (a, b) => a * b,
  ne: (a, b) => Number(a !== b),
  pow: (a, b) => a ** b,
  remainder: (a, b) => a - b * Math.floor(a / b),
  sub: (a, b) => a - b,
  trunc_divide: (a, b) => Math.trunc(a / b),
  /** The gradients of tanh, sigmoid and relu, from what they gave. */
  relu_backward: (grad, out) => (out > 0 ? grad : 0),
  sigmoid_backward: (grad, out) => grad * (1 - out) * out,
  tanh_backward: (grad, out) => grad * (1 - out * out),
};

/**
 * Room for the result, and where each element of it and of the operands is. `strides` (as text) are the result's, where
 * these are not row by row: PyTorch keeps the order in memory of a transposed operand.
 */
function plan(shape: readonly number[], dtype: DType, strides: string, operands: readonly View[]) {
  const out = allocate(dtype, shape, strides === "" ? contiguousStrides(shape) : [...numbers(strides)]);
  const spread = operands.map((operand) => (operand.shape === shape ? operand : broadcast(operand, shape)));
  return { out, spread };
}

/** Whether the loop can run through all the arrays from their beginning. */
function plain(strides: string, operands: readonly View[]): boolean {
  return strides === "" && operands.every(isContiguous);
}

export function unary(name: string, a: View, dtype: DType, strides: string): View {
  const f = UNARY[name]!;
  const { out } = plan(a.shape, dtype, strides, []);
  const count = out.data.length;
  if (plain(strides, [a])) {
    for (let j = 0; j < count; j++) out.data[j] = f(a.data[a.offset + j]!);
    return out;
  }
  const [to, from] = [positions(out), positions(a)];
  for (let j = 0; j < count; j++) out.data[to[j]!] = f(a.data[from[j]!]!);
  return out;
}

/** Either operand may be a number. A Python number takes part in float32 arithmetic as a double does in PyTorch's. */
export function binary(name: string, a: View | number, b: View | number, dtype: DType, strides: string): View {
  const f = BINARY[name]!;
  if (typeof a === "number") return withNumber((x) => f(a, x), b as View, dtype, strides);
  if (typeof b === "number") return withNumber((x) => f(x, b), a, dtype, strides);
  const { out, spread } = plan(broadcastShape(a.shape, b.shape), dtype, strides, [a, b]);
  const [left, right] = spread as [View, View];
  const count = out.data.length;
  if (plain(strides, [left, right])) {
    for (let j = 0; j < count; j++) out.data[j] = f(left.data[left.offset + j]!, right.data[right.offset + j]!);
    return out;
  }
  const [to, from, other] = [positions(out), positions(left), positions(right)];
  for (let j = 0; j < count; j++) out.data[to[j]!] = f(left.data[from[j]!]!, right.data[other[j]!]!);
  return out;
}

function withNumber(f: Unary, a: View, dtype: DType, strides: string): View {
  const { out } = plan(a.shape, dtype, strides, []);
  if (plain(strides, [a])) {
    for (let j = 0; j < out.data.length; j++) out.data[j] = f(a.data[a.offset + j]!);
    return out;
  }
  const [to, from] = [positions(out), positions(a)];
  for (let j = 0; j < to.length; j++) out.data[to[j]!] = f(a.data[from[j]!]!);
  return out;
}

/** `torch.where`: `shape` is what the three are broadcast to. */
export function where(condition: View, a: View, b: View, dtype: DType, shape: string): View {
  const { out, spread } = plan(numbers(shape), dtype, "", [condition, a, b]);
  const [test, left, right] = spread as [View, View, View];
  const [tests, from, other] = [positions(test), positions(left), positions(right)];
  for (let j = 0; j < out.data.length; j++) {
    out.data[j] = test.data[tests[j]!]! ? left.data[from[j]!]! : right.data[other[j]!]!;
  }
  return out;
}

/** What a number becomes in this dtype: bools are 0 or 1, integers have no fraction. */
function castTo(dtype: DType, from: DType): Unary | null {
  if (dtype === "bool") return (a) => Number(a !== 0);
  return from.startsWith("float") && !dtype.startsWith("float") ? Math.trunc : null;
}

/** `source` written into the memory of `target`, broadcast to its shape and in its dtype. */
export function copyInto(target: View, source: View): void {
  let from = broadcast(source, target.shape);
  if (source.data.buffer === target.data.buffer) from = cast(from, source.dtype, "");
  const f = castTo(target.dtype, source.dtype);
  const [to, at] = [positions(target), positions(from)];
  for (let j = 0; j < to.length; j++) {
    const value = from.data[at[j]!]!;
    target.data[to[j]!] = f ? f(value) : value;
  }
}

export function fillInto(target: View, value: number): void {
  for (const at of positions(target)) target.data[at] = value;
}

/** A copy in this dtype. */
export function cast(view: View, dtype: DType, strides: string): View {
  const { out } = plan(view.shape, dtype, strides, []);
  const f = castTo(dtype, view.dtype);
  const [to, from] = [positions(out), positions(view)];
  for (let j = 0; j < to.length; j++) {
    const value = view.data[from[j]!]!;
    out.data[to[j]!] = f ? f(value) : value;
  }
  return out;
}
