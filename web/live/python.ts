// The page's Python: its files from the site, a worker that runs it, and one piece of code after the other.
import type { FromPython, Output, Run, Start } from "./messages.ts";

/** What is in `_static/python/manifest.json`: the size of each file as it travels, and a digest of them all. */
interface Manifest {
  version: string;
  files: Record<string, number>;
}

export interface Result {
  outputs: Output[];
  /** `Type: message`, or null. */
  error: string | null;
}

export type Listener = (output: Output) => void;
export type Progress = (loaded: number, total: number) => void;

/** Why code did not run to its end, where the code is not to blame. */
export class PythonError extends Error {}

const FOLDER = new URL("python/", import.meta.url);
export const IS_MISSING =
  "This copy of the site was built without Python, so its cells do not run here; open the page in Colab or Binder.";

interface Job {
  source: string;
  name: string;
  listener: Listener | undefined;
  result: Result;
  resolve: (result: Result) => void;
  reject: (error: Error) => void;
}

export class Python {
  #start: Promise<Start & { worker: string }> | undefined;
  #worker: Promise<Worker> | undefined;
  #running: Worker | undefined;
  #jobs: Job[] = [];

  constructor(
    readonly onProgress: Progress,
    /** Called when code begins to run, and when none runs any more. */
    readonly onBusy: (busy: boolean) => void,
  ) {}

  /** Load Python, unless it is there. */
  async load(): Promise<void> {
    this.#worker ??= this.#launch().catch((error: unknown) => {
      this.#worker = undefined;
      throw error;
    });
    this.#running = await this.#worker;
  }

  /** Run code after what was asked for before it. */
  run(source: string, name = "", listener?: Listener): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#jobs.push({ source, name, listener, result: { outputs: [], error: null }, resolve, reject });
      if (this.#jobs.length === 1) void this.#next();
    });
  }

  /** End what runs, forget what waits, and let all names go. The next code starts Python anew. */
  stop(): void {
    this.#running?.terminate();
    this.#running = this.#worker = undefined;
    const jobs = this.#jobs.splice(0);
    for (const job of jobs) job.reject(new PythonError("Stopped."));
    this.onBusy(false);
  }

  async #next(): Promise<void> {
    const job = this.#jobs[0];
    this.onBusy(job !== undefined);
    if (job === undefined) return;
    try {
      await this.load();
    } catch (error) {
      for (const waiting of this.#jobs.splice(0)) waiting.reject(error as Error);
      this.onBusy(false);
      return;
    }
    if (this.#jobs[0] === job)
      this.#running?.postMessage({ kind: "run", source: job.source, name: job.name } satisfies Run);
  }

  async #launch(): Promise<Worker> {
    this.#start ??= fetchAll(this.onProgress).catch((error: unknown) => {
      this.#start = undefined;
      throw error;
    });
    const { worker: script, ...start } = await this.#start;
    const worker = new Worker(script, { type: "module" });
    await new Promise<void>((resolve, reject) => {
      worker.onerror = (event) => reject(new PythonError(`Python did not start: ${event.message}`));
      worker.onmessage = ({ data }: MessageEvent<FromPython>) => {
        if (data.kind === "ready") resolve();
        else if (data.kind === "failed") reject(new PythonError(`Python did not start: ${data.message}`));
      };
      worker.postMessage(start);
    });
    worker.onmessage = ({ data }: MessageEvent<FromPython>) => this.#hear(data);
    return worker;
  }

  #hear(message: FromPython): void {
    const job = this.#jobs[0];
    if (job === undefined) return;
    if (message.kind === "output") {
      job.result.outputs.push(message.output);
      job.listener?.(message.output);
    } else if (message.kind === "done" || message.kind === "failed") {
      this.#jobs.shift();
      if (message.kind === "done") job.resolve({ ...job.result, error: message.error });
      else job.reject(new PythonError(message.message));
      void this.#next();
    }
  }
}

/** All that Python starts from, from the site's own server. */
async function fetchAll(onProgress: Progress): Promise<Start & { worker: string }> {
  const answer = await fetch(new URL("manifest.json", FOLDER), { cache: "no-cache" });
  const { version, files }: Manifest = answer.ok ? await answer.json() : { version: "", files: {} };
  const total = Object.values(files).reduce((sum, bytes) => sum + bytes, 0);
  if (total === 0) throw new PythonError(IS_MISSING);
  let loaded = 0;
  const get = async (name: string): Promise<Response> => {
    const response = await fetch(new URL(`${name}?v=${version}`, FOLDER)).catch(() => undefined);
    if (!response?.ok || !response.body) throw new PythonError(`${name} did not arrive. Is the network there?`);
    const counted = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        transform(chunk, controller) {
          loaded += chunk.length;
          onProgress(loaded, total);
          controller.enqueue(chunk);
        },
      }),
    );
    const body = name.endsWith(".gzip") ? counted.pipeThrough(new DecompressionStream("gzip")) : counted;
    return new Response(body, {
      headers: { "content-type": name.includes(".wasm") ? "application/wasm" : "text/javascript" },
    });
  };
  const script = async (name: string): Promise<string> => URL.createObjectURL(await (await get(name)).blob());
  const [worker, loader, interpreter, wasm, library, course] = await Promise.all([
    script("worker.js.gzip"),
    script("pyodide.mjs.gzip"),
    script("pyodide.asm.mjs.gzip"),
    WebAssembly.compileStreaming(get("pyodide.asm.wasm.gzip")),
    get("python_stdlib.zip").then((response) => response.arrayBuffer()),
    get("course.zip").then((response) => response.arrayBuffer()),
  ]);
  return { kind: "start", worker, loader, interpreter, wasm, library, course };
}
