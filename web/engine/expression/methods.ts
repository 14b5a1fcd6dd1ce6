import { sigmoid } from "../cells.ts";
import { size } from "../dense.ts";
import { TorchError, UnsupportedError } from "../errors.ts";
import {
  type Arguments,
  dimsFirst,
  dimsOf,
  flag,
  integer,
  integers,
  item,
  pythonNumber,
  real,
  tensor,
  tensors,
} from "./arguments.ts";
import { abs, allclose, cast, equal, map, where } from "./arithmetic.ts";
import { cat, stack } from "./concatenate.ts";
import { arange, fresh, tensorOf, toList } from "./create.ts";
import { wrapDim } from "./dims.ts";
import { gather } from "./gather.ts";
import { asTensor } from "./operators.ts";
import { einsum, matmul, reversed } from "./products.ts";
import { bool, number, sequence, torchSize, typeName, type Value } from "./python.ts";
import { all, amax, any, extreme, extremes, mean, sum } from "./reduce.ts";
import {
  chunk,
  expand,
  flatten,
  flip,
  permute,
  reshape,
  split,
  squeeze,
  transpose,
  unbind,
  unsqueeze,
  view,
} from "./reshape.ts";
import { contiguous, type DType, isContiguous, sourceOf, type Tensor } from "./tensor.ts";

export interface Method {
  /** See `bind`. */
  readonly parameters: readonly string[];
  readonly call: (self: Tensor, args: Arguments) => Value;
}

/** What comes after `torch.`. */
export interface TorchFunction {
  readonly parameters: readonly string[];
  readonly call: (args: Arguments) => Value;
}

export const ATTRIBUTES = new Map<string, (self: Tensor) => Value>([
  ["T", (self) => reversed(self)],
  ["dtype", (self) => ({ kind: "named", text: `torch.${self.dtype}` })],
  ["ndim", (self) => number(self.shape.length, "int")],
  ["shape", (self) => torchSize(self.shape)],
]);

export const METHODS = new Map<string, Method>([
  method("abs", "", (self) => abs(self)),
  method("all", "dim? keepdim?", (self, { dim, keepdim }) => all(self, dimsOf(dim), flag(keepdim))),
  method("allclose", "other rtol? atol? equal_nan?", (self, args) => close(self, args)),
  method("amax", "dim? keepdim?", (self, { dim, keepdim }) => amax(self, "max", dimsOf(dim), flag(keepdim))),
  method("amin", "dim? keepdim?", (self, { dim, keepdim }) => amax(self, "min", dimsOf(dim), flag(keepdim))),
  method("any", "dim? keepdim?", (self, { dim, keepdim }) => any(self, dimsOf(dim), flag(keepdim))),
  method("bool", "", (self) => to(self, "bool")),
  method("chunk", "chunks dim?", (self, { chunks, dim }) => tuple(chunk(self, integer(chunks), integer(dim, 0)))),
  method("clone", "", (self) => self),
  method("contiguous", "", (self) => contiguous(self)),
  method("cpu", "", (self) => self),
  method("detach", "", (self) => self),
  method("dim", "", (self) => number(self.shape.length, "int")),
  method("equal", "other", (self, { other }) => same(self, tensor("equal", "other", other!))),
  method("expand", "*sizes", (self, { sizes }) => expand(self, integers(sizes!))),
  method("flip", "*dims", (self, { dims }) => flip(self, integers(dims!))),
  method("float", "", (self) => to(self, "float32")),
  method("gather", "dim index", (self, { dim, index }) => gather(self, integer(dim), tensorIn(index))),
  method("flatten", "start_dim? end_dim?", (self, args) =>
    flatten(self, integer(args.start_dim, 0), integer(args.end_dim, -1)),
  ),
  method("is_contiguous", "", (self) => isInOrder(self)),
  method("item", "", (self) => item(self)),
  method("long", "", (self) => to(self, "int64")),
  method("masked_fill", "mask value", (self, { mask, value }) => maskedFill(self, tensorIn(mask), value!)),
  method("matmul", "other", (self, { other }) => matmul(self, tensorIn(other))),
  method("max", "dim? keepdim?", (self, args) => largest(self, "max", args)),
  method("mean", "dim? keepdim?", (self, args) => mean(self, ...dimsFirst(args))),
  method("min", "dim? keepdim?", (self, args) => largest(self, "min", args)),
  method("numel", "", (self) => number(size(self.shape), "int")),
  method("permute", "*dims", (self, { dims }) => permute(self, integers(dims!))),
  method("reshape", "*shape", (self, { shape }) => reshape(self, integers(shape!))),
  method("size", "dim?", (self, { dim }) => (dim ? length(self, integer(dim)) : torchSize(self.shape))),
  method("sigmoid", "", (self) => map(self, "float32", (value) => Math.fround(sigmoid(value)))),
  method("split", "split_size dim?", (self, { split_size, dim }) => {
    const sizes = split_size!.kind === "sequence" ? integers(split_size!) : integer(split_size);
    return tuple(split(self, sizes, integer(dim, 0)));
  }),
  method("squeeze", "dim?", (self, { dim }) => squeeze(self, dim ? integers(dim) : null)),
  method("sum", "dim? keepdim?", (self, args) => sum(self, ...dimsFirst(args))),
  method("tanh", "", (self) => map(self, "float32", (value) => Math.fround(Math.tanh(value)))),
  method("tolist", "", (self) => toList(self)),
  method("transpose", "dim0 dim1", (self, { dim0, dim1 }) => transpose(self, integer(dim0), integer(dim1))),
  method("unbind", "dim?", (self, { dim }) => tuple(unbind(self, integer(dim, 0)))),
  method("unsqueeze", "dim", (self, { dim }) => unsqueeze(self, integer(dim))),
  method("view", "*size", (self, { size }) => view(self, integers(size!))),
]);

