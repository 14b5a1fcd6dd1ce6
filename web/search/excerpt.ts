// The lines of a section that are shown under a hit, with the query's words marked.
import { spans, terms } from "./terms.ts";

/** A piece of a line; `marked` where it is a word of the query. */
export interface Piece {
  text: string;
  marked: boolean;
}

const MAX_LENGTH = 190;
/** A sentence, or a line of code. */
const LINE = /[^\n]+?(?:[.?!:](?=\s|$)|$)/gm;

/** The part of a section's words, at most two lines long, that holds most of the query's. */
export function excerpt(section: { text: string; code: string }, query: string): Piece[] {
  const asked = new Set(terms(query));
  const lines = `${section.text}\n${section.code}`.match(LINE)?.map((line) => line.trim()) ?? [];
  const held = lines.map((line) => new Set(terms(line).filter((term) => asked.has(term))).size);
  const best = held.indexOf(Math.max(...held));
  let shown = lines[best] ?? "";
  for (const line of lines.slice(best + 1)) {
    if (shown.length + line.length >= MAX_LENGTH) break;
    shown += ` ${line}`;
  }
  return marked(shortened(shown, asked), asked);
}

/** The text in pieces, those found under one of the terms marked. */
export function marked(text: string, asked: ReadonlySet<string>): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  for (const span of spans(text)) {
    if (!span.terms.some((term) => asked.has(term))) continue;
    pieces.push(
      { text: text.slice(end, span.from), marked: false },
      { text: text.slice(span.from, span.to), marked: true },
    );
    end = span.to;
  }
  return [...pieces, { text: text.slice(end), marked: false }].filter((piece) => piece.text !== "");
}

/** A line that is too long, cut between words around the first word of the query. */
function shortened(line: string, asked: ReadonlySet<string>): string {
  if (line.length <= MAX_LENGTH) return line;
  const first = spans(line).find((span) => span.terms.some((term) => asked.has(term)))?.from ?? 0;
  const from = first < MAX_LENGTH / 2 ? 0 : line.indexOf(" ", first - MAX_LENGTH / 3) + 1;
  const to = line.lastIndexOf(" ", from + MAX_LENGTH);
  return `${from > 0 ? "… " : ""}${line.slice(from, to > from ? to : from + MAX_LENGTH)} …`;
}
