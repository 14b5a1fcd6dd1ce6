import { contiguousStrides, size } from "../dense.ts";
import { UnsupportedError } from "../errors.ts";

/** In the order of promotion: an operation on two dtypes gives the later one. */
export const DTYPES = ["bool", "int64", "float32"] as const;
export type DType = (typeof DTYPES)[number];

/** Where a value came from: the address of one cell of a base tensor, or everything that several sources name. */
export type Source = number | readonly Source[];

/** The source of a number that was typed. */
export const NOWHERE: Source = [];

/** Memory that several tensors may look at, as in PyTorch. A bool is 0 or 1. */
export interface Storage {
  readonly data: Float64Array;
  readonly sources: ArrayLike<Source>;
  /**
   * Whether the order in memory is PyTorch's. After arithmetic on a transposed tensor it is not known to be. Values do
   * not depend on it; whether `.view` works does.
   */
  readonly ordered: boolean;
}

/** A strided view of a storage, as in PyTorch. */
export interface Tensor {
  readonly kind: "tensor";
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  readonly offset: number;
  readonly storage: Storage;
}

/** Of one tensor that an operation makes. */
const MAX_ELEMENTS = 2 ** 17;
const MAX_RANK = 16;

export function strided(
  base: Tensor,
  shape: readonly number[],
  strides: readonly number[],
  offset = base.offset,
): Tensor {
  if (shape.length > MAX_RANK) throw new UnsupportedError(`a tensor here has at most ${MAX_RANK} axes`);
  return { ...base, shape, strides, offset };
}

/** Room for the result of an operation on these tensors, to be filled row by row. */
export function allocate(shape: readonly number[], operands: readonly Tensor[], dtype: DType) {
  const count = size(shape);
  if (!(count <= MAX_ELEMENTS)) throw new UnsupportedError("this is too large to be computed here");
  const data = new Float64Array(count);
  const sources = new Array<Source>(count);
  const ordered = operands.every((operand) => operand.storage.ordered && isContiguous(operand));
  const strides = contiguousStrides(shape);
  const tensor: Tensor = { kind: "tensor", dtype, shape, strides, offset: 0, storage: { data, sources, ordered } };
  return { data, sources, tensor };
}

export function isContiguous({ shape, strides }: Tensor): boolean {
  const expected = contiguousStrides(shape);
  return size(shape) === 0 || shape.every((length, dim) => length === 1 || strides[dim] === expected[dim]);
}

/** Where each element lies in the storage, row by row. */
export function positions({ shape, strides, offset }: Pick<Tensor, "shape" | "strides" | "offset">): Int32Array {
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

/** The same values in fresh memory, row by row. */
export function contiguous(tensor: Tensor): Tensor {
  if (tensor.storage.ordered && isContiguous(tensor)) return tensor;
  const { data, sources, tensor: copy } = allocate(tensor.shape, [], tensor.dtype);
  positions(tensor).forEach((position, j) => {
    data[j] = tensor.storage.data[position]!;
    sources[j] = tensor.storage.sources[position]!;
  });
  return copy;
}

/** The later of several dtypes in the order of promotion. */
export function promote(...dtypes: DType[]): DType {
  return DTYPES[Math.max(...dtypes.map((dtype) => DTYPES.indexOf(dtype)))]!;
}

/** Both sources, and no more structure than that takes. */
export function join(a: Source, b: Source): Source {
  if (a === NOWHERE || a === b) return b;
  return b === NOWHERE ? a : [a, b];
}

/** All elements' sources in one. */
export function sourceOf(tensor: Tensor): Source {
  return Array.from(positions(tensor), (position) => tensor.storage.sources[position]!);
}
