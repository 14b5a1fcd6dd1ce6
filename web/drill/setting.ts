import { first_levels, sizes, stacks } from "../../unrolled/drill/questions.json";
import { construct, type Module, type ModuleName, parameterShapes, type Result, run, size } from "../engine/index.ts";
import { range, tuple } from "./lists.ts";
import { isIn, type Kind } from "./wording.ts";

/** One call of a layer. N is null where the input has no batch, `lengths` where it is not packed. */
export interface Setting {
  readonly module: ModuleName;
  readonly input_size: number;
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly batch_first: boolean;
  readonly bidirectional: boolean;
  readonly proj_size: number;
  readonly N: number | null;
  readonly L: number;
  readonly lengths: readonly number[] | null;
}

/** Draws one of some options. */
export type PickOne = <T>(options: readonly T[]) => T;

/** A setting for this kind of question. The draws and their order are those of `unrolled/drill/setting.py`. */
export function drawSetting(kind: Kind, level: number, pick: PickOne): Setting {
  const module = pick<ModuleName>(kind === "cn-shape" ? ["LSTM"] : ["RNN", "LSTM", "GRU"]);
  const { num_layers, bidirectional } = pick(stacks[level - 1]!);
  const batch_first = pick([true, false]);
  const isUnbatched =
    pick([false, false, false, true]) && level >= first_levels.unbatched && isIn("sometimes_unbatched", kind);
  const isProjected = pick([false, true]) && level >= first_levels.projected && module === "LSTM";
  const [input_size, hidden_size, proj_size] = [pick(sizes.input_size), pick(sizes.hidden_size), pick(sizes.proj_size)];
  const rows = num_layers * (bidirectional ? 2 : 1);
  const isAboutShapes = isIn("about_shapes", kind);
  const axes = isAboutShapes ? sizes.about_shapes : sizes.about_states;
  // No two axes of one size, or a shape with its axes swapped could be the right one by chance.
  const N = pick(axes.N.filter((N) => !isAboutShapes || N !== rows));
  const L = pick(axes.L);
  const isPacked =
    pick([false, true]) && level >= first_levels.packed && isIn("sometimes_packed", kind) && !isUnbatched;
  const lengths = range(0, N).map(() => pick(range(2, L)));
  lengths[pick(range(0, N))] = L;
  return {
    module,
    input_size,
    hidden_size,
    num_layers,
    batch_first,
    bidirectional,
    proj_size: isProjected ? proj_size : 0,
    N: isUnbatched ? null : N,
    L,
    lengths: isPacked || isIn("always_packed", kind) ? lengths : null,
  };
}

/** D, H_out and the like. */
export function moduleOf(setting: Setting): Module {
  return construct({ ...setting, input: [] });
}

/** The batch axis of a state, or nothing. */
export function batchOf({ N }: Setting): number[] {
  return N === null ? [] : [N];
}

export function inputSizes(setting: Setting): number[] {
  const { L, input_size, batch_first } = setting;
  const batch = batchOf(setting);
  return [...(batch_first ? [...batch, L] : [L, ...batch]), input_size];
}

/** The engine's shape of a tensor or a parameter. */
export function sizesOf(name: string, setting: Setting): readonly number[] {
  const parameter = parameterShapes(moduleOf(setting)).get(name);
  if (parameter) return parameter;
  const shape = inputSizes(setting);
  const { shapes }: Result = run({ ...setting, lengths: null, input: { shape, data: new Float32Array(size(shape)) } });
  return shapes[name === "h_0" ? "h_n" : name]!;
}

/** The line of Python that makes the layer. */
function source(setting: Setting): string {
  const { module, input_size, hidden_size, num_layers, batch_first, bidirectional, proj_size } = setting;
  const options = [
    num_layers > 1 ? `num_layers=${num_layers}` : "",
    batch_first ? "batch_first=True" : "",
    bidirectional ? "bidirectional=True" : "",
    proj_size > 0 ? `proj_size=${proj_size}` : "",
  ];
  return `nn.${module}(${[input_size, hidden_size, ...options.filter(Boolean)].join(", ")})`;
}

/** The lines that make the layer and call it. */
export function codeOf(setting: Setting, withInitialState = false): string[] {
  const name = setting.module.toLowerCase();
  const isLstm = setting.module === "LSTM";
  const results = isLstm ? "output, (hn, cn)" : "output, hn";
  const construction = [`${name} = ${source(setting)}`, `x = torch.randn${tuple(inputSizes(setting))}`];
  if (setting.lengths === null) {
    const initial = withInitialState ? (isLstm ? ", (h0, c0)" : ", h0") : "";
    return [...construction, `${results} = ${name}(x${initial})`];
  }
  const batchFirst = setting.batch_first ? ", batch_first=True" : "";
  return [
    ...construction,
    `packed = pack_padded_sequence(x, [${setting.lengths.join(", ")}]${batchFirst}, enforce_sorted=False)`,
    `${results} = ${name}(packed)`,
    `output, lengths = pad_packed_sequence(output${batchFirst})`,
  ];
}

/** The part of output's last axis that is this direction; nothing where there is one direction. */
export function half(setting: Setting, direction: number): string {
  const { D, H_out } = moduleOf(setting);
  return D === 1 ? "" : direction === 0 ? `:${H_out}` : `${H_out}:`;
}

/** `output` at one step, of one sample or of all. */
export function outputAt(setting: Setting, step: number, features = "", sample: number | null = null): string {
  const { N, batch_first } = setting;
  const which = sample === null ? ":" : String(sample);
  const index = N === null ? [String(step)] : batch_first ? [which, String(step)] : [String(step), which];
  if (index.at(-1) === ":" && !features) index.pop();
  return `output[${[...index, ...(features ? [features] : [])].join(", ")}]`;
}

/** The top layer's final state of this direction, as a part of output. */
export function finalInOutput(setting: Setting, direction: number, sample: number | null = null): string {
  const last = sample === null || setting.lengths === null ? -1 : setting.lengths[sample]! - 1;
  return outputAt(setting, direction === 1 ? 0 : last, half(setting, direction), sample);
}
