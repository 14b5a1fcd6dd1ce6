// The box above a page of many entries: those that do not hold what is typed are hidden, and so is a group without entries.
import { terms } from "./terms.ts";

/** Let the field filter the entries: sections inside the page's groups. `status` says how many are shown. */
export function filterEntries(field: HTMLInputElement, article: HTMLElement, status: HTMLElement): void {
  const groups = [...article.querySelectorAll<HTMLElement>(":scope > section")].map((group) => ({
    group,
    entries: [...group.querySelectorAll<HTMLElement>(":scope > section")].map((entry) => ({
      entry,
      held: [...new Set(terms(entry.textContent))],
    })),
  }));
  const count = groups.reduce((total, { entries }) => total + entries.length, 0);
  const filter = (): void => {
    const asked = terms(field.value);
    let shown = 0;
    for (const { group, entries } of groups) {
      for (const { entry, held } of entries) {
        entry.hidden = !asked.every((term) => held.some((one) => one.startsWith(term)));
        shown += Number(!entry.hidden);
      }
      group.hidden = entries.every(({ entry }) => entry.hidden);
    }
    status.textContent =
      asked.length === 0
        ? ""
        : shown === 0
          ? "No question here holds all of these words. The search in the menu reads the whole site."
          : `${shown} of ${count}`;
  };
  field.addEventListener("input", filter);
  filter();
}
