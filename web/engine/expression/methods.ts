import { size } from "../dense.ts";
import { TorchError, UnsupportedError } from "../errors.ts";
import { type Arguments, dimsFirst, dimsOf, flag, integer, integers, real, tensor, tensors } from "./arguments.ts";
import { abs, allclose, equal } from "./arithmetic.ts";
import { cat, stack } from "./concatenate.ts";
import { wrapDim } from "./dims.ts";
import { bool, number, torchSize, type Value } from "./python.ts";
import { all, any, extreme, mean, sum } from "./reduce.ts";
import { flatten, permute, reshape, squeeze, transpose, unsqueeze, view } from "./reshape.ts";
import { contiguous, isContiguous, sourceOf, type Tensor } from "./tensor.ts";

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
  ["ndim", (self) => number(self.shape.length, "int")],
  ["shape", (self) => torchSize(self.shape)],
]);

export const METHODS = new Map<string, Method>([
  method("abs", "", (self) => abs(self)),
  method("all", "dim? keepdim?", (self, { dim, keepdim }) => all(self, dimsOf(dim), flag(keepdim))),
  method("any", "dim? keepdim?", (self, { dim, keepdim }) => any(self, dimsOf(dim), flag(keepdim))),
  method("contiguous", "", (self) => contiguous(self)),
  method("dim", "", (self) => number(self.shape.length, "int")),
  method("flatten", "start_dim? end_dim?", (self, args) =>
    flatten(self, integer(args.start_dim, 0), integer(args.end_dim, -1)),
  ),
  method("is_contiguous", "", (self) => isInOrder(self)),
  method("item", "", (self) => item(self)),
  method("max", "", (self) => extreme(self, "max")),
  method("mean", "dim? keepdim?", (self, args) => mean(self, ...dimsFirst(args))),
  method("min", "", (self) => extreme(self, "min")),
  method("numel", "", (self) => number(size(self.shape), "int")),
  method("permute", "*dims", (self, { dims }) => permute(self, integers(dims!))),
  method("reshape", "*shape", (self, { shape }) => reshape(self, integers(shape!))),
  method("size", "dim?", (self, { dim }) => (dim ? length(self, integer(dim)) : torchSize(self.shape))),
  method("squeeze", "dim?", (self, { dim }) => squeeze(self, dim ? integers(dim) : null)),
  method("sum", "dim? keepdim?", (self, args) => sum(self, ...dimsFirst(args))),
  method("transpose", "dim0 dim1", (self, { dim0, dim1 }) => transpose(self, integer(dim0), integer(dim1))),
  method("unsqueeze", "dim", (self, { dim }) => unsqueeze(self, integer(dim))),
  method("view", "*size", (self, { size }) => view(self, integers(size!))),
]);

export const FUNCTIONS = new Map<string, TorchFunction>([
  torchFunction("Size", "items", ({ items }) => torchSize(integers(items!))),
  torchFunction("allclose", "input other rtol? atol? equal_nan?", ({ input, other, rtol, atol, equal_nan }) => {
    const [a, b] = [tensor("allclose", "input", input!), tensor("allclose", "other", other!)];
    return bool(allclose(a, b, real(rtol, 1e-5), real(atol, 1e-8), flag(equal_nan)), [sourceOf(a), sourceOf(b)]);
  }),
  torchFunction("cat", "tensors dim?", ({ tensors: parts, dim }) => cat(tensors("cat", parts!), integer(dim, 0))),
  torchFunction("equal", "input other", ({ input, other }) => {
    const [a, b] = [tensor("equal", "input", input!), tensor("equal", "other", other!)];
    return bool(equal(a, b), [sourceOf(a), sourceOf(b)]);
  }),
  torchFunction("stack", "tensors dim?", ({ tensors: parts, dim }) => stack(tensors("stack", parts!), integer(dim, 0))),
]);

function method(name: string, parameters: string, call: Method["call"]): [string, Method] {
  return [name, { parameters: parameters.split(" ").filter(Boolean), call }];
}

function torchFunction(name: string, parameters: string, call: TorchFunction["call"]): [string, TorchFunction] {
  return [name, { parameters: parameters.split(" "), call }];
}

function item(self: Tensor): Value {
  const count = size(self.shape);
  if (count !== 1) {
    throw new TorchError("RuntimeError", `a Tensor with ${count} elements cannot be converted to Scalar`);
  }
  const type = ({ bool: "bool", int64: "int", float32: "float" } as const)[self.dtype];
  return number(self.storage.data[self.offset]!, type, self.storage.sources[self.offset]!);
}

function length({ shape }: Tensor, dim: number): Value {
  if (shape.length === 0) {
    throw new TorchError("IndexError", `Dimension specified as ${dim} but tensor has no dimensions`);
  }
  return number(shape[wrapDim(dim, shape.length)]!, "int");
}

function isInOrder(self: Tensor): Value {
  if (!self.storage.ordered) throw new UnsupportedError("how this result lies in memory is not modelled here");
  return bool(isContiguous(self));
}
