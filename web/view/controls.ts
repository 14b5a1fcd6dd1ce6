import { html, type TemplateResult } from "lit/html.js";
import { type Typing, tensorField, unread } from "./fields.ts";
import { type Count, LIMITS, type Settings } from "./settings.ts";
import { shapeOf } from "./tensors.ts";

export type Change = (change: Partial<Settings>) => void;

/** The four arguments that change the picture most. */
export function primaryControls(settings: Settings, change: Change): TemplateResult {
  return html`<div class="row">
    <fieldset class="segments">
      <legend><span class="hidden">module</span><span aria-hidden="true">nn.</span></legend>
      ${(["RNN", "LSTM", "GRU"] as const).map(
        (name) =>
          html`<label><input type="radio" name="module" .checked=${settings.module === name} @change=${() => change({ module: name })} /><span>${name}</span></label>`,
      )}
    </fieldset>
    ${counter("num_layers", settings, change)} ${flag("bidirectional", settings, change)} ${flag("batch_first", settings, change)}
  </div>`;
}

/** Every other argument, and what goes in. None comes or goes: one that means nothing here is disabled. */
export function moreControls(settings: Settings, sample: number, typing: Typing, change: Change): TemplateResult {
  const { module, batched, N, L, lengths, input } = settings;
  const wrong = unread(typing.draft, "a shape or values");
  return html`<div class="row">
      ${counter("input_size", settings, change)} ${counter("hidden_size", settings, change)}
      ${counter("proj_size", settings, change, module !== "LSTM")} ${flag("bias", settings, change)}
      <label class="field"><span>nonlinearity</span>
        <select ?disabled=${module !== "RNN"} @change=${(event: Event) => change({ nonlinearity: chosenIn(event) === "relu" ? "relu" : "tanh" })}>
          ${(["tanh", "relu"] as const).map((name) => html`<option .selected=${settings.nonlinearity === name}>${name}</option>`)}
        </select></label>
      ${counter("seed", settings, change)}
    </div>
    <div class="row">
      ${counter("N", settings, change, !batched)} ${counter("L", settings, change)}
      <label class="check"><input type="checkbox" .checked=${!batched} @change=${(event: Event) => change({ batched: !checkedIn(event) })} /><span>unbatched</span></label>
      <label class="check"><input type="checkbox" .checked=${lengths !== null} ?disabled=${!batched && !lengths}
        @change=${(event: Event) => change({ lengths: checkedIn(event) ? Array.from({ length: N }, (_, n) => Math.max(1, L - n)) : null })} /><span>lengths</span></label>
      ${stepper(`length of sample ${sample}`, lengths?.[sample] ?? L, { min: 0, max: L + 1 }, (length) => change({ lengths: lengths!.map((other, n) => (n === sample ? length : other)) }), lengths?.[sample] === undefined)}
    </div>
    <div class="row">
      <label class="field"><span>fill x with</span>
        <select @change=${(event: Event) => change({ input: chosenIn(event) === "sin" ? "sin" : chosenIn(event) === "own" ? { shape: shapeOf(settings) } : null })}>
          <option value="count" .selected=${input === null}>0, 1, 2, …</option>
          <option value="sin" .selected=${input === "sin"}>sin of 0, 1, 2, …</option>
          <option value="own" .selected=${typeof input === "object" && input !== null}>what is in x</option>
        </select></label>
      ${tensorField("x", input === "sin" ? null : input, `(${shapeOf(settings).join(", ")})`, typing, (input) => change({ input }))}
      ${tensorField("h_0", settings.h_0, "None", typing, (h_0) => change({ h_0 }))}
      ${tensorField("c_0", settings.c_0, "None", typing, (c_0) => change({ c_0 }), module !== "LSTM")}
    </div>
    <p class=${wrong ? "notice" : "hint"} role="status">${wrong}A shape in parentheses, <code>(1, 2, 5)</code>, makes a tensor of that shape; brackets, <code>[[0.5, -1.0]]</code>, hold its values.${wrong ? "" : " Wrong ones are welcome: PyTorch's own message says what is wrong. To change one number of x or of an initial state, select it in the picture."}</p>`;
}

function counter(name: Count, settings: Settings, change: Change, disabled = false): TemplateResult {
  return stepper(name, settings[name], LIMITS[name], (value) => change({ [name]: value }), disabled);
}

/** A number with a button at each side, for a finger. What is typed acts at once, and is brought within the limits in the end. */
function stepper(
  name: string,
  value: number,
  { min, max }: { readonly min: number; readonly max: number },
  set: (value: number) => void,
  disabled: boolean,
): TemplateResult {
  const typed = (event: Event): void => {
    const field = event.target as HTMLInputElement;
    const next = Math.min(Math.max(field.valueAsNumber, min), max);
    const isOver = event.type === "change";
    if (Number.isInteger(next) && next !== value && (isOver || next === field.valueAsNumber)) set(next);
    if (isOver) field.value = String(Number.isInteger(next) ? next : value);
  };
  const id = name.replaceAll(" ", "-");
  return html`<div class="field"><label for=${id}>${name}</label><span class="stepper">
    <button type="button" aria-label="less ${name}" ?disabled=${disabled || value <= min} @click=${() => set(value - 1)}>−</button>
    <input id=${id} type="number" min=${min} max=${max} .value=${String(value)} ?disabled=${disabled} @input=${typed} @change=${typed} />
    <button type="button" aria-label="more ${name}" ?disabled=${disabled || value >= max} @click=${() => set(value + 1)}>+</button></span></div>`;
}

function flag(name: "bias" | "batch_first" | "bidirectional", settings: Settings, change: Change): TemplateResult {
  return html`<label class="check"><input type="checkbox" .checked=${settings[name]} @change=${(event: Event) => change({ [name]: checkedIn(event) })} /><span>${name}</span></label>`;
}

function chosenIn(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}

function checkedIn(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}
