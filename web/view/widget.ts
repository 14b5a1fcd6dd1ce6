import type { RnnExplorer } from "./explorer.ts";
import { NAMES, type Settings } from "./settings.ts";

/** What anywidget hands to `render`: the traits, two-way. */
interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  on(event: string, callback: () => void): void;
  off(event: string, callback: () => void): void;
  save_changes(): void;
}

/** In Python the method `module()` gives a torch module, so the trait that names it is `kind`. */
const traitOf = (name: keyof Settings): string => (name === "module" ? "kind" : name);

/** The explorer in a notebook: what a person changes goes to the traits, and what Python changes goes to the picture. */
export function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const explorer = document.createElement("rnn-explorer") as RnnExplorer;
  const show = (): void => {
    explorer.settings = Object.fromEntries(NAMES.map((name) => [name, model.get(traitOf(name))]));
  };
  explorer.addEventListener("settings-change", (event) => {
    for (const [name, value] of Object.entries((event as CustomEvent<Partial<Settings>>).detail))
      model.set(traitOf(name as keyof Settings), value);
    model.save_changes();
  });
  const events = NAMES.map((name) => `change:${traitOf(name)}`);
  for (const event of events) model.on(event, show);
  show();
  el.append(explorer);
  return () => {
    for (const event of events) model.off(event, show);
  };
}
