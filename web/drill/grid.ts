import { html, nothing, svg, type TemplateResult } from "lit";
import { lastStep, lengthOf, type Place } from "./boxes.ts";
import { withCode } from "./code.ts";
import { range } from "./lists.ts";
import { layerName, type Question } from "./questions.ts";
import { moduleOf, type Setting } from "./setting.ts";

/** Places that are marked, and what the mark says. */
export interface Mark {
  readonly label: string;
  readonly places: readonly Place[];
}

/** What is marked on the grid: solid boxes, dashed outlines, and the arrows on which a parameter acts. */
export interface Marks {
  readonly solid: Mark;
  readonly dashed: Mark | null;
  readonly arrows: "from below" | "along time" | null;
}

const ROW = 24;
const GAP_BETWEEN_LAYERS = 22;
const X = 12;
const SHEET = 5;

/** The grid of one sample: layers up, time to the right, as the explorer draws it, without the numbers. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one coordinate system; its parts would hand a dozen coordinates to each other.
export function gridTemplate(question: Question, marks: Marks, available: number): TemplateResult {
  const { setting } = question;
  const { D, num_layers: K } = moduleOf(setting);
  const sample = shownSample(question, marks);
  const here = (mark: Mark | null): Set<string> => {
    const shown = mark?.places.filter((place) => place.sample === sample) ?? [];
    return new Set((shown.length > 0 ? shown : (mark?.places ?? [])).map(keyOf));
  };
  const [solid, dashed] = [here(marks.solid), here(marks.dashed)];
  const narrow = available < 480;
  const margin = narrow ? 46 : 70;
  const lead = narrow ? 8 : 14; // of an arrow at the edge
  const beside = narrow ? 17 : margin / 2 - 4; // the middle of a label at the edge
  const gap = narrow ? 11 : 24;
  const { L } = setting;
  const sheets = Math.min((setting.N ?? 1) - 1, 2);
  const box = Math.floor(Math.min(58, (available - sheets * SHEET - 2 * margin - (L - 1) * gap) / L));
  const hasCells = [...solid, ...dashed].some((key) => key.startsWith("c"));
  const states = hasCells ? (["h", "c"] as const) : (["h"] as const);
  const layerHeight = states.length * D * ROW;
  const top = 26 + sheets * SHEET;
  const layerTop = (layer: number): number => top + (K - 1 - layer) * (layerHeight + GAP_BETWEEN_LAYERS);
  const left = (step: number): number => margin + step * (box + gap);
  const right = left(L - 1) + box;
  const bottom = layerTop(0) + layerHeight;
  const xTop = bottom + GAP_BETWEEN_LAYERS;
  const width = right + margin;
  const height = xTop + X + 24;
  const length = lengthOf(setting, sample);

  const parts: TemplateResult[] = [];
  const rect = (kind: string, x: number, y: number, w: number, h: number, radius = 3): number =>
    parts.push(svg`<rect class=${kind} x=${x} y=${y} width=${w} height=${h} rx=${radius} />`);
  const text = (x: number, y: number, content: string | number, kind = "quiet"): number =>
    parts.push(svg`<text class=${kind} x=${x} y=${y}>${content}</text>`);
  const arrow = (x1: number, y1: number, x2: number, y2: number, strong = false): void => {
    const [dx, dy] = [Math.sign(x2 - x1), Math.sign(y2 - y1)];
    const [x, y] = [x2 - 5 * dx, y2 - 5 * dy];
    parts.push(svg`<path class="line ${strong ? "strong" : ""}" d="M${x1} ${y1}L${x2 - 4 * dx} ${y2 - 4 * dy}" />`);
    parts.push(
      svg`<path class="head ${strong ? "strong" : ""}" d="M${x2} ${y2}L${x + 2.5 * dy} ${y + 2.5 * dx}L${x - 2.5 * dy} ${y - 2.5 * dx}Z" />`,
    );
  };
  const mark = (key: string, x: number, y: number, w: number, h: number): void => {
    const inset = h > X ? 3 : 2;
    if (solid.has(key))
      parts.push(
        svg`<rect class="solid" data-place=${key} x=${x + inset} y=${y + inset} width=${w - 2 * inset} height=${h - 2 * inset} rx="2" />`,
      );
    if (dashed.has(key))
      parts.push(
        svg`<rect class="dashed" data-place=${key} x=${x - 2.5} y=${y - 2.5} width=${w + 5} height=${h + 5} rx="4" />`,
      );
  };

  range(0, sheets + 1)
    .reverse()
    .forEach((sheet) => {
      rect("sheet", 0.5 + sheet * SHEET, 0.5 + (sheets - sheet) * SHEET, width - 1, height - sheets * SHEET - 1, 4);
    });
  rect("band output", left(0) - 6, top - 6, right - left(0) + 12, D * ROW + (hasCells ? 6 : 12), 7);
  text(margin / 2 + 2, top - 12, "output", "label");
  text(beside, xTop + X / 2, "x", "label");

  const rows = solidRows(marks, setting);
  for (let row = 0; row < K * D; row++) {
    const layer = Math.floor(row / D);
    const backward = D === 2 && row % 2 === 1;
    const last = lastStep(setting, row, sample);
    states.forEach((state, which) => {
      const y = layerTop(layer) + (which * D + (row % D)) * ROW;
      const middle = y + ROW / 2;
      const along = marks.arrows === "along time" && rows.has(row);
      rect(`band ${state}n`, left(last), y, box, ROW);
      for (let step = 0; step < length; step++) {
        rect("cell", left(step), y, box, ROW);
        if (step > 0) {
          const [from, to] = [left(step - 1) + box + 2, left(step) - 2];
          if (backward) arrow(to, middle, from, middle, along);
          else arrow(from, middle, to, middle, along);
        }
      }
      const end = left(length - 1) + box;
      const [before, after] = [`${state}0[${row}]`, `${state}n[${row}]`];
      const initial = (x: number): void => {
        const key = `${state}0.${row}.0`;
        if (solid.has(key)) rect("lit", x - (narrow ? 17 : 21), middle - 9, narrow ? 34 : 42, 18);
        text(x, middle, before, solid.has(key) ? "lit" : "quiet");
      };
      const [near, far] = [3, 3 + lead];
      arrow(left(0) - (backward ? near : far), middle, left(0) - (backward ? far : near), middle, along && !backward);
      arrow(end + (backward ? far : near), middle, end + (backward ? near : far), middle, along && backward);
      const rightOf = Math.min(end + margin - beside, width - beside);
      if (backward) {
        text(beside, middle, after, "label");
        initial(rightOf);
      } else {
        initial(beside);
        text(rightOf, middle, after, "label");
      }
    });
  }
  for (let step = 0; step < L; step++) {
    const centre = left(step) + box / 2;
    rect("cell", left(step), xTop, box, X, 2);
    mark(`x.0.${step}`, left(step), xTop, box, X);
    text(centre, xTop + X + 11, step, "quiet");
    for (let layer = 0; layer < K; layer++) {
      const below = layerTop(layer) + layerHeight;
      const reading = marks.arrows === "from below" && [...rows].some((row) => Math.floor(row / D) === layer);
      if (step < length) arrow(centre, below + GAP_BETWEEN_LAYERS - 3, centre, below + 3, reading);
      if (step < length || layer !== K - 1) continue;
      for (let direction = 0; direction < D; direction++) {
        const [y, key] = [layerTop(layer) + direction * ROW, `padding.${(K - 1) * D + direction}.${step}`];
        if (step > length) text(centre, y + ROW / 2, "0", "quiet"); // in the first one is the end's label
        mark(key, left(step), y, box, ROW);
      }
    }
  }
  for (let row = 0; row < K * D; row++) {
    states.forEach((state, which) => {
      const y = layerTop(Math.floor(row / D)) + (which * D + (row % D)) * ROW;
      for (let step = 0; step < length; step++) mark(`${state}.${row}.${step}`, left(step), y, box, ROW);
    });
  }

  const words = [
    describe(marks.solid, setting, sample),
    marks.dashed ? describe(marks.dashed, setting, sample) : "",
  ].filter(Boolean);
  const name = `The grid, ${K} layer${K > 1 ? "s" : ""} high and ${L} steps wide. ${words.join(" ")}`;
  return html`<svg class="grid ${narrow ? "narrow" : ""}" width=${width + sheets * SHEET} height=${height} role="img" aria-label=${name}>${parts}</svg>`;
}

export function keyOf({ tensor, row, step }: Place): string {
  return `${tensor}.${row}.${step}`;
}

/** The sample that is drawn: the one that the answer is of, else the first short one, else the first. */
export function shownSample({ setting }: Question, { solid }: Marks): number {
  const samples = new Set(solid.places.map((place) => place.sample));
  if (samples.size === 1) return [...samples][0]!;
  const short = setting.lengths?.findIndex((length) => length < setting.L) ?? -1;
  return Math.max(short, 0);
}

