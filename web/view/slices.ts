import type { Picture } from "./picture.ts";
import { endsOf, isBackward, layerOf, type Place } from "./places.ts";

/** The slices that are this place in the sample on top, or with `k` the single numbers; none for a state that PyTorch does not return. */
export function slicesOf(place: Place, picture: Picture, sample: number, k: number | null = null): string[] {
  const last = k === null ? [] : [k];
  switch (place.tensor) {
    case "x":
      return [bracket("x", [...positionOf(place.step, picture, sample), ...last])];
    case "h0":
    case "c0":
      return [bracket(place.tensor, [...entryOf(place.row, picture, sample), ...last])];
    case "padding":
      return [outputSlice(place.direction, place.step, picture, sample, k)];
    case "h":
    case "c": {
      const slices: string[] = [];
      const isTop = layerOf(place.row, picture) === picture.module.num_layers - 1;
      if (isTop && place.tensor === "h")
        slices.push(outputSlice(place.row % picture.module.D, place.step, picture, sample, k));
      if (place.step === endsOf(place.row, picture, sample).last) {
        const name = `${place.tensor}n`;
        slices.push(bracket(name, [...entryOf(place.row, picture, sample), ...last]));
        if (isTop) slices.push(bracket(name, [...entryOf(place.row - picture.rows, picture, sample), ...last]));
      }
      return slices;
    }
  }
}

/** The label of a place where a tensor frames the grid: of all samples at once. */
export function frameLabel(tensor: "x" | "output", step: number, { batched, module }: Picture): string {
  return `${tensor}[${module.batch_first && batched ? ":, " : ""}${step}]`;
}

/** The expression that compares output with hn where they meet. */
export function cornerOf({ batched, module: { batch_first, num_layers, D, H_out } }: Picture): string {
  const at = batched && batch_first ? ":, -1, :" : D === 1 ? "-1" : batched ? "-1, :, :" : "-1, :";
  return `output[${at}${D === 1 ? "" : H_out}] == hn${D === 2 ? "[-2]" : num_layers > 1 ? "[-1]" : ""}`;
}

/** Where the place lies, in words. */
export function whereabouts(place: Place, picture: Picture, sample: number): string {
  const words: string[] = [];
  if ("row" in place) {
    if (picture.module.num_layers > 1) words.push(`layer ${layerOf(place.row, picture)}`);
    if (picture.module.D === 2) words.push(isBackward(place.row, picture) ? "backward" : "forward");
  }
  if ("step" in place) {
    const isLast = "row" in place && place.step === endsOf(place.row, picture, sample).last;
    words.push(`step ${place.step}${isLast ? " (its last)" : ""}`);
  }
  if (picture.batched) words.push(`sample ${sample}`);
  return words.join(", ");
}

function outputSlice(direction: number, step: number, picture: Picture, sample: number, k: number | null): string {
  const { D, H_out } = picture.module;
  const half = D === 1 ? [] : [direction === 0 ? `:${H_out}` : `${H_out}:`];
  return bracket("output", [...positionOf(step, picture, sample), ...(k === null ? half : [direction * H_out + k])]);
}

function positionOf(step: number, { batched, module }: Picture, sample: number): number[] {
  if (!batched) return [step];
  return module.batch_first ? [sample, step] : [step, sample];
}

function entryOf(row: number, { batched }: Picture, sample: number): number[] {
  return batched ? [row, sample] : [row];
}

function bracket(name: string, indices: readonly (number | string)[]): string {
  return `${name}[${indices.join(", ")}]`;
}
