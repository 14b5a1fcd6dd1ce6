// The site's search, as you type: in the dialog of every page, and on the page of results. Loaded when somebody searches.
import { excerpt, marked, type Piece } from "./excerpt.ts";
import { filterEntries } from "./filter.ts";
import { type Page, type Place, SiteIndex } from "./ranking.ts";
import { terms } from "./terms.ts";

/** The folder of the site's pages: the script is in `_static/` below it. */
const SITE = new URL("../", import.meta.url);
const HITS_IN_DIALOG = 7;

let index: Promise<SiteIndex> | undefined;

/** The index, fetched once. A later search tries again where the server did not answer. */
function loaded(): Promise<SiteIndex> {
  index ??= fetch(new URL("search.json", SITE))
    .then((response) => {
      if (!response.ok) throw new Error(`The server answered ${response.status}.`);
      return response.json() as Promise<Page[]>;
    })
    .then((pages) => new SiteIndex(pages))
    .catch((error: unknown) => {
      index = undefined;
      throw error;
    });
  return index;
}

/** Fill `list` with what the field's query finds, now and whenever it changes. */
export function attach(field: HTMLInputElement, list: HTMLElement, most?: number): void {
  let latest = "";
  const search = async (typing: boolean): Promise<void> => {
    const query = field.value.trim();
    latest = query;
    if (query === "") return list.replaceChildren();
    let shown: Node[];
    try {
      const site = await loaded();
      shown = results(query, site.find(query, { typing, ...(most === undefined ? {} : { most }) }));
    } catch (error) {
      const said = `The list of this site's sections did not arrive, so nothing was searched. ${(error as Error).message}`;
      shown = [element("p", { className: "search-summary" }, said)];
    }
    if (query === latest) list.replaceChildren(...shown);
  };
  field.addEventListener("input", () => void search(true));
  field.form?.addEventListener("keydown", (event) => move(event, field, list));
  list.addEventListener("keydown", (event) => move(event, field, list));
  void search(false);
}

/** From the field down into the hits and back, by the arrow keys. */
function move(event: KeyboardEvent, field: HTMLElement, list: HTMLElement): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step === undefined) return;
  const stops = [field, ...list.querySelectorAll<HTMLElement>("a")];
  const target = stops[stops.indexOf(event.target as HTMLElement) + step];
  if (target === undefined) return;
  event.preventDefault();
  target.focus();
}

function results(query: string, places: readonly Place[]): Node[] {
  if (places.length === 0) {
    return [
      element(
        "p",
        { className: "search-summary" },
        `Nothing here is about “${query}”. Fewer words, or a word of the message, may find it.`,
      ),
    ];
  }
  const asked = new Set(terms(query));
  return [element("ol", { className: "search" }, ...places.map((place) => hit(place, query, asked)))];
}

function hit(place: Place, query: string, asked: ReadonlySet<string>): Node {
  const where =
    place.heading === place.title || place.kind === place.title.replace(/s$/, "")
      ? place.kind
      : `${place.kind} · ${place.title}`;
  return element(
    "li",
    {},
    element("a", { href: new URL(place.address, SITE).href }, ...nodes(marked(place.heading, asked))),
    element("span", { className: "search-kind" }, where),
    element("p", { className: "context" }, ...nodes(excerpt(place, query))),
  );
}

const nodes = (pieces: readonly Piece[]): (Node | string)[] =>
  pieces.map((piece) => (piece.marked ? element("mark", {}, piece.text) : piece.text));

function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  properties: Partial<HTMLElementTagNameMap[K]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

/** On the page of results the query is in the address, and what is typed goes there too. */
function startOnPageOfResults(field: HTMLInputElement, list: HTMLElement): void {
  const asked = list.dataset.wordsOf === "address" ? wordsOf(location.pathname) : "";
  field.value = new URLSearchParams(location.search).get("q") ?? asked;
  field.addEventListener("input", () => history.replaceState(null, "", `?${new URLSearchParams({ q: field.value })}`));
  attach(field, list);
}

/** The words of a page's address, for a page that is not there: `chapters/last_step.html` has “last step”; its own address none. */
function wordsOf(path: string): string {
  const name = path.split("/").filter(Boolean).at(-1) ?? "";
  return decodeURIComponent(name.replace(/^404|\.html?$/g, "")).replace(/[^\p{L}\p{N}]+/gu, " ");
}

function startInDialog(field: HTMLInputElement): void {
  const list = element("div", { className: "search-hits" });
  list.setAttribute("aria-live", "polite");
  field.form?.after(list);
  attach(field, list, HITS_IN_DIALOG);
}

const filter = document.querySelector<HTMLInputElement>("#filter");
const status = document.querySelector<HTMLElement>("#filter-status");
const article = filter?.closest<HTMLElement>("article > section");
if (filter && status && article) filterEntries(filter, article, status);

const pageOfResults = document.querySelector<HTMLElement>("#search-results");
for (const field of document.querySelectorAll<HTMLInputElement>("form.bd-search input")) {
  if (pageOfResults !== null && !field.closest("dialog")) startOnPageOfResults(field, pageOfResults);
  else startInDialog(field);
}
