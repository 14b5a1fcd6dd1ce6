import { groups, kinds, sentences, stacks } from "../../unrolled/drill/questions.json";

/**
 * Each kind of question, and what it asks about. These, the sentences and the choices that settings are drawn from are in
 * `questions.json`, which Python's question maker reads as well; `unrolled/drill/wording.py` says why the rest is code twice.
 */
export const KINDS = kinds;

export type Kind = keyof typeof kinds;

export const KIND_NAMES = Object.keys(kinds) as readonly Kind[];

export const LEVELS = stacks.length;

/** Whether this kind belongs to the group. */
export function isIn(group: keyof typeof groups, kind: Kind): boolean {
  return groups[group].includes(kind);
}

/** The sentence of this name, or the part of one, with its gaps filled: `sentence("weight_ih_of_x", { input_size: 10 })`. */
export function sentence(name: keyof typeof sentences, values: Readonly<Record<string, string | number>> = {}): string {
  return sentences[name].replace(/\{(\w+)\}/g, (_, gap: string) => {
    const value = values[gap];
    if (value === undefined) throw new Error(`The sentence ${name} needs ${gap}.`);
    return String(value);
  });
}
