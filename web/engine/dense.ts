import { TorchError } from "./errors.ts";

/** A number, or a list of numbers, or a list of lists of numbers, ...: what `tensor.tolist()` gives. */
export type Nested = number | readonly Nested[];

/** A float32 tensor, row by row in one array. */
export interface Dense {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/**
 * What a tensor may be given as. Nested lists mean what `torch.tensor(lists)` makes of them; a shape with its data
 * can also say what lists cannot, such as the shape (2, 0, 4).
 */
export type TensorLike = Nested | { readonly shape: readonly number[]; readonly data: ArrayLike<number> };

const MAX_DIMENSIONS = 64;

export function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

/** The strides, in elements, of a tensor of this shape that lies in memory row by row. */
export function contiguousStrides(shape: readonly number[]): number[] {
  const strides: number[] = new Array(shape.length);
  let stride = 1;
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    strides[dim] = stride;
    stride *= Math.max(shape[dim]!, 1);
  }
  return strides;
}

/** `torch.tensor(value)`, rounded to float32. Throws PyTorch's message for ragged lists. */
export function dense(value: TensorLike): Dense {
  if (typeof value === "object" && "shape" in value) {
    if (value.data.length !== size(value.shape)) {
      const shape = `[${value.shape.join(", ")}]`;
      throw new TorchError("RuntimeError", `shape '${shape}' is invalid for input of size ${value.data.length}`);
    }
    return { shape: value.shape, data: Float32Array.from(value.data) };
  }
  const shape = shapeOf(value);
  const data = new Float32Array(size(shape));
  let filled = 0;

  function fill(part: Nested, dim: number): void {
    if (dim === shape.length) {
      if (typeof part !== "number") throw new TorchError("TypeError", `must be real number, not ${pythonType(part)}`);
      data[filled++] = part;
      return;
    }
    if (!Array.isArray(part)) throw new TorchError("TypeError", "not a sequence");
    if (part.length !== shape[dim]) {
      throw new TorchError(
        "ValueError",
        `expected sequence of length ${shape[dim]} at dim ${dim} (got ${part.length})`,
      );
    }
    for (const item of part as readonly Nested[]) fill(item, dim + 1);
  }

  if (data.length > 0) fill(value, 0);
  return { shape, data };
}

/** `tensor.tolist()`. */
export function nested({ shape, data }: Dense): Nested {
  let taken = 0;
  function take(dim: number): Nested {
    if (dim === shape.length) return data[taken++]!;
    const part = new Array<Nested>(shape[dim]!);
    for (let index = 0; index < part.length; index++) part[index] = take(dim + 1);
    return part;
  }
  return take(0);
}

/** `tensor[index]` along the first axis. */
export function select({ shape, data }: Dense, index: number): Dense {
  const [, ...rest] = shape;
  const length = size(rest);
  return { shape: rest, data: data.subarray(index * length, (index + 1) * length) };
}

export function zeros(shape: readonly number[]): Dense {
  return { shape, data: new Float32Array(size(shape)) };
}

/** What Python calls the type of a value that came as JSON. */
export function pythonType(value: unknown): string {
  if (value === null || value === undefined) return "NoneType";
  if (Array.isArray(value)) return "list";
  if (typeof value === "number") return Number.isInteger(value) ? "int" : "float";
  if (typeof value === "boolean") return "bool";
  return typeof value === "string" ? "str" : "dict";
}

function shapeOf(value: Nested): number[] {
  const shape: number[] = [];
  let first: Nested | undefined = value;
  while (Array.isArray(first)) {
    shape.push(first.length);
    if (shape.length > MAX_DIMENSIONS) throw new TorchError("ValueError", "too many dimensions");
    first = first[0];
  }
  return shape;
}
