import { contiguousStrides, size } from "../dense.ts";
import { TorchError, UnsupportedError } from "../errors.ts";
import { wrapDim, wrapDims, wrapNewDim } from "./dims.ts";
import { allocate, contiguous, positions, strided, type Tensor } from "./tensor.ts";

export function transpose(tensor: Tensor, dim0: number, dim1: number): Tensor {
  const rank = tensor.shape.length;
  const [a, b] = [wrapDim(dim0, rank), wrapDim(dim1, rank)];
  if (rank === 0) return tensor;
  const order = tensor.shape.map((_, dim) => (dim === a ? b : dim === b ? a : dim));
  return reorder(tensor, order);
}

export function permute(tensor: Tensor, dims: readonly number[]): Tensor {
  const rank = tensor.shape.length;
  if (dims.length !== rank) {
    throw new TorchError(
      "RuntimeError",
      "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired " +
        `ordering of dimensions i.e. input.dim() = ${rank} is not equal to len(dims) = ${dims.length}`,
    );
  }
  const order: number[] = [];
  for (const dim of dims) {
    const from = wrapDim(dim, rank);
    if (order.includes(from)) throw new TorchError("RuntimeError", "permute(): duplicate dims are not allowed.");
    order.push(from);
  }
  return reorder(tensor, order);
}

export function squeeze(tensor: Tensor, dims: readonly number[] | null): Tensor {
  const among = dims === null ? null : wrapDims(dims, tensor.shape.length);
  const kept = tensor.shape
    .map((_, dim) => dim)
    .filter((dim) => tensor.shape[dim] !== 1 || among?.includes(dim) === false);
  return reorder(tensor, kept);
}

export function unsqueeze(tensor: Tensor, dim: number): Tensor {
  const at = wrapNewDim(dim, tensor.shape.length);
  const insert = (values: readonly number[], value: number): number[] => [
    ...values.slice(0, at),
    value,
    ...values.slice(at),
  ];
  return strided(tensor, insert(tensor.shape, 1), insert(tensor.strides, 0));
}

export function view(tensor: Tensor, given: readonly number[]): Tensor {
  const shape = inferShape(given, size(tensor.shape));
  if (!tensor.storage.ordered) {
    throw new UnsupportedError(
      "whether .view works here depends on how the result lies in memory, which is not modelled; .reshape always works",
    );
  }
  const strides = viewStrides(tensor, shape);
  if (strides === null) {
    throw new TorchError(
      "RuntimeError",
      "view size is not compatible with input tensor's size and stride (at least one dimension spans across two " +
        "contiguous subspaces). Use .reshape(...) instead.",
    );
  }
  return strided(tensor, shape, strides);
}

/** A view where one is possible, a copy elsewhere. */
export function reshape(tensor: Tensor, given: readonly number[]): Tensor {
  const shape = inferShape(given, size(tensor.shape));
  const strides = tensor.storage.ordered ? viewStrides(tensor, shape) : null;
  if (strides !== null) return strided(tensor, shape, strides);
  return strided(contiguous(tensor), shape, contiguousStrides(shape));
}

export function flatten(tensor: Tensor, startDim: number, endDim: number): Tensor {
  const { shape } = tensor;
  const [start, end] = [wrapDim(startDim, shape.length), wrapDim(endDim, shape.length)];
  if (start > end) {
    throw new TorchError("RuntimeError", "flatten() has invalid args: start_dim cannot come after end_dim");
  }
  return reshape(tensor, [...shape.slice(0, start), size(shape.slice(start, end + 1)), ...shape.slice(end + 1)]);
}

function reorder(tensor: Tensor, order: readonly number[]): Tensor {
  return strided(
    tensor,
    order.map((dim) => tensor.shape[dim]!),
    order.map((dim) => tensor.strides[dim]!),
  );
}

/** `tensor.split(size)` or `tensor.split(sizes)`: views, side by side. */
export function split(tensor: Tensor, sizes: number | readonly number[], dim: number): Tensor[] {
  if (tensor.shape.length === 0) throw new UnsupportedError("a tensor without axes is not split here");
  const along = wrapDim(dim, tensor.shape.length);
  const length = tensor.shape[along]!;
  if (typeof sizes === "number") {
    if (sizes < 1) throw new UnsupportedError("split takes a size of at least 1 here");
  } else if (sizes.reduce((a, b) => a + b, 0) !== length || sizes.some((part) => part < 0)) {
    throw new UnsupportedError(`an axis of ${length} is not split into ${sizes.join(", ")}`);
  }
  const parts =
    typeof sizes === "number"
      ? Array.from({ length: Math.ceil(length / sizes) || 1 }, (_, at) => Math.min(sizes, length - at * sizes))
      : sizes;
  let start = 0;
  return parts.map((part) => {
    const shape = tensor.shape.map((length, axis) => (axis === along ? part : length));
    const view = strided(tensor, shape, tensor.strides, tensor.offset + start * tensor.strides[along]!);
    start += part;
    return view;
  });
}

/** `tensor.chunk(chunks)`: of equal length, but for the last. */
export function chunk(tensor: Tensor, chunks: number, dim: number): Tensor[] {
  if (chunks < 1 || tensor.shape.length === 0) throw new UnsupportedError("this cannot be cut so");
  const length = tensor.shape[wrapDim(dim, tensor.shape.length)]!;
  if (length === 0) throw new UnsupportedError("an axis without elements is not cut here");
  return split(tensor, Math.ceil(length / chunks), dim);
}

