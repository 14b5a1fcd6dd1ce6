import { render, type TemplateResult } from "lit/html.js";

/**
 * A custom element that renders a lit-html template: what the explorer uses of Lit's `LitElement`, at a tenth of its weight, which the
 * bundle's budget has no room for. As there, a change renders once in the microtask after it, and only while the element is in a page.
 */
export abstract class ViewElement extends HTMLElement {
  readonly renderRoot = this.attachShadow({ mode: "open" });
  #pending: Promise<boolean> = Promise.resolve(true);
  #isPending = false;
  #changed = new Map<string, unknown>();

  /** Done once what has changed is rendered. */
  get updateComplete(): Promise<boolean> {
    return this.#pending;
  }

  connectedCallback(): void {
    const sheet = sheets.get(this.constructor);
    if (sheet) this.renderRoot.adoptedStyleSheets = [sheet];
    this.requestUpdate();
  }

  requestUpdate(name?: string, before?: unknown): void {
    if (name !== undefined && !this.#changed.has(name)) this.#changed.set(name, before);
    if (this.#isPending || !this.isConnected) return;
    this.#isPending = true;
    this.#pending = this.#update();
  }

  async #update(): Promise<boolean> {
    await null;
    const changed = this.#changed;
    this.willUpdate(changed);
    this.#changed = new Map();
    this.#isPending = false;
    render(this.render(), this.renderRoot, { host: this });
    this.updated();
    return true;
  }

  /** Before a rendering: what has changed, with what it was before. */
  protected abstract willUpdate(changed: ReadonlyMap<string, unknown>): void;
  protected abstract render(): TemplateResult;
  protected abstract updated(): void;
}

const sheets = new WeakMap<object, CSSStyleSheet>();

/** Gives a class its styles, and makes each of `states` a property that renders when it changes. */
export function setUp(element: new () => ViewElement, styles: string, states: readonly string[]): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  sheets.set(element, sheet);
  for (const name of states) {
    const values = new WeakMap<ViewElement, unknown>();
    Object.defineProperty(element.prototype, name, {
      get(this: ViewElement) {
        return values.get(this);
      },
      set(this: ViewElement, value: unknown) {
        const before = values.get(this);
        values.set(this, value);
        if (before !== value) this.requestUpdate(name, before);
      },
    });
  }
}
