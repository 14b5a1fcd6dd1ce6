import { html, nothing, type TemplateResult } from "lit/html.js";
import {
  type Asked,
  derivation,
  type Equation,
  type Factor,
  type Read,
  type Term,
  type Written,
  written,
} from "../engine/index.ts";
import type { Picture } from "./picture.ts";
import { isBackward, keyOf, layerOf, numbersOf, type Place, previous } from "./places.ts";
import type { Pointing } from "./pointing.ts";
import { slicesOf } from "./slices.ts";

/** A number of a state whose arithmetic is shown. */
export interface Opened {
  readonly place: Extract<Place, { tensor: "h" | "c" }>;
  readonly k: number;
}

export interface ArithmeticActions {
  /** Which equations after the first are open, by their place in the list. */
  readonly unfolded: ReadonlySet<number>;
  readonly fold: (at: number, open: boolean) => void;
  /** Lights the box that a term came from; null lights none. */
  readonly aim: (at: Pointing | null) => void;
  /** Opens the arithmetic of the number that a term came from. */
  readonly go: (at: Pointing) => void;
}

const TITLES: Readonly<Record<string, string>> = {
  i: "input gate",
  f: "forget gate",
  g: "cell candidate",
  o: "output gate",
  r: "reset gate",
  z: "update gate",
  n: "candidate",
};

/** Where a factor is drawn, and what it is called. */
interface Origin extends Pointing {
  readonly k: number;
  readonly name: string;
  /** The name of the whole vector. */
  readonly vector: string;
}

/** The sum that made a number: the equation that gives it, and those of its gates, folded. `lit`: what is pointed at in the picture. */
export function arithmeticTemplate(
  picture: Picture,
  { place, k }: Opened,
  sample: number,
  lit: Pointing | null,
  actions: ArithmeticActions,
): TemplateResult {
  const [layer, direction] = [layerOf(place.row, picture), isBackward(place.row, picture) ? 1 : 0];
  const asked: Asked = { layer, direction, state: place.tensor, k };
  const { read, originOf } = whatIsRead(place, picture, sample);
  const equations = derivation(picture.module, picture.result.parameters, asked, read);
  const draw = new Drawing(equations, originOf, lit, actions);
  return html`<section class="arithmetic" aria-label="The arithmetic of one number" @keydown=${nextTerm}
    @pointerover=${aimed} @focusin=${aimed} @pointerleave=${() => actions.aim(null)} @focusout=${() => actions.aim(null)}>
    ${equations.map((each, at) => draw.equation(each, at))}
  </section>`;

  function aimed(event: Event): void {
    const term = (event.target as Element).closest<HTMLElement>("[data-key]");
    actions.aim(term && { key: term.dataset.key!, k: Number(term.dataset.k) });
  }
}

/** The up and down keys go from term to term. */
function nextTerm(event: KeyboardEvent): void {
  const way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!way) return;
  const all = [...(event.currentTarget as Element).querySelectorAll<HTMLElement>("button, summary")];
  event.preventDefault();
  all[all.indexOf(event.target as HTMLElement) + way]?.focus();
}

class Drawing {
  constructor(
    readonly equations: readonly Equation[],
    readonly originOf: (factor: Factor) => Origin | null,
    readonly lit: Pointing | null,
    readonly actions: ArithmeticActions,
  ) {}

