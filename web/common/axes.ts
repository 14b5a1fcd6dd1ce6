import type { Module } from "../engine/index.ts";

export interface Axis {
  readonly name: "N" | "L" | "H_in" | "D·H_out" | "D·num_layers" | "H_out" | "H_cell";
  readonly size: number | null;
}

/** The axes that each tensor has for this module; a size that only the input can say is taken from `N` and `L`. */
export function axesOf(
  tensor: "x" | "output" | "h0" | "c0" | "hn" | "cn",
  module: Module,
  batched: boolean,
  N: number | null,
  L: number | null,
): Axis[] {
  const { D, H_out } = module;
  const batch: Axis[] = batched ? [{ name: "N", size: N }] : [];
  const time: Axis = { name: "L", size: L };
  const both = module.batch_first ? [...batch, time] : [time, ...batch];
  if (tensor === "x") return [...both, { name: "H_in", size: module.input_size }];
  if (tensor === "output") return [...both, { name: D === 2 ? "D·H_out" : "H_out", size: D * H_out }];
  const isCell = tensor.startsWith("c");
  return [
    { name: "D·num_layers", size: D * module.num_layers },
    ...batch,
    { name: isCell ? "H_cell" : "H_out", size: isCell ? module.hidden_size : H_out },
  ];
}

/** The class of `axes.css` that carries the axis' colour. */
export function axisClass(name: Axis["name"]): string {
  const symbol = name === "D·num_layers" ? "D" : name === "D·H_out" ? "H_out" : name;
  return `axis axis-${symbol}`;
}
