// What a cell gives: compared with what is stored, and drawn as the page draws stored outputs.
import type { Output } from "./messages.ts";

export const STORED_PICTURE = "application/x-stored-picture";
const ADDRESS = /\bat 0x[0-9a-f]+>/g;
/** An output as a notebook stores it. */
export interface StoredOutput {
  output_type: string;
  name?: string;
  text?: string | string[];
  data?: Record<string, string | string[]>;
}

const joined = (text: string | string[]): string => (typeof text === "string" ? text : text.join(""));

/** Outputs that follow each other on one stream, as one. */
export function merged(outputs: readonly Output[]): Output[] {
  const made: Output[] = [];
  for (const output of outputs) {
    const last = made.at(-1);
    if (output.kind === "stream" && last?.kind === "stream" && last.name === output.name) last.text += output.text;
    else made.push({ ...output });
  }
  return made;
}

/** A notebook's outputs in the form of a run's. */
export function fromNotebook(stored: readonly StoredOutput[]): Output[] {
  return stored.map((output) =>
    output.data === undefined
      ? { kind: "stream", name: output.name === "stderr" ? "stderr" : "stdout", text: joined(output.text ?? "") }
      : {
          kind: "result",
          data: Object.fromEntries(Object.entries(output.data).map(([mime, text]) => [mime, joined(text)])),
        },
  );
}

/** Whether two runs gave the same. Where in memory an object was makes no difference, and nothing else is overlooked. */
export function same(left: readonly Output[], right: readonly Output[]): boolean {
  const form = (outputs: readonly Output[]): string =>
    JSON.stringify(
      merged(outputs).map((output) =>
        output.kind === "result" ? Object.entries(output.data).sort() : [output.kind, output.text],
      ),
    ).replaceAll(ADDRESS, "at 0xADDRESS>");
  return form(left) === form(right);
}

/** Whether the run left its place to the stored picture. */
export const isStoredPicture = (outputs: readonly Output[]): boolean =>
  outputs.some((output) => output.kind === "result" && STORED_PICTURE in output.data);

/** What a notebook would show as text. */
export function textOf(outputs: readonly Output[]): string {
  return merged(outputs)
    .map((output) =>
      output.kind === "stream" ? output.text : output.kind === "result" ? (output.data["text/plain"] ?? "") : "",
    )
    .join("");
}

/** The output as an element. */
export function drawn(output: Output): HTMLElement {
  const element = document.createElement("div");
  if (output.kind === "result" && output.data["text/html"] !== undefined) {
    element.className = "output text_html";
    element.append(safeHtml(output.data["text/html"]));
    loadExplorer(element);
    return element;
  }
  const pre = document.createElement("pre");
  pre.textContent = output.kind === "result" ? (output.data["text/plain"] ?? "") : output.text;
  pre.tabIndex = 0;
  const highlight = document.createElement("div");
  highlight.className = "highlight";
  highlight.append(pre);
  element.className = `output ${output.kind === "result" ? "text_plain" : output.kind} notranslate`;
  element.append(highlight);
  return element;
}

const UNSAFE = "script, iframe, frame, object, embed, form, link, meta, base, template, portal";

/** HTML that a cell made, without anything that runs, loads or leads out. The page's content security policy says the same. */
export function safeHtml(html: string): DocumentFragment {
  const holder = document.implementation.createHTMLDocument().createElement("div");
  holder.innerHTML = html;
  for (const element of holder.querySelectorAll(UNSAFE)) element.remove();
  for (const element of holder.querySelectorAll("*"))
    for (const { name, value } of [...element.attributes])
      if (
        /^on/i.test(name) ||
        (/^(?:href|src|action|formaction|xlink:href)$/i.test(name) && /^\s*(?:javascript|vbscript):/i.test(value))
      )
        element.removeAttribute(name);
  const fragment = document.createDocumentFragment();
  fragment.append(...holder.childNodes);
  return fragment;
}

/** The explorer's script, where an output has an explorer and the page had none. */
function loadExplorer(element: HTMLElement): void {
  if (element.querySelector("rnn-explorer") && !customElements.get("rnn-explorer"))
    void import(new URL("unrolled.js", import.meta.url).href);
}