function solidRows({ solid }: Marks, { num_layers, bidirectional }: Setting): Set<number> {
  const rows = solid.places.filter(({ tensor }) => tensor === "h").map(({ row }) => row);
  return new Set(rows.filter((row) => row < num_layers * (bidirectional ? 2 : 1)));
}

/** A mark in words, for those who do not see it. */
function describe(mark: Mark, setting: Setting, sample: number): string {
  const shown = mark.places.filter((place) => place.sample === sample);
  const groups = new Map<string, number[]>();
  for (const { tensor, row, step } of shown.length > 0 ? shown : mark.places) {
    const where = placeName(tensor, row, setting);
    const steps = groups.get(where) ?? [];
    if (!steps.includes(step)) steps.push(step);
    groups.set(where, steps);
  }
  const places = [...groups].map(([where, steps]) =>
    where.startsWith("an initial") ? where : `${where} at step ${steps.sort((a, b) => a - b).join(", ")}`,
  );
  return `Marked as ${mark.label.replaceAll("`", "")}: ${places.join("; ") || "nothing"}.`;
}

function placeName(tensor: Place["tensor"], row: number, setting: Setting): string {
  const { D } = moduleOf(setting);
  if (tensor === "x") return "x";
  const layer = layerName(setting, Math.floor(row / D));
  const direction = D === 1 ? "" : row % 2 === 0 ? ", forward," : ", backward,";
  if (tensor === "h0" || tensor === "c0") return `an initial state of ${layer}${direction.replace(/,$/, "")}`;
  return `${tensor === "padding" ? "the padding of " : tensor === "c" ? "the cell state of " : ""}${layer}${direction}`;
}

/** What the marks mean, and of which sample they are where it is not the one that is drawn. */
export function legendTemplate(question: Question, marks: Marks): TemplateResult {
  const drawn = shownSample(question, marks);
  const item = (kind: string, { label, places }: Mark): TemplateResult => {
    const elsewhere = places.some(({ sample }) => sample === drawn) ? "" : `, in sample ${places[0]?.sample ?? drawn}`;
    return html`<li><svg width="18" height="14" aria-hidden="true"><rect class=${kind} x="2" y="2" width="14" height="10" rx="2" /></svg> <span>${withCode(label)}${elsewhere}</span></li>`;
  };
  const { solid, dashed } = marks;
  return html`<ul class="marks">${item("solid", solid)}${dashed && dashed.places.length > 0 ? item("dashed", dashed) : nothing}</ul>`;
}
