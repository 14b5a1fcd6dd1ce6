import { size } from "../dense.ts";
import { TorchError, UnsupportedError } from "../errors.ts";
import { cast, SCALAR_TYPE } from "./arithmetic.ts";
import { wrapDim, wrapDims } from "./dims.ts";
import { allocate, type DType, positions, type Source, strided, type Tensor } from "./tensor.ts";

/** Sums run in double precision and are rounded once, so they may differ from PyTorch's in the last bit. */
export function sum(tensor: Tensor, dims: readonly number[] | null, keepdim: boolean): Tensor {
  const dtype = tensor.dtype === "float32" ? "float32" : "int64";
  return reduce(tensor, allWhenEmpty(dims), keepdim, dtype, (values) => cast(total(values), dtype));
}

export function mean(tensor: Tensor, dims: readonly number[] | null, keepdim: boolean): Tensor {
  if (tensor.dtype !== "float32") {
    throw new TorchError(
      "RuntimeError",
      "mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. " +
        `Got: ${SCALAR_TYPE[tensor.dtype]}`,
    );
  }
  return reduce(tensor, allWhenEmpty(dims), keepdim, "float32", (values) => Math.fround(total(values) / values.length));
}

export function all(tensor: Tensor, dims: readonly number[] | null, keepdim: boolean): Tensor {
  return reduce(tensor, dims, keepdim, "bool", (values) => Number(values.every((value) => value !== 0)));
}

export function any(tensor: Tensor, dims: readonly number[] | null, keepdim: boolean): Tensor {
  return reduce(tensor, dims, keepdim, "bool", (values) => Number(values.some((value) => value !== 0)));
}

/** `.max()` or `.min()` of the whole tensor. As in PyTorch, one nan makes it nan. */
export function extreme(tensor: Tensor, name: "max" | "min"): Tensor {
  if (size(tensor.shape) === 0) {
    throw new TorchError(
      "RuntimeError",
      `${name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the 'dim' argument.`,
    );
  }
  const better = Math[name];
  return reduce(tensor, null, false, tensor.dtype, (values) => values.reduce((a, b) => better(a, b)));
}

/** `.max(dim)` or `.min(dim)`: the values, and where along the axis each was first found. */
export function extremes(tensor: Tensor, name: "max" | "min", dim: number, keepdim: boolean): [Tensor, Tensor] {
  const along = wrapDim(dim, tensor.shape.length);
  if (tensor.shape[along] === 0) {
    throw new TorchError("IndexError", `${name}(): Expected reduction dim ${along} to have non-zero size.`);
  }
  const place = (values: readonly number[]): number => placeOf(values, name);
  return [
    reduce(tensor, [dim], keepdim, tensor.dtype, (values) => values[place(values)]!),
    reduce(tensor, [dim], keepdim, "int64", place),
  ];
}

/** `.amax(dim)`: the values of `.max(dim)` alone, along one axis or several. */
export function amax(tensor: Tensor, name: "max" | "min", dims: readonly number[] | null, keepdim: boolean): Tensor {
  if (size(tensor.shape) === 0) throw new UnsupportedError(`a${name} takes a tensor with elements here`);
  return reduce(tensor, allWhenEmpty(dims), keepdim, tensor.dtype, (values) => values[placeOf(values, name)]!);
}

/** The first place of the largest or smallest value; nan counts as both. */
function placeOf(values: readonly number[], name: "max" | "min"): number {
  const nan = values.findIndex(Number.isNaN);
  const isBetter = (a: number, b: number): boolean => (name === "max" ? a > b : a < b);
  return nan >= 0 ? nan : values.reduce((best, value, at) => (isBetter(value, values[best]!) ? at : best), 0);
}

function total(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** `.sum(())` and `.mean(())` take every axis; `.all(())` and `.any(())` take none. */
function allWhenEmpty(dims: readonly number[] | null): readonly number[] | null {
  return dims?.length === 0 ? null : dims;
}

function reduce(
  tensor: Tensor,
  dims: readonly number[] | null,
  keepdim: boolean,
  dtype: DType,
  f: (values: number[]) => number,
): Tensor {
  const { shape, strides, storage } = tensor;
  const axes = shape.map((_, dim) => dim);
  // A tensor without axes may be reduced along "dimension 0".
  const gone = dims === null ? axes : wrapDims(dims, shape.length).filter((dim) => dim < shape.length);
  const kept = axes.filter((dim) => !gone.includes(dim));
  const along = (of: readonly number[], chosen: readonly number[]): number[] => chosen.map((dim) => of[dim]!);
  const block = strided(tensor, along(shape, gone), along(strides, gone), 0);
  const starts = strided(tensor, along(shape, kept), along(strides, kept));

  const {
    data,
    sources,
    tensor: result,
  } = allocate(keepdim ? axes.map((dim) => (gone.includes(dim) ? 1 : shape[dim]!)) : along(shape, kept), [], dtype);
  const steps = Array.from(positions(block));
  positions(starts).forEach((start, j) => {
    data[j] = f(steps.map((step) => storage.data[start + step]!));
    sources[j] = steps.map((step): Source => storage.sources[start + step]!);
  });
  return result;
}
