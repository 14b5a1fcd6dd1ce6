import { guard } from "lit/directives/guard.js";
import { html, nothing, svg, type TemplateResult } from "lit/html.js";
import { underline } from "./colour.ts";
import { type Arrow, type Entry, type Layout, SHEET, stripOf } from "./layout.ts";
import type { Pointing } from "./pointing.ts";

/** What is lit on the stage: by key, and the cells of each key that an expression addresses. */
export interface Lights {
  readonly same: string | null;
  readonly sources: ReadonlySet<string>;
  /** The one value pointed at, within its strip. */
  readonly k: number | null;
  /** The number that a term of the arithmetic came from. */
  readonly aimed: Pointing | null;
  /** The tick whose boxes are being computed; null while nothing moves. */
  readonly now: number | null;
  readonly addressed: ReadonlyMap<string, ReadonlySet<number>> | null;
  /** `role key` of the entries that the expression reads; what else is addressed is the same number elsewhere. */
  readonly read?: ReadonlySet<string>;
}

/**
 * The frame and the grid; `strips.ts` fills the canvas. Which entry the Tab key reaches is `active`; `tick` says how far time has
 * been unrolled. A change of the numbers alone leaves all of it as it is.
 */
export function guardedStage(layout: Layout, lights: Lights, active: Entry | undefined, tick: number): unknown {
  const { same, k, sources, addressed, aimed, now } = lights;
  return guard([layout, same, k, String([...sources]), addressed, active, tick, aimed?.key, aimed?.k, now], () =>
    stageTemplate(layout, lights, active, tick),
  );
}

function stageTemplate(layout: Layout, lights: Lights, active: Entry | undefined, tick: number): TemplateResult {
  const { width, height, sheets } = layout;
  const behind = Array.from({ length: sheets + 1 }, (_, sheet) => sheets - sheet);
  return html`<div class="stage ${lights.addressed ? "addressing" : ""}" style="width:${width}px;height:${height}px">
    <svg width=${width} height=${height} aria-hidden="true">
      ${behind.map((sheet) => {
        const w = width - sheets * SHEET - 1;
        const h = height - sheets * SHEET - 1;
        return svg`<rect class="sheet" x=${0.5 + sheet * SHEET} y=${0.5 + (sheets - sheet) * SHEET} width=${w} height=${h} rx="4" />`;
      })}
      ${(["output", "hn", "cn"] as const).map((tensor) => svg`<g class="band ${tensor}">${layout.bands.filter((band) => band.tensor === tensor).map(({ x, y, width, height }) => svg`<rect x=${x} y=${y} width=${width} height=${height} rx="7" />`)}</g>`)}
      <path class="paper" d=${layout.entries.map(paperOf).join("")} />
      <path class="line" d=${layout.arrows.map(lineOf).join("")} />
      <path class="head" d=${layout.arrows.map(headOf).join("")} />
      ${layout.texts.map((text) => svg`<text class=${text.kind} x=${text.x} y=${text.y}>${text.text}</text>`)}
    </svg>
    <canvas aria-hidden="true"></canvas>
    <div class="entries">${layout.entries.map((entry, index) => entryTemplate(entry, index, lights, entry === active, tick))}</div>
  </div>`;
}

function entryTemplate(entry: Entry, index: number, lights: Lights, reachable: boolean, tick: number): TemplateResult {
  const { x, y, width, height, key, role, count } = entry;
  const same = lights.same === key;
  const cells = lights.addressed?.get(key);
  const later = entry.tick > tick;
  const aimed = lights.aimed?.key === key ? lights.aimed.k : null;
  const marked = aimed ?? (same ? lights.k : null);
  const read = lights.read?.has(`${role} ${key}`);
  const classes = `entry ${role}${entry.corner ? " corner" : ""}${same ? " same" : ""}${lights.sources.has(key) ? " source" : ""}${cells ? " addressed" : ""}${read ? " read" : ""}${later ? " later" : ""}${aimed === null ? "" : " aimed"}${entry.tick === lights.now && role === "box" ? " now" : ""}`;
  const isSide = role !== "box" && role !== "output" && role !== "x";
  const marks = cells && (read || cells.size < count) ? underline(cells, count) : null;
  return html`<button type="button" class=${classes} data-index=${index} tabindex=${reachable ? 0 : -1} aria-label=${entry.name} aria-pressed=${same ? "true" : "false"}
    style="left:${x}px;top:${y}px;width:${width}px;height:${height}px"
  >${isSide ? html`<span class="label">${entry.label}</span>` : nothing}<span class="strip">${marked === null ? nothing : html`<i style="left:${(100 * marked) / count}%;width:${100 / count}%"></i>`}${marks ? html`<u style="background-image:${marks}"></u>` : nothing}</span></button>`;
}

function paperOf(entry: Entry): string {
  const { x, y, width, height } = stripOf(entry);
  return `M${x} ${y}h${width}v${height}h${-width}Z`;
}

function lineOf([x1, y1, x2, y2]: Arrow): string {
  const [dx, dy] = [Math.sign(x2 - x1), Math.sign(y2 - y1)];
  return `M${x1} ${y1}L${x2 - 4 * dx} ${y2 - 4 * dy}`;
}

function headOf([x1, y1, x2, y2]: Arrow): string {
  const [dx, dy] = [Math.sign(x2 - x1), Math.sign(y2 - y1)];
  const [x, y] = [x2 - 5 * dx, y2 - 5 * dy];
  return `M${x2} ${y2}L${x + 2.5 * dy} ${y + 2.5 * dx}L${x - 2.5 * dy} ${y - 2.5 * dx}Z`;
}
