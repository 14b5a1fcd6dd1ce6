import { html, type TemplateResult } from "lit";
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
export function tensorField(name: string, given: Given, placeholder: string, { draft, type }: Typing, change: (given: Given) => void, disabled = false): TemplateResult {
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

/** One number of a tensor, to be changed where it is read. */
export function numberField(name: string, value: number, chosen: boolean, { draft, type }: Typing, change: (value: number) => void): TemplateResult {
  const typed = (event: Event): void => {
    const field = event.target as HTMLInputElement;
    type({ name, text: field.value });
    if (Number.isFinite(field.valueAsNumber)) change(field.valueAsNumber);
  };
  return html`<input type="number" step="any" class=${chosen ? "chosen" : ""} aria-label=${name} .value=${draft?.name === name ? draft.text : value.toFixed(4)}
    @input=${typed} @change=${() => type(null)} />`;
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
