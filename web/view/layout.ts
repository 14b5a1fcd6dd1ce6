import type { Picture } from "./picture.ts";
import { endsOf, isBackward, keyOf, numbersOf, type Place, tickOf } from "./places.ts";
import { frameLabel, slicesOf, whereabouts } from "./slices.ts";

export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Where a place is drawn: as a box of the grid, or as a part of a tensor in the frame. */
export interface Entry extends Rectangle {
  readonly place: Place;
  readonly key: string;
  readonly role: "box" | "output" | "x" | "h0" | "c0" | "hn" | "cn";
  /** How many numbers it has. Which they are is not laid out: the layout outlives them. */
  readonly count: number;
  readonly name: string;
  readonly tick: number;
  /** What is beside the strip in the frame: the tensor's slice. */
  readonly label: string;
  readonly corner: boolean;
}

export interface Band extends Rectangle {
  readonly tensor: "output" | "hn" | "cn";
}

export type Arrow = readonly [x1: number, y1: number, x2: number, y2: number];

export interface Text {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly kind: "label" | "quiet";
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** How many sheets show behind the top one, and how far apart they lie. */
  readonly sheets: number;
  readonly entries: readonly Entry[];
  readonly bands: readonly Band[];
  readonly arrows: readonly Arrow[];
  readonly texts: readonly Text[];
}

export const SHEET = 6;
const ROW = 38;
const BOX = 34;
/** An entry beside the grid: its label over its strip. */
const SIDE = 33;
const SIDE_LABEL = 17;
const LABEL = 19;
const STRIP = 15;
const LAYER_GAP = 24;
/** The line that numbers the steps, over all else. */
const STEPS = 14;
const RING = 6;
/** Half of output's labels, ":10", take this many pixels. */
const HALF = 23;

/** Where in an entry its cells are: beside its label, as in the style of `.strip`. */
export function stripOf({ role, x, y, width, height }: Entry): Rectangle {
  if (role === "box") return { x, y, width, height };
  if (role === "output" || role === "x") return { x, y: role === "x" ? y : y + LABEL, width, height: STRIP };
  return { x, y: y + SIDE_LABEL, width, height: height - SIDE_LABEL };
}

/** What of a picture `layoutOf` reads: where it is the same, so is the layout. */
export function planOf({ module, batched, N, L, lengths }: Picture, sample: number, available: number): string {
  return JSON.stringify([module, batched, N, L, lengths, sample, available]);
}

