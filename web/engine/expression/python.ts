import { TorchError, UnsupportedError } from "../errors.ts";
import { type Arithmetic, compare, compute, isComparison, type Operator } from "./arithmetic.ts";
import { NOWHERE, type Source, type Tensor } from "./tensor.ts";

/** What an expression can be worth: a tensor, or a plain Python value. */
export type Value =
  | Tensor
  | PythonNumber
  | Sequence
  | { readonly kind: "none" }
  | { readonly kind: "ellipsis" }
  | { readonly kind: "text"; readonly text: string }
  /** What is printed as its name: `torch.float32`. */
  | { readonly kind: "named"; readonly text: string };

/** A Python int, float or bool; a bool's value is 0 or 1. */
export interface PythonNumber {
  readonly kind: "number";
  readonly type: "int" | "float" | "bool";
  readonly value: number;
  readonly source: Source;
}

export interface Sequence {
  readonly kind: "sequence";
  readonly type: "tuple" | "list" | "torch.Size" | "range" | "torch.return_types.max" | "torch.return_types.min";
  readonly items: readonly Value[];
}

export function number(value: number, type: PythonNumber["type"], source = NOWHERE): PythonNumber {
  if (type === "int" && !Number.isSafeInteger(value)) {
    throw new UnsupportedError("integers this large are not known here");
  }
  return { kind: "number", type, value: type === "int" ? value + 0 : value, source };
}

export function bool(value: boolean, source = NOWHERE): PythonNumber {
  return { kind: "number", type: "bool", value: Number(value), source };
}

export function sequence(type: Sequence["type"], items: readonly Value[]): Sequence {
  return { kind: "sequence", type, items };
}

export function torchSize(shape: readonly number[]): Sequence {
  return sequence(
    "torch.Size",
    shape.map((length) => number(length, "int")),
  );
}

/** How an error message names a value. */
export function typeName(value: Value): string {
  if (value.kind === "tensor") return "Tensor";
  if (value.kind === "none") return "NoneType";
  if (value.kind === "text") return "str";
  if (value.kind === "named") return "torch.dtype";
  return value.kind === "ellipsis" ? "ellipsis" : value.type;
}

/** `a + b`, `a == b`, ... of two plain numbers. */
export function operate(operator: Operator, a: PythonNumber, b: PythonNumber): PythonNumber {
  const source = a.source === NOWHERE ? b.source : b.source === NOWHERE ? a.source : [a.source, b.source];
  if (isComparison(operator)) return bool(compare(operator, a.value, b.value), source);
  if (operator === "/" && b.value === 0) throw new TorchError("ZeroDivisionError", "division by zero");
  if (!"+-*/".includes(operator)) throw new UnsupportedError(`${operator} takes tensors here`);
  const float = operator === "/" || a.type === "float" || b.type === "float";
  return number(compute(operator as Arithmetic, a.value, b.value), float ? "float" : "int", source);
}

/** `==` of two sequences of numbers. A torch.Size is a tuple; a list is not. */
export function sameSequence(a: Sequence, b: Sequence): boolean {
  if ((a.type === "list") !== (b.type === "list") || a.items.length !== b.items.length) return false;
  return a.items.every((item, place) => {
    const other = b.items[place]!;
    if (item.kind === "number" && other.kind === "number") return item.value === other.value;
    if (item.kind === "sequence" && other.kind === "sequence") return sameSequence(item, other);
    throw new UnsupportedError("only sequences of numbers are compared here");
  });
}

/** `repr` of a plain number. */
export function formatNumber({ type, value }: PythonNumber): string {
  if (type === "bool") return value === 0 ? "False" : "True";
  return type === "int" ? String(value) : formatFloat(value);
}

/** `repr(float)`: the shortest digits that read back the same, with an exponent below 1e-4 and from 1e16 on. */
function formatFloat(value: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
  const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
  const power = Number(exponent);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  if (power < -4 || power >= 16) {
    const fraction = digits.length > 1 ? `.${digits.slice(1)}` : "";
    return `${sign}${digits[0]}${fraction}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
  }
  if (power < 0) return `${sign}0.${"0".repeat(-power - 1)}${digits}`;
  const whole = digits.slice(0, power + 1).padEnd(power + 1, "0");
  return `${sign}${whole}.${digits.slice(power + 1) || "0"}`;
}
