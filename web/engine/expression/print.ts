import { size } from "../dense.ts";
import { UnsupportedError } from "../errors.ts";
import { formatNumber, type Value } from "./python.ts";
import type { Tensor } from "./tensor.ts";

const PRECISION = 4;
const THRESHOLD = 1000;
const EDGE_ITEMS = 3;
const LINE_WIDTH = 80;
const MAX_PRINTED = 20_000;

/** What Python's `print(value)` writes: for a tensor PyTorch's default form (torch/_tensor_str.py), without grad_fn. */
export function print(value: Value): string {
  let left = MAX_PRINTED;
  function repr(value: Value): string {
    switch (value.kind) {
      case "tensor":
        left -= size(shownLengths(value.shape));
        if (left < 0) throw new UnsupportedError("these are too many values to be printed here");
        return printTensor(value);
      case "number":
        return formatNumber(value);
      case "none":
        return "None";
      case "ellipsis":
        return "Ellipsis";
      case "text":
        return `'${value.text}'`;
      case "named":
        return value.text;
      case "sequence": {
        if (value.type === "range") return rangeText(value.items);
        if (value.type.startsWith("torch.return")) {
          return `${value.type}(\nvalues=${repr(value.items[0]!)},\nindices=${repr(value.items[1]!)})`;
        }
        const items = value.items.map(repr).join(", ");
        if (value.type === "tuple") return value.items.length === 1 ? `(${items},)` : `(${items})`;
        return value.type === "list" ? `[${items}]` : `torch.Size([${items}])`;
      }
    }
  }
  return repr(value);
}

/** Of a range only its items are kept, which say its start and, where it has one, its step. */
function rangeText(items: readonly Value[]): string {
  const at = items.map((item) => (item.kind === "number" ? item.value : 0));
  const [start = 0, second] = at;
  const step = second === undefined ? 1 : second - start;
  return `range(${start}, ${start + items.length * step}${step === 1 ? "" : `, ${step}`})`;
}

function printTensor(tensor: Tensor): string {
  const prefix = "tensor(";
  const { shape, dtype } = tensor;
  if (size(shape) > 0) return `${prefix}${printValues(tensor, prefix.length)})`;

  // Brackets cannot say what shape or dtype an empty tensor has.
  const suffixes: string[] = [];
  if (shape.length !== 1) suffixes.push(`size=(${shape.join(", ")})`);
  if (dtype !== "float32") suffixes.push(`dtype=torch.${dtype}`);
  let text = `${prefix}[]`;
  let width = text.length + 2;
  for (const suffix of suffixes) {
    const breaks = width + suffix.length + 2 > LINE_WIDTH;
    text += breaks ? `,\n${" ".repeat(prefix.length)}${suffix}` : `, ${suffix}`;
    width = breaks ? prefix.length + suffix.length : width + suffix.length + 2;
  }
  return `${text})`;
}

/** How many indices of each axis are shown. */
function shownLengths(shape: readonly number[]): readonly number[] {
  return size(shape) > THRESHOLD ? shape.map((length) => Math.min(length, 2 * EDGE_ITEMS)) : shape;
}

function printValues({ shape, strides, offset, dtype, storage: { data } }: Tensor, indent: number): string {
  /** Along each axis, the indices that are shown; null for the dots. */
  const shown = shownLengths(shape).map((count, dim): (number | null)[] => {
    const indices = Array.from({ length: count }, (_, place) => place);
    const hidden = shape[dim]! - count;
    if (hidden === 0) return indices;
    return [...indices.slice(0, EDGE_ITEMS), null, ...indices.slice(EDGE_ITEMS).map((place) => place + hidden)];
  });

  const values: number[] = [];
  function collect(dim: number, at: number): void {
    if (dim === shape.length) {
      values.push(data[at]!);
      return;
    }
    for (const index of shown[dim]!) if (index !== null) collect(dim + 1, at + index * strides[dim]!);
  }
  collect(0, offset);
  const { format, width } = formatter(values, dtype);

  function write(dim: number, at: number, indent: number): string {
    if (dim === shape.length) return format(data[at]!);
    const last = dim === shape.length - 1;
    const parts = shown[dim]!.map((index) => {
      if (index === null) return last ? " ..." : "...";
      return write(dim + 1, at + index * strides[dim]!, indent + 1);
    });
    const margin = " ".repeat(indent + 1);
    if (!last) return `[${parts.join(`,${"\n".repeat(shape.length - 1 - dim)}${margin}`)}]`;
    const perLine = Math.max(1, Math.floor((LINE_WIDTH - indent) / (width + 2)));
    const lines: string[] = [];
    for (let first = 0; first < parts.length; first += perLine) {
      lines.push(parts.slice(first, first + perLine).join(", "));
    }
    return `[${lines.join(`,\n${margin}`)}]`;
  }
  return write(0, offset, indent);
}

interface Formatter {
  readonly format: (value: number) => string;
  readonly width: number;
}

/** How all of a tensor's values are written, and how wide. A width counts only finite values other than 0. */
function formatter(values: readonly number[], dtype: Tensor["dtype"]): Formatter {
  let write: (value: number) => string;
  let measured: readonly number[];
  if (dtype === "float32") {
    measured = values.filter((value) => Number.isFinite(value) && value !== 0);
    write = floatFormat(measured);
  } else {
    measured = values;
    write = dtype === "bool" ? (value) => (value === 0 ? "False" : "True") : String;
  }
  const width = measured.reduce((widest, value) => Math.max(widest, write(value).length), 1);
  return { width, format: (value) => write(value).padStart(width) };
}

function floatFormat(finite: readonly number[]): (value: number) => string {
  const magnitudes = finite.map(Math.abs);
  const max = magnitudes.reduce((a, b) => Math.max(a, b), -Infinity);
  const min = magnitudes.reduce((a, b) => Math.min(a, b), Infinity);
  const scientific = finite.length > 0 && (max / min > 1000 || max > 1e8 || min < 1e-4);
  const whole = finite.every(Number.isInteger);
  return (value) => {
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value > 0 ? "inf" : "-inf";
    if (scientific) return toScientific(value);
    if (whole) return `${Object.is(value, -0) ? "-0" : value}.`;
    return toFixed(value);
  };
}

/**
 * Python's `f"{value:.4f}"`. Halfway between two candidates Python takes the even one, JavaScript the larger; only an
 * odd number of 32nds lies halfway.
 */
function toFixed(value: number): string {
  const rounded = Object.is(value, -0) ? "-0.0000" : value.toFixed(PRECISION);
  return Math.abs(value * 32) % 2 === 1 ? even(value.toFixed(PRECISION + 1).slice(0, -1), rounded) : rounded;
}

/** Python's `f"{value:.4e}"`, with the same rule for halfway. */
function toScientific(value: number): string {
  const split = (digits: number): [string, number] => {
    const [mantissa, exponent] = value.toExponential(digits).split("e") as [string, string];
    return [mantissa, Number(exponent)];
  };
  let [mantissa, exponent] = split(PRECISION);
  const [exact, exactExponent] = split(40);
  if (/^-?\d\.\d{4}50*$/.test(exact)) {
    const truncated = exact.slice(0, exact.indexOf(".") + 1 + PRECISION);
    if (even(truncated, mantissa) === truncated) [mantissa, exponent] = [truncated, exactExponent];
  }
  const sign = Object.is(value, -0) ? "-" : "";
  return `${sign}${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

/** Whichever ends in an even digit. */
function even(down: string, up: string): string {
  return Number(down.at(-1)) % 2 === 0 ? down : up;
}
