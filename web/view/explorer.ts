import { html, LitElement, nothing, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import hostStyles from "../common/element.css";
import { keepTyping } from "../common/keys.ts";
import { pageTheme, watchTheme } from "../common/theme.ts";
import { type Scope, scopeOf } from "../engine/index.ts";
import { strip } from "./colour.ts";
import { moreControls, primaryControls } from "./controls.ts";
import { withValue } from "./edits.ts";
import styles from "./explorer.css";
import { type Answer, addressedIn, answerTo, expressionTemplate, failed } from "./expression.ts";
import type { Draft, Typing } from "./fields.ts";
import { type Entry, type Layout, layoutOf, neighbour, planOf } from "./layout.ts";
import { fragmentOf, settingsOfFragment } from "./link.ts";
import { type Picture, pictureBehind, pictureOf } from "./picture.ts";
import { isInput, keyOf, placeOf, sourcesOf, tickOf, ticks } from "./places.ts";
import { problemTemplate } from "./problem.ts";
import { pythonOf } from "./python.ts";
import { readoutTemplate } from "./readout.ts";
import { adjusted, DEFAULTS, readSettings, type Settings } from "./settings.ts";
import { shapesTemplate } from "./shapes.ts";
import { cornerOf } from "./slices.ts";
import { guardedStage, type Lights } from "./stage.ts";
import { Strips } from "./strips.ts";

const TICK = 650; // milliseconds of playing
const LOOKED_AT = ["sample", "step", "selected", "expression"] as const;
const ARROWS: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Pointing {
  readonly key: string;
  readonly k: number | null;
}

/**
 * `<rnn-explorer>`: the grid of hidden states, framed by the tensors that hold them.
 *
 * Attributes: `settings` (JSON, PyTorch's names), `share` (keeps the settings in the page's URL fragment), `page` (the
 * address of a page that does, for a link there). Property: `settings`. Event: `settings-change`, whose detail is what changed.
 */
export class RnnExplorer extends LitElement {
  static override styles = [unsafeCSS(hostStyles), unsafeCSS(styles)];
  static override properties = {
    settings: { noAccessor: true, converter: { fromAttribute: (text: string | null) => parsed(text) } },
    share: { type: Boolean },
    page: {},
    theme: { reflect: true },
    pointing: { state: true },
    addressing: { state: true },
    playing: { state: true },
    ignored: { state: true },
    available: { state: true },
    active: { state: true },
    copied: { state: true },
    draft: { state: true },
  };

  declare share: boolean;
  declare page: string | null;
  declare theme: "light" | "dark" | null;
  declare private pointing: Pointing | null;
  /** Whether the cells that the expression addresses are lit. */
  declare private addressing: boolean;
  declare private playing: boolean;
  declare private ignored: readonly string[];
  declare private available: number;
  /** The entry that the Tab key reaches. */
  declare private active: number;
  declare private copied: boolean;
  declare private draft: Draft | null;

  #settings = DEFAULTS;
  /** What the page, the cell or the link began with. */
  #begun: Settings | null = null;
  #picture: Picture | null = null;
  #problem: Error | null = null;
  /** The settings that the picture behind a problem does without. */
  #without: readonly string[] = [];
  #layout: Layout | null = null;
  /** What the layout was made for. */
  #plan = "";
  #scope: Scope | null = null;
  #answer: Answer | null = null;
  /** What the rendering lit, for the canvas that is filled after it. */
  #addressed: Lights["addressed"] = null;
  readonly #strips = new Strips();
  #timer: ReturnType<typeof setInterval> | undefined;
  #writing: ReturnType<typeof setTimeout> | undefined;
  #stop: (() => void)[] = [];

  constructor() {
    super();
    this.share = false;
    this.page = this.theme = this.pointing = this.draft = null;
    this.addressing = this.playing = this.copied = false;
    this.ignored = [];
    this.available = 680;
    this.active = -1;
    keepTyping(this);
  }

  get settings(): Settings {
    return this.#settings;
  }

  /** Takes any object: what is missing stays as it is by default, and what cannot be is named in a notice. */
  set settings(given: unknown) {
    const { settings, ignored } = readSettings(given ?? {});
    this.ignored = ignored;
    this.#begun ??= settings;
    this.#replace(settings);
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.theme = pageTheme();
    const resized = new ResizeObserver(([entry]) => {
      this.available = Math.floor(entry!.contentRect.width);
    });
    resized.observe(this);
    this.#stop = [watchTheme(() => (this.theme = pageTheme())), () => resized.disconnect()];
    this.available = Math.floor(this.getBoundingClientRect().width) || this.available;
    if (!this.share) return;
    const followed = (): void => this.#follow();
    addEventListener("hashchange", followed);
    this.#stop.push(() => removeEventListener("hashchange", followed));
    if (location.hash.length > 1) this.#follow();
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
    this.#play(false);
  }

  /** Lays `change` over the settings, as if someone had made it by hand. */
  change(change: Partial<Settings>): void {
    const untouched = this.#picture && this.#settings.expression === cornerOf(this.#picture);
    // Where output and hn meet depends on the settings; a line that says so goes on saying so.
    this.#commit(adjusted(untouched ? { ...this.#settings, expression: null } : this.#settings, change));
  }

  #commit(settings: Settings): void {
    const before = this.#settings;
    this.#replace(settings);
    const detail = Object.fromEntries(
      Object.entries(this.#settings).filter(([name, value]) => before[name as keyof Settings] !== value),
    );
    if (Object.keys(detail).length === 0) return;
    if (this.share) this.#writeAddress();
    this.dispatchEvent(new CustomEvent("settings-change", { detail, bubbles: true, composed: true }));
  }

  #replace(settings: Settings): void {
    const before = this.#settings;
    this.#settings = settings;
    this.requestUpdate("settings", before);
  }

  #follow(): void {
    const { settings, ignored } = settingsOfFragment(location.hash.slice(1));
    this.ignored = ignored;
    this.#begun = settings;
    this.#replace(settings);
  }

  #startOver(): void {
    this.#play(false);
    this.addressing = false;
    this.draft = this.pointing = null;
    this.active = -1;
    this.ignored = [];
    this.#commit(this.#begun ?? DEFAULTS);
  }

  /** Once things have settled: browsers refuse an address that changes with every key. */
  #writeAddress(): void {
    clearTimeout(this.#writing);
    this.#writing = setTimeout(() => history.replaceState(history.state, "", `#${fragmentOf(this.#settings)}`), 200);
  }

  protected override willUpdate(changed: PropertyValues): void {
    const before = changed.has("settings")
      ? ((changed.get("settings") as Settings | undefined) ?? null)
      : this.#settings;
    const isNew = this.#picture === null && this.#problem === null;
    const recompute = isNew || before === null || differs(before, this.#settings);
    if (recompute) this.#compute();
    if (recompute || before!.expression !== this.#settings.expression) {
      this.#answer = this.#problem ? failed(this.#problem) : answerTo(this.#expression, this.#scope!);
    }
    const plan = this.#picture && planOf(this.#picture, this.#sample, this.available);
    if (plan !== null && plan !== this.#plan) {
      this.#plan = plan;
      this.#layout = this.#picture!.N > 0 ? layoutOf(this.#picture!, this.#sample, this.available) : null;
      if (this.active >= (this.#layout?.entries.length ?? 0)) this.active = -1;
    }
  }

  protected override updated(): void {
    const canvas = this.renderRoot.querySelector("canvas");
    if (canvas) this.#strips.draw(canvas, this.#layout!, this.#picture!, this.#sample, this.#addressed, this.#tick);
  }

  #compute(): void {
    this.#picture = this.#problem = this.#scope = null;
    this.#without = [];
    try {
      this.#picture = pictureOf(this.#settings);
      this.#scope = scopeOf(this.#picture.spec, this.#picture.result);
    } catch (error) {
      this.#problem = error instanceof Error ? error : new Error(String(error));
      const behind = pictureBehind(this.#settings);
      this.#picture = behind?.picture ?? null;
      this.#without = behind?.without ?? [];
    }
  }

  get #expression(): string {
    return this.#settings.expression ?? (this.#picture ? cornerOf(this.#picture) : "");
  }

  /** The sheet on top: a sample that there is. */
  get #sample(): number {
    return Math.max(0, Math.min(this.#settings.sample, (this.#picture?.N ?? 1) - 1));
  }

  get #tick(): number {
    const all = this.#picture ? ticks(this.#picture) : 0;
    return Math.min(this.#settings.step ?? all, all);
  }

  protected override render(): TemplateResult {
    const settings = this.#settings;
    const change = (change: Partial<Settings>): void => this.change(change);
    const isBegun = JSON.stringify(settings) === JSON.stringify(this.#begun ?? DEFAULTS);
    return html`<div class="root">
      ${primaryControls(settings, change)}
      <button type="button" class="over" aria-disabled=${isBegun} @click=${() => this.#startOver()}>Start over</button>
      <details><summary>More settings</summary>${moreControls(settings, this.#sample, this.#typing, change)}</details>
      ${
        this.ignored.length > 0
          ? html`<p class="notice" role="alert">Not understood, so left as usual: ${this.ignored
              .slice(0, 5)
              .map((name) => name.slice(0, 40))
              .join(", ")}</p>`
          : nothing
      }
      ${this.#stageAndReadout()}
      <div class="foot">
        <details class="program"><summary>Python</summary>
          <pre tabindex="0" aria-label="Python program">${pythonOf(settings, this.#expression)}</pre>
          <button type="button" @click=${() => this.#copy()}>${this.copied ? "Copied" : "Copy"}</button>
        </details>
        ${this.page ? html`<a class="open" href="${this.page}#${fragmentOf(settings)}">Open this in the explorer</a>` : nothing}
      </div>
    </div>`;
  }

  #stageAndReadout(): TemplateResult | typeof nothing {
    const picture = this.#picture;
    const layout = this.#layout;
    const problem = this.#problem ? problemTemplate(this.#problem, this.#settings, this.#without) : nothing;
    if (!picture || !layout) return this.#problem ? problem : html`<p class="notice">There is no sample: N is 0.</p>`;
    const sample = this.#sample;
    const pointing = this.#pointing;
    const place = placeOf(pointing?.key ?? null, picture, sample);
    // What is pointed at comes first, then what is being asked about, then what was chosen before.
    const asked =
      this.addressing && !this.pointing && this.#answer ? addressedIn(this.#answer.cells, picture, sample) : null;
    const addressed = asked && asked.samples.size > 0 ? asked : null;
    const lit = addressed ? null : place;
    const lights: Lights = {
      same: lit && keyOf(lit),
      k: place ? (pointing?.k ?? null) : null,
      sources: new Set(lit ? sourcesOf(lit, picture, sample).map(keyOf) : []),
      addressed: addressed?.lit ?? null,
      read: addressed?.read ?? new Set(),
    };
    this.#addressed = lights.addressed;
    const isSet = place && isInput(place) && keyOf(place) === this.#settings.selected;
    const active = layout.entries[this.active] ?? layout.entries.find(({ corner }) => corner) ?? layout.entries[0];
    return html`${this.#bar(picture, addressed?.samples ?? new Set())}
      ${problem}
      <div class="scroll ${this.#problem ? "faint" : ""}" @pointermove=${this.#onPointer} @pointerleave=${this.#onLeave} @click=${this.#onClick} @focusin=${this.#onFocus} @focusout=${this.#onLeave} @keydown=${this.#onKey}>
        <div role="group" aria-label="Hidden states and the tensors that hold them; arrow keys move, with Shift they pick a value, Enter keeps">${guardedStage(layout, lights, active, this.#tick)}</div>
      </div>
      ${readoutTemplate(
        picture,
        place,
        {
          sample,
          k: lights.k,
          known: !place || tickOf(place, picture, sample) <= this.#tick,
          set: isSet ? (k, value) => this.change(withValue(place, picture, sample, k, value)) : null,
          typing: this.#typing,
        },
        this.available,
        addressed !== null,
      )}
      <div class="legend">${shapesTemplate(picture)}
        <div class="scale">${scaleTemplate("h", picture.scale.h)}${picture.module.name === "LSTM" ? scaleTemplate("c", picture.scale.c) : nothing}${scaleTemplate("x", picture.scale.x)}</div>
      </div>
      ${expressionTemplate(
        this.#expression,
        this.#answer!,
        this.#problem ? null : cornerOf(picture),
        this.available,
        (expression) => {
          this.addressing = true;
          this.change({ expression });
        },
        () => {
          this.addressing = true;
          this.pointing = null;
        },
      )}`;
  }

  #bar(picture: Picture, dotted: ReadonlySet<number>): TemplateResult {
    const all = ticks(picture);
    const tick = this.#tick;
    const samples = Array.from({ length: picture.N }, (_, sample) => sample);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    return html`<div class="bar">
      ${
        picture.batched
          ? html`<fieldset class="segments tabs"><legend>sample</legend>
            ${samples.map(
              (sample) =>
                html`<label class=${dotted.has(sample) ? "dot" : ""}><input type="radio" name="sample" .checked=${sample === this.#sample} @change=${() => this.change({ sample })} /><span>${sample}</span></label>`,
            )}</fieldset>`
          : html`<span class="quiet">one sequence, unbatched</span>`
      }
      <div class="time" role="group" aria-label="Time">
        ${still ? nothing : html`<button type="button" @click=${() => this.#play(!this.playing)}>${this.playing ? "Pause" : "Play"}</button>`}
        <button type="button" aria-label="Step" @click=${() => this.#advance()}>Step</button>
        <input type="range" min="0" max=${all} .value=${String(tick)} aria-label="Steps computed" aria-valuetext="${tick} of ${all}"
          @input=${(event: Event) => this.#goTo(Number((event.target as HTMLInputElement).value))} />
        <span class="count quiet" aria-hidden="true">${tick}/${all}</span>
      </div>
    </div>`;
  }

  get #typing(): Typing {
    return { draft: this.draft, type: (draft) => (this.draft = draft) };
  }

  get #pointing(): Pointing | null {
    if (this.pointing) return this.pointing;
    return this.#settings.selected === null ? null : { key: this.#settings.selected, k: null };
  }

  #goTo(tick: number): void {
    this.change({ step: this.#picture && tick < ticks(this.#picture) ? tick : null });
  }

  /** One tick on; from the end, to the first. */
  #advance(): void {
    const all = this.#picture ? ticks(this.#picture) : 0;
    this.#goTo(this.#tick < all ? this.#tick + 1 : Math.min(1, all - 1));
  }

  #play(playing: boolean): void {
    clearInterval(this.#timer);
    this.playing = playing;
    if (!playing) return;
    if (this.#picture && this.#tick >= ticks(this.#picture)) this.#goTo(0);
    this.#timer = setInterval(() => {
      this.#advance();
      if (this.#settings.step === null) this.#play(false);
    }, TICK);
  }

  #entryOf(event: Event): { entry: Entry; index: number; button: HTMLElement } | null {
    const button = (event.target as Element).closest<HTMLElement>("[data-index]");
    const index = Number(button?.dataset.index);
    const entry = this.#layout?.entries[index];
    return button && entry ? { entry, index, button } : null;
  }

  #onPointer = (event: PointerEvent): void => {
    // A number that is being typed stays under the hand.
    if (this.shadowRoot!.activeElement?.matches(".numbers input")) return;
    const found = event.pointerType === "touch" ? null : this.#entryOf(event);
    const next = found && { key: found.entry.key, k: cellUnder(event, found.button, found.entry.count) };
    if (next?.key === this.pointing?.key && next?.k === this.pointing?.k) return;
    this.pointing = next;
  };

  #onLeave = (): void => {
    if (this.pointing) this.pointing = null;
  };

  #onClick = (event: MouseEvent): void => {
    const found = this.#entryOf(event);
    if (!found) return;
    this.active = found.index;
    this.addressing = false;
    const { key, count } = found.entry;
    const kept = this.#settings.selected === key;
    // A click with the keyboard has no position, and a second one lets go.
    if (event.detail > 0 && !kept) this.pointing = { key, k: cellUnder(event, found.button, count) };
    if (kept) this.pointing = null;
    this.change({ selected: kept ? null : key });
  };

  #onFocus = (event: FocusEvent): void => {
    const found = this.#entryOf(event);
    if (!found?.button.matches(":focus-visible")) return;
    this.active = found.index;
    this.addressing = false;
    this.pointing = { key: found.entry.key, k: null };
  };

  #onKey = (event: KeyboardEvent): void => {
    const found = this.#entryOf(event);
    const way = ARROWS[event.key];
    if (!found || !this.#layout) return;
    if (event.key === "Escape") {
      this.change({ selected: null });
      return;
    }
    if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const { entries } = this.#layout;
    if (event.shiftKey) {
      const { count } = found.entry;
      const k = this.pointing?.k ?? (way[0] > 0 ? -1 : count);
      this.pointing = { key: found.entry.key, k: (k + way[0] + count) % count };
      return;
    }
    const next = entries.indexOf(neighbour(entries, found.entry, ...way));
    this.renderRoot.querySelector<HTMLElement>(`[data-index="${next}"]`)?.focus();
  };

  async #copy(): Promise<void> {
    const program = pythonOf(this.#settings, this.#expression);
    try {
      await navigator.clipboard.writeText(program);
      this.copied = true;
      setTimeout(() => (this.copied = false), 1500);
    } catch {
      // Without the permission the program can still be selected and copied by hand.
      const text = this.renderRoot.querySelector(".program pre");
      if (text) getSelection()?.selectAllChildren(text);
    }
  }
}

const SCALE = Array.from({ length: 41 }, (_, index) => index / 20 - 1);

/** The colours that this tensor's numbers have, and how far they reach. */
function scaleTemplate(name: string, limit: number): TemplateResult {
  return html`<span>${name}</span><span>−${round(limit)}</span><span role="img" aria-label="from purple below 0 to orange above" style="background:${strip(SCALE, 1)}"></span><span>${round(limit)}</span>`;
}

function round(value: number): string {
  return String(Number(value.toPrecision(2)));
}

/** Whether what is computed differs, rather than what is looked at. */
function differs(a: Settings, b: Settings): boolean {
  return (Object.keys(a) as (keyof Settings)[]).some(
    (name) => a[name] !== b[name] && !LOOKED_AT.some((looked) => looked === name),
  );
}

/** Which value of a strip a pointer is on. */
function cellUnder(event: MouseEvent, button: HTMLElement, count: number): number | null {
  const { left, right, top, bottom } = (button.querySelector(".strip") ?? button).getBoundingClientRect();
  const inside = event.clientX >= left && event.clientX < right && event.clientY >= top && event.clientY <= bottom;
  return inside ? Math.min(count - 1, Math.floor(((event.clientX - left) / (right - left)) * count)) : null;
}

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "{}");
  } catch {
    return null;
  }
}
