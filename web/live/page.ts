// The page that runs: its cells, its Python, and the line at its foot.
import { Bar } from "./bar.ts";
import { Cell } from "./cells.ts";
import type { StoredOutput } from "./outputs.ts";
import { Python } from "./python.ts";

const READY = "Python runs in this page.";
const STOPPED = "Stopped. All names are gone: the next run starts Python anew.";
const RESTARTED = "Restarted. All names are gone.";

export class LivePage {
  readonly python: Python;
  readonly bar: Bar;
  cells: readonly Cell[] = [];

  constructor() {
    this.bar = new Bar({
      runAll: () => void this.runAll(this.cells),
      restart: () => this.#startAnew(RESTARTED),
      stop: () => this.#startAnew(STOPPED),
    });
    this.python = new Python(
      (loaded, total) => this.bar.loading(loaded, total),
      (busy) => this.bar.busy(busy),
    );
  }

  /** Load Python, and say so. Returns whether it is there. */
  async load(): Promise<boolean> {
    this.bar.show();
    try {
      this.bar.busy(true);
      await this.python.load();
      this.bar.say(READY);
      return true;
    } catch (error) {
      this.bar.say((error as Error).message);
      return false;
    } finally {
      this.bar.busy(false);
    }
  }

  /** Make an editor of each code cell, and keep what the reader looks at where it is. */
  makeEditors(): void {
    if (this.cells.length > 0) return;
    const elements = [...document.querySelectorAll<HTMLElement>('div.cell[id^="cell-"]')].filter((cell) =>
      cell.querySelector(".cell_input pre"),
    );
    const anchor = elements.find((element) => element.getBoundingClientRect().bottom > 0);
    const before = anchor?.getBoundingClientRect().top ?? 0;
    this.cells = elements.map((element, index) => new Cell(element, index + 1));
    for (const cell of this.cells) cell.editor.field.addEventListener("keydown", (event) => this.#key(event, cell));
    if (anchor) window.scrollBy({ top: anchor.getBoundingClientRect().top - before, behavior: "instant" });
  }

  /** Give each cell the commands of a chapter. */
  addCommands(): void {
    for (const cell of this.cells) {
      cell.addButton("Run", () => void this.run(cell));
      if (cell !== this.cells[0]) cell.addButton("Run all above", () => void this.runAll(this.above(cell)));
    }
  }

  /** Let the cells know what the notebook has stored for them. */
  async readNotebook(): Promise<void> {
    const link = document.querySelector<HTMLAnchorElement>("a.page-action[download]");
    if (!link) return;
    const notebook = (await (await fetch(link.href)).json()) as { cells: { id: string; outputs?: StoredOutput[] }[] };
    const outputs = new Map(notebook.cells.map((cell) => [cell.id, cell.outputs]));
    for (const cell of this.cells) {
      const stored = outputs.get(cell.id);
      if (stored !== undefined) cell.setStored(stored);
    }
  }

  above(cell: Cell): readonly Cell[] {
    return this.cells.slice(0, this.cells.indexOf(cell));
  }

  /** Run one cell. Returns whether it ran without an error. */
  async run(cell: Cell): Promise<boolean> {
    this.bar.show();
    try {
      const { error } = await cell.run(this.python);
      this.bar.say(READY);
      return error === null;
    } catch (error) {
      cell.say("");
      this.bar.say((error as Error).message === "Stopped." ? STOPPED : (error as Error).message);
      return false;
    }
  }

  /** Run cells in their order, up to the first that raises. */
  async runAll(cells: readonly Cell[]): Promise<boolean> {
    for (const cell of cells) if (!(await this.run(cell))) return false;
    return true;
  }

  #startAnew(said: string): void {
    this.python.stop();
    for (const cell of this.cells) cell.forget();
    this.bar.say(said);
  }

  /** What Shift+Enter does in a cell; an exercise has its own. */
  onEnter: (cell: Cell) => void = (cell) => void this.run(cell);

  #key(event: KeyboardEvent, cell: Cell): void {
    if (event.key !== "Enter" || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    this.onEnter(cell);
    if (event.shiftKey) this.cells[this.cells.indexOf(cell) + 1]?.editor.field.focus();
  }
}
