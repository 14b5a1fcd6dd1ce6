import { run, size, TorchError, zeros } from "../engine/index.ts";
import { evaluateFor, evaluateWithoutTensors, lengthOf, type Place, placesOf } from "./boxes.ts";
import { judgeExpression } from "./expressions.ts";
import { type Judgement, RIGHT, unread, wrong } from "./judgement.ts";
import { range, same, unique } from "./lists.ts";
import { type Question, specOf } from "./questions.ts";
import { batchOf, inputSizes, moduleOf } from "./setting.ts";
import { shapeSlip } from "./slips.ts";

export function judge(question: Question, typed: string): Judgement {
  const text = typed.trim();
  if (text === "") return unread("Type an answer first.");
  switch (question.form) {
    case "shape":
      return judgeShape(question, text);
    case "expression":
      return judgeExpression(question, text);
    case "yes or no":
      return judgeYesOrNo(question, text);
    case "steps":
      return judgeSteps(question, text);
  }
}

// Shapes

function judgeShape(question: Question, text: string): Judgement {
  const sizes = readShape(text);
  if (sizes === null) return unread("A shape is made of whole numbers, such as `(3, 7, 10)`.");
  if (same(sizes, readShape(question.answer)!)) return RIGHT;
  const slip = shapeSlip(question, sizes);
  const refusal = question.subject === "h0" ? refusalOf(question, sizes) : null;
  return wrong([slip, refusal && `PyTorch says: \`${refusal}\`.`].filter(Boolean).join(" ") || null);
}

/** `(3, 7, 40)`, `3 7 40`, `[3,7,40]`, `torch.Size([3, 7, 2*20])`, `3x7x40`; null for what is no shape. */
export function readShape(text: string): number[] | null {
  if (/^[\s([]*\d{1,9}(?:[\s,;x×]+\d{1,9})*[\s,;)\]]*$/.test(text)) return text.match(/\d+/g)!.map(Number);
  try {
    const { value } = evaluateWithoutTensors(text);
    const items = value.kind === "sequence" ? value.items : [value];
    const sizes = items.flatMap((item) => (item.kind === "number" && item.type === "int" ? [item.value] : []));
    return sizes.length === items.length ? sizes : null;
  } catch {
    return null; // not an expression either
  }
}

/** PyTorch's own message for an h0 of this shape; null where it has none or the shape is too large to be tried. */
function refusalOf(question: Question, shape: readonly number[]): string | null {
  if (size(shape) > 100_000 || shape.some((length) => length < 0)) return null;
  const { setting } = question;
  const { hidden_size, num_layers, D } = moduleOf(setting);
  const c_0 = zeros([D * num_layers, ...batchOf(setting), hidden_size]);
  const states = { h_0: zeros(shape), ...(setting.module === "LSTM" ? { c_0 } : {}) };
  try {
    run({ ...specOf(question), input: zeros(inputSizes(setting)), ...states });
    return null;
  } catch (error) {
    if (error instanceof TorchError) return error.message;
    throw error;
  }
}

// Yes or no

function judgeYesOrNo(question: Question, text: string): Judgement {
  const word = text.toLowerCase().replace(/[.!]$/, "");
  const answer = ["yes", "y", "true", "1"].includes(word)
    ? "yes"
    : ["no", "n", "false", "0"].includes(word)
      ? "no"
      : null;
  if (answer === null) return unread("Type yes or no.");
  return answer === question.answer ? RIGHT : wrong(null);
}

// Steps

function judgeSteps(question: Question, text: string): Judgement {
  const { setting } = question;
  const places = placesOf(evaluateFor(question.subject, question).cells, setting);
  const subject = places[0]!; // where a direction ends, for hn
  const { sample } = subject;
  const steps = readSteps(text, lengthOf(setting, sample));
  if (steps === null) return unread("Steps are whole numbers, such as `0, 1, 2` or `0-2`, or `all`.");
  const right = readSteps(question.answer, setting.L)!;
  if (same(steps, right)) return RIGHT;
  const marked = steps.map((step): Place => ({ tensor: "x", row: 0, step, sample }));
  return wrong(stepsMisconception(question, subject, steps, right), marked);
}

/** The sentence that undoes a wrong list of steps. */
function stepsMisconception(
  question: Question,
  { row, step, sample }: Place,
  steps: readonly number[],
  right: readonly number[],
): string | null {
  const { setting } = question;
  const { D, num_layers } = moduleOf(setting);
  const end = lengthOf(setting, sample);
  const isBackward = D === 2 && row % 2 === 1;
  /** Whether the layer below has read both ways. */
  const isCrossed = D === 2 && row >= D && num_layers > 1;
  const fromOne = right.map((step) => step + 1);
  if (same(steps, fromOne)) return "That counts from 1.";
  if (steps.some((step) => step >= setting.L)) return `There are ${setting.L} steps, 0 to ${setting.L - 1}.`;
  if (steps.some((step) => step >= end)) {
    return `Sample ${sample} ends at step ${end - 1}. What follows is padding, and the layer never reads it.`;
  }
  if (isCrossed && question.subject.startsWith("output")) {
    return "You followed one direction. The layer below has two, and they meet in every state above.";
  }
  if (same(steps, [step])) return "That is its own step alone. A state carries what its direction has read before.";
  if (isBackward && same(steps, range(0, step + 1)))
    return "That is what forward has read. Backward begins at the end.";
  if (!isBackward && same(steps, range(step, end))) {
    return "That is what backward would have read. This one begins at step 0.";
  }
  if (!isCrossed && steps.some((other) => (isBackward ? other < step : other > step))) {
    return `At step ${step} it has not come that far: it reads from step ${isBackward ? `${end - 1} down` : "0 on"}.`;
  }
  return steps.includes(step) ? null : `It has read its own step, ${step}, too.`;
}

/** `0, 1, 2`, `0 1 2`, `0-2`, `0:3`, `range(0, 3)`, `all`; null for what is none of these. In ascending order, each step once. */
export function readSteps(text: string, end: number): number[] | null {
  const bare = text
    .toLowerCase()
    .replace(/[()[\]{}]/g, " ")
    .replace(/\band\b|\bsteps?\b|\bt\s*=/g, " ")
    .trim();
  if (/^(all|every|everything)( of them)?$/.test(bare)) return range(0, end);
  const [, low, dash, high] =
    /^(\d{1,3})\s*(-|–|to|\.\.|:|\s)\s*(\d{1,3})$/.exec(
      bare.replace(/^range\s+(\d+)\s*,\s*/, "$1:").replace(/^range\s+/, "0:"),
    ) ?? [];
  if (dash?.trim()) return range(Number(low), Number(high) + (dash === ":" ? 0 : 1));
  if (!/^\d{1,3}(?:[\s,;]+\d{1,3})*[\s,;]*$/.test(bare)) return null;
  return unique(bare.match(/\d+/g)!.map(Number));
}
