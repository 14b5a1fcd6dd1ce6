import { ExpressionError } from "./error.ts";

export interface Token {
  readonly kind: "name" | "number" | "text" | "symbol" | "end";
  readonly text: string;
  /** Counted from 1. */
  readonly column: number;
}

const PATTERNS: readonly [Token["kind"], RegExp][] = [
  ["name", /[A-Za-z_]\w*/y],
  ["number", /(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\w*/y],
  ["text", /"[^"\\\n]*"|'[^'\\\n]*'/y],
  ["symbol", /\.\.\.|\*\*|\/\/|[=!<>]=|[-+*/%@&|^~=<>()[\],:.;\n]/y],
];

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let start = 0;
  let depth = 0; // of brackets, in which a line may end
  while (start < text.length) {
    const column = start + 1;
    if (text[start] === " " || text[start] === "\t" || (text[start] === "\n" && depth > 0)) {
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
    if (/^[([]$/.test(token.text)) depth++;
    if (/^[)\]]$/.test(token.text)) depth--;
    start += token.text.length;
  }
  return [...tokens, { kind: "end", text: "", column: text.length + 1 }];
}
