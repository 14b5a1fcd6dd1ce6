import { KIND_NAMES, type Kind, LEVELS } from "./wording.ts";

/** How often a kind was asked and answered right, and how likely it comes next beside the others. */
export interface Tally {
  readonly weight: number;
  readonly right: number;
  readonly asked: number;
}

export interface Progress {
  readonly level: number;
  /** Right answers in a row; below 0, wrong ones. */
  readonly streak: number;
  readonly kinds: Readonly<Record<Kind, Tally>>;
  /** The question that waits for an answer. */
  readonly asking: Asking | null;
}

export interface Asking {
  readonly kind: Kind;
  readonly level: number;
  readonly seed: number;
}

const KEY = "unrolled-drill";
const [MIN_WEIGHT, MAX_WEIGHT] = [1 / 4, 8];
/** The streaks that lead a level up and down. */
const STREAK_UP = 3;
const STREAK_DOWN = -2;

export function fresh(): Progress {
  const tally: Tally = { weight: 1, right: 0, asked: 0 };
  return { level: 1, streak: 0, kinds: everyKind(() => tally), asking: null };
}

/**
 * The rule by which the drill adapts. A right answer halves its kind's weight (not below 1/4), a wrong one doubles it (not above 8).
 * Three right answers in a row raise the level, two wrong ones lower it, and the count begins anew.
 */
export function answered(progress: Progress, kind: Kind, right: boolean): Progress {
  const { weight, ...tally } = progress.kinds[kind];
  const changed: Tally = {
    weight: right ? Math.max(weight / 2, MIN_WEIGHT) : Math.min(weight * 2, MAX_WEIGHT),
    right: tally.right + (right ? 1 : 0),
    asked: tally.asked + 1,
  };
  const streak = right ? Math.max(progress.streak, 0) + 1 : Math.min(progress.streak, 0) - 1;
  const step = streak >= STREAK_UP ? 1 : streak <= STREAK_DOWN ? -1 : 0;
  const level = Math.min(Math.max(progress.level + step, 1), LEVELS);
  return { level, streak: step === 0 ? streak : 0, kinds: { ...progress.kinds, [kind]: changed }, asking: null };
}

/** The next question: a kind drawn by its weight, never the one that was asked last. `random` gives numbers from 0 to 1. */
export function next(progress: Progress, last: Kind | null, random: () => number = Math.random): Progress {
  const open = KIND_NAMES.filter((kind) => kind !== last);
  const total = open.reduce((sum, kind) => sum + progress.kinds[kind].weight, 0);
  let left = random() * total;
  const kind = open.find((kind) => {
    left -= progress.kinds[kind].weight;
    return left < 0;
  });
  return {
    ...progress,
    asking: { kind: kind ?? open[0]!, level: progress.level, seed: Math.floor(random() * 2 ** 32) },
  };
}

export function totals({ kinds }: Progress): { right: number; asked: number } {
  const tallies = Object.values(kinds);
  const sum = (of: (tally: Tally) => number): number => tallies.reduce((total, tally) => total + of(tally), 0);
  return { right: sum(({ right }) => right), asked: sum(({ asked }) => asked) };
}

/** What this browser has kept. A fresh start where it keeps nothing, or something that is no progress. */
export function load(): Progress {
  try {
    return read(JSON.parse(localStorage.getItem(KEY) ?? "null")) ?? fresh();
  } catch {
    return fresh(); // storage is denied, or what lies there is no JSON
  }
}

/** Whether the browser has kept it. */
export function save(progress: Progress): boolean {
  try {
    localStorage.setItem(KEY, JSON.stringify(progress));
    return true;
  } catch {
    return false; // storage is denied or full
  }
}

export function forget(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // Storage is denied, so there is nothing to forget.
  }
}

/** Anyone can write into the storage, so nothing in it is taken on trust. */
function read(stored: unknown): Progress | null {
  if (!isRecord(stored) || !isRecord(stored.kinds)) return null;
  const { level, streak, asking, kinds } = stored;
  if (!isWhole(level, 1, LEVELS) || !isWhole(streak, STREAK_DOWN, STREAK_UP)) return null;
  const tallies = KIND_NAMES.map((name) => readTally(kinds[name]));
  if (tallies.includes(null)) return null;
  return { level, streak, asking: readAsking(asking), kinds: everyKind((_, index) => tallies[index]!) };
}

function readTally(stored: unknown): Tally | null {
  if (!isRecord(stored)) return null;
  const { weight, right, asked } = stored;
  if (!isWhole(asked, 0, 1e9) || !isWhole(right, 0, asked)) return null;
  return typeof weight === "number" && weight >= MIN_WEIGHT && weight <= MAX_WEIGHT ? { weight, right, asked } : null;
}

function readAsking(stored: unknown): Asking | null {
  if (!isRecord(stored)) return null;
  const { level, seed } = stored;
  const kind = KIND_NAMES.find((name) => name === stored.kind);
  return kind && isWhole(level, 1, LEVELS) && isWhole(seed, 0, 2 ** 32 - 1) ? { kind, level, seed } : null;
}

function everyKind(tally: (kind: Kind, index: number) => Tally): Record<Kind, Tally> {
  return Object.fromEntries(KIND_NAMES.map((name, index) => [name, tally(name, index)])) as Record<Kind, Tally>;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isWhole(value: unknown, low: number, high: number): value is number {
  return Number.isInteger(value) && (value as number) >= low && (value as number) <= high;
}
