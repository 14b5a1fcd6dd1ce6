// On a phone the two menus are dialogs over the page. A link inside the page leaves its dialog open: close it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("dialog[open] a[href]");
  if (link?.hash && link.pathname === location.pathname) link.closest("dialog").close();
});

document.addEventListener("DOMContentLoaded", () => {
  if (typeof Search === "undefined") return; // only the page of search results has it
  // Sphinx finds the pages that hold every word. Who pastes a message pastes its numbers too: where no page holds all of it, those
  // that hold the most of its words are found.
  const holdingAll = Search.performTermsSearch;
  Search.performTermsSearch = (terms, excluded) => {
    const found = holdingAll(terms, excluded);
    if (found.length > 0) return found;
    const pages = new Map();
    for (const term of terms) {
      for (const page of holdingAll(new Set([term]), excluded))
        pages.set(page[0], [...(pages.get(page[0]) ?? []), page]);
    }
    const most = Math.max(...[...pages.values()].map((words) => words.length));
    return [...pages.values()].filter((words) => words.length === most).map(([page]) => page);
  };
  Scorer.score = ([page, , , , score]) => score - page.includes("exercises/"); // the chapter before its exercises
  // A page's own text, without the buttons and the table of contents that stand above it.
  Search.htmlToText = (html, anchor) => {
    const article = new DOMParser().parseFromString(html, "text/html").querySelector(".bd-article");
    for (const part of article.querySelectorAll("h1, .headerlink, script, style, rnn-explorer")) part.remove();
    return ((anchor && article.querySelector(anchor)) || article).textContent;
  };
});
