import { type Dense, select } from "./dense.ts";
import { TorchError } from "./errors.ts";
import type { Module } from "./module.ts";
import { checkRows, indexSelect, type Packed } from "./pack.ts";

/** The second argument of `module(input, hx)`: nothing, one tensor, or a tuple of two (where either may be None). */
export type Hx = null | Dense | readonly [Dense | null, Dense];

/** What is known of an input that has passed every check. */
export interface Geometry {
  /** The batch size; 1 when the input is unbatched. With `lengths`, how many of them there are. */
  readonly N: number;
  readonly L: number;
  readonly batched: boolean;
  /** Each sample's length. */
  readonly lengths: readonly number[];
  readonly h_0: Dense | null;
  readonly c_0: Dense | null;
}

/**
 * The checks of `module.forward(input, hx)`, in PyTorch's order.
 * One difference: a packed input of an LSTM is checked here as the other modules check theirs. PyTorch's LSTM does
 * not, and then says something about matrix shapes, or computes with whatever lies in memory.
 */
export function checkForward(module: Module, input: Dense, dtype: string, hx: Hx, packed: Packed | null): Geometry {
  const rank = input.shape.length;
  const batchAxis = module.batch_first ? 0 : 1;
  if (packed === null && rank !== 2 && rank !== 3) {
    const tensor = module.name === "RNN" ? " tensor" : "";
    throw new TorchError("ValueError", `${module.name}: Expected input to be 2D or 3D, got ${rank}D${tensor} instead`);
  }
  const batched = packed !== null || rank === 3;
  const L = batched ? input.shape[1 - batchAxis]! : input.shape[0]!;
  const N = packed?.lengths.length ?? (batched ? input.shape[batchAxis]! : 1);

  const tupleForOne = module.name !== "LSTM" && Array.isArray(hx);
  // Only lengths that are sorted already let a tuple get as far as its size.
  const sorted = packed?.order === null;
  if (tupleForOne && !sorted) throw tupleHasNo(packed === null ? "dim" : "index_select");
  const states = module.name === "LSTM" ? pair(hx) : hx !== null && isTensor(hx) ? [hx] : [];
  const ranks = packed === null ? checkRanks(module, states, batched) : null;
  const sizes = states.map((state, which) => {
    if (packed?.order) return indexSelect(state.shape, 1, packed.order);
    return ranks?.[which] === 2 ? [state.shape[0]!, 1, state.shape[1]!] : state.shape;
  });

  checkInput(module, input, dtype, packed);
  if (tupleForOne) throw tupleHasNo("size");
  for (const [which, size] of sizes.entries()) checkSize(module, which, size, N);
  if (L === 0) throw new TorchError("RuntimeError", "Expected sequence length to be larger than 0 in RNN");
  if (packed !== null) checkRows(packed, L);

  const lengths = packed?.lengths ?? new Array<number>(N).fill(L);
  return { N, L, batched, lengths, h_0: states[0] ?? null, c_0: states[1] ?? null };
}

/** (h_0, c_0) of an LSTM. Of one tensor, PyTorch takes `hx[0]` and `hx[1]`, whatever these are. */
function pair(hx: Hx): Dense[] {
  if (hx === null) return [];
  if (!isTensor(hx)) {
    if (hx[0] === null) throw new TorchError("AttributeError", "'NoneType' object has no attribute 'dim'");
    return [hx[0], hx[1]];
  }
  const [length] = hx.shape;
  if (length === undefined) {
    throw new TorchError(
      "IndexError",
      "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim tensor to a number",
    );
  }
  if (length < 2) {
    throw new TorchError("IndexError", `index ${length} is out of bounds for dimension 0 with size ${length}`);
  }
  if (hx.shape.length === 4) throw new TorchError("TypeError", "lstm() received an invalid combination of arguments");
  return [select(hx, 0), select(hx, 1)];
}

/** What becomes of a tuple where an RNN or a GRU takes one tensor. */
function tupleHasNo(attribute: string): TorchError {
  return new TorchError("AttributeError", `'tuple' object has no attribute '${attribute}'`);
}

function isTensor(hx: Dense | readonly [Dense | null, Dense]): hx is Dense {
  return !Array.isArray(hx);
}

/** Are h_0 and c_0 batched just as the input is? */
function checkRanks(module: Module, states: readonly Dense[], batched: boolean): number[] {
  const ranks = states.map((state) => state.shape.length);
  const expected = batched ? 3 : 2;
  if (ranks.every((rank) => rank === expected)) return ranks;
  const [names, got] =
    module.name === "LSTM" ? ["hx and cx", `(${ranks[0]}-D, ${ranks[1]}-D) tensors`] : ["hx", `${ranks[0]}-D tensor`];
  throw new TorchError(
    "RuntimeError",
    `For ${batched ? "batched 3-D" : "unbatched 2-D"} input, ${names} should also be ${expected}-D but got ${got}`,
  );
}

function checkInput(module: Module, input: Dense, dtype: string, packed: Packed | null): void {
  if (dtype !== "float32") {
    throw new TorchError(
      "ValueError",
      `RNN input dtype (torch.${dtype}) does not match weight dtype (torch.float32). ` +
        `Convert input: input.to(torch.float32), or convert model: model.to(torch.${dtype})`,
    );
  }
  const rank = input.shape.length;
  if (packed !== null && rank !== 3) {
    throw new TorchError("RuntimeError", `input must have 2 dimensions, got ${rank - 1}`);
  }
  const H_in = input.shape[rank - 1];
  if (H_in !== module.input_size) {
    throw new TorchError(
      "RuntimeError",
      `input.size(-1) must be equal to input_size. Expected ${module.input_size}, got ${H_in}`,
    );
  }
}

function checkSize(module: Module, which: number, size: readonly number[], N: number): void {
  const expected = [module.D * module.num_layers, N, which === 0 ? module.H_out : module.hidden_size];
  if (String(size) === String(expected)) return;
  const name = module.name === "LSTM" ? `hidden[${which}]` : "hidden";
  throw new TorchError("RuntimeError", `Expected ${name} size (${expected.join(", ")}), got [${size.join(", ")}]`);
}