/** The frame and the grid of one sample, for a stage of this width. */
// biome-ignore lint/complexity/noExcessiveLinesPerFunction: one coordinate system; its parts would hand a dozen coordinates to each other.
export function layoutOf(picture: Picture, sample: number, available: number): Layout {
  const { module, L, rows } = picture;
  const { D, num_layers } = module;
  const narrow = available < 480;
  const sheets = Math.min(picture.N - 1, 3);
  const margin = narrow ? 9 : 18;
  const side = narrow ? 45 : 74;
  /** What each row is, at the far left. */
  const names = narrow ? 42 : 56;
  const lead = narrow ? 17 : 30;
  const gap = L > 8 ? 12 : narrow ? 15 : 26;
  const room = available - sheets * SHEET - names - 2 * (margin + side + lead) - (L - 1) * gap;
  const box = Math.floor(
    Math.min(
      Math.max(room / L, narrow ? 34 : 40, 3 * module.H_out, module.H_out > 9 ? D * HALF : 0),
      available > 800 ? 150 : 112,
    ),
  );
  const sideLeft = margin + names;
  const left = sideLeft + side + lead;
  const top = sheets * SHEET + margin + STEPS;

  const halves = D === 2 ? 13 : 0;
  const outputTop = top;
  const gridTop = outputTop + LABEL + STRIP + halves + LAYER_GAP;
  const states = module.name === "LSTM" ? (["h", "c"] as const) : (["h"] as const);
  const layerHeight = states.length * D * ROW;
  const layerTop = (layer: number): number => gridTop + (num_layers - 1 - layer) * (layerHeight + LAYER_GAP);
  const gridBottom = layerTop(0) + layerHeight;
  const xTop = gridBottom + LAYER_GAP;
  const column = (step: number): number => left + step * (box + gap);
  const right = column(L - 1) + box;

  const entries: Entry[] = [];
  const bands: Band[] = [];
  const arrows: Arrow[] = [];
  const texts: Text[] = [];

  const add = (role: Entry["role"], place: Place, at: Rectangle, label: string, corner = false): void => {
    const count = numbersOf(place, picture, sample).length;
    const slices = slicesOf(place, picture, sample).join(", ") || `${place.tensor}, not returned`;
    const name = `${label && !slices.includes(label) ? `${label}: ` : ""}${slices}; ${whereabouts(place, picture, sample)}`;
    const tick = role === "x" || role === "h0" || role === "c0" ? 0 : tickOf(place, picture, sample);
    entries.push({ role, place, key: keyOf(place), count, name, tick, label, corner, ...at });
  };
  const letter = narrow ? 6.7 : 7.3;
  const fits = (label: string): boolean => label.length * letter <= box + gap - 4;
  /** The labels of a row of the frame. Where they must be short, its name is written once, at the left. */
  const frame = (name: "x" | "output" | "step", y: number): void => {
    const isTensor = name !== "step";
    const whole = Array.from({ length: L }, (_, step) => (isTensor ? frameLabel(name, step, picture) : `step ${step}`));
    const indices = whole.map((label) => label.slice(name.length));
    const labels = [whole, indices].find((labels) => labels.every(fits)) ?? whole.map((_, step) => String(step));
    const kind = isTensor ? "label" : "quiet";
    if (!labels.at(-1)!.startsWith(name)) texts.push({ x: sideLeft + side / 2, y, text: name, kind });
    for (const [step, text] of labels.entries()) {
      texts.push({ x: column(step) + box / 2, y, text, kind: step < picture.lengths[sample]! ? kind : "quiet" });
    }
  };
  frame("step", outputTop - STEPS);
  frame("output", outputTop + 8);
  frame("x", xTop + STRIP + 10);

  for (let step = 0; step < L; step++) {
    const x = column(step);
    const ended = step >= picture.lengths[sample]!;
    for (let direction = 0; direction < D; direction++) {
      const place: Place = ended
        ? { tensor: "padding", direction, step }
        : { tensor: "h", row: (num_layers - 1) * D + direction, step };
      const width = box / D;
      add(
        "output",
        place,
        { x: x + direction * width, y: outputTop, width, height: LABEL + STRIP + halves },
        frameLabel("output", step, picture),
      );
      const half = direction === 0 ? `:${module.H_out}` : `${module.H_out}:`;
      if (D === 2)
        texts.push({ x: x + (direction + 0.5) * width, y: outputTop + LABEL + STRIP + 7, text: half, kind: "quiet" });
    }
    add("x", { tensor: "x", step }, { x, y: xTop, width: box, height: STRIP + LABEL }, frameLabel("x", step, picture));
    if (ended) continue;
    const middle = x + box / 2;
    for (let layer = 0; layer < num_layers; layer++) {
      arrows.push([middle, layerTop(layer) + layerHeight + LAYER_GAP - 3, middle, layerTop(layer) + layerHeight + 3]);
    }
    arrows.push([middle, gridTop - 3, middle, outputTop + LABEL + STRIP + halves + 3]);
  }
  // All of output, and the top layer as far as the sample goes.
  const outputBand = (steps: number, y: number, end: number): Band => ({
    tensor: "output",
    x: left - RING,
    y,
    width: column(steps - 1) + box - left + 2 * RING,
    height: end - y,
  });
  bands.push(outputBand(L, outputTop - 5, gridTop - LAYER_GAP + RING));
  bands.push(outputBand(picture.lengths[sample]!, outputTop - 5, gridTop + D * ROW + (states.length === 1 ? RING : 0)));

  for (let row = 0; row < rows; row++) {
    const backward = isBackward(row, picture);
    const layer = Math.floor(row / D);
    const { first, last } = endsOf(row, picture, sample);
    const called = { x: sideLeft / 2 + (narrow ? -2 : 4), kind: "quiet" } as const;
    if (D === 1) texts.push({ ...called, y: layerTop(layer) + layerHeight / 2, text: `layer ${layer}` });
    states.forEach((state, which) => {
      const y = layerTop(layer) + (which * D + (row % D)) * ROW;
      const middle = y + ROW / 2;
      if (D === 2) {
        texts.push({ ...called, y: middle - 7, text: `layer ${layer}` });
        texts.push({ ...called, y: middle + 7, text: backward ? "backward" : "forward" });
      }
      const enters: Rectangle = {
        x: backward ? column(first) + box + lead : sideLeft,
        y: middle - SIDE / 2,
        width: side,
        height: SIDE,
      };
      const leaves: Rectangle = {
        x: backward ? sideLeft : column(last) + box + lead,
        y: middle - SIDE / 2,
        width: side,
        height: SIDE,
      };
      const shortOf = (name: string): string => `${name}[${row}]`;
      add(`${state}0`, { tensor: `${state}0`, row }, enters, shortOf(`${state}0`));
      const length = Math.abs(last - first) + 1;
      for (let count = 0; count < length; count++) {
        const step = backward ? first - count : count;
        const corner = state === "h" && layer === num_layers - 1 && step === last;
        add(
          "box",
          { tensor: state, row, step },
          { x: column(step), y: middle - BOX / 2, width: box, height: BOX },
          "",
          corner,
        );
        if (count > 0) {
          const from = backward ? column(step + 1) - 2 : column(step - 1) + box + 2;
          arrows.push([from, middle, backward ? column(step) + box + 2 : column(step) - 2, middle]);
        }
      }
      add(`${state}n`, { tensor: state, row, step: last }, leaves, shortOf(`${state}n`));
      const start = column(first) + (backward ? box : 0);
      const end = column(last) + (backward ? 0 : box);
      const direction = backward ? -1 : 1;
      arrows.push([start - direction * (lead - 4), middle, start - direction * 3, middle]);
      arrows.push([end + direction * 3, middle, end + direction * (lead - 4), middle]);
      const x = Math.min(column(last), leaves.x) - RING;
      const far = Math.max(column(last) + box, leaves.x + side) + RING;
      bands.push({ tensor: `${state}n`, x, y, width: far - x, height: ROW });
    });
  }

  return {
    width: right + lead + side + margin + sheets * SHEET,
    height: xTop + STRIP + LABEL + margin + 2,
    sheets,
    entries,
    bands: merged(bands),
    arrows,
    texts,
  };
}

