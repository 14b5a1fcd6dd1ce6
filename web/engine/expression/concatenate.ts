import { TorchError } from "../errors.ts";
import { wrapDim, wrapNewDim } from "./dims.ts";
import { unsqueeze } from "./reshape.ts";
import { allocate, positions, promote, strided, type Tensor } from "./tensor.ts";

/** `torch.cat(tensors, dim)`. As in PyTorch, a tensor of shape (0,) goes with any others and adds nothing. */
export function cat(tensors: readonly Tensor[], dim: number): Tensor {
  if (tensors.length === 0) throw new TorchError("ValueError", "torch.cat(): expected a non-empty list of Tensors");
  const scalar = tensors.findIndex(({ shape }) => shape.length === 0);
  if (scalar >= 0) {
    throw new TorchError("RuntimeError", `zero-dimensional tensor (at position ${scalar}) cannot be concatenated`);
  }
  const isNothing = ({ shape }: Tensor): boolean => shape.length === 1 && shape[0] === 0;
  const first = tensors.find((tensor) => !isNothing(tensor)) ?? tensors[0]!;
  const rank = first.shape.length;
  const along = wrapDim(dim, rank);
  tensors.forEach((tensor, place) => {
    if (isNothing(tensor)) return;
    if (tensor.shape.length !== rank) {
      throw new TorchError(
        "RuntimeError",
        `Tensors must have same number of dimensions: got ${rank} and ${tensor.shape.length}`,
      );
    }
    const other = tensor.shape.findIndex((length, axis) => axis !== along && length !== first.shape[axis]);
    if (other >= 0) {
      throw new TorchError(
        "RuntimeError",
        `Sizes of tensors must match except in dimension ${along}. Expected size ${first.shape[other]} ` +
          `but got size ${tensor.shape[other]} for tensor number ${place} in the list.`,
      );
    }
  });

  const solid = tensors.filter((tensor) => !isNothing(tensor));
  const total = solid.reduce((sum, tensor) => sum + tensor.shape[along]!, 0);
  const shape = first.shape.map((length, axis) => (axis === along ? total : length));
  const dtype = promote(...tensors.map((tensor) => tensor.dtype));
  // From four axes on, PyTorch may keep the operands' order in memory ("channels last").
  const { data, sources, tensor } = allocate(shape, rank < 4 ? [] : tensors, dtype);
  let start = 0;
  for (const operand of solid) {
    const target = positions(strided(tensor, operand.shape, tensor.strides, start * tensor.strides[along]!));
    positions(operand).forEach((position, j) => {
      data[target[j]!] = operand.storage.data[position]!;
      sources[target[j]!] = operand.storage.sources[position]!;
    });
    start += operand.shape[along]!;
  }
  return tensor;
}

export function stack(tensors: readonly Tensor[], dim: number): Tensor {
  const [first] = tensors;
  if (first === undefined) throw new TorchError("RuntimeError", "stack expects a non-empty TensorList");
  const at = wrapNewDim(dim, first.shape.length);
  const place = tensors.findIndex(({ shape }) => String(shape) !== String(first.shape));
  if (place >= 0) {
    throw new TorchError(
      "RuntimeError",
      `stack expects each tensor to be equal size, but got [${first.shape.join(", ")}] at entry 0 ` +
        `and [${tensors[place]!.shape.join(", ")}] at entry ${place}`,
    );
  }
  return cat(
    tensors.map((tensor) => unsqueeze(tensor, at)),
    at,
  );
}
