import { type Scope, scopeOf } from "../engine/index.ts";
import { type Picture, pictureBehind, pictureOf } from "./picture.ts";
import type { Settings } from "./settings.ts";

/** What the engine makes of the settings. */
export interface Computation {
  /** What is drawn. Behind a problem: what can be drawn without some of the settings, if anything. */
  readonly picture: Picture | null;
  /** What PyTorch says against the settings. */
  readonly problem: Error | null;
  /** The settings that the picture behind a problem does without. */
  readonly without: readonly string[];
  /** The tensors of the expression line; null with a problem. */
  readonly scope: Scope | null;
}

export function computationOf(settings: Settings): Computation {
  try {
    const picture = pictureOf(settings);
    return { picture, problem: null, without: [], scope: scopeOf(picture.spec, picture.result) };
  } catch (error) {
    const problem = error instanceof Error ? error : new Error(String(error));
    const behind = pictureBehind(settings);
    return { picture: behind?.picture ?? null, problem, without: behind?.without ?? [], scope: null };
  }
}

/** The settings that say what is looked at; all others say what is computed. */
const LOOKED_AT: readonly (keyof Settings)[] = ["sample", "step", "selected", "expression"];

/** Whether the two compute the same. */
export function computeTheSame(a: Settings, b: Settings): boolean {
  return (Object.keys(a) as (keyof Settings)[]).every((name) => a[name] === b[name] || LOOKED_AT.includes(name));
}
