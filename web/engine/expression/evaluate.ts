import { size } from "../dense.ts";
import { TorchError, UnsupportedError } from "../errors.ts";
import { bind, item as itemOf } from "./arguments.ts";
import { range } from "./create.ts";
import { at, ExpressionError } from "./error.ts";
import type { Index } from "./indexing.ts";
import { ATTRIBUTES, CONSTANTS, FUNCTIONS, METHODS } from "./methods.ts";
import { binary, subscript, unary } from "./operators.ts";
import { type Node, parse } from "./parse.ts";
import { print } from "./print.ts";
import { type Cells, cellsOf } from "./provenance.ts";
import { bool, number, sequence, typeName, type Value } from "./python.ts";
import { unbind } from "./reshape.ts";
import { parameterOf, type Scope } from "./scope.ts";

export interface Evaluation {
  readonly value: Value;
  /** What Python's `print` writes. */
  readonly text: string;
  /** A tensor's; null for any other value. */
  readonly shape: readonly number[] | null;
  /** The cells of the tensors in the scope from which the value was computed. */
  readonly cells: Cells;
}

/** Elements that one evaluation may read and write: a few tens of milliseconds' worth. */
const MAX_WORK = 2 ** 18;

/** What Python and PyTorch make of `text`. Throws an `ExpressionError`. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: short functions that share how much work has been done.
export function evaluate(text: string, scope: Scope): Evaluation {
  const statements = parse(text);
  /** What the lines before have named. */
  const locals = new Map<string, Value>();
  let work = 0;

  /** Counts what an operation read and wrote; a view costs nothing. */
  function charge(result: Value, operands: readonly Value[]): Value {
    const tensors = operands.flatMap(itemsOf);
    const results = itemsOf(result);
    const storages = new Set(tensors.map((operand) => operand.kind === "tensor" && operand.storage));
    const isView = results.some((value) => value.kind === "tensor" && storages.has(value.storage));
    if (!isView) {
      for (const value of [...tensors, ...results]) work += value.kind === "tensor" ? size(value.shape) : 1;
    }
    if (work > MAX_WORK) throw new UnsupportedError("this is too large to be computed here");
    return result;
  }

  function visit(node: Node): Value {
    switch (node.kind) {
      case "number":
        return at(node.column, () => number(Number(node.text), /^\d+$/.test(node.text) ? "int" : "float"));
      case "constant":
        return node.value === null ? { kind: "none" } : bool(node.value);
      case "ellipsis":
        return { kind: "ellipsis" };
      case "text":
        return { kind: "text", text: node.text };
      case "sequence":
        return sequence(node.type, node.items.map(visit));
      case "name":
        return lookUp(node.name, node.column);
      case "unary": {
        const operand = visit(node.operand);
        return at(node.column, () => charge(unary(node.operator, operand), [operand]));
      }
      case "binary": {
        const left = visit(node.left);
        const right = visit(node.right);
        return at(node.column, () => charge(binary(node.operator, left, right), [left, right]));
      }
      case "index": {
        const target = visit(node.target);
        const entries = node.entries.map((entry) => indexEntry(entry));
        return at(node.column, () => {
          const isView = !entries.some((entry) => entry.kind === "tensor" || entry.kind === "sequence");
          const result = subscript(target, entries, !node.comma);
          return isView ? result : charge(result, [target]);
        });
      }
      case "attribute": {
        const known = node.target.kind === "name" ? member(node.target.name, node.name) : null;
        if (known) return known;
        const target = visit(node.target);
        if (target.kind === "sequence" && target.type.startsWith("torch.return")) {
          const at = ["values", "indices"].indexOf(node.name);
          if (at >= 0) return target.items[at]!;
        }
        const attribute = target.kind === "tensor" ? ATTRIBUTES.get(node.name) : undefined;
        if (attribute && target.kind === "tensor") return attribute(target);
        throw new ExpressionError(unknownMember(target, node.name), node.column);
      }
      case "call":
        return call(node);
      case "slice":
        throw new ExpressionError("a slice stands only between brackets", node.column);
    }
  }

  function lookUp(name: string, column: number): Value {
    const value = locals.get(name) ?? scope.tensors.get(name) ?? scope.values.get(name);
    if (value) return value;
    if (name === "torch" || name === scope.layer?.name) {
      const what = name === "torch" ? "functions" : "parameters";
      throw new ExpressionError(`${name} is followed by a dot and one of its ${what} here`, column);
    }
    const known = [...scope.tensors.keys(), ...scope.values.keys(), ...locals.keys(), scope.layer?.name];
    throw new ExpressionError(
      `${name} is not known here; there are ${known.filter(Boolean).join(", ")} and torch`,
      column,
    );
  }

  /** `torch.inf`, `lstm.weight_ih_l0`. */
  function member(owner: string, name: string): Value | null {
    if (locals.has(owner)) return null;
    if (owner === "torch") return CONSTANTS.get(name) ?? null;
    const { layer } = scope;
    return owner === layer?.name && Object.hasOwn(layer.parameters, name) ? parameterOf(layer.parameters[name]!) : null;
  }

  function indexEntry(node: Node): Index | Value {
    if (node.kind !== "slice") return visit(node);
    const part = (part: Node | null): number | null => {
      if (part === null) return null;
      const value = visit(part);
      if (value.kind === "none") return null;
      if (value.kind === "number" && value.type === "int") return value.value;
      if (value.kind === "tensor" && value.dtype === "int64" && size(value.shape) === 1) return itemOf(value).value;
      throw new ExpressionError(`a slice is made of ints here, not of ${typeName(value)}`, part.column);
    };
    return { kind: "slice", start: part(node.start), stop: part(node.stop), step: part(node.step) };
  }

  function call({ target, positional, keywords }: Extract<Node, { kind: "call" }>): Value {
    if (target.kind === "name" && !locals.has(target.name)) {
      const builtIn = BUILT_IN.get(target.name);
      if (builtIn && keywords.length === 0) return at(target.column, () => builtIn(positional.map(visit)));
    }
    if (target.kind !== "attribute") {
      const isPrint = target.kind === "name" && target.name === "print";
      throw new ExpressionError(
        isPrint
          ? "leave print away; the value is printed as it is"
          : "only methods, torch's functions, len and range are called here",
        target.column,
      );
    }
    const { name } = target;
    const inTorch = target.target.kind === "name" && target.target.name === "torch" && !locals.has("torch");
    const self = inTorch ? null : visit(target.target);
    const given = positional.map(visit);
    const named = keywords.map((keyword) => ({ ...keyword, value: visit(keyword.value) }));
    return at(target.column, () => {
      const operands = [...given, ...named.map(({ value }) => value)];
      if (self === null) {
        const torchFunction = FUNCTIONS.get(name);
        // `torch.sum(x)` is `x.sum()`.
        const [first, ...others] = given;
        const asMethod = torchFunction ? undefined : METHODS.get(name);
        if (asMethod && first?.kind === "tensor") {
          return charge(asMethod.call(first, bind(name, asMethod.parameters, others, named)), operands);
        }
        if (!torchFunction) throw new UnsupportedError(unknownFunction(name));
        return charge(torchFunction.call(bind(name, torchFunction.parameters, given, named)), operands);
      }
      const method = METHODS.get(name);
      if (self.kind !== "tensor" || !method) throw new UnsupportedError(unknownMember(self, name));
      return charge(method.call(self, bind(name, method.parameters, given, named)), [self, ...operands]);
    });
  }

  let value: Value = { kind: "none" };
  for (const statement of statements) {
    const { names } = statement;
    value = visit(statement.value);
    const parts = names.length < 2 ? [value] : at(statement.value.column, () => unpacked(value, names.length));
    for (const [at, name] of names.entries()) locals.set(name, parts[at]!);
  }
  return {
    value,
    text: at(statements.at(-1)!.value.column, () => print(value)),
    shape: value.kind === "tensor" ? value.shape : null,
    cells: cellsOf(value, scope),
  };
}

