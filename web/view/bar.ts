import { html, nothing, type TemplateResult } from "lit/html.js";
import type { Picture } from "./picture.ts";
import { ticks } from "./places.ts";

export interface BarState {
  /** The sheet on top. */
  readonly sample: number;
  /** The samples that hold something of what the expression addresses. */
  readonly addressed: ReadonlySet<number>;
  readonly tick: number;
  readonly playing: boolean;
  /** What is computed, in words. */
  readonly words: string;
}

export interface BarActions {
  readonly choose: (sample: number) => void;
  readonly play: () => void;
  readonly advance: () => void;
  readonly goTo: (tick: number) => void;
}

/** Above the stage: which sample is shown, and how far time has come. */
export function barTemplate(picture: Picture, state: BarState, actions: BarActions): TemplateResult {
  const all = ticks(picture);
  const { tick } = state;
  const prefersStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  return html`<div class="bar">
      ${picture.batched ? samplesTemplate(picture.N, state, actions) : html`<span class="quiet">one sequence, unbatched</span>`}
      <div class="time" role="group" aria-label="Time">
        ${prefersStill ? nothing : html`<button type="button" @click=${actions.play}>${state.playing ? "Pause" : "Play"}</button>`}
        <button type="button" aria-label="Step" @click=${actions.advance}>Step</button>
        <input type="range" min="0" max=${all} .value=${String(tick)} aria-label="Steps computed" aria-valuetext="${tick} of ${all}"
          @input=${(event: Event) => actions.goTo(Number((event.target as HTMLInputElement).value))} />
        <span class="count quiet" aria-hidden="true">${tick}/${all}</span>
      </div>
    </div>
    <p class="words quiet" role="status">${state.words}</p>`;
}

function samplesTemplate(N: number, { sample, addressed }: BarState, { choose }: BarActions): TemplateResult {
  const samples = Array.from({ length: N }, (_, sample) => sample);
  return html`<fieldset class="segments tabs"><legend>sample</legend>
            ${samples.map(
              (each) =>
                html`<label class=${addressed.has(each) ? "dot" : ""}><input type="radio" name="sample" .checked=${each === sample} @change=${() => choose(each)} /><span>${each}</span></label>`,
            )}</fieldset>`;
}
