import { positions, type View } from "./view.ts";

/** One parameter's step of `torch.optim.Adam`: `mean` and `squares` are its running means, row by row as `gradient` is. */
export function adam(
  parameter: View,
  gradient: View,
  mean: View,
  squares: View,
  step: number,
  lr: number,
  beta1: number,
  beta2: number,
  eps: number,
  decay: number,
  decoupled: boolean,
): void {
  const at = positions(parameter);
  const from = positions(gradient);
  const round = parameter.dtype === "float32" ? Math.fround : (a: number): number => a;
  const size = lr / (1 - beta1 ** step);
  const scale = Math.sqrt(1 - beta2 ** step);
  const shrink = decoupled ? 1 - lr * decay : 1;
  const pull = decoupled ? 0 : decay;
  for (let j = 0; j < at.length; j++) {
    const p = round(parameter.data[at[j]!]! * shrink);
    const g = round(gradient.data[from[j]!]! + round(pull * p));
    mean.data[j] = mean.data[j]! + (1 - beta1) * round(g - mean.data[j]!);
    squares.data[j] = round(squares.data[j]! * beta2) + round((1 - beta2) * g) * g;
    const width = round(round(round(Math.sqrt(squares.data[j]!)) / scale) + eps);
    parameter.data[at[j]!] = p - (size * mean.data[j]!) / width;
  }
}

/** One parameter's step of `torch.optim.SGD`: `kept` is the momentum so far, or null without momentum. */
export function sgd(
  parameter: View,
  gradient: View,
  kept: View | null,
  lr: number,
  momentum: number,
  damping: number,
  decay: number,
  nesterov: boolean,
): void {
  const at = positions(parameter);
  const from = positions(gradient);
  const round = parameter.dtype === "float32" ? Math.fround : (a: number): number => a;
  for (let j = 0; j < at.length; j++) {
    const p = parameter.data[at[j]!]!;
    let g = round(gradient.data[from[j]!]! + decay * p);
    if (kept) {
      kept.data[j] = round(kept.data[j]! * momentum) + (1 - damping) * g;
      g = nesterov ? round(g + momentum * kept.data[j]!) : kept.data[j]!;
    }
    parameter.data[at[j]!] = p - lr * g;
  }
}
