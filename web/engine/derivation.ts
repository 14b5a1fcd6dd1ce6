import { relu, sigmoid } from "./cells.ts";
import type { Nested } from "./dense.ts";
import type { Module } from "./module.ts";
import { suffix } from "./parameters.ts";

/** A number that is multiplied, and where it is found. */
export type Factor = {
  readonly value: number;
  /** What is done with the value before it is multiplied. */
  readonly through?: "tanh" | "1 −";
} & (
  | { readonly of: "parameter"; readonly name: string; readonly indices: readonly number[] }
  /** Element k of the layer's input at this step, of the states before it, or of the cell state after it. */
  | { readonly of: "input" | "h before" | "c before" | "c"; readonly k: number }
  | { readonly of: "equation"; readonly name: string }
);

/** A product, or a single number. */
export interface Term {
  readonly factors: readonly Factor[];
  readonly value: number;
}

/** `name = activation(the sum of the terms)`. */
export interface Equation {
  /** Such as `f[2]`: the letter has PyTorch's meaning. */
  readonly name: string;
  readonly terms: readonly Term[];
  readonly sum: number;
  readonly activation: "tanh" | "relu" | "sigmoid" | null;
  readonly result: number;
}

/** What one step of one layer in one direction reads: its input (D * H_out of the layer below, or H_in) and the states before it. */
export interface Read {
  readonly input: readonly number[];
  readonly h: readonly number[];
  /** An LSTM's cell state before the step, and the one after it. */
  readonly c?: readonly number[] | undefined;
  readonly cNext?: readonly number[] | undefined;
}

/** Which number is asked about: element k of h or c, in a layer and a direction. */
export interface Asked {
  readonly layer: number;
  readonly direction: number;
  readonly state: "h" | "c";
  readonly k: number;
}

const FUNCTIONS = { tanh: Math.tanh, relu, sigmoid, "1 −": (value: number) => 1 - value } as const;

export function applied(name: keyof typeof FUNCTIONS | null | undefined, value: number): number {
  return name ? FUNCTIONS[name](value) : value;
}

/**
 * How one number of a state was computed: the equation that gives it comes first, then those of the gates that it uses. Sums run in
 * double precision, as in `cells.ts`.
 */
export function derivation(
  module: Module,
  parameters: Readonly<Record<string, Nested>>,
  { layer, direction, state, k }: Asked,
  read: Read,
): Equation[] {
  const end = suffix(layer, direction);
  const H = module.hidden_size;

  function parameter(name: string, ...indices: number[]): Factor {
    const value = indices.reduce((part, index) => (part as Nested[])[index]!, parameters[`${name}_${end}`]!) as number;
    return { of: "parameter", name: `${name}_${end}`, indices, value };
  }
  /** One row of `weight_ih @ input + bias_ih`, or of the same with hh and h. */
  function row(side: "ih" | "hh", at: number): Term[] {
    const [of, vector] = side === "ih" ? (["input", read.input] as const) : (["h before", read.h] as const);
    const products = vector.map((value, j) => term(parameter(`weight_${side}`, at, j), { of, k: j, value }));
    return module.bias ? [...products, term(parameter(`bias_${side}`, at))] : products;
  }
  function gate(letter: string, place: number, of: number, activation: Equation["activation"] = "sigmoid"): Equation {
    return equation(`${letter}[${of}]`, [...row("ih", place * H + of), ...row("hh", place * H + of)], activation);
  }

  if (module.name === "RNN") return [gate("h", 0, k, module.nonlinearity)];
  if (module.name === "GRU") {
    const [r, z] = [gate("r", 0, k), gate("z", 1, k)];
    const past = equation(`W_hn·h[${k}]`, row("hh", 2 * H + k), null);
    const n = equation(`n[${k}]`, [...row("ih", 2 * H + k), term(resultOf(r), resultOf(past))], "tanh");
    const before: Factor = { of: "h before", k, value: read.h[k]! };
    const kept = term(resultOf(z), before);
    return [equation(`h[${k}]`, [term({ ...resultOf(z), through: "1 −" }, resultOf(n)), kept], null), z, n, r, past];
  }
  if (state === "c") {
    const [i, f, g] = [gate("i", 0, k), gate("f", 1, k), gate("g", 2, k, "tanh")];
    const kept = term(resultOf(f), { of: "c before", k, value: read.c![k]! });
    return [equation(`c[${k}]`, [kept, term(resultOf(i), resultOf(g))], null), f, i, g];
  }
  const shown = (of: number, o: Equation): Factor[] => [
    resultOf(o),
    { of: "c", k: of, value: read.cNext![of]!, through: "tanh" },
  ];
  if (module.proj_size === 0) {
    const o = gate("o", 3, k);
    return [equation(`h[${k}]`, [term(...shown(k, o))], null), o];
  }
  const gates = read.cNext!.map((_, of) => gate("o", 3, of));
  const terms = gates.map((o, of) => term(parameter("weight_hr", k, of), ...shown(of, o)));
  return [equation(`h[${k}]`, terms, null), ...gates];
}

