import { html, LitElement, nothing, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import { axesOf, axisClass } from "../common/axes.ts";
import hostStyles from "../common/element.css";
import { keepTyping } from "../common/keys.ts";
import { pageTheme, watchTheme } from "../common/theme.ts";
import { evaluateFor, type Place, placesOf, placesOfStates } from "./boxes.ts";
import styles from "./drill.css";
import { gridTemplate, legendTemplate, type Marks, shownSample } from "./grid.ts";
import type { Judgement } from "./judgement.ts";
import { judge } from "./judging.ts";
import { range } from "./lists.ts";
import { answered, forget, fresh, load, next, type Progress, save, totals } from "./progress.ts";
import { type Form, type Question, question } from "./questions.ts";
import { moduleOf } from "./setting.ts";
import { KIND_NAMES, KINDS, LEVELS } from "./wording.ts";

const HINTS: Readonly<Record<Form, string>> = {
  shape: "A shape, such as `(3, 7, 10)` or `3 7 10`",
  expression: "An expression over `output` and `hn`, indexed as in `x[0, 1]`",
  "yes or no": "`yes` or `no`",
  steps: "Steps, such as `0, 1, 2` or `0-2`, or `all`",
};

/** What an answer turned out to be; `given` is what was typed, and empty where the answer was asked for. */
interface Outcome {
  readonly given: string;
  readonly judgement: Exclude<Judgement, { verdict: "unread" }>;
}

/**
 * `<rnn-drill>`: questions on shapes and slices without end. A typed answer is judged at once, and the reason drawn on the grid.
 *
 * Its progress lies in this browser's `localStorage`, and nowhere else; where that is denied, it lasts as long as the page.
 */
export class RnnDrill extends LitElement {
  static override styles = [unsafeCSS(hostStyles), unsafeCSS(styles)];
  static override properties = {
    theme: { reflect: true },
    progress: { state: true },
    outcome: { state: true },
    unread: { state: true },
    kept: { state: true },
    available: { state: true },
    said: { state: true },
  };

  declare theme: "light" | "dark" | null;
  declare private progress: Progress;
  declare private outcome: Outcome | null;
  declare private unread: string | null;
  /** Whether the browser keeps the progress. */
  declare private kept: boolean;
  declare private available: number;
  /** What a screen reader is told beside the verdict. */
  declare private said: string;

  #question: Question | null = null;
  #stop: (() => void)[] = [];

  constructor() {
    super();
    this.theme = null;
    this.progress = load();
    this.outcome = this.unread = null;
    this.kept = true;
    this.available = 640;
    this.said = "";
    keepTyping(this);
  }

  get question(): Question {
    return this.#question!;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.theme = pageTheme();
    const resized = new ResizeObserver(() => this.#measure());
    resized.observe(this);
    this.#stop = [watchTheme(() => (this.theme = pageTheme())), () => resized.disconnect()];
    this.#record(this.progress.asking ? this.progress : next(this.progress, null));
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    for (const stop of this.#stop) stop();
  }

  /** The width that the form lends to the drawing. */
  #measure(): void {
    const width = this.getBoundingClientRect().width;
    this.available = Math.floor(width - (width < 480 ? 30 : 46));
  }

  #record(progress: Progress): void {
    this.progress = progress;
    this.kept = save(progress);
  }

  protected override willUpdate(changed: PropertyValues): void {
    const asking = this.progress.asking;
    if (changed.has("progress") && asking) this.#question = question(asking.kind, asking.level, asking.seed);
  }

  protected override firstUpdated(): void {
    this.#measure();
  }

  protected override render(): TemplateResult {
    const question = this.question;
    const { outcome } = this;
    const { right, asked } = totals(this.progress);
    return html`<div class="root">
      <form @submit=${this.#onSubmit} @keydown=${this.#onKey}>
        <p class="kind"><span>${capitalised(KINDS[question.kind])}</span><span>level ${question.level} of ${LEVELS}${asked > 0 ? ` · ${right} of ${asked} right` : ""}</span></p>
        <pre class="program" id="code">${question.code.join("\n")}</pre>
        <p class="ask" id="ask">${marked(question.ask)}</p>
        <div class="reply">
          <label><span class="prompt" aria-hidden="true">&gt;&gt;&gt;</span>
            <input type="text" aria-labelledby="ask" aria-describedby="code hint" spellcheck="false" autocomplete="off" autocapitalize="off" autocorrect="off"
              maxlength="200" enterkeyhint=${outcome ? "next" : "done"} ?readonly=${outcome !== null} /></label>
          <div class="buttons">
            <button type="submit" class="main">${outcome ? "Next" : "Check"}</button>
            ${outcome ? nothing : html`<button type="button" @click=${this.#onShow}>Show me</button>`}
          </div>
        </div>
        ${outcome ? nothing : html`<p class="hint" id="hint">${marked(HINTS[question.form])}</p>`}
        <div role="status" class="verdict">${outcome ? verdictTemplate(question, outcome) : this.unread ? html`<p class="message">${marked(this.unread)}</p>` : html`<p class="hidden">${this.said}</p>`}</div>
        ${outcome ? this.#reason(question, outcome) : nothing}
      </form>
      ${this.#foot()}
    </div>`;
  }

  #reason(question: Question, outcome: Outcome): TemplateResult {
    const marks = marksOf(question, outcome);
    const N = question.setting.N;
    return html`<figure>${gridTemplate(question, marks, this.available)}
      <figcaption>${legendTemplate(question, marks, marked)}${N !== null && N > 1 ? html`<p class="hidden">Sample ${shownSample(question, marks)} of ${N} samples.</p>` : nothing}</figcaption>
    </figure>`;
  }

  #foot(): TemplateResult {
    const { kinds } = this.progress;
    const rows = KIND_NAMES.map((kind) => ({ kind, ...kinds[kind] }));
    return html`<div class="foot">
      <details><summary>Progress</summary>
        <table>
          <thead><tr><th scope="col">kind</th><th scope="col">right</th><th scope="col">how often it comes</th></tr></thead>
          <tbody>${rows.map(({ kind, right, asked, weight }) => html`<tr><th scope="row">${KINDS[kind]}</th><td>${right} of ${asked}</td><td>${weight}×</td></tr>`)}</tbody>
        </table>
        <p>A wrong answer, or one that you let yourself be shown, doubles how often its kind comes; a right one halves it. Three right in a row lead a level up, two wrong a level down.</p>
      </details>
      <span>${this.kept ? "Kept in this browser alone." : "This browser keeps nothing: your progress ends with this page."}</span>
      <button type="button" @click=${this.#onForget}>Forget my progress</button>
    </div>`;
  }

  get #field(): HTMLInputElement {
    return this.renderRoot.querySelector("input")!;
  }

  #onSubmit = (event: Event): void => {
    event.preventDefault();
    if (this.outcome) {
      this.#next();
      return;
    }
    const given = this.#field.value;
    const judgement = judge(this.question, given);
    this.unread = null;
    if (judgement.verdict === "unread") this.unread = judgement.message;
    else this.#settle({ given: given.trim(), judgement });
  };

  #onShow = (): void => {
    this.#settle({ given: "", judgement: { verdict: "wrong", misconception: null, places: [] } });
  };

  /** A key held down would judge an answer and turn the page in one breath. */
  #onKey = (event: KeyboardEvent): void => {
    if (event.key === "Enter" && event.repeat) event.preventDefault();
  };

  #settle(outcome: Outcome): void {
    this.unread = null;
    this.outcome = outcome;
    // The question stays on the page; a reload brings another one, so that an answer counts once.
    const counted = answered(this.progress, this.question.kind, outcome.judgement.verdict === "right");
    this.#record(counted);
    void this.updateComplete.then(() => {
      // On a phone the keyboard would cover the reason.
      const away = outcome.given === "" || matchMedia("(pointer: coarse)").matches;
      if (away) this.renderRoot.querySelector<HTMLElement>("button.main")?.focus({ preventScroll: true });
    });
  }

  #next(): void {
    const last = this.question.kind;
    this.outcome = this.unread = null;
    this.#record(next(this.progress, last));
    this.#field.value = "";
    void this.updateComplete.then(() => {
      const { ask, code } = this.question;
      this.said = `${code.join("; ")}. ${ask.replaceAll("`", "")}`;
      this.#field.focus();
      this.renderRoot.querySelector("form")?.scrollIntoView({ block: "nearest" });
    });
  }

  #onForget = (): void => {
    forget();
    this.outcome = this.unread = null;
    this.progress = next(fresh(), null);
    this.#field.value = "";
    this.said = "Your progress is forgotten.";
  };
}

/** Right or wrong, the misconception, the right answer and the reason, in words. */
function verdictTemplate(question: Question, { given, judgement }: Outcome): TemplateResult {
  const right = judgement.verdict === "right";
  const sentence = judgement.verdict === "wrong" ? judgement.misconception : judgement.caution;
  const also = question.also.filter((other) => other !== given);
  const others =
    right && given !== question.answer && question.form === "expression" ? [question.answer, ...also] : also;
  return html`${given ? html`<p><span class="word">${right ? "Right." : "Not quite."}</span> ${sentence ? marked(sentence) : nothing}</p>` : nothing}
    ${right ? nothing : html`<p>The answer is <code>${question.answer}</code>${also.length > 0 ? html`, or ${list(also)}` : nothing}.</p>`}
    <p>${marked(question.reason)}${right && others.length > 0 ? html` The same: ${list(others)}.` : nothing}</p>
    ${axesTemplate(question)}`;
}

function list(expressions: readonly string[]): TemplateResult[] {
  return expressions.map((expression, index) => html`${index > 0 ? ", " : ""}<code>${expression}</code>`);
}

/** A tensor's axes by name and size, each in its colour. */
function axesTemplate({ form, kind, subject, setting }: Question): TemplateResult | typeof nothing {
  if (form !== "shape" || kind === "parameter-shape") return nothing;
  const axes = axesOf(
    subject as "output" | "hn" | "cn" | "h0",
    moduleOf(setting),
    setting.N !== null,
    setting.N,
    setting.L,
  );
  return html`<ul class="axes" aria-label="Axes of ${subject}">${axes.map(({ name, size }) => html`<li class=${axisClass(name)}>${name} <b>${size}</b></li>`)}</ul>`;
}

/** What is marked on the grid: the answer solid, what was typed dashed. */
function marksOf(question: Question, { given, judgement }: Outcome): Marks {
  const { setting, subject } = question;
  const read = (expression: string): Place[] => placesOf(evaluateFor(expression, question).cells, setting);
  const typed =
    judgement.verdict === "wrong" && judgement.places.length > 0 ? { label: "yours", places: judgement.places } : null;
  switch (question.kind) {
    case "parameter-shape": {
      const row = Number(/_l(\d)/.exec(subject)![1]) * moduleOf(setting).D + (subject.endsWith("_reverse") ? 1 : 0);
      const arrows = subject.startsWith("weight_ih")
        ? "from below"
        : subject.startsWith("weight_hh")
          ? "along time"
          : null;
      const places = range(0, setting.L).map((step): Place => ({ tensor: "h", row, step, sample: 0 }));
      return { solid: { label: `where \`${subject}\` acts`, places }, dashed: null, arrows };
    }
    case "equality": {
      const [left, right] = sides(subject);
      return {
        solid: { label: `\`${left}\``, places: read(left) },
        dashed: { label: `\`${right}\``, places: read(right) },
        arrows: null,
      };
    }
    case "steps-read": {
      const [own] = read(subject);
      const steps = question.answer
        .split(", ")
        .map((step): Place => ({ tensor: "x", row: 0, step: Number(step), sample: own!.sample }));
      return {
        solid: { label: `\`${subject}\` and what it has read`, places: [own!, ...steps] },
        dashed: typed,
        arrows: null,
      };
    }
    default: {
      const places =
        question.states.length > 0 ? placesOfStates(question.states, question.sample, setting) : read(subject);
      return {
        solid: { label: question.form === "shape" ? `\`${subject}\`` : "the answer", places },
        dashed: given ? typed : null,
        arrows: null,
      };
    }
  }
}

/** The two arguments of `torch.equal(left, right)`; a comma between brackets parts nothing. */
function sides(claim: string): [string, string] {
  const inner = claim.slice("torch.equal(".length, -1);
  const at = inner.search(/,(?![^[]*\])/);
  return [inner.slice(0, at), inner.slice(at + 1).trim()];
}

/** A text in which code stands between backticks. */
function marked(text: string): (TemplateResult | string)[] {
  return text.split("`").map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : part));
}

function capitalised(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
