// Python as the page runs it, in one long-lived Node process: a line of JSON in (`source`, `fresh`), a line out.
import { createInterface } from "node:readline";


const [pyodide, bundle, ...folders] = process.argv.slice(2);
const { loadPyodide } = await import(pyodide);
const { kernels } = await import(bundle);
const python = await loadPyodide();
python.registerJsModule("_kernels", kernels);
folders.forEach((folder, number) => {
  python.mountNodeFS(`/from${number}`, folder);
});
python.runPython(`
import sys
sys.path[:0] = [f"/from{number}" for number in range(${folders.length})]
sys.dont_write_bytecode = True
sys.setrecursionlimit(3000)
import json
from cells import run_cell
namespaces = {}

def answer(question):
    question = json.loads(question)
    key = question["namespace"]
    return json.dumps(run_cell(question["source"], namespaces.setdefault(key, {})))
`);
const answer = python.globals.get("answer");
process.stdout.write("ready\n");
for await (const line of createInterface({ input: process.stdin })) process.stdout.write(`${answer(line)}\n`);
