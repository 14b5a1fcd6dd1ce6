import { allocate, type DType, dense, numbers, positions, rows, type View } from "./view.ts";

/** The view with these axes last, and the lengths of what is kept and of what is reduced. */
function split(view: View, axes: readonly number[]): { at: Int32Array; kept: number[]; outer: number; inner: number } {
  const rest = view.shape.map((_, dim) => dim).filter((dim) => !axes.includes(dim));
  const order = [...rest, ...axes];
  const shape = order.map((dim) => view.shape[dim]!);
  const strides = order.map((dim) => view.strides[dim]!);
  const kept = rest.map((dim) => view.shape[dim]!);
  const outer = kept.reduce((product, length) => product * length, 1);
  const inner = axes.reduce((product, dim) => product * view.shape[dim]!, 1);
  return { at: positions({ shape, strides, offset: view.offset }), kept, outer, inner };
}

type Step = (soFar: number, value: number) => number;

const STEPS: Record<string, { readonly start: number; readonly step: Step }> = {
  all: { start: 1, step: (a, b) => Number(a !== 0 && b !== 0) },
  any: { start: 0, step: (a, b) => Number(a !== 0 || b !== 0) },
  count_nonzero: { start: 0, step: (a, b) => a + Number(b !== 0) },
  max: { start: -Infinity, step: (a, b) => (a > b || Number.isNaN(a) ? a : b) },
  min: { start: Infinity, step: (a, b) => (a < b || Number.isNaN(a) ? a : b) },
  prod: { start: 1, step: (a, b) => a * b },
  squares: { start: 0, step: (a, b) => a + b * b },
  sum: { start: 0, step: (a, b) => a + b },
};

/** A sum and the like over some axes, which are then gone. Sums run in double precision. */
export function reduce(name: string, view: View, axes: string, dtype: DType): View {
  const { start, step } = STEPS[name]!;
  const { at, kept, outer, inner } = split(view, numbers(axes));
  const out = allocate(dtype, kept);
  for (let row = 0, j = 0; row < outer; row++) {
    let result = start;
    for (let end = j + inner; j < end; j++) result = step(result, view.data[at[j]!]!);
    out.data[row] = result;
  }
  return out;
}

/** Where the largest (or smallest) element of an axis is: the first of several; NaN counts as largest and smallest. */
export function argBest(largest: boolean, view: View, axis: number): View {
  const { at, kept, outer, inner } = split(view, [axis]);
  const out = allocate("int64", kept);
  for (let row = 0; row < outer; row++) {
    let best = 0;
    let value = view.data[at[row * inner]!]!;
    for (let k = 1; k < inner && !Number.isNaN(value); k++) {
      const other = view.data[at[row * inner + k]!]!;
      if (Number.isNaN(other) || (largest ? other > value : other < value)) [best, value] = [k, other];
    }
    out.data[row] = best;
  }
  return out;
}

/** The order that sorts an axis (a stable one), that axis being last. NaN is the largest. */
export function argsort(view: View, descending: boolean): View {
  const data = dense(view);
  const length = view.shape.at(-1) ?? 1;
  const out = allocate("int64", view.shape);
  const compare = (a: number, b: number): number => {
    if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
    return a - b;
  };
  for (let first = 0; first < data.length; first += length) {
    const order = Array.from({ length }, (_, place) => place);
    const sign = descending ? -1 : 1;
    order.sort((a, b) => sign * compare(data[first + a]!, data[first + b]!) || a - b);
    out.data.set(order, first);
  }
  return out;
}

/** Running sums or products along an axis, that axis being last. */
export function cumulate(name: "sum" | "prod", view: View, dtype: DType): View {
  const { start, step } = STEPS[name]!;
  const data = dense(view);
  const length = view.shape.at(-1) ?? 1;
  const out = allocate(dtype, view.shape);
  for (let first = 0; first < data.length; first += length) {
    let result = start;
    for (let k = 0; k < length; k++) {
      result = step(result, data[first + k]!);
      out.data[first + k] = result;
    }
  }
  return out;
}

/** The indices of the elements that are not 0, a row for each. */
export function nonzero(view: View): View {
  const data = dense(view);
  const found: number[] = [];
  let count = 0;
  for (let j = 0; j < data.length; j++) {
    if (data[j] === 0) continue;
    count++;
    const index: number[] = [];
    for (let dim = view.shape.length - 1, rest = j; dim >= 0; dim--) {
      index.unshift(rest % view.shape[dim]!);
      rest = Math.floor(rest / view.shape[dim]!);
    }
    found.push(...index);
  }
  return rows("int64", [count, view.shape.length], Float64Array.from(found));
}

/** softmax or its logarithm along an axis, that axis being last. */
export function softmax(view: View, logarithm: boolean, dtype: DType): View {
  const data = dense(view);
  const length = view.shape.at(-1) ?? 1;
  const out = allocate(dtype, view.shape);
  for (let first = 0; first < data.length; first += length) {
    let max = -Infinity;
    for (let k = 0; k < length; k++) max = Math.max(max, data[first + k]!);
    let sum = 0;
    for (let k = 0; k < length; k++) sum += Math.exp(data[first + k]! - max);
    const log = Math.log(sum);
    for (let k = 0; k < length; k++) {
      const shifted = data[first + k]! - max;
      out.data[first + k] = logarithm ? shifted - log : Math.exp(shifted) / sum;
    }
  }
  return out;
}
