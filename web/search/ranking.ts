// Which sections a query finds, and in what order.
import MiniSearch, { type SearchOptions, type SearchResult } from "minisearch";
import { terms } from "./terms.ts";

/** A page as `book/_extensions/search_sections.py` writes it. */
export interface Page {
  url: string;
  title: string;
  kind: string;
  sections: Section[];
}

/** A section of a page. `aliases`: what people call it; `text`: its prose; `code`: its code and what that printed. */
export interface Section {
  anchor: string;
  heading: string;
  aliases: string[];
  text: string;
  code: string;
}

/** A section as a place to go to. */
export interface Place extends Section {
  id: number;
  title: string;
  kind: string;
  address: string;
  /** The terms of its heading and of each alias. */
  names: Set<string>[];
}

/** How much each term of a query tells. */
type Weights = ReadonlyMap<string, number>;

const BOOST = { heading: 5, aliases: 3, title: 1.5, text: 1, code: 0.5 };
/** Where two places hold the same words, the one that explains comes before the one that asks. */
const KIND_WEIGHT: Record<string, number> = { Exercise: 0.55, Teaching: 0.6, Drill: 0.6, References: 0.5 };

/** So many places are read again, for the order of their words. */
const RANKED_AGAIN = 60;

/** An index of all sections of these pages. */
export class SiteIndex {
  private readonly places: readonly Place[];
  private readonly index: MiniSearch<Place>;

  constructor(pages: readonly Page[]) {
    this.places = pages
      .flatMap(({ sections, ...page }) => sections.map((section) => ({ page, section })))
      .map(({ page, section }, id) => ({
        ...section,
        id,
        title: page.title,
        kind: page.kind,
        address: section.anchor === "" ? page.url : `${page.url}#${section.anchor}`,
        names: [section.heading, ...section.aliases].map((name) => new Set(terms(name))),
      }));
    this.index = new MiniSearch<Place>({
      fields: Object.keys(BOOST),
      extractField: (place, field) =>
        field === "aliases" ? place.aliases.join(" ") : String(place[field as keyof Place]),
      tokenize: terms,
      processTerm: (term) => term,
    });
    this.index.addAll(this.places);
  }

  /** The places that hold words of the query, the best first. `typing`: the last word may be the beginning of one. */
  find(query: string, { typing = false, most = 30 } = {}): Place[] {
    const asked = [...new Set(terms(query))];
    const last = typing ? asked.at(-1) : undefined;
    const options: SearchOptions = {
      boost: BOOST,
      prefix: (term) => term.length > (term === last ? 1 : 5),
      fuzzy: (term) => (term.length > 5 ? 0.2 : false),
      weights: { fuzzy: 0.2, prefix: 0.5 },
      boostDocument: (id) => KIND_WEIGHT[this.place(id).kind] ?? 1,
    };
    const weights = new Map(asked.map((term) => [term, this.rarity(term, options)]));
    const pairs = neighbours(terms(query));
    return this.index
      .search(query, options)
      .map((result) => ({ place: this.place(result.id), score: result.score * coverage(result, weights) }))
      .sort(byScore)
      .slice(0, RANKED_AGAIN)
      .map(({ place, score }) => ({
        place,
        score: score * (1 + 1.5 * likeness(place, weights)) * (1 + inOrder(place, pairs)),
      }))
      .sort(byScore)
      .slice(0, most)
      .map(({ place }) => place);
  }

  /** How much a term tells: one that many places hold tells little, one that none holds nothing. */
  private rarity(term: string, options: SearchOptions): number {
    const holders = this.index.search(term, { ...options, tokenize: (same) => [same] }).length;
    return holders === 0 ? 0 : Math.log(1 + this.places.length / holders);
  }

  private place(id: unknown): Place {
    const place = this.places[id as number];
    if (place === undefined) throw new RangeError(`there is no place ${String(id)}`);
    return place;
  }
}

const sum = (terms: Iterable<string>, weights: Weights): number =>
  [...terms].reduce((total, term) => total + (weights.get(term) ?? 0), 0);

/** How much of the query a place holds, which weighs more than how often it holds it. */
function coverage(result: SearchResult, weights: Weights): number {
  return (sum(new Set(result.queryTerms), weights) / sum(weights.keys(), weights)) ** 1.5;
}

const byScore = (one: { place: Place; score: number }, other: { place: Place; score: number }): number =>
  other.score - one.score || one.place.id - other.place.id;

const neighbours = (sequence: readonly string[]): Set<string> =>
  new Set(sequence.slice(1).map((term, before) => `${sequence[before]} ${term}`));

/** The share of the query's neighbouring terms that are neighbours here too: a message that is pasted is found where it is printed. */
function inOrder({ heading, text, code }: Place, pairs: ReadonlySet<string>): number {
  const held = neighbours(terms(`${heading}\n${text}\n${code}`));
  return [...pairs].filter((pair) => held.has(pair)).length / (pairs.size || 1);
}

/** How alike the query and the place's heading, or one of its aliases, are: from 0, no term in common, to 1, the same terms. */
function likeness(place: Place, weights: Weights): number {
  const whole = sum(weights.keys(), weights);
  return Math.max(
    ...place.names.map((name) => {
      const common = sum(name, weights);
      return (2 * common) / (whole + Math.max(common, (name.size * whole) / weights.size));
    }),
  );
}
