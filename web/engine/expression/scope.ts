import { contiguousStrides, dense, size, type TensorLike, zeros } from "../dense.ts";
import { construct, type Spec } from "../module.ts";
import type { Result } from "../run.ts";
import { fresh } from "./create.ts";
import { number, type Value } from "./python.ts";
import { positions, type Source, type Tensor } from "./tensor.ts";

/** The tensors that an expression can name. */
export interface Scope {
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** Plain numbers, such as N. */
  readonly values: ReadonlyMap<string, Value>;
  /** The parameters of the layer, which is called `lstm`, by PyTorch's names. */
  readonly layer: { readonly name: string; readonly parameters: Readonly<Record<string, TensorLike>> } | null;
  /** The name and the index, row by row, of the cell at an address. */
  readonly locate: (address: number) => readonly [name: string, index: number];
}

/** A tensor and, where it does not lie in memory row by row, its strides in elements. */
export interface Base {
  readonly value: TensorLike;
  readonly strides?: readonly number[];
}

export function createScope(bases: Readonly<Record<string, Base>>): Scope {
  const tensors = new Map<string, Tensor>();
  const ends: [name: string, first: number, end: number][] = [];
  let first = 0;
  for (const [name, base] of Object.entries(bases)) {
    const { shape, data } = dense(base.value);
    const strides = base.strides ?? contiguousStrides(shape);
    const start = first;
    // The storage is the tensor's memory; an address counts the tensor's elements row by row.
    const inMemory = new Float64Array(data.length);
    const sources = new Array<Source>(data.length);
    positions({ shape, strides, offset: 0 }).forEach((position, index) => {
      inMemory[position] = data[index]!;
      sources[position] = start + index;
    });
    tensors.set(name, {
      kind: "tensor",
      dtype: "float32",
      shape,
      strides,
      offset: 0,
      storage: { data: inMemory, sources, ordered: true },
    });
    first += size(shape);
    ends.push([name, start, first]);
  }
  return {
    tensors,
    values: new Map(),
    layer: null,
    locate: (address) => {
      const [name, start] = ends.find(([, , end]) => address < end)!;
      return [name, address - start];
    },
  };
}

/** A parameter as a tensor, which has no place in the picture. */
export function parameterOf(value: TensorLike): Tensor {
  const { shape, data } = dense(value);
  return fresh(shape, "float32", (at) => data[at]!);
}

/** x, h0, output and hn of a run (with c0 and cn of an LSTM), under the names and strides that they have in PyTorch. */
export function scopeOf(spec: Spec, { output, h_n, c_n, shapes, parameters }: Result): Scope {
  const base = (value: TensorLike, name: string): Base => ({
    value: { shape: shapes[name]!, data: dense(value).data },
  });
  const bases: Record<string, Base> = {
    x: { value: spec.input },
    h0: { value: spec.h_0 ?? zeros(shapes.h_n!) },
    output: { ...base(output, "output"), ...outputStrides(spec, shapes.output!) },
    hn: base(h_n, "h_n"),
  };
  if (c_n !== undefined) {
    bases.c0 = { value: spec.c_0 ?? zeros(shapes.c_n!) };
    bases.cn = base(c_n, "c_n");
  }
  const { lengths } = spec;
  const { D, H_out, num_layers } = construct(spec);
  const scope = createScope(bases);
  const [first, second] = shapes.output!.length === 3 ? shapes.output! : [shapes.output![0]!, 1];
  const [N, L] = spec.batch_first && shapes.output!.length === 3 ? [first!, second!] : [second!, first!];
  const sizes = { N, L, D, H: H_out, num_layers };
  const ended = lengths ?? new Array<number>(N).fill(L);
  return {
    ...scope,
    values: new Map<string, Value>([
      ...Object.entries(sizes).map(([name, value]): [string, Value] => [name, number(value, "int")]),
      ["lengths", fresh([ended.length], "int64", (at) => ended[at]!)],
    ]),
    layer: { name: spec.module.toLowerCase(), parameters },
  };
}

/** With batch_first, PyTorch computes (L, N, ...) and hands out its transpose. Padding a packed batch makes a copy. */
function outputStrides(spec: Spec, shape: readonly number[]): { strides?: number[] } {
  if (!spec.batch_first || spec.lengths || shape.length < 3) return {};
  const [N, , H] = shape as [number, number, number];
  return { strides: [H, N * H, 1] };
}
