export function range(start: number, end: number): number[] {
  return Array.from({ length: Math.max(end - start, 0) }, (_, index) => start + index);
}

/** As Python writes a tuple. */
export function tuple(sizes: readonly number[]): string {
  return `(${sizes.join(", ")}${sizes.length === 1 ? "," : ""})`;
}

export function same(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, index) => value === b[index]);
}

/** Each value once, in ascending order. */
export function unique(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}
