// A student's notebook: the one that the course hands out, with what is in the page's editors, and back.

interface NotebookCell {
  cell_type: string;
  id?: string;
  source: string | string[];
  outputs?: unknown[];
}
export interface Notebook {
  cells: NotebookCell[];
}
/** A source and where it belongs. */
export interface Source {
  id: string;
  source: string;
}

/** A text as nbformat writes it: a list of its lines. */
const lines = (text: string): string[] => text.split(/(?<=\n)/);
const joined = (text: string | string[]): string => (typeof text === "string" ? text : text.join(""));

/** The notebook with these sources in its cells, as nbformat would write it. */
export function withSources(notebook: Notebook, sources: readonly Source[]): string {
  const written = new Map(sources.map(({ id, source }) => [id, source]));
  const cells = notebook.cells.map((cell) => {
    const source = written.get(cell.id ?? "");
    return source === undefined ? cell : { ...cell, source: source === "" ? [] : lines(source) };
  });
  return `${JSON.stringify({ ...notebook, cells }, null, 1)}\n`;
}

const EXERCISE = /^\s*check\(\s*["']([\w-]+)["']/m;

/** The exercise that a cell's source has checked. */
export const exerciseOf = (source: string): string | undefined => source.match(EXERCISE)?.[1];

/**
 * The sources in a notebook's text for these cells of the page: by the cells' ids, or by the exercise that a cell has checked, since some
 * hosts give cells new ids.
 *
 * @throws Error where the text is no notebook, or one without any of these cells.
 */
export function sourcesIn(text: string, cells: readonly Source[]): Source[] {
  let notebook: Notebook;
  try {
    notebook = JSON.parse(text) as Notebook;
    if (!Array.isArray(notebook.cells)) throw new Error("no cells");
  } catch {
    throw new Error("This file is not a notebook.");
  }
  const code = notebook.cells.filter((cell) => cell.cell_type === "code");
  const found: Source[] = [];
  for (const { id, source } of cells) {
    const exercise = exerciseOf(source);
    const match =
      code.find((cell) => exercise !== undefined && exerciseOf(joined(cell.source)) === exercise) ??
      code.find((cell) => cell.id === id);
    if (match) found.push({ id, source: joined(match.source) });
  }
  if (!found.some(({ id }) => exerciseOf(cells.find((cell) => cell.id === id)!.source)))
    throw new Error("This notebook has none of this page's exercises.");
  return found;
}
