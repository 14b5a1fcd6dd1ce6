// How a text becomes the terms that are looked up: the same for the pages and for what somebody types.
import { stemmer } from "stemmer";

/** Words that say nothing of what is asked. */
const STOP_WORDS = new Set(
  `a about after again all also am an and any anything are as at be because been before being but by can cannot could did do does doing don done
   during each even every for from get gets getting give gives given go goes got had has have having here how i if in instead into is it its just
   know let like made make makes many may me mean means might more most much must my need needs no not now of off on only or other our out own per
   please really right run running s same say says see seem seems shall should so some something such t take than that the their them then there
   these they thing things this those to too try trying two up us use used uses using very want wants was way we well were what when where whether
   which while who why will with without work works would wrong you your yours`.split(/\s+/),
);

const NAME = "[a-z_][a-z\\d_]*";
/** An indexed name such as `hn[-1]`, a name, or a number of dimensions such as `4D`. */
const TERM = new RegExp(`${NAME}\\[[^\\]\\n]{1,24}\\]|${NAME}|\\b\\d-?d\\b`, "gi");

/** A part of a text, and the terms that it is found under. */
export interface Span {
  from: number;
  to: number;
  terms: string[];
}

/**
 * The parts of a text that can be looked up, in order. `h_n` is `hn`, as the course's code writes it; `hn[-1]` is found under `hn`
 * too, and `pad_packed_sequence` under each of its words. Numbers are left out: who pastes a message pastes other numbers.
 */
export function spans(text: string): Span[] {
  return [...text.matchAll(TERM)].map((match) => ({
    from: match.index,
    to: match.index + match[0].length,
    terms: termsOf(match[0]),
  }));
}

/**
 * The terms of a text, in order.
 *
 * @example terms("Why is h_n[-1] padded?") // ["hn[-1]", "hn", "pad"]
 */
export function terms(text: string): string[] {
  return spans(text).flatMap((span) => span.terms);
}

/** A page's words are few and come often, and finding a stem takes most of the time that indexing takes. */
const known = new Map<string, string[]>();

function termsOf(written: string): string[] {
  let found = known.get(written);
  if (found === undefined) {
    const [name = "", index] = written.toLowerCase().replace("timestep", "time_step").split("[");
    const state = name.replace(/^([hc])_([n0])$/, "$1$2");
    const words = name.split("_").filter((word) => word.length > 1);
    found = [
      ...(index === undefined ? [] : [`${state}[${index.replaceAll(" ", "")}`]),
      state,
      ...(words.length > 1 ? words : []),
    ]
      .map(root)
      .filter((term) => term !== "");
    known.set(written, found);
  }
  return found;
}

/** What all forms of a word have in common; empty for a word that says nothing. */
function root(term: string): string {
  if (STOP_WORDS.has(term)) return "";
  return /^[a-z]{4,}$/.test(term) ? stemmer(term) : term.replace(/^(\d)-d$/, "$1d");
}
