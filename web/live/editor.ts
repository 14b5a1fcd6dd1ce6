// A cell's source as an editor: the browser's own text field, without colour, over the same text in colour. So selecting, undoing, a
// phone's keyboard and a screen reader are the browser's; an editor out of a library would weigh fifty times as much.
import { highlighted } from "./highlight.ts";

const INDENT = "    ";
const HELP_ID = "live-editor-help";

export class Editor {
  readonly field = document.createElement("textarea");
  #coloured: HTMLElement;
  /** Escape was pressed: Tab leaves the field. */
  #leaves = false;

  /** In place of the source in `input`, a cell's `.cell_input`. */
  constructor(
    input: HTMLElement,
    label: string,
    source: string,
    readonly onChange: (source: string) => void,
  ) {
    this.#coloured = input.querySelector("pre")!;
    this.field.value = source;
    this.field.spellcheck = false;
    this.field.autocapitalize = "off";
    this.field.setAttribute("autocomplete", "off");
    this.field.setAttribute("autocorrect", "off");
    this.field.setAttribute("aria-label", label);
    this.field.setAttribute("aria-describedby", helpId());
    const scroller = document.createElement("div");
    scroller.className = "live-editor";
    this.#coloured.replaceWith(scroller);
    this.#coloured.setAttribute("aria-hidden", "true");
    scroller.append(this.#coloured, this.field);
    this.field.addEventListener("input", () => {
      this.#colour();
      this.onChange(this.field.value);
    });
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("focus", () => {
      this.#leaves = false;
    });
  }

  get source(): string {
    return this.field.value;
  }

  set source(source: string) {
    this.field.value = source;
    this.#colour();
  }

  #colour(): void {
    this.#coloured.replaceChildren(...highlighted(this.source));
  }

  #key(event: KeyboardEvent): void {
    const plain = !(event.shiftKey || event.ctrlKey || event.metaKey || event.altKey);
    if (event.key === "Escape") this.#leaves = true;
    else if (event.key === "Tab" && !this.#leaves && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      if (event.shiftKey || this.field.value.slice(this.field.selectionStart, this.field.selectionEnd).includes("\n"))
        this.#shiftLines(event.shiftKey);
      else this.#insert(INDENT);
    } else if (event.key === "Enter" && plain && !event.isComposing) {
      event.preventDefault();
      const line = this.field.value.slice(0, this.field.selectionStart).split("\n").at(-1)!;
      this.#insert(`\n${line.match(/^\s*/)![0]}${/:\s*(#.*)?$/.test(line) ? INDENT : ""}`);
    }
  }

  /** Replace the selection, so that the browser can undo it. */
  #insert(text: string): void {
    const { field } = this;
    if (document.execCommand("insertText", false, text)) return;
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.dispatchEvent(new Event("input"));
  }

  /** Move the selected lines one step in, or out. */
  #shiftLines(out: boolean): void {
    const { field } = this;
    const start = field.value.lastIndexOf("\n", field.selectionStart - 1) + 1;
    const end = field.selectionEnd;
    const shifted = field.value
      .slice(start, end)
      .split("\n")
      .map((line) => (out ? line.replace(/^ {1,4}/, "") : INDENT + line))
      .join("\n");
    field.setSelectionRange(start, end);
    if (shifted !== field.value.slice(start, end)) this.#insert(shifted);
    if (shifted.includes("\n")) field.setSelectionRange(start, start + shifted.length);
  }
}

/** The id of the sentence on keys, which is on the page once. */
function helpId(): string {
  if (!document.getElementById(HELP_ID)) {
    const help = document.createElement("p");
    help.id = HELP_ID;
    help.hidden = true;
    help.textContent = "Shift+Enter runs the cell. Tab indents; to leave the field with Tab, press Escape first.";
    document.body.append(help);
  }
  return HELP_ID;
}
