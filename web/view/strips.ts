import { noChange } from "lit";
import { Directive, directive, type ElementPart } from "lit/directive.js";
import { colour } from "./colour.ts";
import { stripOf, type Layout } from "./layout.ts";

const FAINT = 0.28;
/** Strips of more cells have no room for gaps between them. */
const MOST_GAPS = 12;

type Drawn = readonly [layout: Layout, addressed: ReadonlyMap<string, unknown> | null, tick: number];

/** Every cell of every strip, on one canvas: a change of all numbers then costs one paint, and no element's style. */
class Strips extends Directive {
  #drawn: Drawn | null = null;

  render(_: Drawn): unknown {
    return noChange;
  }

  override update({ element }: ElementPart, [next]: [Drawn]): unknown {
    if (!next.every((value, at) => value === this.#drawn?.[at])) draw(element as HTMLCanvasElement, ...next);
    this.#drawn = next;
    return noChange;
  }
}

function draw(canvas: HTMLCanvasElement, { width, height, entries }: Layout, addressed: Drawn[1], tick: number): void {
  const scale = devicePixelRatio;
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  const context = canvas.getContext("2d")!;
  for (const entry of entries) {
    if (entry.tick > tick) continue;
    const { x, y, width, height } = stripOf(entry);
    const { length } = entry.values;
    const edge = (k: number): number => Math.round((x + 1 + (k * (width - 2)) / length) * scale);
    const top = Math.round((y + 1) * scale);
    const gap = length > MOST_GAPS ? 0 : Math.round(scale);
    context.globalAlpha = addressed && !addressed.has(entry.key) ? FAINT : 1;
    entry.values.forEach((value, k) => {
      context.fillStyle = colour(value, entry.limit);
      context.fillRect(edge(k), top, edge(k + 1) - edge(k) - (k + 1 < length ? gap : 0), Math.round((y + height - 1) * scale) - top);
    });
  }
}

export const strips = directive(Strips);