/** Bands of the same tensor that touch, as one; its corners are round where it ends. */
function merged(bands: readonly Band[]): Band[] {
  const result: Band[] = [];
  for (const band of [...bands].sort((a, b) => a.y - b.y)) {
    const above = result.find((other) => {
      const near = band.y - (other.y + other.height) <= LAYER_GAP && band.y >= other.y + other.height - 1;
      return other.tensor === band.tensor && other.x === band.x && other.width === band.width && near;
    });
    if (above) result[result.indexOf(above)] = { ...above, height: band.y + band.height - above.y };
    else result.push(band);
  }
  return result.map((band) => (band.tensor === "output" ? band : { ...band, y: band.y - 2, height: band.height + 4 }));
}

/** The entry next to this one in a direction, as the eye would go. */
export function neighbour(entries: readonly Entry[], from: Entry, dx: number, dy: number): Entry {
  const centre = ({ x, y, width, height }: Rectangle): [number, number] => [x + width / 2, y + height / 2];
  const [x, y] = centre(from);
  let best = from;
  let lowest = Infinity;
  for (const entry of entries) {
    const [ex, ey] = centre(entry);
    const ahead = (ex - x) * dx + (ey - y) * dy;
    const aside = Math.abs((ex - x) * dy) + Math.abs((ey - y) * dx);
    const cost = ahead + 3 * aside;
    if (ahead > 1 && cost < lowest) [best, lowest] = [entry, cost];
  }
  return best;
}
