import { size } from "../dense.ts";
import { TorchError, UnsupportedError } from "../errors.ts";
import { broadcastShape, expandTo } from "./arithmetic.ts";
import { fresh } from "./create.ts";
import { wrapDim } from "./dims.ts";
import { allocate, contiguous, positions, type Tensor } from "./tensor.ts";

const list = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/**
 * `tensor[a, mask, :, b]` with tensors among the indices, each beside its axis of `tensor` (null: all of it). The axes that they make
 * come where the indexed ones were if these are neighbours, and first otherwise.
 */
export function take(tensor: Tensor, given: readonly (Tensor | null)[]): Tensor {
  const indices: (Tensor | null)[] = [];
  for (const index of given) {
    const at = indices.length;
    if (index === null || index.dtype === "int64") indices.push(index);
    else if (index.dtype === "float32") {
      throw new TorchError("IndexError", "tensors used as indices must be long, int, byte or bool tensors");
    } else {
      const other = index.shape.findIndex((length, dim) => length !== tensor.shape[at + dim]);
      if (other >= 0) {
        throw new TorchError(
          "IndexError",
          `The shape of the mask ${list(index.shape)} at index ${other} does not match the shape of the indexed tensor ${list(tensor.shape)} at index ${at + other}`,
        );
      }
      indices.push(...nonzero(index));
    }
  }
  const axes = indices.flatMap((index, dim) => (index ? [dim] : []));
  const used = axes.map((dim) => indices[dim]!);
  let common: readonly number[];
  try {
    common = used.map(({ shape }) => shape).reduce(broadcastShape);
  } catch {
    throw new TorchError(
      "IndexError",
      `shape mismatch: indexing tensors could not be broadcast together with shapes ${used.map(({ shape }) => list(shape)).join(", ")}`,
    );
  }
  const places = used.map((index) => Array.from(positions(expandTo(index, common)), (at) => index.storage.data[at]!));
  const count = size(common);
  const offsets = Array.from({ length: count }, (_, j) =>
    axes.reduce((offset, dim, which) => {
      const length = tensor.shape[dim]!;
      const at = places[which]![j]!;
      if (at < -length || at >= length) {
        throw new TorchError("IndexError", `index ${at} is out of bounds for dimension ${which} with size ${length}`);
      }
      return offset + (at < 0 ? at + length : at) * tensor.strides[dim]!;
    }, 0),
  );
  const areNeighbours = axes.at(-1)! - axes[0]! === axes.length - 1;
  const kept = tensor.shape.map((_, dim) => dim).filter((dim) => !axes.includes(dim));
  const before = areNeighbours ? kept.filter((dim) => dim < axes[0]!) : [];
  const after = kept.filter((dim) => !before.includes(dim));
  const block = (dims: readonly number[], offset: number): Int32Array =>
    positions({
      shape: dims.map((dim) => tensor.shape[dim]!),
      strides: dims.map((dim) => tensor.strides[dim]!),
      offset,
    });
  const shape = [...before.map((dim) => tensor.shape[dim]!), ...common, ...after.map((dim) => tensor.shape[dim]!)];
  const { data, sources, tensor: result } = allocate(shape, [], tensor.dtype);
  const tails = block(after, 0);
  let filled = 0;
  for (const head of block(before, tensor.offset)) {
    for (const offset of offsets) {
      for (const tail of tails) {
        data[filled] = tensor.storage.data[head + offset + tail]!;
        sources[filled++] = tensor.storage.sources[head + offset + tail]!;
      }
    }
  }
  return result;
}

/** Where a mask is true: an index for each of its axes. */
function nonzero(mask: Tensor): Tensor[] {
  const { data } = contiguous(mask).storage;
  const found = Array.from(positions(contiguous(mask)), (position, j) => (data[position] ? j : -1)).filter(
    (j) => j >= 0,
  );
  let inner = size(mask.shape);
  return mask.shape.map((length) => {
    inner /= length || 1;
    return fresh([found.length], "int64", (at) => Math.floor(found[at]! / inner) % length);
  });
}

/** `tensor.gather(dim, index)`. */
export function gather(tensor: Tensor, dim: number, index: Tensor): Tensor {
  const along = wrapDim(dim, tensor.shape.length);
  if (index.dtype !== "int64") throw new TorchError("RuntimeError", "gather(): Expected dtype int32/int64 for index");
  if (index.shape.length !== tensor.shape.length) {
    throw new TorchError("RuntimeError", "Index tensor must have the same number of dimensions as input tensor");
  }
  if (tensor.shape.length === 0) throw new UnsupportedError("gather takes a tensor with axes here");
  const far = index.shape.findIndex((length, axis) => axis !== along && length > tensor.shape[axis]!);
  if (far >= 0 && size(index.shape) > 0) {
    throw new UnsupportedError("gather: the index is larger than the tensor, not along dim alone");
  }
  const length = tensor.shape[along]!;
  const wrong = Array.from(positions(index), (at) => index.storage.data[at]!).find((at) => at < 0 || at >= length);
  if (wrong !== undefined) {
    throw new TorchError("RuntimeError", `index ${wrong} is out of bounds for dimension ${along} with size ${length}`);
  }
  // Every other axis is read in order.
  return take(
    tensor,
    index.shape.map((count, axis) => {
      if (axis === along) return index;
      return {
        ...fresh([count], "int64", (at) => at),
        shape: index.shape,
        strides: index.shape.map((_, dim) => Number(dim === axis)),
      };
    }),
  );
}