const BUILT_IN = new Map<string, (given: readonly Value[]) => Value>([
  ["len", ([value]) => number(lengthOf(value), "int")],
  ["range", range],
]);

function lengthOf(value: Value | undefined): number {
  if (value?.kind === "sequence") return value.items.length;
  if (value?.kind !== "tensor") {
    throw new TorchError("TypeError", `object of type '${value ? typeName(value) : "nothing"}' has no len()`);
  }
  if (value.shape.length === 0) throw new TorchError("TypeError", "len() of a 0-d tensor");
  return value.shape[0]!;
}

/** The parts of a value that several names are given to. */
function unpacked(value: Value, count: number): readonly Value[] {
  const parts =
    value.kind === "sequence"
      ? value.items
      : value.kind === "tensor" && value.shape.length > 0
        ? unbind(value, 0)
        : null;
  if (parts === null) throw new UnsupportedError(`${typeName(value)} has no parts for ${count} names`);
  if (parts.length === count) return parts;
  throw new UnsupportedError(`there are ${parts.length} values for ${count} names`);
}

function itemsOf(value: Value): readonly Value[] {
  return value.kind === "sequence" ? value.items.flatMap(itemsOf) : [value];
}

function unknownFunction(name: string): string {
  return `torch.${name} is not known here; there are ${[...FUNCTIONS.keys()].map((known) => `torch.${known}`).join(", ")}`;
}

function unknownMember(target: Value, name: string): string {
  if (target.kind !== "tensor") return `.${name} of ${typeName(target)} is not known here`;
  const calls = [...METHODS.keys()].map((method) => `.${method}()`);
  const attributes = [...ATTRIBUTES.keys()].map((attribute) => `.${attribute}`);
  return `.${name} is not known here; a tensor has ${[...attributes, ...calls].join(", ")}`;
}