export const FUNCTIONS = new Map<string, TorchFunction>([
  torchFunction("Size", "items", ({ items }) => torchSize(integers(items!))),
  torchFunction("allclose", "input other rtol? atol? equal_nan?", (args) =>
    close(tensor("allclose", "input", args.input!), args),
  ),
  torchFunction("arange", "start end? step?", ({ start, end, step }) => arange([start, end, step])),
  torchFunction("cat", "tensors dim?", ({ tensors: parts, dim }) => cat(tensors("cat", parts!), integer(dim, 0))),
  torchFunction("einsum", "equation first second?", ({ equation, first, second }) => {
    if (equation!.kind !== "text") throw new UnsupportedError("einsum takes a text first");
    return einsum(equation!.text, [first!, ...(second ? [second] : [])].map(tensorIn));
  }),
  torchFunction("equal", "input other", ({ input, other }) =>
    same(tensor("equal", "input", input!), tensor("equal", "other", other!)),
  ),
  torchFunction("stack", "tensors dim?", ({ tensors: parts, dim }) => stack(tensors("stack", parts!), integer(dim, 0))),
  torchFunction("tensor", "data", ({ data }) => tensorOf(data!)),
  torchFunction("where", "condition input other", ({ condition, input, other }) =>
    where(tensorIn(condition), operand(input!), operand(other!)),
  ),
  torchFunction("zeros_like", "input", ({ input }) => {
    const { shape, dtype } = tensorIn(input);
    return fresh(shape, dtype, () => 0);
  }),
]);

/** What `torch.` has beside functions. */
export const CONSTANTS = new Map<string, Value>([["inf", number(Infinity, "float")]]);

function method(name: string, parameters: string, call: Method["call"]): [string, Method] {
  return [name, { parameters: parameters.split(" ").filter(Boolean), call }];
}

function torchFunction(name: string, parameters: string, call: TorchFunction["call"]): [string, TorchFunction] {
  return [name, { parameters: parameters.split(" "), call }];
}

function tensorIn(value: Value | undefined): Tensor {
  if (value?.kind === "tensor") return value;
  throw new UnsupportedError(`a tensor is expected here, not ${value ? typeName(value) : "nothing"}`);
}

/** A tensor, or a number in the place of one. */
function operand(value: Value): Tensor {
  return asTensor(value) ?? tensorIn(value);
}

function tuple(tensors: readonly Tensor[]): Value {
  return sequence("tuple", tensors);
}

function to(self: Tensor, dtype: DType): Tensor {
  if (dtype !== "int64") return map(self, dtype, (value) => cast(value, dtype));
  return map(self, dtype, (value) => cast(Math.trunc(value), dtype));
}

function close(self: Tensor, { other, rtol, atol, equal_nan }: Arguments): Value {
  const second = tensor("allclose", "other", other!);
  const result = allclose(self, second, real(rtol, 1e-5), real(atol, 1e-8), flag(equal_nan));
  return bool(result, [sourceOf(self), sourceOf(second)]);
}

function same(a: Tensor, b: Tensor): Value {
  return bool(equal(a, b), [sourceOf(a), sourceOf(b)]);
}

function largest(self: Tensor, name: "max" | "min", { dim, keepdim }: Arguments): Value {
  if (dim === undefined) {
    if (keepdim) throw new UnsupportedError("keepdim needs a dim here");
    return extreme(self, name);
  }
  return sequence(`torch.return_types.${name}`, extremes(self, name, integer(dim), flag(keepdim)));
}

function maskedFill(self: Tensor, mask: Tensor, value: Value): Tensor {
  const filler = asTensor(pythonNumber(value))!;
  const result = where(mask, filler, self);
  if (result.dtype !== self.dtype)
    throw new UnsupportedError(`${typeName(value)} does not fit among ${self.dtype} here`);
  return result;
}

function notModelled(): UnsupportedError {
  return new UnsupportedError("how this result lies in memory is not modelled here");
}

function length({ shape }: Tensor, dim: number): Value {
  if (shape.length === 0) {
    throw new TorchError("IndexError", `Dimension specified as ${dim} but tensor has no dimensions`);
  }
  return number(shape[wrapDim(dim, shape.length)]!, "int");
}

function isInOrder(self: Tensor): Value {
  if (!self.storage.ordered) throw notModelled();
  return bool(isContiguous(self));
}
