// What is kept in this browser alone: the sources that a reader has changed, and which exercises are right.
// Where nothing can be kept (a private window, a full store), it lasts as long as the page.

export interface SetProgress {
  /** How many exercises the set has. */
  total: number;
  /** The ids of those that were right once. */
  right: string[];
}

const sourceKey = (cell: string): string => `cell:${location.pathname}#${cell}`;
const progressKey = (): string => `progress:${location.pathname}`;

function read(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, text: string | null): void {
  try {
    if (text === null) localStorage.removeItem(key);
    else localStorage.setItem(key, text);
  } catch {
    // The text is in the page all the same.
  }
}

export const keptSource = (cell: string): string | null => read(sourceKey(cell));

/** Keep a cell's source; null where it is the page's own again. */
export const keepSource = (cell: string, source: string | null): void => write(sourceKey(cell), source);

export function keptProgress(total: number): SetProgress {
  try {
    const { right } = JSON.parse(read(progressKey()) ?? "") as SetProgress;
    return { total, right: right.filter((id) => typeof id === "string") };
  } catch {
    return { total, right: [] };
  }
}

/** Keep which exercises are right, and let the sidebar show it. */
export function keepProgress(progress: SetProgress): void {
  write(progressKey(), progress.right.length > 0 ? JSON.stringify(progress) : null);
  document.dispatchEvent(new Event("unrolled:progress"));
}
