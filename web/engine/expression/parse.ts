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
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unary"; readonly operator: "+" | "-" | "~"; readonly operand: Node }
  | { readonly kind: "binary"; readonly operator: Operator; readonly left: Node; readonly right: Node }
);

/** A line of a program: the names that its value gets, if any, and where its text begins and ends. */
export interface Statement {
  readonly names: readonly string[];
  readonly value: Node;
  readonly start: number;
  readonly end: number;
}

export interface Keyword {
  readonly name: string;
  readonly value: Node;
  readonly column: number;
}

const MAX_LENGTH = 1000;
const MAX_DEPTH = 40;
const COMPARISONS = ["==", "!=", "<", "<=", ">", ">="];
const SUMS = ["+", "-"];
const PRODUCTS = ["*", "/", "@"];
const KEYWORDS = ["and", "or", "not", "is", "in", "if", "else", "lambda", "for", "import"];

/**
 * The part of Python's grammar that reads tensors, by recursive descent: expressions and assignments, on lines of their own or with
 * semicolons between them. Throws an `ExpressionError`.
 */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: short functions, one for each rule of the grammar, that share the place in the text.
export function parse(text: string): Statement[] {
  if (text.length > MAX_LENGTH) {
    throw new ExpressionError(`an expression has at most ${MAX_LENGTH} characters`, MAX_LENGTH + 1);
  }
  const tokens = tokenize(text);
  const isEnd = ({ kind, text }: Token): boolean => kind === "end" || text === ";" || text === "\n";
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
    const { text, column } = peek();
    if (isEnd(peek())) return new ExpressionError("the expression ends too early", column);
    if (text === "=") return new ExpressionError("only a name can be assigned to here", column);
    if (KEYWORDS.includes(text) || "** // % ^".split(" ").includes(text)) {
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
    while (!sees(close) && !isEnd(peek())) {
      items.push(item());
      if (!takes(",")) break;
      comma = true;
    }
    return { items, comma };
  }

  function comparison(): Node {
    const left = either();
    const { text, column } = peek();
    if (peek().kind !== "symbol" || !COMPARISONS.includes(text)) return left;
    take();
    const node: Node = { kind: "binary", operator: text as Operator, left, right: either(), column };
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

  const either = (): Node => chain(["|"], both);
  const both = (): Node => chain(["&"], sum);
  const sum = (): Node => chain(SUMS, product);
  const product = (): Node => chain(PRODUCTS, unary);

  function unary(): Node {
    const { column } = peek();
    if (!sees("-") && !sees("+") && !sees("~")) return primary();
    const operator = take().text as "+" | "-" | "~";
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
    if (kind === "text") {
      take();
      return { kind: "text", text: text.slice(1, -1), column };
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

  /** The names before an equals sign. */
  function targets(): string[] {
    const names: string[] = [];
    for (let at = next; tokens[at]!.kind === "name"; at += 2) {
      names.push(tokens[at]!.text);
      const { text, column } = tokens[at + 1]!;
      if (text === "=") {
        const taken = names.find((name) => KEYWORDS.includes(name) || /^(torch|None|True|False)$/.test(name));
        if (taken) throw new ExpressionError(`${taken} cannot be assigned to`, column);
        next = at + 2;
        return names;
      }
      if (text !== ",") break;
    }
    return [];
  }

  const statements: Statement[] = [];
  while (peek().kind !== "end") {
    if (isEnd(peek())) {
      take();
      continue;
    }
    const { column: start } = peek();
    const names = targets();
    if (isEnd(peek())) throw unexpected("");
    const { items, comma } = list("", comparison);
    if (!isEnd(peek())) throw unexpected(`${peek().text} was not expected here`);
    const value: Node = comma ? { kind: "sequence", type: "tuple", items, column: start } : items[0]!;
    statements.push({ names, value, start: start - 1, end: peek().column - 1 });
  }
  if (statements.length === 0) throw new ExpressionError("there is nothing to evaluate yet", 1);
  return statements;
}

/** The lines of a program, the value of the last one printed; as they are where they cannot be read. */
export function programOf(text: string): string[] {
  if (text.trim() === "") return [];
  try {
    return parse(text).flatMap(({ names, start, end }, at, { length }) => {
      const line = text.slice(start, end).trim();
      const value = names.length > 0 ? names.join(", ") : line;
      const shown = at === length - 1 ? [`print(${names.length > 1 ? `(${value})` : value})`] : [];
      return names.length > 0 ? [line, ...shown] : shown;
    });
  } catch {
    return [`print(${text.trim()})`];
  }
}
