// Makes and judges the drill's questions, a line of JSON each, for the tests: node drill_bridge.mjs <wording bundle> <questions bundle> <judging bundle>
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [wording, questions, judging] = await Promise.all(process.argv.slice(2).map((bundle) => import(pathToFileURL(bundle).href)));

const answers = {
  kinds: () => ({ kinds: wording.KINDS, levels: wording.LEVELS }),
  question: ({ kind, level, seed }) => questions.question(kind, level, seed),
  judge: ({ kind, level, seed, typed }) => judging.judge(questions.question(kind, level, seed), typed),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { call, ...asked } = JSON.parse(line);
  console.log(JSON.stringify(answers[call](asked)));
}
