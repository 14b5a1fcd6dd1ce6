// What the page and its Python say to each other.

/** What Python starts from: all that it needs, so that it starts anew without a network. */
export interface Start {
  kind: "start";
  /** Addresses of the two scripts, in this browser's memory. */
  loader: string;
  interpreter: string;
  wasm: WebAssembly.Module;
  /** Archives: Python's standard library, and the course's own Python. */
  library: ArrayBuffer;
  course: ArrayBuffer;
}

export interface Run {
  kind: "run";
  source: string;
  /** What an error's line calls the cell; empty for code of no cell. */
  name: string;
}

/** An output as it comes, in the words of `python/page_cells.py`. */
export type Output =
  | { kind: "stream"; name: "stdout" | "stderr"; text: string }
  | { kind: "result"; data: Record<string, string> }
  | { kind: "error"; text: string };

export type FromPython =
  | { kind: "ready" }
  | { kind: "failed"; message: string }
  | { kind: "output"; output: Output }
  | { kind: "done"; error: string | null };
