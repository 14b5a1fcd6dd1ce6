// A page of exercises: each answer is written in its cell, checked by the package's own `check`, and saved as the student's notebook.
import type { Cell } from "./cells.ts";
import { exerciseOf, type Notebook, sourcesIn, withSources } from "./notebook.ts";
import { drawn, textOf } from "./outputs.ts";
import type { LivePage } from "./page.ts";
import { keepProgress, keptProgress } from "./storage.ts";

interface Exercise {
  /** Such as `directions-3`. */
  id: string;
  cell: Cell;
}

export class ExercisePage {
  readonly #exercises: readonly Exercise[];
  readonly #said = document.createElement("span");
  readonly #count = document.createElement("strong");

  constructor(
    readonly page: LivePage,
    readonly place: HTMLElement,
  ) {
    page.makeEditors();
    this.#exercises = page.cells.flatMap((cell) => {
      const id = exerciseOf(cell.original);
      return id === undefined ? [] : [{ id, cell }];
    });
    for (const cell of page.cells) {
      const exercise = this.#exerciseIn(cell);
      if (exercise) this.#addCommands(exercise);
      else cell.addButton("Run", () => void this.#run(cell));
    }
    page.onEnter = (cell) => {
      const exercise = this.#exerciseIn(cell);
      void (exercise ? this.#check(exercise) : this.#run(cell));
    };
    this.#addHead();
    this.#showProgress();
  }

  #exerciseIn(cell: Cell): Exercise | undefined {
    return this.#exercises.find((exercise) => exercise.cell === cell);
  }

  #addCommands(exercise: Exercise): void {
    const check = exercise.cell.addButton("Check", () => void this.#check(exercise));
    check.classList.add("live-button--main");
    const hints = document.createElement("ol");
    hints.className = "live-hints";
    hints.hidden = true;
    exercise.cell.element.append(hints);
    exercise.cell.addButton("Hint", () => void this.#hint(exercise, hints));
  }

  #addHead(): void {
    this.#said.setAttribute("role", "status");
    const file = document.createElement("input");
    file.type = "file";
    file.accept = ".ipynb,application/x-ipynb+json";
    file.hidden = true;
    file.addEventListener("change", () => {
      const chosen = file.files?.[0];
      file.value = "";
      if (chosen) void this.#open(chosen);
    });
    const commands = [
      headButton("Save as a notebook", () => void this.#save()),
      headButton("Open a notebook", () => file.click()),
    ];
    this.place.append(this.#count, ...commands, file, this.#said);
  }

  /** Run what is above and has not run as it is now: all that is given, and the answers that somebody has written. */
  async #prepare(cell: Cell): Promise<boolean> {
    const needed = this.page
      .above(cell)
      .filter((above) => above.ranSource !== above.source && (above.isChanged || !this.#exerciseIn(above)));
    for (const above of needed) if (!(await this.#runAndNote(above)) && !this.#exerciseIn(above)) return false;
    return true;
  }

  async #run(cell: Cell): Promise<void> {
    if (await this.#prepare(cell)) await this.#runAndNote(cell);
  }

  async #check({ cell }: Exercise): Promise<void> {
    cell.say("Checking …");
    if (await this.#prepare(cell)) await this.#runAndNote(cell);
    else cell.say("");
  }

  async #runAndNote(cell: Cell): Promise<boolean> {
    const ran = await this.page.run(cell);
    const exercise = this.#exerciseIn(cell);
    if (exercise && ran) this.#note(exercise);
    return ran;
  }

  /** Keep what the check has said. */
  #note({ id, cell }: Exercise): void {
    const said = cell.lastText;
    const isRight = said.includes(`${id}: right`);
    cell.say(
      isRight ? "Right" : said.includes(`${id}: not attempted`) ? "Not attempted" : "Not yet",
      isRight ? "same" : "other",
    );
    const progress = keptProgress(this.#exercises.length);
    if (isRight && !progress.right.includes(id)) keepProgress({ ...progress, right: [...progress.right, id] });
    this.#showProgress();
  }

  #showProgress(): void {
    const { right, total } = keptProgress(this.#exercises.length);
    this.#count.textContent = `${right.length} of ${total} right`;
    for (const { id, cell } of this.#exercises) cell.element.classList.toggle("live-right", right.includes(id));
  }

  async #hint({ id, cell }: Exercise, hints: HTMLElement): Promise<void> {
    this.page.bar.show();
    cell.say("");
    try {
      const { outputs, error } = await this.page.python.run(`import unrolled\nunrolled.hint(${JSON.stringify(id)})`);
      this.page.bar.say("");
      const text = textOf(outputs).trim();
      const item = document.createElement("li");
      if (error === null) item.textContent = text;
      else item.append(...outputs.map(drawn));
      if ([...hints.children].some((given) => given.textContent === item.textContent)) return;
      hints.hidden = false;
      hints.append(item);
    } catch (error) {
      this.page.bar.say((error as Error).message);
    }
  }

  /** The student's notebook as the course hands it out, with what is written here. */
  async #save(): Promise<void> {
    const link = document.querySelector<HTMLAnchorElement>("a.page-action[download]")!;
    try {
      const notebook = (await (await fetch(link.href)).json()) as Notebook;
      const text = withSources(
        notebook,
        this.page.cells.filter((cell) => cell.isChanged),
      );
      const saved = document.createElement("a");
      saved.href = URL.createObjectURL(new Blob([text], { type: "application/x-ipynb+json" }));
      saved.download = link.href.split("/").at(-1)!;
      saved.click();
      URL.revokeObjectURL(saved.href);
      this.#said.textContent = `Saved as ${saved.download}`;
    } catch {
      this.#said.textContent = "The notebook to write into did not arrive. Is the network there?";
    }
  }

  async #open(file: File): Promise<void> {
    try {
      const given = this.page.cells.map(({ id, original }) => ({ id, source: original }));
      const sources = sourcesIn(await file.text(), given);
      for (const { id, source } of sources) {
        const cell = this.page.cells.find((candidate) => candidate.id === id)!;
        if (source !== cell.source) cell.source = source;
      }
      this.#said.textContent = `Opened ${file.name}`;
    } catch (error) {
      this.#said.textContent = (error as Error).message;
    }
  }
}

function headButton(text: string, press: () => void): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "live-button";
  made.textContent = text;
  made.addEventListener("click", press);
  return made;
}
