// Answers questions to the engine, a line of JSON each, for the tests: node engine_bridge.mjs <bundle>
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const engine = await import(pathToFileURL(process.argv[2]).href);

/** JSON has no word for these; they travel as strings. */
const encode = (_, value) => {
  if (Object.is(value, -0)) return "-0";
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
};

const answers = {
  run: ({ spec }) => engine.run(spec),
  evaluate: ({ text, tensors }) => {
    const bases = Object.entries(tensors).map(([name, { shape, data, strides }]) => [
      name,
      { value: { shape, data: data.map(Number) }, ...(strides ? { strides } : {}) },
    ]);
    return evaluation(text, engine.createScope(Object.fromEntries(bases)));
  },
  derive: ({ spec, asked, read }) => {
    const equations = engine.derivation(engine.construct(spec), engine.run(spec).parameters, asked, read);
    return equations.map((equation) => ({ ...equation, written: engine.written(equation) }));
  },
  evaluateRun: ({ text, spec }) => evaluation(text, engine.scopeOf(spec, engine.run(spec))),
};

function evaluation(text, scope) {
  const started = performance.now();
  const { value, text: printed, shape, cells } = engine.evaluate(text, scope);
  const milliseconds = performance.now() - started;
  const count = shape?.reduce((product, length) => product * length, 1) ?? 0;
  const cellsOf = (_, element) => engine.cellsOfElement(value, element, scope);
  const elements = count <= 1000 ? Array.from({ length: count }, cellsOf) : null;
  return { text: printed, shape, cells, elements, milliseconds };
}

for await (const line of createInterface({ input: process.stdin })) {
  const { call, ...question } = JSON.parse(line);
  let answer;
  const started = performance.now();
  try {
    answer = { value: answers[call](question) };
  } catch (error) {
    const { name, message, type = null, column = null } = error;
    answer = { error: { name, message, type, column, milliseconds: performance.now() - started } };
  }
  console.log(JSON.stringify(answer, encode));
}
