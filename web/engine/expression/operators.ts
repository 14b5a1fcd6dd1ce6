import { TorchError, UnsupportedError } from "../errors.ts";
import { item as itemOf } from "./arguments.ts";
import { divideNumber, elementwise, invert, isComparison, logical, negate, type Operator } from "./arithmetic.ts";
import { fresh, tensorOf } from "./create.ts";
import { take } from "./gather.ts";
import { bounds, type Index, index } from "./indexing.ts";
import { matmul } from "./products.ts";
import { bool, number, operate, type Sequence, sameSequence, sequence, typeName, type Value } from "./python.ts";
import { allocate, type DType, type Tensor } from "./tensor.ts";

/** `left operator right`, as Python hands it to a tensor, a number or a tuple. */
export function binary(operator: Operator, left: Value, right: Value): Value {
  if (left.kind === "number" && right.kind === "number") return operate(operator, left, right);
  if (left.kind === "sequence" && right.kind === "sequence" && (operator === "==" || operator === "!=")) {
    return bool(sameSequence(left, right) === (operator === "=="));
  }
  const [a, b] = [asTensor(left), asTensor(right)];
  if (a === null || b === null) {
    const verb = isComparison(operator) ? "compares" : "takes";
    throw new UnsupportedError(
      `${operator} ${verb} tensors and numbers here, not ${typeName(left)} and ${typeName(right)}`,
    );
  }
  if (operator === "@") {
    if (left.kind === "tensor" && right.kind === "tensor") return matmul(a, b);
    throw new UnsupportedError("@ takes two tensors");
  }
  if (operator === "&" || operator === "|") return logical(operator, a, b);
  return operator === "/" && left.kind === "number" ? divideNumber(a, b) : elementwise(operator, a, b);
}

export function unary(operator: "+" | "-" | "~", operand: Value): Value {
  if (operator === "~") {
    if (operand.kind === "tensor") return invert(operand);
    throw new UnsupportedError("~ takes a mask here");
  }
  if (operand.kind === "number") {
    const type = operand.type === "float" ? "float" : "int";
    return number(operator === "-" ? -operand.value : operand.value, type, operand.source);
  }
  if (operand.kind !== "tensor") {
    throw new UnsupportedError(`${operator} takes a tensor or a number here, not ${typeName(operand)}`);
  }
  if (operator === "-") return negate(operand);
  if (operand.dtype === "bool") {
    throw new TorchError("RuntimeError", "The `+` operator, on a bool tensor is not supported.");
  }
  return operand;
}

/** `target[entries]`; `bare` when there is one entry without a comma. */
export function subscript(target: Value, entries: readonly (Index | Value)[], bare: boolean): Value {
  const [first] = entries;
  if (target.kind === "sequence" && first && bare) return item(target, first);
  if (target.kind !== "tensor") throw new UnsupportedError(`this index of ${typeName(target)} is not known here`);
  if (bare && first?.kind === "sequence" && first.type === "tuple") return subscript(target, first.items, false);
  if (!entries.some(isIndexTensor)) return index(target, entries.map(tensorIndex), bare);
  return indexWithTensors(target, entries);
}

/** A tensor with axes, a mask, or a list of places, among the indices. */
function isIndexTensor(entry: Index | Value): boolean {
  return entry.kind === "sequence" || (entry.kind === "tensor" && (entry.shape.length > 0 || entry.dtype !== "int64"));
}

/** Numbers, slices, None and ... first, and then the tensors. */
function indexWithTensors(target: Tensor, entries: readonly (Index | Value)[]): Tensor {
  const tensors = entries.map((entry): Tensor | null => {
    if (entry.kind === "sequence") return entry.items.length > 0 ? tensorOf(entry) : fresh([0], "int64", Number);
    return entry.kind === "tensor" && isIndexTensor(entry) ? entry : null;
  });
  if (tensors.some((index) => index?.dtype === "bool" && index.shape.length === 0)) {
    throw new UnsupportedError("an index is not a single bool here");
  }
  const dims = entries.map(({ kind }, at) => {
    const mask = tensors[at]?.dtype === "bool" ? tensors[at].shape.length : 1;
    return kind === "ellipsis" || kind === "none" ? 0 : mask;
  });
  const named = dims.reduce((a, b) => a + b, 0);
  const rest = target.shape.length - named;
  if (rest < 0) throw new TorchError("IndexError", `too many indices for tensor of dimension ${target.shape.length}`);
  const all: Index = { kind: "slice", start: null, stop: null, step: null };
  const plain = entries.flatMap((entry, at) =>
    tensors[at] ? new Array<Index>(dims[at]!).fill(all) : [tensorIndex(entry)],
  );
  const beside = entries.flatMap((entry, at) =>
    entry.kind === "ellipsis"
      ? new Array<null>(rest).fill(null)
      : tensors[at] || entry.kind === "slice" || entry.kind === "none"
        ? [tensors[at]!]
        : [],
  );
  return take(index(target, plain, false), beside);
}

function tensorIndex(entry: Index | Value): Index {
  if (entry.kind === "tensor" && !isIndexTensor(entry)) return { kind: "integer", value: itemOf(entry).value };
  if (entry.kind === "number" && entry.type === "int") return { kind: "integer", value: entry.value };
  if (entry.kind === "number" && entry.type === "float") {
    throw new TorchError(
      "IndexError",
      "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got float)",
    );
  }
  if (entry.kind !== "integer" && entry.kind !== "slice" && entry.kind !== "none" && entry.kind !== "ellipsis") {
    throw new UnsupportedError(`an index is made of integers, slices, ... and None here, not of ${typeName(entry)}`);
  }
  return entry;
}

function item({ type, items }: Sequence, entry: Index | Value): Value {
  if (entry.kind === "slice" && (entry.step ?? 1) > 0) {
    const [start, stop] = bounds(entry.start, entry.stop, items.length);
    return sequence(
      type,
      items.slice(start, stop).filter((_, place) => place % (entry.step ?? 1) === 0),
    );
  }
  if (entry.kind !== "number" || entry.type !== "int") {
    throw new UnsupportedError(`this index of ${type} is not known here`);
  }
  const item = items.at(entry.value);
  if (!item) throw new TorchError("IndexError", `${type === "list" ? "list" : "tuple"} index out of range`);
  return item;
}

/** A number as PyTorch sees it beside a tensor. */
export function asTensor(value: Value): Tensor | null {
  if (value.kind === "tensor") return value;
  if (value.kind !== "number") return null;
  const dtype: DType = value.type === "float" ? "float32" : value.type === "int" ? "int64" : "bool";
  const { data, sources, tensor } = allocate([], [], dtype);
  data[0] = value.value;
  sources[0] = value.source;
  return tensor;
}
