// Red, green and blue, then how strong. Orange above 0, purple below: told apart with any colour vision, and both visible on a
// light and on a dark page.
const POSITIVE = 0xe0601000;
const NEGATIVE = 0x684ed600;
const UNKNOWN = 0x80808000;
const FULL = 245;

/** The one scale, as the four bytes of a pixel: 0 is the page itself, and the colour is full at `limit`. It rises fast at first, so that small values show. */
export function colour(value: number, limit: number, opacity = 1): number {
  if (!Number.isFinite(value)) return UNKNOWN + Math.round(128 * opacity);
  return (value < 0 ? NEGATIVE : POSITIVE) + Math.round(FULL * opacity * Math.min(Math.abs(value) / limit, 1) ** 0.6);
}

/** A strip with one cell for each value, as a CSS background: one element, however many values. */
export function strip(values: readonly number[], limit: number): string {
  return cells(values.map((value) => `#${colour(value, limit).toString(16)}`));
}

/** A line under some cells of a strip, as a CSS background. */
export function underline(marked: ReadonlySet<number>, count: number): string {
  return cells(Array.from({ length: count }, (_, k) => (marked.has(k) ? "currentColor" : "transparent")));
}

/** Each colour begins where the one before it ended. */
function cells(colours: readonly string[]): string {
  const step = 100 / colours.length;
  return `linear-gradient(90deg,${colours.map((colour, k) => `${colour} 0 ${Math.round((k + 1) * step * 100) / 100}%`).join()})`;
}
