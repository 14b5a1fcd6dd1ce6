import {
  construct,
  type Dense,
  dense,
  GATES,
  type Module,
  type Result,
  run,
  type Spec,
  UnsupportedError,
} from "../engine/index.ts";
import { LIMITS, MAX_ELEMENTS, type Settings } from "./settings.ts";
import { specOf } from "./tensors.ts";

/** What one run gave, where the view can look up any value of it. */
export interface Picture {
  readonly spec: Spec;
  readonly module: Module;
  readonly result: Result;
  readonly batched: boolean;
  readonly N: number;
  readonly L: number;
  readonly lengths: readonly number[];
  readonly x: Dense;
  readonly h_0: Dense | null;
  readonly c_0: Dense | null;
  /** D * num_layers: the rows of the grid, which are the entries of hn. */
  readonly rows: number;
  /** The largest magnitude that the colours of x, of h and of c have to show. */
  readonly scale: Readonly<Record<"x" | "h" | "c", number>>;
  /** The state of a row after a step of a sample; undefined where the sample has ended. */
  readonly state: (tensor: "h" | "c", row: number, step: number, sample: number) => readonly number[] | undefined;
}

/** Runs the settings. Throws what the engine throws. */
export function pictureOf(settings: Settings): Picture {
  const spec = specOf(settings);
  if (settings.parameters === null && work(settings) > 2 ** 24) {
    throw new UnsupportedError("This is too large to be drawn; choose smaller sizes.");
  }
  const module = construct(spec);
  const result = run(spec);
  const x = dense(spec.input);
  const batched = x.shape.length === 3;
  const [N, L] = batched
    ? module.batch_first
      ? [x.shape[0]!, x.shape[1]!]
      : [x.shape[1]!, x.shape[0]!]
    : [1, x.shape[0]!];
  if (N > LIMITS.N.max || L > LIMITS.L.max || x.data.length > MAX_ELEMENTS) {
    throw new UnsupportedError(
      `This is too large to be drawn: N is ${N}, L is ${L}; at most ${LIMITS.N.max} and ${LIMITS.L.max}.`,
    );
  }
  const { D, num_layers } = module;
  const taking = spec.lengths?.length ?? N;
  const boxes: (Result["states"][number] | undefined)[] = new Array(num_layers * D * L * taking);
  const h_0 = spec.h_0 ? dense(spec.h_0) : null;
  const c_0 = spec.c_0 ? dense(spec.c_0) : null;
  const scale = { x: largest(x.data), h: largest(h_0?.data ?? []), c: largest(c_0?.data ?? []) };
  for (const box of result.states) {
    boxes[((box.layer * D + box.direction) * L + box.step) * taking + box.sample] = box;
    scale.h = Math.max(scale.h, largest(box.h));
    scale.c = Math.max(scale.c, largest(box.c ?? []));
  }
  return {
    spec,
    module,
    result,
    batched,
    N: taking,
    L,
    lengths: spec.lengths ?? new Array<number>(N).fill(L),
    x,
    h_0,
    c_0,
    rows: num_layers * D,
    scale: { x: scale.x || 1, h: scale.h || 1, c: scale.c || 1 },
    state: (tensor, row, step, sample) => boxes[(row * L + step) * taking + sample]?.[tensor],
  };
}

/**
 * What is drawn behind a mistake: the picture without the arguments of the call, or also without a projection, or also
 * without x and weights of one's own; and the names of the settings that it does without. null where even that cannot be drawn.
 */
export function pictureBehind(settings: Settings): { picture: Picture; without: string[] } | null {
  const call = { ...settings, h_0: null, c_0: null, lengths: null };
  const unprojected = { ...call, proj_size: 0 };
  for (const simpler of [call, unprojected, { ...unprojected, input: null, parameters: null }]) {
    try {
      const without = (Object.keys(simpler) as (keyof Settings)[]).filter((name) => simpler[name] !== settings[name]);
      return { picture: pictureOf(simpler), without };
    } catch {
      // The mistake is reported already, as the settings make it; this one has to do without more of them.
    }
  }
  return null;
}

/** The largest magnitude; 0 where there is none. */
function largest(values: Iterable<number>): number {
  let maximum = 0;
  for (const value of values) if (Math.abs(value) > maximum && Number.isFinite(value)) maximum = Math.abs(value);
  return maximum;
}

/** About how many multiplications a run takes. */
function work({ N, L, num_layers, bidirectional, hidden_size, input_size, module }: Settings): number {
  return (
    N *
    L *
    num_layers *
    (bidirectional ? 2 : 1) *
    GATES[module] *
    hidden_size *
    (Math.max(input_size, 2 * hidden_size) + hidden_size)
  );
}
