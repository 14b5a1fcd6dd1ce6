import { TorchError, UnsupportedError } from "../errors.ts";
import { broadcastShape, cast } from "./arithmetic.ts";
import { permute, reshape, unsqueeze } from "./reshape.ts";
import { allocate, positions, promote, type Source, strided, type Tensor } from "./tensor.ts";

/** `torch.einsum("nlh,h->nl", a, b)`, of one or two tensors. Sums run in double precision and are rounded once. */
export function einsum(equation: string, operands: readonly Tensor[]): Tensor {
  const [left, right] = equation.replaceAll(" ", "").split("->") as [string, string | undefined];
  const inputs = left.split(",");
  if (!/^[a-zA-Z]*(,[a-zA-Z]*)?$/.test(left) || !/^[a-zA-Z]*$/.test(right ?? "") || inputs.length !== operands.length) {
    throw new UnsupportedError("einsum takes one or two tensors here");
  }
  const letters = [...new Set(left.replace(",", ""))];
  const output =
    right ??
    letters
      .filter((letter) => left.split(letter).length === 2)
      .sort()
      .join("");
  const sizes = new Map<string, number>();
  inputs.forEach((letters, which) => {
    const { shape } = operands[which]!;
    const unfit = new UnsupportedError(`einsum(): ${letters} does not fit the axes (${shape.join(", ")})`);
    if (letters.length !== shape.length) throw unfit;
    [...letters].forEach((letter, dim) => {
      const known = sizes.get(letter) ?? 1;
      if (known !== shape[dim] && (shape[letters.indexOf(letter)] !== shape[dim] || (known !== 1 && shape[dim] !== 1)))
        throw unfit;
      sizes.set(letter, known === 1 ? shape[dim]! : known);
    });
  });
  if ([...output].some((letter) => !sizes.has(letter) || output.split(letter).length > 2)) {
    throw new UnsupportedError("each letter of the result is one of the tensors'");
  }
  const order = [...output, ...letters.filter((letter) => !output.includes(letter))];
  const full = order.map((letter) => sizes.get(letter)!);
  /** The operand as if it had all axes: those that it lacks, and those of size 1, do not move in memory. */
  const spread = operands.map((operand, which) => {
    const strides = order.map((letter) =>
      [...inputs[which]!].reduce((sum, other, dim) => {
        return other === letter && operand.shape[dim] !== 1 ? sum + operand.strides[dim]! : sum;
      }, 0),
    );
    return { operand, at: positions({ shape: full, strides, offset: operand.offset }) };
  });
  const dtype = promote(...operands.map(({ dtype }) => dtype));
  const { data, sources, tensor } = allocate(full.slice(0, output.length), operands, dtype);
  const inner = full.slice(output.length).reduce((a, b) => a * b, 1);
  for (let j = 0; j < data.length; j++) {
    const read: Source[] = [];
    let sum = 0;
    for (let i = j * inner; i < (j + 1) * inner; i++) {
      let product = 1;
      for (const { operand, at } of spread) {
        product *= operand.storage.data[at[i]!]!;
        read.push(operand.storage.sources[at[i]!]!);
      }
      sum += product;
    }
    data[j] = cast(sum, dtype);
    sources[j] = read;
  }
  return tensor;
}

/** `a @ b`: vectors, matrices, and batches of matrices whose leading axes broadcast. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const [m, n] = [a.shape.length, b.shape.length];
  if (m === 0 || n === 0 || a.dtype !== b.dtype || a.dtype === "bool") {
    throw new UnsupportedError("@ takes two tensors with axes, of one dtype, here");
  }
  const [k, other] = [a.shape.at(-1)!, b.shape.at(n === 1 ? -1 : -2)!];
  if (k !== other) {
    const rows = a.shape.slice(0, -1).reduce((x, y) => x * y, 1);
    throw n === 2
      ? new TorchError(
          "RuntimeError",
          `mat1 and mat2 shapes cannot be multiplied (${rows}x${k} and ${other}x${b.shape[1]})`,
        )
      : new UnsupportedError(`the rows before @ have ${k} numbers, and the columns after it ${other}`);
  }
  const batch = broadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const spread = (tensor: Tensor): Tensor => {
    const own = tensor.shape.slice(-2);
    return strided(
      tensor,
      [...batch, ...own],
      [...batch, ...own].map((_, dim) => {
        const at = dim - batch.length - 2 + tensor.shape.length;
        return at < 0 || (tensor.shape[at] === 1 && dim < batch.length) ? 0 : tensor.strides[at]!;
      }),
    );
  };
  const [rows, columns] = [spread(m === 1 ? unsqueeze(a, 0) : a), spread(n === 1 ? unsqueeze(b, 1) : b)];
  const letters = "abcdefghijklmnop".slice(0, batch.length);
  const product = einsum(`${letters}xy,${letters}yz->${letters}xz`, [rows, columns]);
  const shape = [...batch, ...(m === 1 ? [] : [a.shape.at(-2)!]), ...(n === 1 ? [] : [b.shape.at(-1)!])];
  return reshape(product, shape);
}

/** `.T`. */
export function reversed(tensor: Tensor): Tensor {
  return permute(
    tensor,
    tensor.shape.map((_, dim, { length }) => length - 1 - dim),
  );
}
