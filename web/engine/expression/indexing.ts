import { TorchError, UnsupportedError } from "../errors.ts";
import { strided, type Tensor } from "./tensor.ts";

/** One entry between the brackets. */
export type Index =
  | { readonly kind: "integer"; readonly value: number }
  | {
      readonly kind: "slice";
      readonly start: number | null;
      readonly stop: number | null;
      readonly step: number | null;
    }
  | { readonly kind: "none" }
  | { readonly kind: "ellipsis" };

/**
 * `tensor[a, b, ...]`: always a view.
 * `bare` when there is a single entry without a comma, for which PyTorch words some errors differently.
 */
export function index(tensor: Tensor, entries: readonly Index[], bare: boolean): Tensor {
  const rank = tensor.shape.length;
  const named = entries.filter(({ kind }) => kind === "integer" || kind === "slice").length;
  if (bare && rank === 0) checkScalar(entries[0]!);
  if (named > rank) throw new TorchError("IndexError", `too many indices for tensor of dimension ${rank}`);
  if (entries.filter(({ kind }) => kind === "ellipsis").length > 1) {
    throw new UnsupportedError("only one ... can stand in an index here");
  }

  const shape: number[] = [];
  const strides: number[] = [];
  let offset = tensor.offset;
  let dim = 0;
  entries.forEach((entry, place) => {
    if (entry.kind === "none") {
      shape.push(1);
      strides.push(0);
      return;
    }
    if (entry.kind === "ellipsis") {
      for (const end = dim + rank - named; dim < end; dim++) {
        shape.push(tensor.shape[dim]!);
        strides.push(tensor.strides[dim]!);
      }
      return;
    }
    const length = tensor.shape[dim]!;
    const stride = tensor.strides[dim]!;
    dim++;
    if (entry.kind === "integer") {
      const { value } = entry;
      if (value < -length || value >= length) {
        // PyTorch counts the entries of the index here, not the tensor's dimensions.
        throw new TorchError(
          "IndexError",
          `index ${value} is out of bounds for dimension ${place} with size ${length}`,
        );
      }
      offset += (value < 0 ? value + length : value) * stride;
      return;
    }
    const step = stepOf(entry);
    const [start, stop] = bounds(entry.start, entry.stop, length);
    shape.push(Math.max(Math.ceil((stop - start) / step), 0));
    strides.push(step * stride);
    offset += start * stride;
  });
  return strided(tensor, [...shape, ...tensor.shape.slice(dim)], [...strides, ...tensor.strides.slice(dim)], offset);
}

function stepOf({ step }: Extract<Index, { kind: "slice" }>): number {
  if (step === 0) throw new TorchError("ValueError", "slice step cannot be zero");
  if (step !== null && step < 0) throw new TorchError("ValueError", "step must be greater than zero");
  return step ?? 1;
}

/** A slice's start and stop, as Python clamps them. */
export function bounds(start: number | null, stop: number | null, length: number): [number, number] {
  const clamp = (at: number): number => Math.min(Math.max(at < 0 ? at + length : at, 0), length);
  return [clamp(start ?? 0), clamp(stop ?? length)];
}

/** PyTorch has three texts for one index into a tensor without axes. */
function checkScalar(entry: Index): void {
  if (entry.kind === "slice") {
    stepOf(entry);
    throw new TorchError("IndexError", "slice() cannot be applied to a 0-dim tensor.");
  }
  if (entry.kind !== "integer") return;
  throw new TorchError(
    "IndexError",
    entry.value === 0
      ? "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number"
      : `index ${entry.value} is out of bounds for dimension 0 with size 0`,
  );
}
