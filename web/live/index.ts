// What runs the page's cells. Loaded when a reader asks for it; a page of exercises has it from the start, without Python.
import { ExercisePage } from "./exercises.ts";
import { textOf } from "./outputs.ts";
import { LivePage } from "./page.ts";

const page = new LivePage();
const exercises = document.querySelector<HTMLElement>(".live-set");

/** Python in this page, for tests and for other pages. */
export interface Door {
  /** Run code in the page's one namespace: what a notebook would print, and the error as `Type: message` or null. */
  run(source: string): Promise<{ text: string; error: string | null }>;
}

export async function live(): Promise<Door> {
  await page.python.load();
  return {
    run: async (source) => {
      const { outputs, error } = await page.python.run(source);
      return { text: textOf(outputs), error };
    },
  };
}

/** Make every cell of this page one that runs. */
export async function runHere(): Promise<void> {
  await stylesheet();
  page.makeEditors();
  page.addCommands();
  await Promise.all([page.load(), page.readNotebook()]);
}

/** The look of editors and outputs, on a page that did not have it from the start. */
function stylesheet(): Promise<void> {
  if (document.querySelector('link[href*="live.css"]')) return Promise.resolve();
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = new URL("live.css", import.meta.url).href;
  document.head.append(link);
  return new Promise((resolve) => {
    link.onload = link.onerror = () => resolve();
  });
}

if (exercises) new ExercisePage(page, exercises);
