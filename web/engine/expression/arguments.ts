import { size } from "../dense.ts";
import { TorchError, UnsupportedError } from "../errors.ts";
import { number, type PythonNumber, sequence, typeName, type Value } from "./python.ts";
import type { Tensor } from "./tensor.ts";

/** A call's arguments by the names of their parameters. */
export type Arguments = Readonly<Record<string, Value | undefined>>;

/**
 * Which argument is which parameter. `dim?` may be left out, `*dims` takes all that are positional, or one tuple.
 * What does not fit is PyTorch's TypeError, whose long text is not repeated here.
 */
export function bind(
  name: string,
  parameters: readonly string[],
  positional: readonly Value[],
  keywords: readonly { readonly name: string; readonly value: Value }[],
): Arguments {
  const args: Record<string, Value | undefined> = {};
  const names = parameters.map((parameter) => parameter.replace(/[*?]/, ""));
  const usage = `.${name}(${parameters.join(", ").replaceAll("?", "")})`;
  if (parameters[0]?.startsWith("*") && positional.length > 0) {
    const [first] = positional;
    args[names[0]!] = positional.length === 1 && first!.kind === "sequence" ? first! : sequence("tuple", positional);
  } else {
    if (positional.length > names.length) throw new UnsupportedError(`these are too many arguments for ${usage}`);
    for (const [place, value] of positional.entries()) args[names[place]!] = value;
  }
  for (const { name, value } of keywords) {
    if (!names.includes(name)) throw new UnsupportedError(`${usage} has no argument ${name} here`);
    if (args[name] !== undefined) throw new UnsupportedError(`${usage} is given ${name} twice`);
    args[name] = value;
  }
  const missing = names.find((name, place) => args[name] === undefined && !parameters[place]!.endsWith("?"));
  if (missing !== undefined) throw new UnsupportedError(`${usage} needs ${missing}`);
  return args;
}

export function integer(value: Value | undefined, otherwise?: number): number {
  if (value === undefined && otherwise !== undefined) return otherwise;
  if (value?.kind === "number" && value.type === "int") return value.value;
  if (value?.kind === "tensor" && value.dtype === "int64" && value.shape.length === 0) return item(value).value;
  throw new UnsupportedError(`an int is expected here, not ${value ? typeName(value) : "nothing"}`);
}

export function integers(value: Value): number[] {
  return value.kind === "sequence" ? value.items.map((item) => integer(item)) : [integer(value)];
}

export function dimsOf(value: Value | undefined): number[] | null {
  return value === undefined || value.kind === "none" ? null : integers(value);
}

/** `(dim, keepdim)` of a method that takes keepdim only after dim. */
export function dimsFirst(args: Arguments): [number[] | null, boolean] {
  if (args.keepdim !== undefined && args.dim === undefined) throw new UnsupportedError("keepdim needs a dim here");
  return [dimsOf(args.dim), flag(args.keepdim)];
}

export function flag(value: Value | undefined): boolean {
  if (value === undefined) return false;
  if (value.kind === "number" && value.type === "bool") return value.value === 1;
  throw new UnsupportedError(`a bool is expected here, not ${typeName(value)}`);
}

/** A plain int, float or bool; a tensor of one number counts as one. */
export function pythonNumber(value: Value | undefined): PythonNumber {
  if (value?.kind === "number") return value;
  if (value?.kind === "tensor" && size(value.shape) === 1) return item(value);
  throw new UnsupportedError(`a number is expected here, not ${value ? typeName(value) : "nothing"}`);
}

/** `tensor.item()`. */
export function item(self: Tensor): PythonNumber {
  const count = size(self.shape);
  if (count !== 1) {
    throw new TorchError("RuntimeError", `a Tensor with ${count} elements cannot be converted to Scalar`);
  }
  const type = ({ bool: "bool", int64: "int", float32: "float" } as const)[self.dtype];
  return number(self.storage.data[self.offset]!, type, self.storage.sources[self.offset]!);
}

export function real(value: Value | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (value.kind === "number" && value.type !== "bool") return value.value;
  throw new UnsupportedError(`a float is expected here, not ${typeName(value)}`);
}

export function tensor(name: string, parameter: "input" | "other", value: Value): Tensor {
  if (value.kind === "tensor") return value;
  const position = parameter === "input" ? 1 : 2;
  throw new TorchError(
    "TypeError",
    `${name}(): argument '${parameter}' (position ${position}) must be Tensor, not ${typeName(value)}`,
  );
}

export function tensors(name: string, value: Value): Tensor[] {
  if (value.kind !== "sequence" || value.type === "torch.Size") {
    throw new TorchError(
      "TypeError",
      `${name}(): argument 'tensors' (position 1) must be tuple of Tensors, not ${typeName(value)}`,
    );
  }
  return value.items.map((part, place) => {
    if (part.kind === "tensor") return part;
    throw new TorchError("TypeError", `expected Tensor as element ${place} in argument 0, but got ${typeName(part)}`);
  });
}
