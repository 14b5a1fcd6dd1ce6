import { colour } from "./colour.ts";
import { type Layout, stripOf } from "./layout.ts";
import type { Picture } from "./picture.ts";
import { numbersOf } from "./places.ts";

const FAINT = 0.28;
/** Strips of more cells have no room for gaps between them. */
const MAX_GAPS = 12;

/** Every cell of every strip, as one image: a change of all numbers then costs one paint, and no element's style. */
export class Strips {
  #drawn: readonly unknown[] = [];
  /** Kept, for a new one with every change would keep the garbage collector busy. */
  #image: ImageData | null = null;

  /** Draws the strips known at `tick`, those faint that are not `addressed`. Does nothing where that is what the canvas shows. */
  draw(
    canvas: HTMLCanvasElement,
    layout: Layout,
    picture: Picture,
    sample: number,
    addressed: ReadonlyMap<string, unknown> | null,
    tick: number,
  ): void {
    const next = [canvas, layout, picture, addressed, tick];
    if (next.every((value, at) => value === this.#drawn[at])) return;
    this.#drawn = next;
    const scale = devicePixelRatio;
    const columns = Math.ceil(layout.width * scale);
    const rows = Math.ceil(layout.height * scale);
    // Setting a size clears the canvas and takes new memory for it, even where it is the same.
    if (canvas.width !== columns || canvas.height !== rows) Object.assign(canvas, { width: columns, height: rows });
    if (this.#image?.width !== columns || this.#image.height !== rows) this.#image = new ImageData(columns, rows);
    // Places in the image count its bytes: four for each pixel.
    const { data } = this.#image;
    const pixels = new DataView(data.fill(0).buffer);
    const line = 4 * columns;
    for (const entry of layout.entries) {
      if (entry.tick > tick) continue;
      const { x, y, width, height } = stripOf(entry);
      const values = numbersOf(entry.place, picture, sample);
      const { length } = values;
      const limit = picture.scale[entry.place.tensor[0] as "x" | "h" | "c"] || 1; // padding has no scale, and is 0
      const top = line * Math.round((y + 1) * scale);
      const bottom = line * Math.round((y + height - 1) * scale);
      const edge = (k: number): number => top + 4 * Math.round((x + 1 + (k * (width - 2)) / length) * scale);
      const gap = length > MAX_GAPS ? 0 : 4 * Math.round(scale);
      const opacity = addressed && !addressed.has(entry.key) ? FAINT : 1;
      values.forEach((value, k) => {
        const cell = colour(value, limit, opacity);
        const end = edge(k + 1) - (k + 1 < length ? gap : 0);
        for (let at = edge(k); at < end; at += 4) pixels.setUint32(at, cell);
      });
      // All lines of a strip are the same.
      const start = edge(0);
      const end = edge(length);
      for (let below = line; below < bottom - top; below += line) data.copyWithin(start + below, start, end);
    }
    canvas.getContext("2d")!.putImageData(this.#image, 0, 0);
  }
}
