import type { Arithmetic, Operator } from "./arithmetic.ts";
import { ExpressionError } from "./error.ts";
import { type Token, tokenize } from "./tokens.ts";

/** A Python expression. `column` is where it is best pointed at: an operator, a bracket, a name. */
export type Node = { readonly column: number } & (
  | { readonly kind: "number"; readonly text: string }
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "constant"; readonly value: boolean | null }
  | { readonly kind: "ellipsis" }
  | { readonly kind: "sequence"; readonly type: "tuple" | "list"; readonly items: readonly Node[] }
  | { readonly kind: "slice"; readonly start: Node | null; readonly stop: Node | null; readonly step: Node | null }
  | { readonly kind: "index"; readonly target: Node; readonly entries: readonly Node[]; readonly comma: boolean }
  | { readonly kind: "attribute"; readonly target: Node; readonly name: string }
  | {
      readonly kind: "call";
      readonly target: Node;
      readonly positional: readonly Node[];
      readonly keywords: readonly Keyword[];
    }
  | { readonly kind: "unary"; readonly operator: "+" | "-"; readonly operand: Node }
  | { readonly kind: "binary"; readonly operator: Operator; readonly left: Node; readonly right: Node }
);

export interface Keyword {
  readonly name: string;
  readonly value: Node;
  readonly column: number;
}

const MAX_LENGTH = 1000;
const MAX_DEPTH = 40;
const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];
const SUMS = ["+", "-"];
const PRODUCTS = ["*", "/"];
const KEYWORDS = ["and", "or", "not", "is", "in", "if", "else", "lambda", "for", "import"];