  equation(each: Equation, at: number): TemplateResult {
    const digits = written(each);
    const letter = each.name.replace(/\[.*/, "");
    const [sum, result] = [digits.sum, digits.result].map(minus);
    const value = html`${each.activation ? html`${each.activation}(${sum}) = ` : nothing}<b>${result}</b>`;
    if (at === 0) {
      return html`<div class="equation"><p><b>${each.name}</b>${this.#whole(each)}</p>
        ${each.activation ? this.#table(each, digits) : this.#chips(each, digits)}
        <p class="total">= ${value}</p></div>`;
    }
    const isOpen = this.actions.unfolded.has(at);
    const isLit = each.terms.some(({ factors }) => factors.some((factor) => this.#isLit(factor)));
    return html`<details class="equation" .open=${isOpen} @toggle=${(event: Event) => this.actions.fold(at, (event.target as HTMLDetailsElement).open)}>
      <summary class=${isLit ? "lit" : ""}><b>${each.name}</b> = ${value} <span class="quiet">${TITLES[letter]}</span></summary>
      ${isOpen ? html`${this.#table(each, digits)}<p class="total">sum <b>${sum}</b>${each.activation ? html`, and ${value}` : nothing}</p>` : nothing}
    </details>`;
  }

  /** The equation in letters. */
  #whole({ terms, activation }: Equation): string {
    if (activation) return ` = ${activation} of the sum of`;
    const word = (factor: Factor): string => {
      const name = factor.of === "equation" ? factor.name : (this.originOf(factor)?.name ?? "");
      return factor.through === "tanh" ? `tanh(${name})` : factor.through ? `(1 − ${name})` : name;
    };
    return terms.length > 2
      ? " = the sum of"
      : ` = ${terms.map(({ factors }) => factors.map(word).join(" × ")).join(" + ")}`;
  }

  /** A few products, each factor with its name over its number. */
  #chips({ terms }: Equation, digits: Written): TemplateResult {
    return html`<div class="chips">${terms.map((term, at) => {
      const { factors, value } = digits.terms[at]!;
      return html`${at > 0 ? html`<span>+</span>` : nothing}<span class="product">${term.factors.map((factor, which) => html`${which > 0 ? "×" : ""}${this.#chip(factor, factors[which]!)}`)}${terms.length > 1 ? html`<span class="quiet">= ${minus(value)}</span>` : nothing}</span>`;
    })}</div>`;
  }

  #chip(factor: Factor, text: string): TemplateResult {
    const number = minus(text);
    const amount = factor.through === "tanh" ? `tanh(${number})` : factor.through ? `(1 − ${number})` : number;
    if (factor.of === "parameter") {
      return html`<span class="chip"><small>${nameOf(factor)}</small>${amount}</span>`;
    }
    if (factor.of === "equation") {
      const at = this.equations.findIndex(({ name }) => name === factor.name);
      return html`<button type="button" class="chip" @click=${(event: Event) => this.#unfold(event, at)}><small>${factor.name} ▾</small>${amount}</button>`;
    }
    const origin = this.originOf(factor)!;
    return html`<button type="button" class="chip term ${this.#isLit(factor) ? "lit" : ""}" data-key=${origin.key} data-k=${origin.k} @click=${(event: PointerEvent) => this.#go(event, origin)}><small>${origin.name}</small>${amount}</button>`;
  }

  /** Many products: a row of a matrix times a vector, number by number. */
  #table(each: Equation, digits: Written): TemplateResult {
    return html`<div class="groups">${this.#groups(each).map((group) => {
      return html`<div class="group"><p class="quiet">${group.title}</p>${group.terms.map((at) => this.#row(each.terms[at]!, digits.terms[at]!))}</div>`;
    })}</div>`;
  }

  #row({ factors }: Term, digits: Written["terms"][number]): TemplateResult {
    const value = minus(digits.value);
    const [, second] = factors;
    if (!second) return html`<span class="row-of-sum"><span>${value}</span></span>`;
    const product = html`<span>${minus(digits.factors[0]!)} × ${minus(digits.factors[1]!)}</span><span>= ${value}</span>`;
    const origin = this.originOf(second);
    if (!origin) return html`<span class="row-of-sum">${product}</span>`;
    return html`<button type="button" class="row-of-sum term ${this.#isLit(second) ? "lit" : ""}" data-key=${origin.key} data-k=${origin.k} @click=${(event: PointerEvent) => this.#go(event, origin)}>${product}</button>`;
  }

  #groups({ terms }: Equation): { title: string; terms: number[] }[] {
    const groups: { title: string; terms: number[] }[] = [];
    terms.forEach(({ factors }, at) => {
      const [first, second] = factors;
      const origin = second && this.originOf(second);
      const title = !second
        ? nameOf(first!)
        : origin && first!.of === "parameter"
          ? `${first!.name}[${first!.indices[0]}${this.#half(origin, first!.indices[1]!)}] @ ${origin.vector}`
          : `${factors.map((factor) => (factor.of === "equation" ? factor.name : "")).join(" × ")}`;
      if (groups.at(-1)?.title === title) groups.at(-1)!.terms.push(at);
      else groups.push({ title, terms: [at] });
    });
    return groups;
  }

  /** Of the inputs of a layer above a bidirectional one, each direction is half. */
  #half({ k }: Origin, column: number): string {
    return column === k ? "" : `, ${column - k}:`;
  }

  #isLit(factor: Factor): boolean {
    const origin = this.lit && this.originOf(factor);
    return Boolean(origin && origin.key === this.lit!.key && (this.lit!.k === null || this.lit!.k === origin.k));
  }

  #unfold(event: Event, at: number): void {
    this.actions.fold(at, true);
    const section = (event.target as Element).closest("section")!;
    requestAnimationFrame(() => {
      const fold = section.querySelectorAll<HTMLElement>(".equation")[at];
      fold?.querySelector("summary")?.focus();
      fold?.scrollIntoView({ block: "nearest" });
    });
  }

