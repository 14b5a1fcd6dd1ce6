import type { Entry, Layout } from "./layout.ts";

/** What is pointed at or focused: a place, and one value of it. */
export interface Pointing {
  readonly key: string;
  readonly k: number | null;
}

/** The entry of the stage that an event is about. */
export interface Target {
  readonly entry: Entry;
  readonly index: number;
  readonly button: HTMLElement;
}

/** The directions of the arrow keys. */
export const ARROWS: Readonly<Record<string, readonly [dx: number, dy: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

export function targetOf(event: Event, layout: Layout | null): Target | null {
  const button = (event.target as Element).closest<HTMLElement>("[data-index]");
  const index = Number(button?.dataset.index);
  const entry = layout?.entries[index];
  return button && entry ? { entry, index, button } : null;
}

/** The target's place, and the value under the pointer. */
export function pointingAt({ entry, button }: Target, event: MouseEvent): Pointing {
  const { left, right, top, bottom } = (button.querySelector(".strip") ?? button).getBoundingClientRect();
  const inside = event.clientX >= left && event.clientX < right && event.clientY >= top && event.clientY <= bottom;
  const k = Math.min(entry.count - 1, Math.floor(((event.clientX - left) / (right - left)) * entry.count));
  return { key: entry.key, k: inside ? k : null };
}

/** The setting `selected` of a place, or of one of its numbers. */
export function selectedOf({ key, k }: Pointing): string {
  return k === null ? key : `${key}.${k}`;
}
