// A code cell of the page, as an editor with its commands, and what its run gives beside what is stored.
import { Editor } from "./editor.ts";
import type { Output } from "./messages.ts";
import { drawn, fromNotebook, isStoredPicture, merged, type StoredOutput, same, textOf } from "./outputs.ts";
import type { Python, Result } from "./python.ts";
import { keepSource, keptSource } from "./storage.ts";

/** A run that takes longer shows what it prints while it runs. */
const SHOW_AFTER = 400;
const NO_PICTURE = "The picture is the stored one: matplotlib does not run in the page.";

export class Cell {
  /** The cell's id in the notebook. */
  readonly id: string;
  /** The source as the page has it. */
  readonly original: string;
  readonly editor: Editor;
  readonly row = document.createElement("div");
  readonly #status = document.createElement("span");
  readonly #reset: HTMLButtonElement;
  #stored: Output[] | undefined;
  #fresh: HTMLElement | undefined;
  /** The source of the last run, as long as its names are there. */
  ranSource: string | undefined;
  /** What the last run printed. */
  lastText = "";

  constructor(
    readonly element: HTMLElement,
    number: number,
  ) {
    this.id = element.id.replace(/^cell-/, "");
    const input = element.querySelector<HTMLElement>(".cell_input")!;
    this.original = input.querySelector("pre")!.textContent.replace(/\n$/, "");
    const kept = keptSource(this.id);
    this.editor = new Editor(input, `Code of cell ${number}`, kept ?? this.original, () => this.#changed());
    if (kept !== null) this.editor.source = kept;
    this.row.className = "live-row";
    this.#status.className = "live-status";
    this.#status.setAttribute("role", "status");
    this.#reset = this.addButton("Reset", () => this.reset());
    this.row.append(this.#status);
    this.#changed();
    input.append(this.row);
  }

  get source(): string {
    return this.editor.source;
  }

  set source(source: string) {
    this.editor.source = source;
    this.#changed();
  }

  get isChanged(): boolean {
    return this.source !== this.original;
  }

  /** A command of this cell. */
  addButton(text: string, press: () => void): HTMLButtonElement {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "live-button";
    button.textContent = text;
    button.addEventListener("click", press);
    this.row.insertBefore(button, this.#reset ?? null);
    return button;
  }

  /** The page's own source again. */
  reset(): void {
    this.source = this.original;
    this.editor.field.focus();
  }

  say(text: string, kind = ""): void {
    this.#status.textContent = text;
    this.#status.dataset.kind = kind;
  }

  /** What the notebook has stored for this cell. */
  setStored(outputs: readonly StoredOutput[]): void {
    this.#stored = fromNotebook(outputs);
  }

  /** Run the source as it is now, and show what it gives. */
  async run(python: Python): Promise<Result> {
    const source = this.source;
    const begun = performance.now();
    this.say("Running …");
    const outputs: Output[] = [];
    const result = await python.run(source, this.id, (output) => {
      outputs.push(output);
      if (performance.now() - begun > SHOW_AFTER)
        requestAnimationFrame(() => this.#fresh?.isConnected && this.#draw(outputs));
      if (!this.#fresh && performance.now() - begun > SHOW_AFTER) this.#draw(outputs);
    });
    this.ranSource = source;
    this.lastText = textOf(result.outputs);
    this.#show(result);
    return result;
  }

  /** The names of the last run are gone. */
  forget(): void {
    this.ranSource = undefined;
    this.say("");
  }

  #changed(): void {
    keepSource(this.id, this.isChanged ? this.source : null);
    this.#reset.hidden = !this.isChanged;
  }

  /** The fold that hides this cell's output until the reader asks. */
  get #fold(): HTMLDetailsElement | null {
    return document.querySelector(`details.prediction[data-cell="${CSS.escape(this.element.id)}"]`);
  }

  get #storedElement(): HTMLElement | null {
    return (this.#fold ?? this.element).querySelector(".cell_output:not(.live-output)");
  }

  /** What is stored, out of the notebook or as the page shows it. */
  get #storedOutputs(): Output[] {
    if (this.#stored !== undefined) return this.#stored;
    const shown = this.#storedElement?.querySelectorAll(".stream pre, .text_plain pre") ?? [];
    return [...shown].map((pre) =>
      pre.closest(".text_plain")
        ? { kind: "result", data: { "text/plain": pre.textContent.replace(/\n$/, "") } }
        : { kind: "stream", name: "stdout", text: pre.textContent },
    );
  }

  #show({ outputs, error }: Result): void {
    const stored = this.#storedOutputs;
    const fold = this.#fold;
    if (fold && outputs.length > 0) fold.open = true;
    if (isStoredPicture(outputs)) {
      this.#clear();
      this.say(NO_PICTURE);
    } else if (same(outputs, stored)) {
      this.#clear();
      this.say(stored.length > 0 ? "The same output as stored" : "Done", "same");
    } else {
      this.#draw(outputs);
      this.say(
        error === null ? (stored.length > 0 ? "Not the stored output" : "Done") : (error.split(":")[0] ?? ""),
        "other",
      );
    }
  }

  /** Leave the stored output alone. */
  #clear(): void {
    this.#fresh?.remove();
    this.#fresh = undefined;
    this.#storedElement?.classList.remove("live-stored");
  }

  #draw(outputs: readonly Output[]): void {
    this.#fresh ??= document.createElement("div");
    this.#fresh.className = "cell_output live-output docutils container";
    this.#fresh.replaceChildren(...merged(outputs).map(drawn));
    this.#fresh.hidden = outputs.length === 0;
    const stored = this.#storedElement;
    stored?.classList.add("live-stored");
    if (stored) stored.before(this.#fresh);
    else this.element.querySelector(".cell_input")!.after(this.#fresh);
  }
}
