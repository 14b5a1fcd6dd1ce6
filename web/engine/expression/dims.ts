import { TorchError } from "../errors.ts";
import { dimensionOutOfRange } from "../pack.ts";

/** A dimension counted from the front; a tensor without axes counts as having one. */
export function wrapDim(dim: number, rank: number): number {
  const count = Math.max(rank, 1);
  if (dim < -count || dim >= count) throw dimensionOutOfRange(rank, dim);
  return dim < 0 ? dim + count : dim;
}

export function wrapDims(dims: readonly number[], rank: number): number[] {
  const wrapped: number[] = [];
  for (const dim of dims) {
    const at = wrapDim(dim, rank);
    if (wrapped.includes(at)) {
      throw new TorchError("RuntimeError", `dim ${at} appears multiple times in the list of dims`);
    }
    wrapped.push(at);
  }
  return wrapped;
}

/** A dim, negative or not, of an axis that is yet to be made: there is one more place for it than the rank. */
export function wrapNewDim(dim: number, rank: number): number {
  return wrapDim(dim, rank + 1);
}
