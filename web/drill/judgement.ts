import type { Place } from "./boxes.ts";

/** What is made of a typed answer. One that cannot be read does not count; `message` says why. */
export type Judgement =
  /** `caution`: where the same answer would not be right. */
  | { readonly verdict: "right"; readonly caution?: string }
  | { readonly verdict: "wrong"; readonly misconception: string | null; readonly places: readonly Place[] }
  | { readonly verdict: "unread"; readonly message: string };

export const RIGHT: Judgement = { verdict: "right" };

export function unread(message: string): Judgement {
  return { verdict: "unread", message };
}

export function wrong(misconception: string | null, places: readonly Place[] = []): Judgement {
  return { verdict: "wrong", misconception, places };
}
