import { html, nothing, type TemplateResult } from "lit";
import { numbersOf, sourcesOf, type Place } from "./places.ts";
import type { Picture } from "./picture.ts";
import { slicesOf, whereabouts } from "./slices.ts";

const NUMBER = 68; // pixels, at most, that a number of four decimals takes

/** What is pointed at: its slices, its numbers, where it lies and what it was computed from. Its height is that of the most numbers it may have to show. */
export function readoutTemplate(picture: Picture, place: Place | null, sample: number, k: number | null, width: number): TemplateResult {
  const { input_size, hidden_size } = picture.module;
  const lines = Math.ceil(Math.max(input_size, hidden_size) / Math.max(1, Math.floor(width / NUMBER)));
  const height = `--lines:${lines}`;
  if (place === null) {
    return html`<div class="readout idle" role="status" style=${height}>
      <p>Point at any box, or at a label around them: the same numbers light up wherever they are.</p>
    </div>`;
  }
  const slices = slicesOf(place, picture, sample, k);
  const numbers = numbersOf(place, picture, sample);
  return html`<div class="readout" role="status" style=${height}>
    <p class="slices">${
      slices.length > 0
        ? slices.map((slice, index) => html`${index > 0 ? html`<span class="quiet"> = </span>` : nothing}<code>${slice}</code>`)
        : html`<span>in no tensor: PyTorch does not return this state</span>`
    }</p>
    <p class="numbers">${numbers.map((number, index) => html`<span class=${index === k ? "chosen" : ""}>${format(number)}</span> `)}</p>
    <p class="where quiet">${place.tensor === "c" || place.tensor === "c0" ? "cell state, " : nothing}${whereabouts(place, picture, sample)}${origin(place, picture, sample)}</p>
  </div>`;
}

function origin(place: Place, picture: Picture, sample: number): string {
  if (place.tensor === "x") return ". An input.";
  if (place.tensor === "padding") return `. Sample ${sample} has ended: zeros.`;
  if (!("step" in place)) {
    return (place.tensor === "h0" ? picture.h_0 : picture.c_0) ? ". An initial state." : ". An initial state: none is given, so zeros.";
  }
  const names = sourcesOf(place, picture, sample).map((source) => {
    if (source.tensor !== "h" && source.tensor !== "c") return slicesOf(source, picture, sample)[0]!;
    if (source.row !== place.row) return "the layer below";
    return source.step === place.step ? "c" : `${source.tensor} at step ${source.step}`;
  });
  return `. From ${[...new Set(names)].join(" and ").replace(/ and (?=.* and )/g, ", ")}.`;
}

/** Four decimals, as PyTorch prints. */
export function format(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const text = Math.abs(value) >= 1e6 ? value.toExponential(4) : value.toFixed(4);
  return value < 0 ? text.replace("-", "−") : text;
}

