import { TorchError } from "../errors.ts";
import { wrapDim, wrapNewDim } from "./dims.ts";
import { unsqueeze } from "./reshape.ts";
import { allocate, positions, promote, strided, type Tensor } from "./tensor.ts";

/** `torch.cat(tensors, dim)`. As in PyTorch, a tensor of shape (0,) goes with any others and adds nothing. */
export function cat(parts: readonly Tensor[], dim: number): Tensor {
  if (parts.length === 0) throw new TorchError("ValueError", "torch.cat(): expected a non-empty list of Tensors");
  const scalar = parts.findIndex(({ shape }) => shape.length === 0);
  if (scalar >= 0) {
    throw new TorchError("RuntimeError", `zero-dimensional tensor (at position ${scalar}) cannot be concatenated`);
  }
  const isNothing = ({ shape }: Tensor): boolean => shape.length === 1 && shape[0] === 0;
  const first = parts.find((part) => !isNothing(part)) ?? parts[0]!;
  const rank = first.shape.length;
  const along = wrapDim(dim, rank);
  parts.forEach((part, place) => {
    if (isNothing(part)) return;
    if (part.shape.length !== rank) {
      throw new TorchError(
        "RuntimeError",
        `Tensors must have same number of dimensions: got ${rank} and ${part.shape.length}`,
      );
    }
    const other = part.shape.findIndex((length, axis) => axis !== along && length !== first.shape[axis]);
    if (other >= 0) {
      throw new TorchError(
        "RuntimeError",
        `Sizes of tensors must match except in dimension ${along}. Expected size ${first.shape[other]} ` +
          `but got size ${part.shape[other]} for tensor number ${place} in the list.`,
      );
    }
  });

  const solid = parts.filter((part) => !isNothing(part));
  const total = solid.reduce((sum, part) => sum + part.shape[along]!, 0);
  const shape = first.shape.map((length, axis) => (axis === along ? total : length));
  const dtype = promote(...parts.map((part) => part.dtype));
  // From four axes on, PyTorch may keep the operands' order in memory ("channels last").
  const { data, sources, tensor } = allocate(shape, rank < 4 ? [] : parts, dtype);
  let start = 0;
  for (const part of solid) {
    const target = positions(strided(tensor, part.shape, tensor.strides, start * tensor.strides[along]!));
    positions(part).forEach((position, j) => {
      data[target[j]!] = part.storage.data[position]!;
      sources[target[j]!] = part.storage.sources[position]!;
    });
    start += part.shape[along]!;
  }
  return tensor;
}

export function stack(parts: readonly Tensor[], dim: number): Tensor {
  const [first] = parts;
  if (first === undefined) throw new TorchError("RuntimeError", "stack expects a non-empty TensorList");
  const at = wrapNewDim(dim, first.shape.length);
  const place = parts.findIndex(({ shape }) => String(shape) !== String(first.shape));
  if (place >= 0) {
    throw new TorchError(
      "RuntimeError",
      `stack expects each tensor to be equal size, but got [${first.shape.join(", ")}] at entry 0 ` +
        `and [${parts[place]!.shape.join(", ")}] at entry ${place}`,
    );
  }
  return cat(
    parts.map((part) => unsqueeze(part, at)),
    at,
  );
}
