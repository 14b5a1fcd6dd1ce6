import { TorchError, UnsupportedError } from "../errors.ts";
import { allocate, type DType, join, positions, promote, strided, type Tensor } from "./tensor.ts";

export type Arithmetic = "+" | "-" | "*" | "/";
export type Comparison = "==" | "!=" | "<" | "<=" | ">" | ">=";
export type Logical = "&" | "|";
export type Operator = Arithmetic | Comparison | Logical | "@";

const COMPARE: Record<Comparison, (a: number, b: number) => boolean> = {
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

const COMPUTE: Record<Arithmetic, (a: number, b: number) => number> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

export function isComparison(operator: Operator): operator is Comparison {
  return operator in COMPARE;
}

export function compare(operator: Comparison, a: number, b: number): boolean {
  return COMPARE[operator](a, b);
}

export function compute(operator: Arithmetic, a: number, b: number): number {
  return COMPUTE[operator](a, b);
}

/** `a + b`, `a == b`, ... element by element, with broadcasting and promotion of dtypes. */
export function elementwise(operator: Arithmetic | Comparison, a: Tensor, b: Tensor): Tensor {
  const common = promote(a.dtype, b.dtype);
  if (isComparison(operator)) {
    return zip(a, b, "bool", (u, v) => Number(compare(operator, cast(u, common), cast(v, common))));
  }
  if (operator === "-" && (a.dtype === "bool" || b.dtype === "bool")) throw boolSubtraction(a.dtype, b.dtype);
  const dtype = operator === "/" ? "float32" : common;
  return zip(a, b, dtype, (u, v) => cast(compute(operator, cast(u, dtype), cast(v, dtype)), dtype));
}

/** `a & b`, `a | b` of masks. */
export function logical(operator: Logical, a: Tensor, b: Tensor): Tensor {
  const dtype = promote(a.dtype, b.dtype);
  if (dtype === "float32") {
    broadcastShape(a.shape, b.shape);
    const name = operator === "&" ? "and" : "or";
    throw new TorchError("NotImplementedError", `"bitwise_${name}_cpu" not implemented for 'Float'`);
  }
  return zip(a, b, dtype, (u, v) => (operator === "&" ? u & v : u | v));
}

/** `~mask`. */
export function invert(tensor: Tensor): Tensor {
  if (tensor.dtype === "float32") {
    throw new TorchError("TypeError", "~ (operator.invert) is only implemented on integer and Boolean-type tensors");
  }
  return map(tensor, tensor.dtype, (value) => (tensor.dtype === "bool" ? 1 - value : ~value));
}

/** `torch.where(condition, a, b)`: what was not chosen is no source. */
export function where(condition: Tensor, a: Tensor, b: Tensor): Tensor {
  if (condition.dtype !== "bool") {
    throw new UnsupportedError("a mask is made of bools");
  }
  const shape = broadcastShape(broadcastShape(condition.shape, a.shape), b.shape);
  const dtype = promote(a.dtype, b.dtype);
  const { data, sources, tensor } = allocate(shape, [condition, a, b], dtype);
  const [of_a, of_b] = [positions(expandTo(a, shape)), positions(expandTo(b, shape))];
  positions(expandTo(condition, shape)).forEach((position, j) => {
    const [from, at] = condition.storage.data[position] ? [a, of_a[j]!] : [b, of_b[j]!];
    data[j] = cast(from.storage.data[at]!, dtype);
    sources[j] = from.storage.sources[at]!;
  });
  return tensor;
}

/** `number / tensor`, which PyTorch rounds twice: it multiplies the reciprocal. */
export function divideNumber(number: Tensor, tensor: Tensor): Tensor {
  return elementwise(
    "*",
    map(tensor, "float32", (v) => Math.fround(1 / Math.fround(v))),
    number,
  );
}

export function negate(tensor: Tensor): Tensor {
  if (tensor.dtype === "bool") {
    throw new TorchError(
      "RuntimeError",
      "Negation, the `-` operator, on a bool tensor is not supported. " +
        "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.",
    );
  }
  return map(tensor, tensor.dtype, (v) => cast(-v, tensor.dtype));
}

export function abs(tensor: Tensor): Tensor {
  if (tensor.dtype === "bool") throw new TorchError("NotImplementedError", "\"abs_cpu\" not implemented for 'Bool'");
  return map(tensor, tensor.dtype, Math.abs);
}

/** `torch.equal`: the same shape and the same values, whatever the dtypes. */
export function equal(a: Tensor, b: Tensor): boolean {
  if (String(a.shape) !== String(b.shape)) return false;
  return elementwise("==", a, b).storage.data.every((same) => same === 1);
}

/** `torch.allclose`: |a - b| <= atol + rtol * |b| everywhere, computed in float32. */
export function allclose(a: Tensor, b: Tensor, rtol: number, atol: number, equalNan: boolean): boolean {
  if (a.dtype !== b.dtype) {
    throw new TorchError("RuntimeError", `${SCALAR_TYPE[a.dtype]} did not match ${SCALAR_TYPE[b.dtype]}`);
  }
  if (rtol < 0) throw new TorchError("RuntimeError", `rtol must be greater than or equal to zero, but got ${rtol}`);
  if (atol < 0) throw new TorchError("RuntimeError", `atol must be greater than or equal to zero, but got ${atol}`);
  const { fround, abs } = Math;
  const close = zip(a, b, "bool", (u, v) => {
    if (u === v || (equalNan && Number.isNaN(u) && Number.isNaN(v))) return 1;
    const allowed = fround(fround(atol) + abs(fround(fround(rtol) * fround(v))));
    const actual = abs(fround(fround(u) - fround(v)));
    return Number(Number.isFinite(actual) && actual <= allowed);
  });
  return close.storage.data.every((same) => same === 1);
}

export const SCALAR_TYPE: Record<DType, string> = { bool: "Bool", int64: "Long", float32: "Float" };

/** The nearest value of a dtype. */
export function cast(value: number, dtype: DType): number {
  if (dtype === "float32") return Math.fround(value);
  if (dtype === "bool") return value === 0 ? 0 : 1;
  if (!Number.isSafeInteger(value)) throw new UnsupportedError("integers this large are not known here");
  return value + 0; // an integer has no negative zero
}

export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = new Array(rank);
  for (let dim = rank - 1; dim >= 0; dim--) {
    const [m, n] = [a[dim - rank + a.length] ?? 1, b[dim - rank + b.length] ?? 1];
    if (m !== n && m !== 1 && n !== 1) {
      throw new TorchError(
        "RuntimeError",
        `The size of tensor a (${m}) must match the size of tensor b (${n}) at non-singleton dimension ${dim}`,
      );
    }
    shape[dim] = m === 1 ? n : m;
  }
  return shape;
}

