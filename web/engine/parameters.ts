import { type Dense, dense, size, type TensorLike } from "./dense.ts";
import { TorchError } from "./errors.ts";
import type { Module } from "./module.ts";
import { mt19937, uniform } from "./mt19937.ts";

/** By name, in PyTorch's order. */
export type Parameters = ReadonlyMap<string, Dense>;

/** How many gates are stacked in weight_ih and weight_hh: i, f, g, o in an LSTM; r, z, n in a GRU. */
export const GATES = { RNN: 1, LSTM: 4, GRU: 3 } as const;

/** The end of every parameter's name: `l0`, `l0_reverse`, `l1`, ... */
export function suffix(layer: number, direction: number): string {
  return `l${layer}${direction === 1 ? "_reverse" : ""}`;
}

/** Every parameter's name and shape, in the order in which PyTorch makes them. */
export function parameterShapes(module: Module): Map<string, number[]> {
  const { hidden_size, num_layers, proj_size, D, H_out } = module;
  const rows = GATES[module.name] * hidden_size;
  const shapes = new Map<string, number[]>();
  for (let layer = 0; layer < num_layers; layer++) {
    for (let direction = 0; direction < D; direction++) {
      const end = suffix(layer, direction);
      shapes.set(`weight_ih_${end}`, [rows, layer === 0 ? module.input_size : D * H_out]);
      shapes.set(`weight_hh_${end}`, [rows, H_out]);
      if (module.bias) {
        shapes.set(`bias_ih_${end}`, [rows]);
        shapes.set(`bias_hh_${end}`, [rows]);
      }
      if (proj_size > 0) shapes.set(`weight_hr_${end}`, [proj_size, hidden_size]);
    }
  }
  return shapes;
}

/** `torch.manual_seed(seed)`, then the constructor: every parameter is U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)). */
export function seededParameters(module: Module, seed: number): Parameters {
  const draw = mt19937(seed);
  const bound = Math.fround(1 / Math.sqrt(module.hidden_size));
  const parameters = new Map<string, Dense>();
  for (const [name, shape] of parameterShapes(module)) {
    parameters.set(name, { shape, data: uniform(draw, size(shape), -bound, bound) });
  }
  return parameters;
}

/** `module.load_state_dict(given)`, with its list of what is missing, unexpected or of another shape. */
export function loadedParameters(module: Module, given: Readonly<Record<string, TensorLike>>): Parameters {
  const shapes = parameterShapes(module);
  const quoted = (names: string[]): string => names.map((name) => `"${name}"`).join(", ");
  const missing = [...shapes.keys()].filter((name) => !Object.hasOwn(given, name));
  const unexpected = Object.keys(given).filter((name) => !shapes.has(name));
  const problems: string[] = [];
  if (missing.length > 0) problems.push(`Missing key(s) in state_dict: ${quoted(missing)}. `);
  if (unexpected.length > 0) problems.push(`Unexpected key(s) in state_dict: ${quoted(unexpected)}. `);

  const parameters = new Map<string, Dense>();
  for (const [name, shape] of shapes) {
    if (!Object.hasOwn(given, name)) continue;
    const parameter = dense(given[name]!);
    parameters.set(name, parameter);
    if (String(parameter.shape) !== String(shape)) {
      problems.push(
        `size mismatch for ${name}: copying a param with shape torch.Size([${parameter.shape.join(", ")}]) from checkpoint, ` +
          `the shape in current model is torch.Size([${shape.join(", ")}]).`,
      );
    }
  }
  if (problems.length > 0) {
    throw new TorchError(
      "RuntimeError",
      `Error(s) in loading state_dict for ${module.name}:\n\t${problems.join("\n\t")}`,
    );
  }
  return parameters;
}
