import { type Dense, type Nested, nested, zeros } from "../engine/index.ts";
import type { Picture } from "./picture.ts";
import { type Input, vectorAt } from "./places.ts";
import type { Settings } from "./settings.ts";

/** The setting after the value `k` of a place has become `value`: all of its tensor, and both states where PyTorch wants both. */
export function withValue(place: Input, picture: Picture, sample: number, k: number, value: number): Partial<Settings> {
  const { module, batched, rows, N } = picture;
  const state = (width: number): Dense => zeros([rows, ...(batched ? [N] : []), width]);
  const tensors = {
    x: picture.x,
    h0: picture.h_0 ?? state(module.H_out),
    c0: picture.c_0 ?? state(module.hidden_size),
  };
  const { shape, data } = tensors[place.tensor];
  const changed = data.slice();
  changed[vectorAt(place, picture, sample) * shape.at(-1)! + k] = value;
  tensors[place.tensor] = { shape, data: changed };
  if (place.tensor === "x") return { input: listed(tensors.x) };
  return { h_0: listed(tensors.h0), ...(module.name === "LSTM" ? { c_0: listed(tensors.c0) } : {}) };
}

/** Nested lists; nine digits hold a float32. */
function listed(tensor: Dense): Nested {
  const short = (_: string, value: unknown): unknown =>
    typeof value === "number" ? Number(value.toPrecision(9)) : value;
  return JSON.parse(JSON.stringify(nested(tensor), short)) as Nested;
}