/** The tensor as it is read where it is broadcast to a shape. */
export function expandTo(tensor: Tensor, shape: readonly number[]): Tensor {
  const missing = shape.length - tensor.shape.length;
  const strides = shape.map((_, dim) =>
    (tensor.shape[dim - missing] ?? 1) === 1 ? 0 : tensor.strides[dim - missing]!,
  );
  return strided(tensor, shape, strides);
}

export function map(tensor: Tensor, dtype: DType, f: (value: number) => number): Tensor {
  const { data, sources, tensor: result } = allocate(tensor.shape, [tensor], dtype);
  positions(tensor).forEach((position, j) => {
    data[j] = f(tensor.storage.data[position]!);
    sources[j] = tensor.storage.sources[position]!;
  });
  return result;
}

function zip(a: Tensor, b: Tensor, dtype: DType, f: (u: number, v: number) => number): Tensor {
  const shape = broadcastShape(a.shape, b.shape);
  const { data, sources, tensor } = allocate(shape, [a, b], dtype);
  const of_b = positions(expandTo(b, shape));
  positions(expandTo(a, shape)).forEach((of_a, j) => {
    data[j] = f(a.storage.data[of_a]!, b.storage.data[of_b[j]!]!);
    sources[j] = join(a.storage.sources[of_a]!, b.storage.sources[of_b[j]!]!);
  });
  return tensor;
}

function boolSubtraction(a: DType, b: DType): TorchError {
  return new TorchError(
    "RuntimeError",
    a === b
      ? "Subtraction, the `-` operator, with two bool tensors is not supported. " +
          "Use the `^` or `logical_xor()` operator instead."
      : "Subtraction, the `-` operator, with a bool tensor is not supported. " +
          "If you are trying to invert a mask, use the `~` or `logical_not()` operator instead.",
  );
}
