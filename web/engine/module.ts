import { pythonType, type TensorLike } from "./dense.ts";
import { TorchError } from "./errors.ts";

/** PyTorch's own argument names. An argument that is absent, or null as Python's None, has PyTorch's default. */
export interface Spec {
  readonly module: ModuleName;
  readonly input_size: number;
  readonly hidden_size: number;
  readonly num_layers?: number | null;
  readonly nonlinearity?: "tanh" | "relu" | null;
  readonly bias?: boolean | null;
  readonly batch_first?: boolean | null;
  readonly bidirectional?: boolean | null;
  readonly proj_size?: number | null;

  /** `torch.manual_seed(seed)` right before the constructor. Unused when `parameters` are given. */
  readonly seed?: number | null;
  /** The weights of a real module, by name, as its `state_dict()` has them. */
  readonly parameters?: Readonly<Record<string, TensorLike>> | null;

  /** (L, N, H_in), (N, L, H_in) when batch_first, or (L, H_in) unbatched. */
  readonly input: TensorLike;
  /** The input's dtype. The engine computes in float32 alone, so the others are mistakes, as they are in PyTorch. */
  readonly dtype?: "float32" | "float64" | "int64" | null;
  /** `module(input, h_0)`; with c_0, `module(input, (h_0, c_0))`. So an LSTM that is given h_0 alone raises. */
  readonly h_0?: TensorLike | null;
  readonly c_0?: TensorLike | null;
  /** `pack_padded_sequence(input, lengths, batch_first, enforce_sorted)` goes in, and output is padded to L again. */
  readonly lengths?: readonly number[] | null;
  readonly enforce_sorted?: boolean | null;
}

export type ModuleName = "RNN" | "LSTM" | "GRU";

/** The arguments that every module has, by PyTorch's names. */
export interface Arguments {
  readonly input_size: number;
  readonly hidden_size: number;
  readonly num_layers: number;
  readonly nonlinearity: "tanh" | "relu";
  readonly bias: boolean;
  readonly batch_first: boolean;
  readonly bidirectional: boolean;
  readonly proj_size: number;
}

/** What a module's constructor settles. */
export interface Module extends Arguments {
  readonly name: ModuleName;
  /** Directions: 2 if bidirectional else 1. */
  readonly D: number;
  /** Width of h: proj_size if > 0 else hidden_size. The width of c is hidden_size. */
  readonly H_out: number;
}

/**
 * `nn.RNN(...)`, `nn.LSTM(...)` or `nn.GRU(...)`, its mistakes found in the order in which PyTorch finds them.
 * An argument that a module does not take (nonlinearity, proj_size) may still be there with its default value.
 */
export function construct(spec: Spec): Module {
  const { module: name, input_size, hidden_size } = spec;
  const num_layers = spec.num_layers ?? 1;
  const nonlinearity = spec.nonlinearity ?? "tanh";
  const bias = spec.bias ?? true;
  const batch_first = spec.batch_first ?? false;
  const bidirectional = Boolean(spec.bidirectional ?? false);
  const proj_size = spec.proj_size ?? 0;

  if (name !== "RNN" && name !== "LSTM" && name !== "GRU") {
    throw new TorchError("AttributeError", `module 'torch.nn' has no attribute '${String(name)}'`);
  }
  if (proj_size !== 0 && name !== "LSTM") {
    throw new TorchError("ValueError", "proj_size argument is only supported for LSTM, not RNN or GRU");
  }
  if (nonlinearity !== "tanh" && name !== "RNN") {
    throw new TorchError("TypeError", "RNNBase.__init__() got an unexpected keyword argument 'nonlinearity'");
  }
  if (nonlinearity !== "tanh" && nonlinearity !== "relu") {
    throw new TorchError("ValueError", `Unknown nonlinearity '${String(nonlinearity)}'. Select from 'tanh' or 'relu'.`);
  }
  checkType("bias", bias, "bool");
  checkType("batch_first", batch_first, "bool");
  checkType("input_size", input_size, "int");
  if (input_size <= 0) throw new TorchError("ValueError", "input_size must be greater than zero");
  checkType("hidden_size", hidden_size, "int");
  if (hidden_size <= 0) throw new TorchError("ValueError", "hidden_size must be greater than zero");
  if (num_layers <= 0) throw new TorchError("ValueError", "num_layers must be greater than zero");
  if (proj_size < 0) {
    throw new TorchError("ValueError", "proj_size should be a positive integer or zero to disable projections");
  }
  if (proj_size >= hidden_size) throw new TorchError("ValueError", "proj_size has to be smaller than hidden_size");
  for (const count of [num_layers, proj_size]) {
    if (!Number.isInteger(count)) {
      throw new TorchError("TypeError", `'${pythonType(count)}' object cannot be interpreted as an integer`);
    }
  }

  const D = bidirectional ? 2 : 1;
  const H_out = proj_size > 0 ? proj_size : hidden_size;
  return {
    name,
    input_size,
    hidden_size,
    num_layers,
    nonlinearity,
    bias,
    batch_first,
    bidirectional,
    proj_size,
    D,
    H_out,
  };
}

function checkType(argument: string, value: unknown, expected: "bool" | "int"): void {
  const type = pythonType(value);
  if (type !== expected) throw new TorchError("TypeError", `${argument} should be of type ${expected}, got: ${type}`);
}