  /** The first tap lights the box, so that it is seen where it leads. */
  #go(event: PointerEvent, origin: Origin): void {
    if (event.pointerType === "touch" && !(event.currentTarget as Element).matches(".tapped")) {
      for (const other of (event.currentTarget as Element).closest("section")!.querySelectorAll(".tapped"))
        other.classList.remove("tapped");
      (event.currentTarget as Element).classList.add("tapped");
      this.actions.aim(origin);
    } else this.actions.go(origin);
  }
}

function nameOf(factor: Factor): string {
  return factor.of === "parameter" ? `${factor.name}[${factor.indices.join(", ")}]` : "";
}

function minus(text: string): string {
  return text.replace("-", "−").replace("Infinity", "inf").replace("NaN", "nan");
}

/** The vectors that a state was computed from, and where each of their numbers is drawn. */
function whatIsRead(
  place: Opened["place"],
  picture: Picture,
  sample: number,
): { read: Read; originOf: (factor: Factor) => Origin | null } {
  const { module } = picture;
  const { row, step } = place;
  const layer = layerOf(row, picture);
  const inputs: Place[] =
    layer === 0
      ? [{ tensor: "x", step }]
      : Array.from({ length: module.D }, (_, way) => ({ tensor: "h", row: (layer - 1) * module.D + way, step }));
  const before = previous(row, step, picture, sample);
  const h: Place = before === null ? { tensor: "h0", row } : { tensor: "h", row, step: before };
  const c: Place = before === null ? { tensor: "c0", row } : { tensor: "c", row, step: before };
  const cNext: Place = { tensor: "c", row, step };
  const numbers = (place: Place): readonly number[] => numbersOf(place, picture, sample);
  const isLSTM = module.name === "LSTM";
  const read: Read = {
    input: inputs.flatMap(numbers),
    h: numbers(h),
    ...(isLSTM ? { c: numbers(c), cNext: numbers(cNext) } : {}),
  };
  const at = (place: Place, k: number): Origin => {
    const name = (k: number | null): string => {
      const [slice] = slicesOf(place, picture, sample, k);
      if (slice) return slice;
      const { tensor, row, step } = place as Opened["place"];
      const way = module.D === 1 ? "" : isBackward(row, picture) ? ", backward" : ", forward";
      return `${tensor}${k === null ? "" : `[${k}]`} of layer ${layerOf(row, picture)}${way}, step ${step}`;
    };
    return { key: keyOf(place), k, name: name(k), vector: name(null) };
  };
  const originOf = (factor: Factor): Origin | null => {
    switch (factor.of) {
      case "input": {
        const width = layer === 0 ? module.input_size : module.H_out;
        return at(inputs[Math.floor(factor.k / width)]!, factor.k % width);
      }
      case "h before":
        return at(h, factor.k);
      case "c before":
        return at(c, factor.k);
      case "c":
        return at(cNext, factor.k);
      default:
        return null;
    }
  };
  return { read, originOf };
}
