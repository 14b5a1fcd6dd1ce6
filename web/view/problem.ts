import { html, nothing, type TemplateResult } from "lit/html.js";
import { type Axis, axesOf, axisClass } from "../common/axes.ts";
import { construct, type Dense, dense, type Module, type Spec, TorchError } from "../engine/index.ts";
import type { Settings } from "./settings.ts";
import { specOf } from "./tensors.ts";

/** PyTorch's message for settings that it would refuse, and the axes of each wrong tensor beside those it asks for. The picture below does without some settings. */
export function problemTemplate(error: Error, settings: Settings, without: readonly string[]): TemplateResult {
  const type = error instanceof TorchError ? error.type : null;
  return html`<div class="problem" role="alert">
    <p><code>${type ? `${type}: ` : ""}${error.message}</code></p>
    ${settings.module === "LSTM" && !settings.h_0 !== !settings.c_0 ? html`<p class="quiet">An LSTM takes both states or none, and ${settings.h_0 ? "c_0" : "h_0"} is missing.</p>` : nothing}
    ${tensorsOf(specOf(settings)).map(([name, axes, given]) => axesTable(name, axes, given.shape))}
    ${without.length > 0 ? html`<p class="quiet">Below, faint: the picture without ${without.join(", ")}.</p>` : nothing}
  </div>`;
}

function axesTable(name: string, expected: readonly Axis[], given: readonly number[]): TemplateResult | typeof nothing {
  const length = Math.max(expected.length, given.length);
  const wrong = (place: number): boolean => {
    const size = expected[place]?.size;
    return size === undefined || given[place] === undefined || (size !== null && size !== given[place]);
  };
  const places = Array.from({ length }, (_, place) => place);
  if (!places.some(wrong)) return nothing;
  return html`<table>
    <caption><code>${name}</code>: ${journey(expected, given)}</caption>
    <tr><th scope="row">asked for</th>${places.map((place) => {
      const axis = expected[place];
      return axis
        ? html`<td><b class=${axisClass(axis.name)}>${axis.size ?? "any"}</b><span class=${axisClass(axis.name)}>${axis.name}</span></td>`
        : html`<td>no axis</td>`;
    })}</tr>
    <tr><th scope="row">given</th>${places.map((place) => html`<td class=${wrong(place) ? "off" : ""}>${given[place] ?? "no axis"}${wrong(place) ? " ✗" : ""}</td>`)}</tr>
  </table>`;
}

/** Where the axes went, in words. */
function journey(expected: readonly Axis[], given: readonly number[]): string {
  if (expected.length !== given.length) return `${given.length} axes where ${expected.length} are asked for`;
  const off = expected.filter(({ size }, place) => size !== null && size !== given[place]);
  const sorted = (sizes: readonly (number | null)[]): string => String([...sizes].sort());
  if (off.length === 2 && sorted(expected.map(({ size }) => size)) === sorted(given)) {
    return `${off[0]!.name} and ${off[1]!.name} have changed places`;
  }
  return off.map(({ name, size }) => `${name} is not ${size}`).join(", ");
}

/** x, h0 and c0 as they are, beside the axes that the module asks for; nothing when the module itself cannot be. */
function tensorsOf(spec: Spec): [name: string, axes: Axis[], given: Dense][] {
  let module: Module;
  let x: Dense;
  const states: [name: "h0" | "c0", given: Dense][] = [];
  try {
    module = construct(spec);
    x = dense(spec.input);
    if (spec.h_0) states.push(["h0", dense(spec.h_0)]);
    if (spec.c_0) states.push(["c0", dense(spec.c_0)]);
  } catch {
    return [];
  }
  const batched = x.shape.length !== 2;
  const [first, second] = x.shape;
  const N = (module.batch_first ? first : second) ?? null;
  return [
    ["x", axesOf("x", module, batched, null, null), x],
    ...states.map(([name, given]): [string, Axis[], Dense] => [name, axesOf(name, module, batched, N, null), given]),
  ];
}
