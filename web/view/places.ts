import type { Picture } from "./picture.ts";

/**
 * One vector of the picture, in the sample on top. The same place can be drawn several times: the state of the top
 * layer after its last step is a box, a part of output and an entry of hn.
 */
export type Place =
  | { readonly tensor: "h" | "c"; readonly row: number; readonly step: number }
  | { readonly tensor: "h0" | "c0"; readonly row: number }
  | { readonly tensor: "x"; readonly step: number }
  /** The zeros in output after a short sample's end. */
  | { readonly tensor: "padding"; readonly direction: number; readonly step: number };

export function keyOf(place: Place): string {
  return Object.values(place).join(".");
}

/** The place with this key, or null when the picture has none. */
export function placeOf(key: string | null, picture: Picture, sample: number): Place | null {
  const [tensor, ...indices] = (key ?? "").split(".");
  const [first, second] = indices.map(Number) as [number?, number?];
  const place =
    tensor === "h" || tensor === "c"
      ? { tensor, row: first!, step: second! }
      : tensor === "h0" || tensor === "c0"
        ? { tensor, row: first! }
        : tensor === "x"
          ? { tensor, step: first! }
          : ({ tensor: "padding", direction: first!, step: second! } as const);
  const known = keyOf(place as Place) === key && numbersOf(place as Place, picture, sample).length > 0;
  return known ? (place as Place) : null;
}

/** What the setting `selected` says: a place, or `h.0.2.3`, one of its numbers. null when the picture has none such. */
export function selectionIn(
  selected: string | null,
  picture: Picture,
  sample: number,
): { key: string; k: number | null } | null {
  if (selected === null) return null;
  if (placeOf(selected, picture, sample)) return { key: selected, k: null };
  const [, key, k] = /^(.*)\.(\d+)$/.exec(selected) ?? [];
  const place = placeOf(key ?? null, picture, sample);
  return place && Number(k) < numbersOf(place, picture, sample).length ? { key: key!, k: Number(k) } : null;
}

/** What goes in, which a person may change. */
export type Input = Extract<Place, { tensor: "x" | "h0" | "c0" }>;

export function isInput(place: Place): place is Input {
  return place.tensor === "x" || place.tensor === "h0" || place.tensor === "c0";
}

export function layerOf(row: number, { module }: Picture): number {
  return Math.floor(row / module.D);
}

export function isBackward(row: number, { module }: Picture): boolean {
  return row % module.D === 1;
}

/** The step at which a row begins and the one at which it ends. */
export function endsOf(row: number, picture: Picture, sample: number): { first: number; last: number } {
  const end = picture.lengths[sample]! - 1;
  return isBackward(row, picture) ? { first: end, last: 0 } : { first: 0, last: end };
}

/** The place's numbers; none where there is no such place. */
export function numbersOf(place: Place, picture: Picture, sample: number): readonly number[] {
  const { module, x, L } = picture;
  switch (place.tensor) {
    case "h":
    case "c":
      return picture.state(place.tensor, place.row, place.step, sample) ?? [];
    case "h0":
    case "c0": {
      if (!(place.row >= 0 && place.row < picture.rows)) return [];
      if (place.tensor === "c0" && module.name !== "LSTM") return [];
      const given = place.tensor === "h0" ? picture.h_0 : picture.c_0;
      const width = place.tensor === "h0" ? module.H_out : module.hidden_size;
      return given === null
        ? new Array<number>(width).fill(0)
        : slice(given.data, vectorAt(place, picture, sample) * width, width);
    }
    case "x":
      return place.step >= 0 && place.step < L
        ? slice(x.data, vectorAt(place, picture, sample) * module.input_size, module.input_size)
        : [];
    case "padding": {
      const inside =
        place.step >= picture.lengths[sample]! && place.step < L && place.direction >= 0 && place.direction < module.D;
      return inside ? new Array<number>(module.H_out).fill(0) : [];
    }
  }
}

/** How many vectors lie before the place's own in the tensor that goes in. */
export function vectorAt(place: Input, { module, batched, L, N, x }: Picture, sample: number): number {
  if (place.tensor !== "x") return place.row * N + sample;
  if (!batched) return place.step;
  return module.batch_first ? sample * L + place.step : place.step * x.shape[1]! + sample;
}

function slice(data: Float32Array, at: number, length: number): number[] {
  return Array.from(data.subarray(at, at + length));
}

/** What the place was computed from. */
export function sourcesOf(place: Place, picture: Picture, sample: number): Place[] {
  if (place.tensor !== "h" && place.tensor !== "c") return [];
  const { module } = picture;
  const { row, step } = place;
  const layer = layerOf(row, picture);
  const below: Place[] =
    layer === 0
      ? [{ tensor: "x", step }]
      : Array.from({ length: module.D }, (_, direction) => ({
          tensor: "h",
          row: (layer - 1) * module.D + direction,
          step,
        }));
  const before = previous(row, step, picture, sample);
  const own: Place[] = before === null ? [{ tensor: "h0", row }] : [{ tensor: "h", row, step: before }];
  if (module.name !== "LSTM") return [...below, ...own];
  if (place.tensor === "h") return [...below, ...own, { tensor: "c", row, step }];
  return [...below, ...own, before === null ? { tensor: "c0", row } : { tensor: "c", row, step: before }];
}

/** The step that the row came from; null for its first. */
export function previous(row: number, step: number, picture: Picture, sample: number): number | null {
  if (step === endsOf(row, picture, sample).first) return null;
  return isBackward(row, picture) ? step + 1 : step - 1;
}

/** How many clock ticks it takes to compute everything. Both directions of a layer must be done before the next begins. */
export function ticks({ module, L }: Picture): number {
  return module.D === 1 ? L : module.num_layers * L;
}

/** The tick at which the place is known. */
export function tickOf(place: Place, picture: Picture, sample: number): number {
  if (place.tensor === "padding") return ticks(picture);
  if (place.tensor !== "h" && place.tensor !== "c") return 0;
  const count = Math.abs(place.step - endsOf(place.row, picture, sample).first) + 1;
  return picture.module.D === 1 ? count : layerOf(place.row, picture) * picture.L + count;
}
