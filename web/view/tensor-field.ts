import { html, type TemplateResult } from "lit";
import type { Nested } from "../engine/index.ts";
import { readSettings, type Shaped } from "./settings.ts";
import { isShaped } from "./tensors.ts";

type Given = Shaped | Nested | null;

/** A text field for a tensor: nothing, a shape in parentheses, or values in brackets. */
export function tensorField(name: string, given: Given, placeholder: string, change: (given: Given) => void): TemplateResult {
  const accept = (event: Event): void => {
    const field = event.target as HTMLInputElement;
    const read = readTensor(field.value);
    field.setCustomValidity(read === undefined ? "A shape such as (1, 2, 5), or values such as [[0.5, -1.0]]" : "");
    if (read === undefined) field.reportValidity();
    else change(read);
  };
  return html`<label class="field wide"><span>${name}</span><input type="text" spellcheck="false" autocomplete="off" placeholder=${placeholder} .value=${writeTensor(given)} @change=${accept} /></label>`;
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
