import { size } from "../dense.ts";
import { UnsupportedError } from "../errors.ts";
import { bind } from "./arguments.ts";
import { at, ExpressionError } from "./error.ts";
import type { Index } from "./indexing.ts";
import { ATTRIBUTES, FUNCTIONS, METHODS } from "./methods.ts";
import { binary, subscript, unary } from "./operators.ts";
import { type Node, parse } from "./parse.ts";
import { print } from "./print.ts";
import { type Cells, cellsOf } from "./provenance.ts";
import { bool, number, sequence, typeName, type Value } from "./python.ts";
import type { Scope } from "./scope.ts";

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
  const tree = parse(text);
  let work = 0;

  /** Counts what an operation read and wrote; a view costs nothing. */
  function charge(result: Value, operands: readonly Value[]): Value {
    const tensors = operands.flatMap((operand) => (operand.kind === "sequence" ? operand.items : [operand]));
    const results = result.kind === "tensor" ? [result] : [];
    const isView = tensors.some((operand) => operand.kind === "tensor" && operand.storage === results[0]?.storage);
    if (!isView) {
      for (const value of [...tensors, ...results]) if (value.kind === "tensor") work += size(value.shape);
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
        return at(node.column, () => subscript(target, entries, !node.comma));
      }
      case "attribute": {
        const target = visit(node.target);
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
    const tensor = scope.tensors.get(name);
    if (tensor) return tensor;
    if (name === "torch") throw new ExpressionError("torch stands only before one of its functions here", column);
    throw new ExpressionError(
      `${name} is not known here; there are ${[...scope.tensors.keys()].join(", ")} and torch`,
      column,
    );
  }

  function indexEntry(node: Node): Index | Value {
    if (node.kind !== "slice") return visit(node);
    const part = (part: Node | null): number | null => {
      if (part === null) return null;
      const value = visit(part);
      if (value.kind === "none") return null;
      if (value.kind === "number" && value.type === "int") return value.value;
      throw new ExpressionError(`a slice is made of ints here, not of ${typeName(value)}`, part.column);
    };
    return { kind: "slice", start: part(node.start), stop: part(node.stop), step: part(node.step) };
  }

  function call({ target, positional, keywords }: Extract<Node, { kind: "call" }>): Value {
    if (target.kind !== "attribute") {
      const isPrint = target.kind === "name" && target.name === "print";
      throw new ExpressionError(
        isPrint
          ? "leave print away; the value is printed as it is"
          : "only methods and torch's functions are called here",
        target.column,
      );
    }
    const { name } = target;
    const inTorch = target.target.kind === "name" && target.target.name === "torch";
    const self = inTorch ? null : visit(target.target);
    const given = positional.map(visit);
    const named = keywords.map((keyword) => ({ ...keyword, value: visit(keyword.value) }));
    return at(target.column, () => {
      const operands = [...given, ...named.map(({ value }) => value)];
      if (self === null) {
        const torchFunction = FUNCTIONS.get(name);
        if (!torchFunction) throw new UnsupportedError(unknownFunction(name));
        return charge(torchFunction.call(bind(name, torchFunction.parameters, given, named)), operands);
      }
      const method = METHODS.get(name);
      if (self.kind !== "tensor" || !method) throw new UnsupportedError(unknownMember(self, name));
      return charge(method.call(self, bind(name, method.parameters, given, named)), [self, ...operands]);
    });
  }

  const value = visit(tree);
  return {
    value,
    text: at(tree.column, () => print(value)),
    shape: value.kind === "tensor" ? value.shape : null,
    cells: cellsOf(value, scope),
  };
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