function term(...factors: Factor[]): Term {
  return { factors, value: factors.reduce((product, { through, value }) => product * applied(through, value), 1) };
}

function equation(name: string, terms: readonly Term[], activation: Equation["activation"]): Equation {
  const sum = terms.reduce((total, { value }) => total + value, 0);
  const result = applied(activation, sum);
  // What PyTorch stores is float32; gates are not stored.
  return { name, terms, sum, activation, result: /^[hc]/.test(name) ? Math.fround(result) : result };
}

function resultOf({ name, result }: Equation): Factor {
  return { of: "equation", name, value: result };
}

/** An equation's numbers as they are written. */
export interface Written {
  readonly terms: readonly { readonly factors: readonly string[]; readonly value: string }[];
  readonly sum: string;
  readonly result: string;
}

const DECIMALS = 4;
const MOST_DECIMALS = 12;

/**
 * Each number with as many decimals as it takes for everything to add up as it is written: the factors give the written product, the
 * products the written sum, and the sum the written result, which has four.
 */
export function written({ terms, sum, activation, result }: Equation): Written {
  const last = result.toFixed(DECIMALS);
  const total = fewest(DECIMALS, (decimals) => agrees(applied(activation, Number(sum.toFixed(decimals))), last));
  const whole = sum.toFixed(total);
  const inTerms = fewest(total, (decimals) => agrees(added(terms.map(({ value }) => value.toFixed(decimals))), whole));
  const products = terms.map(({ value }) => value.toFixed(inTerms));
  const inFactors = fewest(DECIMALS, (decimals) =>
    terms.every(({ factors }, at) => {
      if (factors.length === 1) return true;
      const parts = factors.map(({ through, value }) => applied(through, Number(value.toFixed(decimals))));
      return agrees(
        parts.reduce((a, b) => a * b),
        products[at]!,
      );
    }),
  );
  const digits = (decimals: number) => (factors: readonly Factor[]) =>
    factors.map(({ value }) => value.toFixed(decimals));
  return {
    terms: terms.map(({ factors }, at) => ({
      factors: digits(factors.length === 1 ? inTerms : inFactors)(factors),
      value: products[at]!,
    })),
    sum: whole,
    result: last,
  };
}

function fewest(from: number, fits: (decimals: number) => boolean): number {
  for (let decimals = from; decimals < MOST_DECIMALS; decimals++) if (fits(decimals)) return decimals;
  return MOST_DECIMALS;
}

/** Whether the value rounds to `text`, and not by a hair's breadth: halfway between two it is in doubt. */
function agrees(value: number, text: string): boolean {
  const decimals = text.length - text.indexOf(".") - 1;
  return Math.abs(value - Number(text)) < 0.499 * 10 ** -decimals || value === Number(text);
}

/** The sum of decimal numbers, exact where they have few digits. */
function added(texts: readonly string[]): number {
  const decimals = texts[0]!.length - texts[0]!.indexOf(".") - 1;
  return texts.reduce((total, text) => total + Math.round(Number(text) * 10 ** decimals), 0) / 10 ** decimals;
}
