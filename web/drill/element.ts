import { html, LitElement, nothing, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import hostStyles from "../common/element.css";
import { keepTyping } from "../common/keys.ts";
import { pageTheme, watchTheme } from "../common/theme.ts";
import { withCode } from "./code.ts";
import styles from "./drill.css";
import { gridTemplate, legendTemplate, shownSample } from "./grid.ts";
import { judge } from "./judging.ts";
import { marksOf, type Outcome, verdictTemplate } from "./outcome.ts";
import { answered, forget, fresh, load, next, type Progress, save, totals } from "./progress.ts";
import { type Form, type Question, question } from "./questions.ts";
import { KIND_NAMES, KINDS, LEVELS } from "./wording.ts";

const HINTS: Readonly<Record<Form, string>> = {
  shape: "A shape, such as `(3, 7, 10)` or `3 7 10`",
  expression: "An expression over `output` and `hn`, indexed as in `x[0, 1]`",
  "yes or no": "`yes` or `no`",
  steps: "Steps, such as `0, 1, 2` or `0-2`, or `all`",
};

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
    isStored: { state: true },
    available: { state: true },
    announcement: { state: true },
  };

  declare theme: "light" | "dark" | null;
  declare private progress: Progress;
  declare private outcome: Outcome | null;
  declare private unread: string | null;
  /** Whether the browser keeps the progress. */
  declare private isStored: boolean;
  declare private available: number;
  /** What a screen reader is told beside the verdict. */
  declare private announcement: string;

  #question: Question | null = null;
  #stop: (() => void)[] = [];

  constructor() {
    super();
    this.theme = null;
    this.progress = load();
    this.outcome = this.unread = null;
    this.isStored = true;
    this.available = 640;
    this.announcement = "";
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
    this.isStored = save(progress);
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
        <p class="ask" id="ask">${withCode(question.ask)}</p>
        <div class="reply">
          <label><span class="prompt" aria-hidden="true">&gt;&gt;&gt;</span>
            <input type="text" aria-labelledby="ask" aria-describedby="code hint" spellcheck="false" autocomplete="off" autocapitalize="off" autocorrect="off"
              maxlength="200" enterkeyhint=${outcome ? "next" : "done"} ?readonly=${outcome !== null} /></label>
          <div class="buttons">
            <button type="submit" class="main">${outcome ? "Next" : "Check"}</button>
            ${outcome ? nothing : html`<button type="button" @click=${this.#onShow}>Show me</button>`}
          </div>
        </div>
        ${outcome ? nothing : html`<p class="hint" id="hint">${withCode(HINTS[question.form])}</p>`}
        <div role="status" class="verdict">${outcome ? verdictTemplate(question, outcome) : this.unread ? html`<p class="message">${withCode(this.unread)}</p>` : html`<p class="hidden">${this.announcement}</p>`}</div>
        ${outcome ? this.#reason(question, outcome) : nothing}
      </form>
      ${this.#foot()}
    </div>`;
  }

  #reason(question: Question, outcome: Outcome): TemplateResult {
    const marks = marksOf(question, outcome);
    const N = question.setting.N;
    return html`<figure>${gridTemplate(question, marks, this.available)}
      <figcaption>${legendTemplate(question, marks)}${N !== null && N > 1 ? html`<p class="hidden">Sample ${shownSample(question, marks)} of ${N} samples.</p>` : nothing}</figcaption>
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
      <span>${this.isStored ? "Kept in this browser alone." : "This browser keeps nothing: your progress ends with this page."}</span>
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

  /** Enter held down would judge the answer and go on to the next question at once. */
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
      this.announcement = `${code.join("; ")}. ${ask.replaceAll("`", "")}`;
      this.#field.focus();
      this.renderRoot.querySelector("form")?.scrollIntoView({ block: "nearest" });
    });
  }

  #onForget = (): void => {
    forget();
    this.outcome = this.unread = null;
    this.progress = next(fresh(), null);
    this.#field.value = "";
    this.announcement = "Your progress is forgotten.";
  };
}

function capitalised(text: string): string {
  return text[0]!.toUpperCase() + text.slice(1);
}