/** The part of Python's grammar that reads tensors, by recursive descent. Throws an `ExpressionError`. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: short functions, one for each rule of the grammar, that share the place in the text.
export function parse(text: string): Node {
  if (text.length > MAX_LENGTH) {
    throw new ExpressionError(`an expression has at most ${MAX_LENGTH} characters`, MAX_LENGTH + 1);
  }
  const tokens = tokenize(text);
  let next = 0;
  let depth = 0;

  const peek = (): Token => tokens[next]!;
  const sees = (symbol: string): boolean => peek().kind === "symbol" && peek().text === symbol;
  const take = (): Token => tokens[next++]!;
  const takes = (symbol: string): boolean => sees(symbol) && Boolean(take());

  function expect(symbol: string): void {
    if (!takes(symbol)) throw unexpected(`${symbol} was expected here`);
  }

  function unexpected(otherwise: string): ExpressionError {
    const { kind, text, column } = peek();
    if (kind === "end") return new ExpressionError("the expression ends too early", column);
    if (text === "=") return new ExpressionError("only an expression is evaluated here, not an assignment", column);
    if (KEYWORDS.includes(text) || "** // % @ & | ^ ~".split(" ").includes(text)) {
      return new ExpressionError(`${text} is not known here`, column);
    }
    return new ExpressionError(otherwise, column);
  }

  function nest<T>(column: number, parsePart: () => T): T {
    if (++depth > MAX_DEPTH) throw new ExpressionError(`an expression is at most ${MAX_DEPTH} levels deep`, column);
    const part = parsePart();
    depth--;
    return part;
  }

  /** `a, b, c` up to a closing symbol, which is not read. */
  function list(close: string, item: () => Node): { items: Node[]; comma: boolean } {
    const items: Node[] = [];
    let comma = false;
    while (!sees(close) && peek().kind !== "end") {
      items.push(item());
      if (!takes(",")) break;
      comma = true;
    }
    return { items, comma };
  }

  function comparison(): Node {
    const left = sum();
    const { text, column } = peek();
    if (peek().kind !== "symbol" || !COMPARISONS.includes(text)) return left;
    take();
    const node: Node = { kind: "binary", operator: text as Operator, left, right: sum(), column };
    if (peek().kind === "symbol" && COMPARISONS.includes(peek().text)) {
      throw new ExpressionError("one comparison at a time is known here", peek().column);
    }
    return node;
  }

  function chain(operators: readonly string[], operand: () => Node): Node {
    let left = operand();
    while (peek().kind === "symbol" && operators.includes(peek().text)) {
      const { text, column } = take();
      left = { kind: "binary", operator: text as Arithmetic, left, right: operand(), column };
    }
    return left;
  }

  const sum = (): Node => chain(SUMS, product);
  const product = (): Node => chain(PRODUCTS, unary);

  function unary(): Node {
    const { column } = peek();
    if (!sees("-") && !sees("+")) return primary();
    const operator = take().text as "+" | "-";
    return { kind: "unary", operator, operand: nest(column, unary), column };
  }

  function primary(): Node {
    let node = atom();
    for (;;) {
      const { column } = peek();
      if (takes(".")) node = attribute(node);
      else if (takes("[")) node = nest(column, () => subscript(node, column));
      else if (takes("(")) node = nest(column, () => call(node, column));
      else return node;
    }
  }

  function attribute(target: Node): Node {
    if (peek().kind !== "name") throw unexpected("a name was expected here");
    const { text, column } = take();
    return { kind: "attribute", target, name: text, column };
  }

  function subscript(target: Node, column: number): Node {
    if (sees("]")) throw unexpected("an index was expected here");
    const { items, comma } = list("]", slice);
    expect("]");
    return { kind: "index", target, entries: items, comma, column };
  }

  function slice(): Node {
    const { column } = peek();
    const part = (): Node | null => (sees(":") || sees("]") || sees(",") ? null : comparison());
    const start = part();
    if (start !== null && !sees(":")) return start;
    expect(":");
    const stop = part();
    const step = takes(":") ? part() : null;
    return { kind: "slice", start, stop, step, column };
  }

  function call(target: Node, column: number): Node {
    const positional: Node[] = [];
    const keywords: Keyword[] = [];
    while (!sees(")")) {
      const argument = peek();
      if (argument.kind === "name" && tokens[next + 1]!.text === "=") {
        next += 2;
        if (keywords.some(({ name }) => name === argument.text)) {
          throw new ExpressionError(`${argument.text} is given twice`, argument.column);
        }
        keywords.push({ name: argument.text, value: comparison(), column: argument.column });
      } else {
        if (keywords.length > 0) throw unexpected("arguments with a name come last");
        positional.push(comparison());
      }
      if (!takes(",")) break;
    }
    expect(")");
    return { kind: "call", target, positional, keywords, column };
  }

  function atom(): Node {
    const { kind, text, column } = peek();
    if (kind === "number") {
      take();
      if (!/^(0+|[1-9]\d*)$/.test(text) && !/^(\d+\.\d*|\.\d+|\d+(?=[eE]))([eE][+-]?\d+)?$/.test(text)) {
        throw new ExpressionError(`${text} is not a number that is known here`, column);
      }
      return { kind: "number", text, column };
    }
    if (kind === "name" && !KEYWORDS.includes(text)) {
      take();
      if (text === "None") return { kind: "constant", value: null, column };
      if (text === "True" || text === "False") return { kind: "constant", value: text === "True", column };
      return { kind: "name", name: text, column };
    }
    if (takes("...")) return { kind: "ellipsis", column };
    if (takes("(")) {
      const { items, comma } = nest(column, () => list(")", comparison));
      expect(")");
      return items.length === 1 && !comma ? items[0]! : { kind: "sequence", type: "tuple", items, column };
    }
    if (takes("[")) {
      const { items } = nest(column, () => list("]", comparison));
      expect("]");
      return { kind: "sequence", type: "list", items, column };
    }
    throw unexpected(`${text} was not expected here`);
  }

  if (peek().kind === "end") throw new ExpressionError("there is nothing to evaluate yet", 1);
  const { items, comma } = list("", comparison);
  if (peek().kind !== "end") throw unexpected(`${peek().text} was not expected here`);
  return comma ? { kind: "sequence", type: "tuple", items, column: 1 } : items[0]!;
}
