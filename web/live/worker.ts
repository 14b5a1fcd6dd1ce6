// Python, away from the page: a loop without an end can be stopped here, and nothing of the page or the network is in reach.
import { kernels } from "../torch/index.ts";
import type { FromPython, Run, Start } from "./messages.ts";

interface Pyodide {
  registerJsModule(name: string, module: object): void;
  unpackArchive(archive: ArrayBuffer, format: string, options: { extractDir: string }): void;
  runPython(code: string): unknown;
  pyimport(name: string): PageCells;
}
interface PageCells {
  new_namespace(): unknown;
  run(source: string, name: string, namespace: unknown, send: (output: string) => void): string | null | undefined;
}
interface Loader {
  loadPyodide(options: object): Promise<Pyodide>;
}

const COURSE = "/course";
// By these code could reach beyond this worker. What is taken away here, the page's content security policy forbids as well.
const WAYS_OUT = [
  "fetch",
  "XMLHttpRequest",
  "WebSocket",
  "WebSocketStream",
  "WebTransport",
  "EventSource",
  "importScripts",
  "indexedDB",
  "caches",
  "cookieStore",
  "BroadcastChannel",
  "MessageChannel",
  "SharedWorker",
  "Worker",
  "Notification",
  "navigator",
  "postMessage",
  "close",
];

const post: (message: FromPython) => void = self.postMessage.bind(self);
let python: { cells: PageCells; namespace: unknown };

async function start({ loader, interpreter, wasm, library, course }: Start): Promise<void> {
  serve(wasm, library);
  const { loadPyodide } = (await import(loader)) as Loader;
  const { default: createPyodideModule } = (await import(interpreter)) as { default: unknown };
  const pyodide = await loadPyodide({
    createPyodideModule,
    indexURL: "https://in.memory/",
    jsglobals: { setTimeout, clearTimeout, Object, Array, Promise },
    lockFileContents: {
      info: {
        abi_version: "2026_0",
        arch: "wasm32",
        platform: "emscripten_5_0_3",
        python: "3.14.2",
        version: "314.0.7",
      },
      packages: {},
    },
    convertNullToNone: true,
    packageBaseUrl: "https://in.memory/",
  });
  pyodide.registerJsModule("_kernels", kernels);
  pyodide.unpackArchive(course, "zip", { extractDir: COURSE });
  pyodide.runPython(`import sys; sys.path.insert(0, "${COURSE}")`);
  const cells = pyodide.pyimport("page_cells");
  python = { cells, namespace: cells.new_namespace() };
  shut();
}

/** Let Pyodide's requests be answered from memory. */
function serve(wasm: WebAssembly.Module, library: ArrayBuffer): void {
  const answers = async (address: RequestInfo | URL): Promise<unknown> =>
    String(address).endsWith(".wasm") ? wasm : new Response(library);
  Object.assign(self, { fetch: answers });
  Object.assign(WebAssembly, {
    instantiateStreaming: async (answer: Promise<WebAssembly.Module>, imports: WebAssembly.Imports) => {
      const module = await answer;
      return { module, instance: await WebAssembly.instantiate(module, imports) };
    },
  });
}

/** Take away every way out of this worker, from it and from what it inherits. */
function shut(): void {
  for (const name of WAYS_OUT)
    for (let holder: object | null = self; holder; holder = Object.getPrototypeOf(holder))
      if (holder === self || Object.hasOwn(holder, name))
        Object.defineProperty(holder, name, { value: undefined, writable: false, configurable: false });
}

function run({ source, name }: Run): void {
  const send = (output: string): void => post({ kind: "output", output: JSON.parse(output) });
  post({ kind: "done", error: python.cells.run(source, name, python.namespace, send) ?? null });
}

self.onmessage = async ({ data }: MessageEvent<Start | Run>) => {
  try {
    if (data.kind === "run") return run(data);
    await start(data);
    post({ kind: "ready" });
  } catch (error) {
    post({ kind: "failed", message: String(error) });
  }
};
