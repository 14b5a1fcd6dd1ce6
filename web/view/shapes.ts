import { html, nothing, type TemplateResult } from "lit/html.js";
import { axesOf, axisClass } from "../common/axes.ts";
import type { Picture } from "./picture.ts";

/** Every tensor with its shape, each size in its axis' colour, and what the colours mean. */
export function shapesTemplate({ module, batched, N, L, spec: { lengths } }: Picture): TemplateResult {
  const names =
    module.name === "LSTM"
      ? (["x", "h0", "c0", "output", "hn", "cn"] as const)
      : (["x", "h0", "output", "hn"] as const);
  const shapes = names.map((name) => ({ name, axes: axesOf(name, module, batched, N, L) }));
  const axes = new Map(shapes.flatMap(({ axes }) => axes).map((axis) => [axis.name, axis]));
  return html`<div>
    <ul class="shapes" aria-label="Shapes">
      ${shapes.map(({ name, axes }) => html`<li>${name} (${axes.map((axis, place) => html`${place > 0 ? ", " : ""}<b class=${axisClass(axis.name)} title=${axis.name}>${axis.size}</b>`)})</li>`)}
      ${lengths ? html`<li>lengths [${lengths.join(", ")}]</li>` : nothing}
    </ul>
    <ul class="shapes small" aria-label="Axes">
      ${[...axes.values()].map(({ name, size }) => html`<li class=${axisClass(name)}>${name} ${size}</li>`)}
    </ul>
    <ul class="shapes small quiet" aria-label="Frames">
      <li><span class="frame"></span>the same numbers</li>
      <li><span class="frame source"></span>what they were computed from</li>
      <li><span class="pin"></span>where output and hn meet</li>
    </ul>
  </div>`;
}
