import { html, nothing, type TemplateResult } from "lit/html.js";
import { numberField, type Typing, unread } from "./fields.ts";
import type { Picture } from "./picture.ts";
import { isInput, numbersOf, type Place, sourcesOf } from "./places.ts";
import { slicesOf, whereabouts } from "./slices.ts";

const NUMBER = 68; // pixels, at most, that a number of four decimals takes

/** What is shown of a place, and how its numbers are changed. */
export interface Reading {
  readonly sample: number;
  /** The one value pointed at. */
  readonly k: number | null;
  /** Whether time has come to it. */
  readonly known: boolean;
  /** Sets the value `k`; null where the numbers cannot be changed, or the place was not selected. */
  readonly set: ((k: number, value: number) => void) | null;
  /** Opens the arithmetic of number `k`; null where there is none, or the place was not selected. */
  readonly open: ((k: number) => void) | null;
  readonly typing: Typing;
}

/** How many lines the numbers of the longest vector take in `width` pixels: the readout is never less high. */
export function linesOf({ module }: Picture, width: number): number {
  return Math.ceil(Math.max(module.input_size, module.hidden_size) / Math.max(1, Math.floor(width / NUMBER)));
}

/** What is pointed at: its slices, its numbers, where it lies and what it was computed from. */
export function readoutTemplate(
  picture: Picture,
  place: Place | null,
  reading: Reading,
  addressing: boolean,
): TemplateResult {
  const { sample, k, known, set, open, typing } = reading;
  if (addressing && place === null) {
    return html`<div class="readout idle" role="status">
      <p>A bar is under the numbers that the line reads. A frame is around the same numbers elsewhere.</p>
    </div>`;
  }
  if (place === null) {
    return html`<div class="readout idle" role="status">
      <p>Point at any box, or at a label around them: the same numbers light up wherever they are. <span class="pin"></span> is where output and hn meet.</p>
    </div>`;
  }
  const slices = slicesOf(place, picture, sample, k);
  const numbers = numbersOf(place, picture, sample);
  const isCorner = slices.length > 2;
  // What is being typed is not to be read out again with every key.
  return html`<div class="readout" role=${set ? "group" : "status"}>
    <p class="slices">${
      slices.length > 0
        ? html`${slices.map((slice, index) => html`${index > 0 ? html`<span class="quiet"> = </span>` : nothing}<code>${slice}</code>`)}${absence(place, slices)}`
        : html`<span>in no tensor: PyTorch does not return this state</span>`
    }</p>
    <p class="numbers">${
      known
        ? numbers.map((number, index) =>
            set
              ? numberField(slicesOf(place, picture, sample, index)[0]!, number, index === k, typing, (value) =>
                  set(index, value),
                )
              : open
                ? html`<button type="button" class=${index === k ? "chosen" : ""} aria-pressed=${index === k} @click=${() => open(index)}>${format(number)}</button> `
                : html`<span class=${index === k ? "chosen" : ""}>${format(number)}</span> `,
          )
        : "not computed yet"
    }</p>
    <p class="where quiet">${isCorner ? html`<span class="pin"></span> ` : nothing}${unread(typing.draft, "a float32 number")}${place.tensor === "c" || place.tensor === "c0" ? "cell state, " : nothing}${whereabouts(place, picture, sample)}${origin(place, picture, sample)}${isInput(place) && !set ? " Select it to change its numbers." : nothing}${open && k === null ? html` <b>Choose a number to see the sum that made it.</b>` : nothing}</p>
  </div>`;
}

/** Which of output and hn does not hold a state that PyTorch returns. */
function absence(place: Place, slices: readonly string[]): TemplateResult | typeof nothing {
  if (place.tensor !== "h" && place.tensor !== "c") return nothing;
  const inOutput = slices[0]!.startsWith("output");
  return inOutput && slices.length > 1
    ? nothing
    : html`<span class="quiet">, not in ${inOutput ? "hn" : "output"}</span>`;
}

function origin(place: Place, picture: Picture, sample: number): string {
  if (place.tensor === "x") return ". An input.";
  if (place.tensor === "padding") return `. Sample ${sample} has ended: zeros.`;
  if (!("step" in place)) {
    return (place.tensor === "h0" ? picture.h_0 : picture.c_0)
      ? ". An initial state."
      : ". An initial state: none is given, so zeros.";
  }
  return `. From ${sourceNames(place, picture, sample)}.`;
}

/** What a state was computed from: `x[0, 2] and h at step 1`. */
export function sourceNames(place: Place, picture: Picture, sample: number): string {
  const row = "row" in place ? place.row : null;
  const names = sourcesOf(place, picture, sample).map((source) => {
    if (source.tensor !== "h" && source.tensor !== "c") return slicesOf(source, picture, sample)[0]!;
    if (source.row !== row) return "the layer below";
    return "step" in place && source.step === place.step ? "c at this step" : `${source.tensor} at step ${source.step}`;
  });
  return [...new Set(names)].join(" and ").replace(/ and (?=.* and )/g, ", ");
}

/** Four decimals, as PyTorch prints. */
export function format(value: number): string {
  if (Number.isNaN(value)) return "nan";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  const text = Math.abs(value) >= 1e6 ? value.toExponential(4) : value.toFixed(4);
  return value < 0 ? text.replace("-", "−") : text;
}
