import { ExpressionError } from "./error.ts";

export interface Token {
  readonly kind: "name" | "number" | "symbol" | "end";
  readonly text: string;
  /** Counted from 1. */
  readonly column: number;
}

const PATTERNS: readonly [Token["kind"], RegExp][] = [
  ["name", /[A-Za-z_]\w*/y],
  ["number", /(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\w*/y],
  ["symbol", /\.\.\.|\*\*|\/\/|[=!<>]=|[-+*/%@&|^~=<>()[\],:.]/y],
];

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let start = 0;
  while (start < text.length) {
    const column = start + 1;
    if (text[start] === " " || text[start] === "\t") {
      start++;
      continue;
    }
    const token = PATTERNS.map(([kind, pattern]): Token | null => {
      pattern.lastIndex = start;
      const match = pattern.exec(text);
      return match && { kind, text: match[0], column };
    }).find((token) => token !== null);
    if (!token) throw new ExpressionError(`${JSON.stringify(text[start])} is not known here`, column);
    tokens.push(token);
    start += token.text.length;
  }
  return [...tokens, { kind: "end", text: "", column: text.length + 1 }];
}
