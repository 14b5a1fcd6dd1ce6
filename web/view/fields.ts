import { html, type TemplateResult } from "lit/html.js";
import type { Nested } from "../engine/index.ts";
import { readSettings, type Shaped } from "./settings.ts";
import { isShaped } from "./tensors.ts";

type Given = Shaped | Nested | null;

/** What is being typed into a field, which keeps it as it was typed. */
export interface Draft {
  readonly name: string;
  readonly text: string;
}

/** The field that is being typed into, and how to say that it is another one, or none. */
export interface Typing {
  readonly draft: Draft | null;
  readonly type: (draft: Draft | null) => void;
}

/** A text field for a tensor: nothing, a shape in parentheses, or values in brackets. It acts as it is typed. */
export function tensorField(
  name: string,
  given: Given,
  placeholder: string,
  { draft, type }: Typing,
  change: (given: Given) => void,
  disabled = false,
): TemplateResult {
  const text = draft?.name === name ? draft.text : writeTensor(given);
  const understood = readTensor(text) !== undefined;
  const typed = (event: Event): void => {
    const { value } = event.target as HTMLInputElement;
    type({ name, text: value });
    const read = readTensor(value);
    if (read !== undefined) change(read);
  };
  return html`<label class="field wide"><span>${name}</span><input type="text" spellcheck="false" autocomplete="off" placeholder=${placeholder} ?disabled=${disabled}
    .value=${text} aria-invalid=${!understood} @input=${typed} @change=${() => understood && type(null)} /></label>`;
}

/** One number of a tensor, to be changed where it is read. Text, for a half-typed one has no value: "-", "1." */
export function numberField(
  name: string,
  value: number,
  chosen: boolean,
  { draft, type }: Typing,
  change: (value: number) => void,
): TemplateResult {
  const text = draft?.name === name ? draft.text : value.toFixed(4);
  const typed = (event: Event): void => {
    const text = (event.target as HTMLInputElement).value;
    type({ name, text });
    if (isNumber(text)) change(Number(text));
  };
  return html`<input type="text" autocomplete="off" class=${chosen ? "chosen" : ""} aria-label=${name} aria-invalid=${!isNumber(text)} .value=${text} @input=${typed} @change=${() => type(null)} />`;
}

/** What to say of a field whose text is not `kind`; empty where it is. A number's field is named by its slice, a tensor's by its argument. */
export function unread(draft: Draft | null, kind: "a float32 number" | "a shape or values"): string {
  const isOfNumber = kind === "a float32 number";
  if (draft === null || draft.name.endsWith("]") !== isOfNumber) return "";
  const understood = isOfNumber ? isNumber(draft.text) : readTensor(draft.text) !== undefined;
  return understood ? "" : `That is not ${kind}, so ${draft.name} stays as it is. `;
}

function isNumber(text: string): boolean {
  return text.trim() !== "" && Number.isFinite(Math.fround(Number(text)));
}

/** undefined for what is neither. */
export function readTensor(text: string): Given | undefined {
  const trimmed = text.trim();
  if (trimmed === "" || trimmed === "None") return null;
  const isShape = trimmed.startsWith("(") && trimmed.endsWith(")");
  try {
    const parsed: unknown = JSON.parse(isShape ? `[${trimmed.slice(1, -1).replace(/,\s*$/, "")}]` : trimmed);
    const { settings, ignored } = readSettings({ h_0: isShape ? { shape: parsed } : parsed });
    return ignored.length > 0 ? undefined : settings.h_0;
  } catch {
    return undefined;
  }
}

function writeTensor(given: Given): string {
  if (given === null) return "";
  return isShaped(given) ? `(${given.shape.join(", ")}${given.shape.length === 1 ? "," : ""})` : JSON.stringify(given);
}
