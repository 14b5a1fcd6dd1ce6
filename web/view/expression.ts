import { html, type TemplateResult } from "lit";
import { evaluate, ExpressionError, scopeOf, type Cells, type Scope } from "../engine/index.ts";
import { keyOf, type Place } from "./places.ts";
import type { Picture } from "./picture.ts";

/** What the expression line shows: what PyTorch prints, or why there is nothing to print. */
export interface Answer {
  readonly text: string;
  readonly shape: string;
  readonly isError: boolean;
  readonly cells: Cells;
}

export function scopeOfPicture({ spec, result }: Picture): Scope {
  return scopeOf(spec, result);
}

export function answerTo(expression: string, scope: Scope): Answer {
  if (expression.trim() === "") return { text: "", shape: "", isError: false, cells: {} };
  try {
    const { text, shape, cells } = evaluate(expression, scope);
    return { text, shape: shape ? `(${shape.join(", ")}${shape.length === 1 ? "," : ""})` : "", isError: false, cells };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const caret = error instanceof ExpressionError ? `${expression}\n${" ".repeat(error.column - 1)}^\n${error.type ? `${error.type}: ` : ""}` : "";
    return { text: caret + message, shape: "", isError: true, cells: {} };
  }
}

export function expressionTemplate(expression: string, answer: Answer | null, change: (expression: string) => void, look: () => void): TemplateResult {
  return html`<div class="expression">
    <label><span class="prompt" aria-hidden="true">&gt;&gt;&gt;</span><span class="hidden">Expression in Python</span>
      <input type="text" class="line" spellcheck="false" autocomplete="off" autocapitalize="off" .value=${expression}
        @input=${(event: Event) => change((event.target as HTMLInputElement).value)} @focus=${look} /></label>
    <pre tabindex="0" role="status" aria-label="What PyTorch prints" class=${answer?.isError ? "error" : ""}>${answer?.text ?? ""}${answer?.shape ? html`<span class="quiet">  # shape ${answer.shape}</span>` : ""}</pre>
  </div>`;
}

/** The lit cells by the key of their place, for the sample on top, and the samples that hold any. */
export function addressedIn(cells: Cells, picture: Picture, sample: number): { lit: Map<string, Set<number>>; samples: Set<number> } {
  const lit = new Map<string, Set<number>>();
  const samples = new Set<number>();
  for (const [name, indices] of Object.entries(cells)) {
    for (const index of indices) {
      const { place, sample: holder, k } = locate(name, index, picture);
      samples.add(holder);
      if (holder !== sample) continue;
      const key = keyOf(place);
      const known = lit.get(key);
      if (known) known.add(k);
      else lit.set(key, new Set([k]));
    }
  }
  return { lit, samples };
}

/** The place that the element of a tensor belongs to; elements are counted row by row. */
function locate(name: string, index: number, picture: Picture): { place: Place; sample: number; k: number } {
  const { module, batched, N, L, lengths, x } = picture;
  const { D, H_out } = module;
  const isSequence = name === "x" || name === "output";
  const width = name === "x" ? module.input_size : name === "output" ? D * H_out : name.startsWith("c") ? module.hidden_size : H_out;
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
  const [step, sample] = module.batch_first && batched ? [at % L, Math.floor(at / L)] : [Math.floor(at / samples), at % samples];
  if (name === "x") return { place: { tensor: "x", step }, sample, k };
  const direction = Math.floor(k / H_out);
  if (step >= lengths[sample]!) return { place: { tensor: "padding", direction, step }, sample, k: k % H_out };
  return { place: { tensor: "h", row: (module.num_layers - 1) * D + direction, step }, sample, k: k % H_out };
}
