import { strip } from "./colour.ts";
import { type Layout, stripOf } from "./layout.ts";
import type { Picture } from "./picture.ts";
import { isBackward, keyOf, layerOf, numbersOf, type Place, sourcesOf, tickOf } from "./places.ts";
import { sourceNames } from "./readout.ts";

const SPOKEN = 2; // boxes, before the sentence becomes too long
const TRAVEL = 550; // milliseconds from box to box

/** The states that are computed at a tick, from the layer below upwards; in an LSTM the cell state, for both of its states. */
function computedAt(tick: number, picture: Picture, sample: number): Extract<Place, { tensor: "h" | "c" }>[] {
  const tensor = picture.module.name === "LSTM" ? "c" : "h";
  return Array.from({ length: picture.rows * picture.L }, (_, at) => {
    return { tensor, row: Math.floor(at / picture.L), step: at % picture.L } as const;
  }).filter((place) => numbersOf(place, picture, sample).length > 0 && tickOf(place, picture, sample) === tick);
}

/** Which boxes are computed at this tick, and from what. */
export function narrationOf(picture: Picture, sample: number, tick: number, isMoving: boolean): string {
  if (!isMoving) return "All is computed. Play and Step show in which order, and from what.";
  if (tick === 0) return "Nothing is computed yet.";
  const computed = computedAt(tick, picture, sample);
  if (computed.length === 0) return `Sample ${sample} has ended.`;
  const spoken = computed.slice(0, SPOKEN).map((place) => {
    const way = picture.module.D === 1 ? "" : isBackward(place.row, picture) ? " backward" : " forward";
    return `layer ${layerOf(place.row, picture)}${way}, step ${place.step}, from ${sourceNames(place, picture, sample)}`;
  });
  const rest = computed.length > SPOKEN ? `; so on up to layer ${layerOf(computed.at(-1)!.row, picture)}` : "";
  return `Computed now: ${spoken.join("; ")}${rest}.`;
}

/** What a tick computes from travels to its boxes, layer after layer, and fills them. */
export function travel(stage: HTMLElement, layout: Layout, picture: Picture, sample: number, tick: number): void {
  const paper = getComputedStyle((stage.getRootNode() as ShadowRoot).host).backgroundColor;
  for (const [index, entry] of layout.entries.entries()) {
    if (entry.role === "x" || entry.tick !== tick) continue;
    const timing = {
      duration: TRAVEL,
      delay: "row" in entry.place && picture.module.D === 1 ? (layerOf(entry.place.row, picture) * TRAVEL) / 4 : 0,
      fill: "backwards",
    } as const;
    const hidden = { backgroundColor: paper };
    stage
      .querySelector(`[data-index="${index}"] .strip`)
      ?.animate([hidden, { ...hidden, offset: 0.8 }, { backgroundColor: "transparent" }], timing);
    if (entry.role !== "box") continue;
    for (const source of sourcesOf(entry.place, picture, sample)) {
      const from = layout.entries.find(({ key, role }) => key === keyOf(source) && !/output|n$/.test(role));
      if (!from || from.tick > tick) continue;
      const mote = document.createElement("i");
      mote.className = "mote";
      mote.style.background = strip(
        numbersOf(source, picture, sample),
        picture.scale[source.tensor[0] as "x" | "h" | "c"],
      );
      stage.append(mote);
      const [start, end] = [from, entry].map((each) => {
        const { x, y, width, height } = stripOf(each);
        return `translate(${x + width / 2 - 17}px, ${y + height / 2 - 5}px)`;
      });
      mote.animate(
        [
          { transform: start!, opacity: 1 },
          { transform: end!, opacity: 1 },
        ],
        timing,
      ).onfinish = () => mote.remove();
    }
  }
}
