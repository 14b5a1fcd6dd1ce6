import { html, nothing, type TemplateResult } from "lit/html.js";
import hostStyles from "../common/element.css";
import { keepTyping } from "../common/keys.ts";
import { pageTheme, watchTheme } from "../common/theme.ts";
import { setUp, ViewElement } from "../common/view_element.ts";
import { arithmeticTemplate, type Opened } from "./arithmetic.ts";
import { barTemplate } from "./bar.ts";
import { type Computation, computationOf, computeTheSame } from "./computation.ts";
import { moreControls, primaryControls } from "./controls.ts";
import { withValue } from "./edits.ts";
import styles from "./explorer.css";
import { type Answer, addressedIn, answerTo, expressionTemplate, failed } from "./expression.ts";
import type { Draft, Typing } from "./fields.ts";
import { type Layout, layoutOf, neighbour, planOf } from "./layout.ts";
import { fragmentOf, settingsOfFragment } from "./link.ts";
import { narrationOf, travel } from "./narration.ts";
import type { Picture } from "./picture.ts";
import { isInput, keyOf, type Place, placeOf, selectionIn, sourcesOf, tickOf, ticks } from "./places.ts";
import { ARROWS, type Pointing, pointingAt, selectedOf, type Target, targetOf } from "./pointing.ts";
import { problemTemplate } from "./problem.ts";
import { pythonOf } from "./python.ts";
import { linesOf, readoutTemplate } from "./readout.ts";
import { scalesTemplate } from "./scale.ts";
import { adjusted, DEFAULTS, readSettings, type Settings } from "./settings.ts";
import { shapesTemplate } from "./shapes.ts";
import { cornerOf } from "./slices.ts";
import { guardedStage, type Lights } from "./stage.ts";
import { Strips } from "./strips.ts";

const TICK = 1000; // milliseconds of playing

/**
 * `<rnn-explorer>`: the grid of hidden states, framed by the tensors that hold them.
 *
 * Attributes: `settings` (JSON, PyTorch's names), `share` (keeps the settings in the page's URL fragment), `page` (the
 * address of a page that does, for a link there). Property: `settings`. Event: `settings-change`, whose detail is what changed.
 */
export class RnnExplorer extends ViewElement {
  static readonly observedAttributes = ["settings", "share", "page"];

  declare share: boolean;
  declare page: string | null;
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
  /** Where the term of the arithmetic that is pointed at came from. */
  declare private aimed: Pointing | null;
  /** The equations of the arithmetic that are open. */
  declare private unfolded: ReadonlySet<number>;

  #settings = DEFAULTS;
  /** The settings of the page, the cell or the link, to which Start over goes back. */
  #initial: Settings | null = null;
  #computation: Computation | null = null;
  #layout: Layout | null = null;
  /** What the layout was made for. */
  #plan = "";
  #answer: Answer | null = null;
  /** What the rendering lit, for the canvas that is filled after it. */
  #addressed: Lights["addressed"] = null;
  readonly #strips = new Strips();
  #timer: ReturnType<typeof setInterval> | undefined;
  #writing: ReturnType<typeof setTimeout> | undefined;
  /** Whether the next rendering shows a step being made. */
  #isTravelling = false;
  /** What undoes what `connectedCallback` began. */
  #stops: (() => void)[] = [];

  static {
    setUp(
      RnnExplorer,
      hostStyles + styles,
      "share page pointing addressing playing ignored available active copied draft aimed unfolded".split(" "),
    );
  }

  constructor() {
    super();
    this.share = false;
    this.page = this.pointing = this.draft = this.aimed = null;
    this.unfolded = new Set();
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
    this.#initial ??= settings;
    this.#replace(settings);
  }

  attributeChangedCallback(name: string, _: string | null, value: string | null): void {
    if (name === "settings") this.settings = parsed(value);
    else if (name === "page") this.page = value;
    else this.share = value !== null;
  }

