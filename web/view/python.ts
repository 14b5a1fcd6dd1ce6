import { programOf, size } from "../engine/index.ts";
import type { Settings } from "./settings.ts";
import { isShaped } from "./tensors.ts";

/** The settings as a Python program that prints `expression`. */
export function pythonOf(settings: Settings, expression: string): string {
  const { module, lengths, h_0, c_0, batch_first } = settings;
  const name = module.toLowerCase();
  const isLSTM = module === "LSTM";
  const states = [h_0 ? "h0" : null, isLSTM && c_0 ? "c0" : null].filter((state) => state !== null);
  const hx = states.length === 2 ? "(h0, c0)" : c_0 && isLSTM ? "(None, c0)" : states[0];
  const given = (input: string): string => `${name}(${[input, ...(hx ? [hx] : [])].join(", ")})`;
  const results = isLSTM ? "(hn, cn)" : "hn";
  const first = batch_first ? ", batch_first=True" : "";
  const call = lengths
    ? [
        `    packed = pack_padded_sequence(x, lengths${first}, enforce_sorted=False)`,
        `    packed, ${results} = ${given("packed")}`,
        `    output, _ = pad_packed_sequence(packed${first}, total_length=x.size(${batch_first ? 1 : 0}))`,
      ]
    : [`    output, ${results} = ${given("x")}`];
  // The names that an expression may use although no argument was given for them.
  const zeros = [
    ...(h_0 ? [] : ["h0 = torch.zeros_like(hn)"]),
    ...(isLSTM && !c_0 ? ["c0 = torch.zeros_like(cn)"] : []),
    ...sizesCode(settings),
  ].filter((line) => new RegExp(`\\b${line.split(" ")[0]}\\b`).test(expression));
  return [
    "import torch",
    "from torch import nn",
    ...(lengths ? ["from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence"] : []),
    "",
    `torch.manual_seed(${settings.seed})`,
    `${name} = nn.${module}(${constructorArguments(settings)})`,
    ...(settings.parameters
      ? [`${name}.load_state_dict(module.state_dict())  # module: the one whose weights are shown`]
      : []),
    `x = ${inputCode(settings)}`,
    ...(h_0 ? [`h0 = ${stateCode(h_0)}`] : []),
    ...(isLSTM && c_0 ? [`c0 = ${stateCode(c_0)}`] : []),
    ...(lengths ? [`lengths = torch.tensor(${pyList(lengths)})`] : []),
    "with torch.no_grad():",
    ...call,
    ...zeros,
    ...programOf(expression),
    "",
  ].join("\n");
}

/** The names that the expression line has for sizes. */
function sizesCode({
  batched,
  batch_first,
  lengths,
  module,
  proj_size,
  num_layers,
  hidden_size,
  bidirectional,
}: Settings): string[] {
  const [n, l] = batch_first ? [0, 1] : [1, 0];
  return [
    batched ? `N = ${lengths ? "len(lengths)" : `x.size(${n})`}` : "N = 1",
    `L = x.size(${batched ? l : 0})`,
    `H = ${module === "LSTM" && proj_size > 0 ? proj_size : hidden_size}`,
    `D = ${bidirectional ? 2 : 1}`,
    `num_layers = ${num_layers}`,
    ...(lengths
      ? []
      : [batched ? `lengths = torch.full((x.size(${n}),), x.size(${l}))` : "lengths = torch.tensor([len(x)])"]),
  ];
}

/** The arguments that are not PyTorch's default. */
function constructorArguments({
  input_size,
  hidden_size,
  num_layers,
  nonlinearity,
  bias,
  batch_first,
  bidirectional,
  proj_size,
  module,
}: Settings): string {
  return [
    `input_size=${input_size}`,
    `hidden_size=${hidden_size}`,
    ...(num_layers === 1 ? [] : [`num_layers=${num_layers}`]),
    ...(nonlinearity === "tanh" || module !== "RNN" ? [] : [`nonlinearity="${nonlinearity}"`]),
    ...(bias ? [] : ["bias=False"]),
    ...(batch_first ? ["batch_first=True"] : []),
    ...(bidirectional ? ["bidirectional=True"] : []),
    ...(proj_size > 0 && module === "LSTM" ? [`proj_size=${proj_size}`] : []),
  ].join(", ");
}

function inputCode({ input, N, L, input_size, batched, batch_first }: Settings): string {
  if (isShaped(input)) return `torch.arange(${size(input.shape)}.0).reshape(${input.shape.join(", ")})`;
  if (input !== null && input !== "sin") return `torch.tensor(${pyNested(input)})`;
  const shape = batched ? [N, L, input_size] : [L, input_size];
  const sine = input === "sin" ? ".sin()" : "";
  return `torch.arange(${size(shape)}.0).reshape(${shape.join(", ")})${sine}${batched && !batch_first ? ".transpose(0, 1)" : ""}`;
}

function stateCode(given: Exclude<Settings["h_0"], null>): string {
  if (!isShaped(given)) return `torch.tensor(${pyNested(given)})`;
  return `torch.arange(${size(given.shape)}.0).reshape(${given.shape.join(", ")}) / ${size(given.shape)}`;
}

function pyList(values: readonly number[]): string {
  return `[${values.join(", ")}]`;
}

/** Floats, so that a list of whole numbers does not become an int64 tensor. */
function pyNested(given: unknown): string {
  if (Array.isArray(given)) return `[${given.map(pyNested).join(", ")}]`;
  return Number.isInteger(given) ? `${String(given)}.0` : String(given);
}
