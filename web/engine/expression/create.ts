import { size } from "../dense.ts";
import { UnsupportedError } from "../errors.ts";
import { pythonNumber } from "./arguments.ts";
import { cast } from "./arithmetic.ts";
import { number, type PythonNumber, type Sequence, sequence, typeName, type Value } from "./python.ts";
import { allocate, type DType, NOWHERE, type Tensor } from "./tensor.ts";

const DTYPE = { float: "float32", int: "int64", bool: "bool" } as const;

/** A tensor of numbers that were typed. */
export function fresh(shape: readonly number[], dtype: DType, value: (at: number) => number): Tensor {
  const { data, sources, tensor } = allocate(shape, [], dtype);
  for (let at = 0; at < data.length; at++) {
    data[at] = cast(value(at), dtype);
    sources[at] = NOWHERE;
  }
  return tensor;
}

/** `torch.arange(end)` or `torch.arange(start, end, step)`: whole numbers unless one of them is a float. */
export function arange(given: readonly (Value | undefined)[]): Tensor {
  const numbers = given.filter((value) => value !== undefined).map(pythonNumber);
  const [first, second, third] = numbers as [PythonNumber, PythonNumber?, PythonNumber?];
  const [start, end] = second ? [first.value, second.value] : [0, first.value];
  const step = third?.value ?? 1;
  if (step === 0 || (end - start) * step < 0) throw new UnsupportedError("the step does not lead to the end");
  const isFloat = numbers.some(({ type }) => type === "float");
  return fresh([Math.ceil((end - start) / step)], isFloat ? "float32" : "int64", (at) => start + at * step);
}

/** `range(end)` or `range(start, end, step)`. */
export function range(given: readonly Value[]): Sequence {
  const [first, second, third] = given.map((value) => {
    if (value.kind === "number" && value.type !== "float") return value.value;
    throw new UnsupportedError(`range takes ints, not ${typeName(value)}`);
  });
  if (first === undefined) throw new UnsupportedError("range needs an end");
  const [start, end, step] = second === undefined ? [0, first, 1] : [first, second, third ?? 1];
  const count = Math.max(0, Math.ceil((end - start) / (step || 1)));
  if (count > 1000) throw new UnsupportedError("a range this long is not known here");
  return sequence(
    "range",
    Array.from({ length: count }, (_, at) => number(start + at * step, "int")),
  );
}

/** `torch.tensor(values)`: a number, or lists of them. */
export function tensorOf(value: Value): Tensor {
  if (value.kind === "tensor") throw new UnsupportedError("torch.tensor takes numbers and lists of them here");
  const shape: number[] = [];
  for (let part: Value | undefined = value; part?.kind === "sequence"; part = part.items[0])
    shape.push(part.items.length);
  const leaves: PythonNumber[] = [];
  function collect(part: Value, dim: number): void {
    if (dim === shape.length) {
      leaves.push(pythonNumber(part));
      return;
    }
    if (part.kind !== "sequence" || part.items.length !== shape[dim]) {
      throw new UnsupportedError("torch.tensor takes lists of equal length here");
    }
    for (const item of part.items) collect(item, dim + 1);
  }
  collect(value, 0);
  const types = leaves.map(({ type }) => type);
  const type = types.includes("float") || types.length === 0 ? "float" : types.includes("int") ? "int" : "bool";
  const tensor = fresh(shape, DTYPE[type], (at) => leaves[at]!.value);
  return { ...tensor, storage: { ...tensor.storage, sources: leaves.map(({ source }) => source) } };
}

/** `tensor.tolist()`. */
export function toList({ shape, strides, offset, dtype, storage }: Tensor): Value {
  const type = ({ float32: "float", int64: "int", bool: "bool" } as const)[dtype];
  const part = (dim: number, at: number): Value =>
    dim === shape.length
      ? number(storage.data[at]!, type, storage.sources[at]!)
      : sequence(
          "list",
          Array.from({ length: shape[dim]! }, (_, index) => part(dim + 1, at + index * strides[dim]!)),
        );
  if (size(shape) > 1000) throw new UnsupportedError("a list this long is not known here");
  return part(0, offset);
}