  #showTheme(): void {
    const theme = pageTheme();
    if (theme) this.setAttribute("theme", theme);
    else this.removeAttribute("theme");
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.#showTheme();
    const resized = new ResizeObserver(([entry]) => {
      this.available = Math.floor(entry!.contentRect.width);
    });
    resized.observe(this);
    this.#stops = [watchTheme(() => this.#showTheme()), () => resized.disconnect()];
    this.available = Math.floor(this.getBoundingClientRect().width) || this.available;
    if (!this.share) return;
    const followed = (): void => this.#follow();
    addEventListener("hashchange", followed);
    this.#stops.push(() => removeEventListener("hashchange", followed));
    if (location.hash.length > 1) this.#follow();
  }

  disconnectedCallback(): void {
    for (const stop of this.#stops) stop();
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
    this.#initial = settings;
    this.#replace(settings);
  }

  #startOver(): void {
    this.#play(false);
    this.addressing = false;
    this.draft = this.pointing = this.aimed = null;
    this.active = -1;
    this.ignored = [];
    this.#commit(this.#initial ?? DEFAULTS);
  }

  /** Once things have settled: browsers refuse an address that changes with every key. */
  #writeAddress(): void {
    clearTimeout(this.#writing);
    this.#writing = setTimeout(() => history.replaceState(history.state, "", `#${fragmentOf(this.#settings)}`), 200);
  }

  protected override willUpdate(changed: ReadonlyMap<string, unknown>): void {
    const before = changed.has("settings")
      ? ((changed.get("settings") as Settings | undefined) ?? null)
      : this.#settings;
    if (this.#computation === null || before === null || !computeTheSame(before, this.#settings)) {
      this.#computation = computationOf(this.#settings);
      this.#answer = null;
    }
    const { problem, scope } = this.#computation;
    if (this.#answer === null || before!.expression !== this.#settings.expression) {
      this.#answer = problem ? failed(problem) : answerTo(this.#expression, scope!);
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
    if (this.#isTravelling && canvas) {
      travel(canvas.parentElement!, this.#layout!, this.#picture!, this.#sample, this.#tick);
    }
    this.#isTravelling = false;
  }

  get #picture(): Picture | null {
    return this.#computation?.picture ?? null;
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
    const isInitial = JSON.stringify(settings) === JSON.stringify(this.#initial ?? DEFAULTS);
    const lines = this.#picture ? linesOf(this.#picture, this.available) : 1;
    return html`<div class="root" style="--lines:${lines}">
      ${primaryControls(settings, change)}
      <button type="button" class="over" aria-disabled=${isInitial} @click=${() => this.#startOver()}>Start over</button>
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
    const { problem, without } = this.#computation!;
    const message = problem ? problemTemplate(problem, this.#settings, without) : nothing;
    if (!picture || !layout) return problem ? message : html`<p class="notice">There is no sample: N is 0.</p>`;
    const sample = this.#sample;
    const pointing = this.#pointing;
    const place = placeOf(pointing?.key ?? null, picture, sample);
    // What is pointed at comes first, then what is being asked about, then what was chosen before.
    const inExpression =
      this.addressing && !this.pointing && this.#answer ? addressedIn(this.#answer.cells, picture, sample) : null;
    const addressed = inExpression && inExpression.samples.size > 0 ? inExpression : null;
    const lit = addressed ? null : place;
    const lights: Lights = {
      same: lit && keyOf(lit),
      k: place ? (pointing?.k ?? null) : null,
      aimed: this.aimed,
      now: this.#settings.step === null ? null : this.#tick,
      sources: new Set(lit ? sourcesOf(lit, picture, sample).map(keyOf) : []),
      addressed: addressed?.lit ?? null,
      read: addressed?.read ?? new Set(),
    };
    this.#addressed = lights.addressed;
    const selection = selectionIn(this.#settings.selected, picture, sample);
    const isSelected = place && keyOf(place) === selection?.key;
    const isSet = isSelected && isInput(place);
    const isKnown = (place: Place | null): boolean => !place || tickOf(place, picture, sample) <= this.#tick;
    const ofState = placeOf(selection?.key ?? null, picture, sample);
    const isComputed = (ofState?.tensor === "h" || ofState?.tensor === "c") && isKnown(ofState) && !problem;
    const opened = isComputed && selection!.k !== null ? ({ place: ofState, k: selection!.k } as Opened) : null;
    const active = layout.entries[this.active] ?? layout.entries.find(({ corner }) => corner) ?? layout.entries[0];
    return html`${this.#bar(picture, addressed?.samples ?? new Set())}
      ${message}
      <div class="scroll ${problem ? "faint" : ""}" @pointermove=${this.#onPointer} @pointerleave=${this.#onLeave} @click=${this.#onClick} @focusin=${this.#onFocus} @focusout=${this.#onLeave} @keydown=${this.#onKey}>
        <div role="group" aria-label="Hidden states and the tensors that hold them; arrow keys move, with Shift they pick a value, Enter keeps">${guardedStage(layout, lights, active, this.#tick)}</div>
      </div>
      <div class="panel ${opened ? "opened" : ""}">${readoutTemplate(
        picture,
        place,
        {
          sample,
          k: lights.k,
          known: isKnown(place),
          set: isSet ? (k, value) => this.change(withValue(place, picture, sample, k, value)) : null,
          open:
            isSelected && isComputed ? (k) => this.change({ selected: selectedOf({ key: selection!.key, k }) }) : null,
          typing: this.#typing,
        },
        addressed !== null,
      )}${opened ? this.#arithmetic(picture, opened, sample) : nothing}</div>
      <div class="legend">${shapesTemplate(picture)}
        ${scalesTemplate(picture)}
      </div>
      ${expressionTemplate(
        this.#expression,
        this.#answer!,
        problem ? null : cornerOf(picture),
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

  #arithmetic(picture: Picture, opened: Opened, sample: number): TemplateResult {
    return arithmeticTemplate(picture, opened, sample, this.pointing, {
      unfolded: this.unfolded,
      fold: (at, open) => {
        if (this.unfolded.has(at) === open) return;
        this.unfolded = new Set([...this.unfolded].filter((other) => other !== at).concat(open ? [at] : []));
      },
      aim: (at) => {
        this.aimed = at;
      },
      go: (at) => {
        this.aimed = null;
        this.#select(at);
      },
    });
  }

  /** What was chosen stays in sight when its arithmetic opens under it. */
  async #select(at: Pointing | null): Promise<void> {
    this.change({ selected: at && selectedOf(at) });
    await this.updateComplete;
    const chosen = this.renderRoot.querySelector(".panel.opened") && this.renderRoot.querySelector(".box.same");
    chosen?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  #bar(picture: Picture, addressed: ReadonlySet<number>): TemplateResult {
    const words = narrationOf(picture, this.#sample, this.#tick, this.#settings.step !== null);
    return barTemplate(
      picture,
      { sample: this.#sample, addressed, tick: this.#tick, playing: this.playing, words },
      {
        choose: (sample) => this.change({ sample }),
        play: () => this.#play(!this.playing),
        advance: () => this.#advance(),
        goTo: (tick) => this.#goTo(tick),
      },
    );
  }

  get #typing(): Typing {
    return { draft: this.draft, type: (draft) => (this.draft = draft) };
  }

  get #pointing(): Pointing | null {
    if (this.pointing) return this.pointing;
    return this.#picture && selectionIn(this.#settings.selected, this.#picture, this.#sample);
  }

  #goTo(tick: number): void {
    this.change({ step: this.#picture && tick < ticks(this.#picture) ? tick : null });
  }

  /** One tick on; from the end, to the first. */
  #advance(): void {
    const all = this.#picture ? ticks(this.#picture) : 0;
    const isStart = this.#tick >= all;
    // After the last step it is still said what it computed.
    this.change({ step: isStart ? Math.min(1, all - 1) : this.#tick + 1 });
    this.#isTravelling = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  }

  #play(playing: boolean): void {
    clearInterval(this.#timer);
    this.playing = playing;
    if (!playing) return;
    if (this.#picture && this.#tick >= ticks(this.#picture)) this.#goTo(0);
    this.#timer = setInterval(() => {
      this.#advance();
      if (!this.#picture || this.#tick >= ticks(this.#picture)) this.#play(false);
    }, TICK);
  }

  #targetOf(event: Event): Target | null {
    return targetOf(event, this.#layout);
  }

  #onPointer = (event: PointerEvent): void => {
    // A number that is being typed stays under the hand.
    if (this.shadowRoot!.activeElement?.matches(".numbers input")) return;
    const target = event.pointerType === "touch" ? null : this.#targetOf(event);
    const next = target && pointingAt(target, event);
    if (next?.key === this.pointing?.key && next?.k === this.pointing?.k) return;
    this.pointing = next;
  };

  #onLeave = (): void => {
    if (this.pointing) this.pointing = null;
  };

  #onClick = (event: MouseEvent): void => {
    const target = this.#targetOf(event);
    if (!target) return;
    this.active = target.index;
    this.addressing = false;
    const { key } = target.entry;
    // A click with the keyboard has no position, and a second one lets go.
    const at: Pointing =
      event.detail > 0 ? pointingAt(target, event) : this.pointing?.key === key ? this.pointing : { key, k: null };
    const isSelected = this.#settings.selected === selectedOf(at);
    this.pointing = isSelected ? null : at;
    this.#select(isSelected ? null : at);
  };

  #onFocus = (event: FocusEvent): void => {
    const target = this.#targetOf(event);
    if (!target?.button.matches(":focus-visible")) return;
    this.active = target.index;
    this.addressing = false;
    this.pointing = { key: target.entry.key, k: null };
  };

  #onKey = (event: KeyboardEvent): void => {
    const target = this.#targetOf(event);
    const way = ARROWS[event.key];
    if (!target || !this.#layout) return;
    if (event.key === "Escape") {
      this.change({ selected: null });
      return;
    }
    if (!way || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const { entries } = this.#layout;
    if (event.shiftKey) {
      const { count } = target.entry;
      const k = this.pointing?.k ?? (way[0] > 0 ? -1 : count);
      this.pointing = { key: target.entry.key, k: (k + way[0] + count) % count };
      return;
    }
    const next = entries.indexOf(neighbour(entries, target.entry, ...way));
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

function parsed(text: string | null): unknown {
  try {
    return JSON.parse(text ?? "{}");
  } catch {
    return null;
  }
}
