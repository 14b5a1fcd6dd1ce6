// The line at the foot of the window: how far Python has come, and the commands that are for the whole page.

const MEGABYTE = 1e6;

export class Bar {
  readonly element = document.createElement("section");
  readonly #text = document.createElement("span");
  readonly #progress = document.createElement("progress");
  readonly #stop: HTMLButtonElement;
  readonly #commands: HTMLButtonElement[];

  constructor(commands: { runAll: () => void; restart: () => void; stop: () => void }) {
    this.element.className = "live-bar";
    this.element.setAttribute("aria-label", "Python in this page");
    this.#text.setAttribute("role", "status");
    this.#text.className = "live-bar__text";
    this.#progress.setAttribute("aria-label", "Python is loading");
    this.#progress.hidden = true;
    this.#commands = [button("Run all", commands.runAll), button("Restart", commands.restart)];
    this.#stop = button("Stop", commands.stop);
    this.#stop.hidden = true;
    this.element.append(this.#text, this.#progress, this.#stop, ...this.#commands);
  }

  /** Put the line on the page. */
  show(): void {
    if (this.element.isConnected) return;
    document.body.append(this.element);
    document.documentElement.classList.add("has-live-bar");
  }

  say(text: string): void {
    this.#text.textContent = text;
  }

  loading(loaded: number, total: number): void {
    this.#progress.hidden = loaded >= total;
    this.#progress.max = total;
    this.#progress.value = loaded;
    const megabytes = (bytes: number): string => (bytes / MEGABYTE).toFixed(1);
    // A screen reader hears the beginning and the end, not each tenth.
    this.#text.setAttribute("aria-live", loaded > 0 && loaded < total ? "off" : "polite");
    this.say(loaded < total ? `Loading Python: ${megabytes(loaded)} of ${megabytes(total)} MB` : "Starting Python …");
  }

  busy(busy: boolean): void {
    this.#stop.hidden = !busy;
    for (const command of this.#commands) command.hidden = busy;
    if (!busy) this.#progress.hidden = true;
  }
}

function button(text: string, press: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "live-button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}
