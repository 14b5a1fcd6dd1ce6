import { html, nothing, type TemplateResult } from "lit";
import { axesOf, axisClass } from "../common/axes.ts";
import { evaluateFor, type Place, placesOf, placesOfStates } from "./boxes.ts";
import { withCode } from "./code.ts";
import type { Marks } from "./grid.ts";
import type { Judgement } from "./judgement.ts";
import { range } from "./lists.ts";
import type { Question } from "./questions.ts";
import { moduleOf } from "./setting.ts";

/** What an answer turned out to be; `given` is what was typed, and empty where the answer was asked for. */
export interface Outcome {
  readonly given: string;
  readonly judgement: Exclude<Judgement, { verdict: "unread" }>;
}

/** Right or wrong, the misconception, the right answer and the reason, in words. */
export function verdictTemplate(question: Question, { given, judgement }: Outcome): TemplateResult {
  const right = judgement.verdict === "right";
  const sentence = judgement.verdict === "wrong" ? judgement.misconception : judgement.caution;
  const also = question.also.filter((other) => other !== given);
  const others =
    right && given !== question.answer && question.form === "expression" ? [question.answer, ...also] : also;
  return html`${given ? html`<p><span class="word">${right ? "Right." : "Not quite."}</span> ${sentence ? withCode(sentence) : nothing}</p>` : nothing}
    ${right ? nothing : html`<p>The answer is <code>${question.answer}</code>${also.length > 0 ? html`, or ${list(also)}` : nothing}.</p>`}
    <p>${withCode(question.reason)}${right && others.length > 0 ? html` The same: ${list(others)}.` : nothing}</p>
    ${axesTemplate(question)}`;
}

function list(expressions: readonly string[]): TemplateResult[] {
  return expressions.map((expression, index) => html`${index > 0 ? ", " : ""}<code>${expression}</code>`);
}

/** A tensor's axes by name and size, each in its colour. */
function axesTemplate({ form, kind, subject, setting }: Question): TemplateResult | typeof nothing {
  if (form !== "shape" || kind === "parameter-shape") return nothing;
  const axes = axesOf(
    subject as "output" | "hn" | "cn" | "h0",
    moduleOf(setting),
    setting.N !== null,
    setting.N,
    setting.L,
  );
  return html`<ul class="axes" aria-label="Axes of ${subject}">${axes.map(({ name, size }) => html`<li class=${axisClass(name)}>${name} <b>${size}</b></li>`)}</ul>`;
}

/** What is marked on the grid: the answer solid, what was typed dashed. */
export function marksOf(question: Question, { given, judgement }: Outcome): Marks {
  const { setting, subject } = question;
  const read = (expression: string): Place[] => placesOf(evaluateFor(expression, question).cells, setting);
  const typed =
    judgement.verdict === "wrong" && judgement.places.length > 0 ? { label: "yours", places: judgement.places } : null;
  switch (question.kind) {
    case "parameter-shape": {
      const row = Number(/_l(\d)/.exec(subject)![1]) * moduleOf(setting).D + (subject.endsWith("_reverse") ? 1 : 0);
      const arrows = subject.startsWith("weight_ih")
        ? "from below"
        : subject.startsWith("weight_hh")
          ? "along time"
          : null;
      const places = range(0, setting.L).map((step): Place => ({ tensor: "h", row, step, sample: 0 }));
      return { solid: { label: `where \`${subject}\` acts`, places }, dashed: null, arrows };
    }
    case "equality": {
      const [left, right] = sides(subject);
      return {
        solid: { label: `\`${left}\``, places: read(left) },
        dashed: { label: `\`${right}\``, places: read(right) },
        arrows: null,
      };
    }
    case "steps-read": {
      const [own] = read(subject);
      const steps = question.answer
        .split(", ")
        .map((step): Place => ({ tensor: "x", row: 0, step: Number(step), sample: own!.sample }));
      return {
        solid: { label: `\`${subject}\` and what it has read`, places: [own!, ...steps] },
        dashed: typed,
        arrows: null,
      };
    }
    default: {
      const places =
        question.states.length > 0 ? placesOfStates(question.states, question.sample, setting) : read(subject);
      return {
        solid: { label: question.form === "shape" ? `\`${subject}\`` : "the answer", places },
        dashed: given ? typed : null,
        arrows: null,
      };
    }
  }
}

/** The two arguments of `torch.equal(left, right)`; a comma between brackets parts nothing. */
function sides(claim: string): [string, string] {
  const inner = claim.slice("torch.equal(".length, -1);
  const at = inner.search(/,(?![^[]*\])/);
  return [inner.slice(0, at), inner.slice(at + 1).trim()];
}
