import { html, nothing, type TemplateResult } from "lit";
import { DEFAULTS, LIMITS, type Count, type Settings } from "./settings.ts";
import { tensorField } from "./tensor-field.ts";

export type Change = (change: Partial<Settings>) => void;

/** The four arguments that change the picture most. */
export function primaryControls(settings: Settings, change: Change): TemplateResult {
  return html`<div class="row">
    <fieldset class="segments">
      <legend><span class="hidden">module</span><span aria-hidden="true">nn.</span></legend>
      ${(["RNN", "LSTM", "GRU"] as const).map(
        (name) => html`<label><input type="radio" name="module" .checked=${settings.module === name} @change=${() => change({ module: name })} /><span>${name}</span></label>`,
      )}
    </fieldset>
    ${stepper("num_layers", settings, change)} ${flag("bidirectional", settings, change)} ${flag("batch_first", settings, change)}
  </div>`;
}

/** Every other argument, and what goes in. */
export function moreControls(settings: Settings, change: Change): TemplateResult {
  const { module, batched, N, L, lengths, input } = settings;
  const lengthsOn = lengths !== null;
  return html`<div class="row">
      ${stepper("input_size", settings, change)} ${stepper("hidden_size", settings, change)}
      ${stepper("proj_size", settings, change, module !== "LSTM")} ${flag("bias", settings, change)}
      <label class="field"><span>nonlinearity</span>
        <select ?disabled=${module !== "RNN"} @change=${(event: Event) => change({ nonlinearity: valueOf(event) === "relu" ? "relu" : "tanh" })}>
          ${(["tanh", "relu"] as const).map((name) => html`<option .selected=${settings.nonlinearity === name}>${name}</option>`)}
        </select></label>
      ${stepper("seed", settings, change)}
    </div>
    <div class="row">
      ${stepper("N", settings, change, !batched)} ${stepper("L", settings, change)}
      <label class="check"><input type="checkbox" .checked=${!batched} @change=${(event: Event) => change({ batched: !checkedOf(event) })} /><span>unbatched</span></label>
      <label class="check"><input type="checkbox" .checked=${lengthsOn} ?disabled=${!batched && !lengthsOn}
        @change=${(event: Event) => change({ lengths: checkedOf(event) ? Array.from({ length: N }, (_, n) => Math.max(1, L - n)) : null })} /><span>lengths</span></label>
      ${lengths?.map(
        (length, n) => html`<label class="field"><span>length of sample ${n}</span>
          <input type="number" min="0" max=${L + 1} .value=${String(length)} @change=${(event: Event) => {
            const typed = Math.trunc(Number(valueOf(event)));
            change({ lengths: lengths.map((other, m) => (m === n && typed >= 0 && typed <= 64 ? typed : other)) });
          }} /></label>`,
      ) ?? nothing}
    </div>
    <div class="row">
      <label class="field"><span>fill x with</span>
        <select @change=${(event: Event) => change({ input: valueOf(event) === "sin" ? "sin" : valueOf(event) === "own" ? { shape: shapeOf(settings) } : null })}>
          <option value="count" .selected=${input === null}>0, 1, 2, …</option>
          <option value="sin" .selected=${input === "sin"}>sin of 0, 1, 2, …</option>
          <option value="own" .selected=${typeof input === "object" && input !== null}>as below</option>
        </select></label>
      ${tensorField("x", input === "sin" ? null : input, `${N}, ${L}, ${settings.input_size}`, (value) => change({ input: value }))}
      ${tensorField("h_0", settings.h_0, "None", (value) => change({ h_0: value }))}
      ${module === "LSTM" ? tensorField("c_0", settings.c_0, "None", (value) => change({ c_0: value })) : nothing}
    </div>
    <p class="hint">A shape in parentheses, <code>(1, 2, 5)</code>, makes a tensor of that shape; brackets, <code>[[0.5, -1.0]]</code>, hold its values. Wrong ones are welcome: PyTorch's own message says what is wrong.</p>`;
}

function shapeOf({ batched, batch_first, N, L, input_size }: Settings): number[] {
  if (!batched) return [L, input_size];
  return batch_first ? [N, L, input_size] : [L, N, input_size];
}

/** A number with a button at each side, for a finger. */
function stepper(name: Count, settings: Settings, change: Change, disabled = false): TemplateResult {
  const value = settings[name];
  const [low, high] = LIMITS[name];
  const set = (next: number): void => {
    if (Number.isInteger(next)) change({ [name]: Math.min(Math.max(next, low), high) });
  };
  return html`<div class="field"><label for=${name}>${name}</label><span class="stepper">
    <button type="button" aria-label="less ${name}" ?disabled=${disabled || value <= low} @click=${() => set(value - 1)}>−</button>
    <input id=${name} type="number" min=${low} max=${high} .value=${String(value)} ?disabled=${disabled}
      @change=${(event: Event) => {
        set(Number(valueOf(event)));
        (event.target as HTMLInputElement).value = String(value);
      }} />
    <button type="button" aria-label="more ${name}" ?disabled=${disabled || value >= high} @click=${() => set(value + 1)}>+</button></span></div>`;
}

function flag(name: "bias" | "batch_first" | "bidirectional", settings: Settings, change: Change): TemplateResult {
  return html`<label class="check"><input type="checkbox" .checked=${settings[name]} @change=${(event: Event) => change({ [name]: checkedOf(event) })} /><span>${name}</span></label>`;
}

/** Everything back to the seed's setting. */
export function isDefault(settings: Settings): boolean {
  return JSON.stringify(settings) === JSON.stringify(DEFAULTS);
}

function valueOf(event: Event): string {
  return (event.target as HTMLInputElement | HTMLSelectElement).value;
}

function checkedOf(event: Event): boolean {
  return (event.target as HTMLInputElement).checked;
}
