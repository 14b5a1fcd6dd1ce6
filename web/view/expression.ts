import { html, nothing, type TemplateResult } from "lit/html.js";
import { type Cells, ExpressionError, evaluate, type Scope, TorchError } from "../engine/index.ts";
import type { Picture } from "./picture.ts";
import { keyOf, type Place } from "./places.ts";

/** What the expression line shows: what PyTorch prints, or why there is nothing to print. */
export interface Answer {
  readonly text: string;
  readonly shape: string;
  readonly isError: boolean;
  /** Whether PyTorch raises, rather than that the line cannot be read. */
  readonly raised: boolean;
  readonly cells: Cells;
}

export function answerTo(expression: string, scope: Scope): Answer {
  const none: Answer = { text: "", shape: "", isError: false, raised: false, cells: {} };
  if (expression.trim() === "") return none;
  try {
    const { text, shape, cells } = evaluate(expression, scope);
    return { ...none, text, shape: shape ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "", cells };
  } catch (error) {
    return {
      ...none,
      text: textOf(error, expression),
      isError: true,
      raised: error instanceof ExpressionError && error.type !== null,
    };
  }
}

/** The program's error, in place of what the expression would print. */
export function failed(error: Error): Answer {
  return { text: textOf(error), shape: "", isError: true, raised: false, cells: {} };
}

function textOf(error: unknown, expression = ""): string {
  const type = (error instanceof ExpressionError || error instanceof TorchError) && error.type ? `${error.type}: ` : "";
  return caret(expression, error) + type + (error instanceof Error ? error.message : String(error));
}

/** What is around the mistake, short enough never to wrap, and a mark under it. */
function caret(expression: string, error: unknown): string {
  if (!(error instanceof ExpressionError)) return "";
  const start = Math.max(0, error.column - 25);
  return `${expression.slice(start, start + 36)}\n${" ".repeat(error.column - 1 - start)}^\n`;
}

const CHARACTER = 7.9; // pixels of its type
const AROUND = 58; // of the line, the prompt included

/** The line in `width` pixels, and what it prints. Where it raises, `corner` is offered in its place. */
export function expressionTemplate(
  expression: string,
  answer: Answer,
  corner: string | null,
  width: number,
  change: (expression: string | null) => void,
  look: () => void,
): TemplateResult {
  const room = Math.max(1, Math.floor((width - AROUND) / CHARACTER));
  const rows = expression.split("\n").reduce((rows, line) => rows + (Math.ceil(line.length / room) || 1), 0);
  return html`<div class="expression">
    <label><span class="prompt" aria-hidden="true">&gt;&gt;&gt;</span><span class="hidden">Expression in Python</span>
      <textarea id="expression" rows=${rows} spellcheck="false" autocomplete="off" autocapitalize="off" .value=${expression}
        @input=${(event: Event) => change((event.target as HTMLTextAreaElement).value)} @focus=${look}></textarea></label>
    <pre tabindex="0" role="status" aria-label="What PyTorch prints" class=${answer.isError ? "error" : ""}>${answer.text}${answer.shape ? html`<span class="quiet">  # shape ${answer.shape}</span>` : ""}</pre>
    ${answer.raised && corner !== null && corner !== expression ? html`<button type="button" @click=${() => change(null)}>Where output and hn meet: <code>${corner}</code></button>` : nothing}
  </div>`;
}

/** What is addressed of the sample on top, and the samples that hold any of it. */
export interface Addressed {
  /** The cells by the key of their place. */
  readonly lit: ReadonlyMap<string, ReadonlySet<number>>;
  /** The tensor that was read, and the key: `hn h.1.2`. */
  readonly read: ReadonlySet<string>;
  readonly samples: ReadonlySet<number>;
}

export function addressedIn(cells: Cells, picture: Picture, sample: number): Addressed {
  const lit = new Map<string, Set<number>>();
  const read = new Set<string>();
  const samples = new Set<number>();
  for (const [name, indices] of Object.entries(cells)) {
    for (const index of indices) {
      const { place, sample: holder, k } = locate(name, index, picture);
      samples.add(holder);
      if (holder !== sample) continue;
      const key = keyOf(place);
      read.add(`${name} ${key}`);
      const known = lit.get(key);
      if (known) known.add(k);
      else lit.set(key, new Set([k]));
    }
  }
  return { lit, read, samples };
}

/** The place that the element of a tensor belongs to; elements are counted row by row. */
function locate(name: string, index: number, picture: Picture): { place: Place; sample: number; k: number } {
  const { module, batched, N, L, lengths, x } = picture;
  const { D, H_out } = module;
  const isSequence = name === "x" || name === "output";
  const width =
    name === "x"
      ? module.input_size
      : name === "output"
        ? D * H_out
        : name.startsWith("c")
          ? module.hidden_size
          : H_out;
  const k = index % width;
  const at = Math.floor(index / width);
  if (!isSequence) {
    const samples = batched ? N : 1;
    const [row, sample] = [Math.floor(at / samples), at % samples];
    if (name === "h0" || name === "c0") return { place: { tensor: name, row }, sample, k };
    const step = module.D === 2 && row % 2 === 1 ? 0 : lengths[sample]! - 1;
    return { place: { tensor: name === "cn" ? "c" : "h", row, step }, sample, k };
  }
  const inX = batched ? x.shape[module.batch_first ? 0 : 1]! : 1;
  const samples = name === "x" ? inX : N;
  const [step, sample] =
    module.batch_first && batched ? [at % L, Math.floor(at / L)] : [Math.floor(at / samples), at % samples];
  if (name === "x") return { place: { tensor: "x", step }, sample, k };
  const direction = Math.floor(k / H_out);
  if (step >= lengths[sample]!) return { place: { tensor: "padding", direction, step }, sample, k: k % H_out };
  return { place: { tensor: "h", row: (module.num_layers - 1) * D + direction, step }, sample, k: k % H_out };
}
