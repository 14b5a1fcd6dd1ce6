import { html, nothing, type TemplateResult } from "lit/html.js";
import { strip } from "./colour.ts";
import type { Picture } from "./picture.ts";

const VALUES = Array.from({ length: 41 }, (_, index) => index / 20 - 1);

/** The colours that the numbers of each tensor have, and how far they reach. */
export function scalesTemplate({ module, scale }: Picture): TemplateResult {
  return html`<div class="scale">${scaleTemplate("h", scale.h)}${module.name === "LSTM" ? scaleTemplate("c", scale.c) : nothing}${scaleTemplate("x", scale.x)}</div>`;
}

function scaleTemplate(name: string, limit: number): TemplateResult {
  return html`<span>${name}</span><span>−${rounded(limit)}</span><span role="img" aria-label="from purple below 0 to orange above" style="background:${strip(VALUES, 1)}"></span><span>${rounded(limit)}</span>`;
}

function rounded(value: number): string {
  return String(Number(value.toPrecision(2)));
}
