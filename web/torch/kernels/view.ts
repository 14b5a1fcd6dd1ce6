import { contiguousStrides, size } from "../../engine/dense.ts";

/** What a tensor's numbers are. An int64 is kept in a double, so it is exact up to 2**53. A bool is 0 or 1. */
export type DType = "float32" | "float64" | "int64" | "int32" | "int16" | "int8" | "uint8" | "bool";

export type Numbers = Float32Array | Float64Array | Int32Array | Int16Array | Int8Array | Uint8Array;

const ARRAYS: Record<DType, new (count: number) => Numbers> = {
  float32: Float32Array,
  float64: Float64Array,
  int64: Float64Array,
  int32: Int32Array,
  int16: Int16Array,
  int8: Int8Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** A strided look at an array of numbers, as PyTorch has it. */
export interface View {
  readonly dtype: DType;
  readonly data: Numbers;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
}

/** Zeros in fresh memory: row by row, or with these strides, which fill the memory without a gap. */
export function allocate(dtype: DType, shape: readonly number[], strides = contiguousStrides(shape)): View {
  return { dtype, data: new ARRAYS[dtype](size(shape)), shape, strides, offset: 0 };
}

/** Numbers that are in memory already, row by row. */
export function rows(dtype: DType, shape: readonly number[], data: Numbers): View {
  return { dtype, data, shape, strides: contiguousStrides(shape), offset: 0 };
}

/** Whether the elements, row by row, are a run of the memory. */
export function isContiguous({ shape, strides }: View): boolean {
  let expected = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    const length = shape[dim]!;
    if (length === 1) continue;
    if (strides[dim] !== expected) return length === 0;
    expected *= length;
  }
  return true;
}

/** Where each element is in the memory, row by row. */
export function positions({ shape, strides, offset }: Pick<View, "shape" | "strides" | "offset">): Int32Array {
  const result = new Int32Array(size(shape));
  if (result.length === 0) return result;
  result[0] = offset;
  let filled = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    const block = filled;
    for (let index = 1; index < shape[dim]!; index++) {
      for (let j = 0; j < block; j++) result[filled++] = result[j]! + index * strides[dim]!;
    }
  }
  return result;
}

/** The view repeated to this shape, without a copy: what has length 1 or is missing gets the stride 0. */
export function broadcast(view: View, shape: readonly number[]): View {
  const missing = shape.length - view.shape.length;
  const strides = shape.map((length, dim) => {
    const own = view.shape[dim - missing];
    return own === undefined || (own === 1 && length !== 1) ? 0 : view.strides[dim - missing]!;
  });
  return { ...view, shape, strides };
}

/** The shape that two shapes are broadcast to. Python has checked that there is one. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, dim) => {
    const one = a[dim - rank + a.length] ?? 1;
    const other = b[dim - rank + b.length] ?? 1;
    return one === 1 ? other : one;
  });
}

/** The elements row by row: the memory itself where it has them so, or else a copy. */
export function dense(view: View): Numbers {
  const count = size(view.shape);
  if (isContiguous(view)) return view.data.subarray(view.offset, view.offset + count);
  const result = new ARRAYS[view.dtype](count);
  const at = positions(view);
  for (let j = 0; j < count; j++) result[j] = view.data[at[j]!]!;
  return result;
}

const parsed = new Map<string, readonly number[]>();

/** "2,3" is [2, 3]. Python gives shapes and strides as text, since a text crosses faster than a list. */
export function numbers(text: string): readonly number[] {
  let list = parsed.get(text);
  if (list === undefined) {
    list = text === "" ? [] : text.split(",").map(Number);
    if (parsed.size > 5000) parsed.clear();
    parsed.set(text, list);
  }
  return list;
}

/** Another look at the memory of `view`. */
export function strided(view: View, offset: number, shape: string, strides: string): View {
  return { dtype: view.dtype, data: view.data, shape: numbers(shape), strides: numbers(strides), offset };
}

/** `torch.full`, row by row. */
export function full(dtype: DType, shape: string, value: number): View {
  const view = allocate(dtype, numbers(shape));
  if (value !== 0) view.data.fill(value);
  return view;
}

/** A tensor of the numbers in `list`. */
export function fromList(dtype: DType, shape: string, list: ArrayLike<number>): View {
  const view = allocate(dtype, numbers(shape));
  view.data.set(list);
  return view;
}

/** The elements row by row, as an array of doubles that Python reads in one piece. */
export function toList(view: View): Float64Array {
  return Float64Array.from(dense(view));
}

/** The element of a tensor that has one. */
export function item({ data, offset }: View): number {
  return data[offset]!;
}