export function unbind(tensor: Tensor, dim: number): Tensor[] {
  if (tensor.shape.length === 0) {
    throw new TorchError("IndexError", `Dimension specified as ${dim} but tensor has no dimensions`);
  }
  const along = wrapDim(dim, tensor.shape.length);
  const rest = tensor.shape.map((_, axis) => axis).filter((axis) => axis !== along);
  return Array.from({ length: tensor.shape[along]! }, (_, at) =>
    strided(
      tensor,
      rest.map((axis) => tensor.shape[axis]!),
      rest.map((axis) => tensor.strides[axis]!),
      tensor.offset + at * tensor.strides[along]!,
    ),
  );
}

/** `tensor.flip(dims)`, a copy as in PyTorch. */
export function flip(tensor: Tensor, dims: readonly number[]): Tensor {
  const along = wrapDims(dims, tensor.shape.length).filter((dim) => dim < tensor.shape.length);
  if (size(tensor.shape) === 0) return tensor;
  const last = along.reduce((offset, dim) => offset + (tensor.shape[dim]! - 1) * tensor.strides[dim]!, tensor.offset);
  const strides = tensor.strides.map((stride, dim) => (along.includes(dim) ? -stride : stride));
  const { data, sources, tensor: result } = allocate(tensor.shape, [tensor], tensor.dtype);
  positions({ shape: tensor.shape, strides, offset: last }).forEach((position, j) => {
    data[j] = tensor.storage.data[position]!;
    sources[j] = tensor.storage.sources[position]!;
  });
  return result;
}

/** `tensor.expand(sizes)`: a view; -1 leaves an axis as it is. */
export function expand(tensor: Tensor, sizes: readonly number[]): Tensor {
  const { shape, strides } = tensor;
  const missing = sizes.length - shape.length;
  if (missing < 0) throw new UnsupportedError("expand needs a size for each axis of the tensor");
  const target = sizes.map((length, dim) => (length === -1 && dim >= missing ? shape[dim - missing]! : length));
  target.forEach((length, dim) => {
    if (length < 0) throw new UnsupportedError("a new axis needs a size");
    const own = shape[dim - missing] ?? 1;
    if (own !== 1 && own !== length) {
      throw new UnsupportedError(`an axis of ${own} is not expanded to ${length}`);
    }
  });
  return strided(
    tensor,
    target,
    target.map((length, dim) =>
      dim < missing || (shape[dim - missing] === 1 && length !== 1) ? 0 : strides[dim - missing]!,
    ),
  );
}

/** The shape, its one -1 replaced by what is left over. */
function inferShape(given: readonly number[], count: number): number[] {
  const text = `[${given.join(", ")}]`;
  const unknown = given.indexOf(-1);
  given.forEach((length, place) => {
    if (length === -1 && place !== unknown) throw new TorchError("RuntimeError", "only one dimension can be inferred");
    if (length < -1) {
      throw new TorchError("RuntimeError", `invalid shape dimension ${length} at index ${place} of shape ${text}`);
    }
  });
  // A tensor without elements may have axes whose product PyTorch cannot count either.
  if (size(given.map((length) => Math.max(length, 1))) >= 2 ** 31) {
    throw new UnsupportedError("axes this long are not known here");
  }
  const known = size(given.filter((length) => length !== -1));
  if (unknown >= 0 && known === 0 && count === 0) {
    throw new TorchError(
      "RuntimeError",
      `cannot reshape tensor of 0 elements into shape ${text} because the unspecified dimension size -1 can be any value and is ambiguous`,
    );
  }
  if (unknown >= 0 ? known === 0 || count % known !== 0 : known !== count) {
    throw new TorchError("RuntimeError", `shape '${text}' is invalid for input of size ${count}`);
  }
  return given.map((length) => (length === -1 ? count / known : length));
}

/**
 * The strides under which the same memory has the new shape, or null when there are none (ATen's `computeStride`).
 * Axes whose elements lie evenly apart form one block; each block must be cut by new axes of its own.
 */
function viewStrides({ shape: oldShape, strides: oldStrides }: Tensor, shape: readonly number[]): number[] | null {
  if (size(oldShape) === 0 || oldShape.length === 0) return contiguousStrides(shape);
  const strides = new Array<number>(shape.length).fill(1);
  let newDim = shape.length - 1;
  let blockStride = oldStrides.at(-1) ?? 1;
  let blockSize = 1;
  let cut = 1;
  for (let dim = oldShape.length - 1; dim >= 0; dim--) {
    blockSize *= oldShape[dim]!;
    const outer = dim - 1;
    const blockEnds = outer < 0 || (oldShape[outer] !== 1 && oldStrides[outer] !== blockSize * blockStride);
    if (!blockEnds) continue;
    while (newDim >= 0 && (cut < blockSize || shape[newDim] === 1)) {
      strides[newDim] = cut * blockStride;
      cut *= shape[newDim]!;
      newDim--;
    }
    if (cut !== blockSize) return null;
    if (outer >= 0) {
      blockStride = oldStrides[outer]!;
      blockSize = 1;
      cut = 1;
    }
  }
  return newDim === -1 ? strides : null;
}
