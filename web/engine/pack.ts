import { type Dense, size } from "./dense.ts";
import { TorchError } from "./errors.ts";

/** What is left of `pack_padded_sequence` when nothing has to be moved: which samples, and how long each is. */
export interface Packed {
  /** The lengths of the samples that take part: those for which a length was given, in the batch's own order. */
  readonly lengths: readonly number[];
  /** `sorted_indices`, longest first; null when `enforce_sorted`, which moves no sample. */
  readonly order: readonly number[] | null;
}

/**
 * `pack_padded_sequence(input, lengths, batch_first, enforce_sorted)`, its mistakes found in PyTorch's order.
 * Two mistakes raise nothing here, as in PyTorch: too few lengths (samples are dropped) when `enforce_sorted` is
 * false, and a length above L (see `checkRows`).
 */
export function pack(input: Dense, given: readonly number[], batchFirst: boolean, enforceSorted: boolean): Packed {
  const lengths = given.map(Math.trunc);
  const batchAxis = batchFirst ? 0 : 1;
  const order = enforceSorted ? null : lengths.map((_, sample) => sample).sort((a, b) => lengths[b]! - lengths[a]!);
  const shape = order === null ? input.shape : indexSelect(input.shape, batchAxis, order);
  if (size(shape) === 0) throw new TorchError("RuntimeError", "Cannot pack empty tensors.");
  if (shape.length < 2) throw dimensionOutOfRange(shape.length, 1);

  const batch = shape[batchAxis]!;
  if (batch !== lengths.length) {
    throw new TorchError(
      "RuntimeError",
      `Expected \`len(lengths)\` to be equal to batch_size, but got ${lengths.length} (batch_size=${batch})`,
    );
  }
  const sorted = order === null ? lengths : order.map((sample) => lengths[sample]!);
  if (sorted.at(-1)! <= 0) {
    throw new TorchError(
      "RuntimeError",
      "Length of all samples has to be greater than 0, but found an element in 'lengths' that is <= 0",
    );
  }
  if (sorted.some((length, place) => place > 0 && length > sorted[place - 1]!)) {
    throw new TorchError(
      "RuntimeError",
      "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. " +
        "You can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep " +
        "this requirement if you do not need ONNX exportability.",
    );
  }
  return { lengths, order };
}

/** A length above L packs without complaint; the layer then runs out of rows at the first step that has none. */
export function checkRows({ lengths }: Packed, L: number): void {
  if (Math.max(...lengths) <= L) return;
  const rows = lengths.reduce((sum, length) => sum + Math.min(length, L), 0);
  const running = lengths.filter((length) => length > L).length;
  throw new TorchError("RuntimeError", `start (${rows}) + length (${running}) exceeds dimension size (${rows}).`);
}

/** The shape of `tensor.index_select(axis, indices)`. */
export function indexSelect(shape: readonly number[], axis: number, indices: readonly number[]): number[] {
  if (axis >= Math.max(shape.length, 1)) throw dimensionOutOfRange(shape.length, axis);
  const length = shape[axis] ?? 1;
  if (length === 0 && indices.length > 0) {
    throw new TorchError("RuntimeError", "index_select(): self indexing axis dim should be positive");
  }
  const outside = indices.find((index) => index >= length);
  if (outside !== undefined) {
    throw axis === 1 || size(shape) === 0
      ? new TorchError("RuntimeError", `INDICES element is out of DATA bounds, id=${outside} axis_dim=${length}`)
      : new TorchError("IndexError", "index out of range in self");
  }
  return shape.map((length, dim) => (dim === axis ? indices.length : length));
}

/** What PyTorch says of a dimension that a tensor of this rank does not have. */
export function dimensionOutOfRange(rank: number, dim: number): TorchError {
  const last = Math.max(rank, 1) - 1;
  return new TorchError(
    "IndexError",
    `Dimension out of range (expected to be in range of [${-last - 1}, ${last}], but got ${dim})`,
  );
}
