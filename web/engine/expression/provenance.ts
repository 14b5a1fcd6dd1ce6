import type { Value } from "./python.ts";
import type { Scope } from "./scope.ts";
import { type Source, sourceOf, type Tensor } from "./tensor.ts";

/** By the name of a tensor in the scope: the indices of some of its elements, row by row, in ascending order. */
export type Cells = Readonly<Record<string, readonly number[]>>;

/** The cells from which a value was computed. */
export function cellsOf(value: Value, scope: Scope): Cells {
  return locate(valueSource(value), scope);
}

/** The cells from which one element of a tensor was computed; elements are counted row by row. */
export function cellsOfElement({ shape, strides, offset, storage }: Tensor, element: number, scope: Scope): Cells {
  let position = offset;
  for (let dim = shape.length - 1, rest = element; dim >= 0; dim--) {
    position += (rest % shape[dim]!) * strides[dim]!;
    rest = Math.floor(rest / shape[dim]!);
  }
  return locate(storage.sources[position]!, scope);
}

function valueSource(value: Value): Source {
  switch (value.kind) {
    case "tensor":
      return sourceOf(value);
    case "number":
      return value.source;
    case "sequence":
      return value.items.map(valueSource);
    default:
      return [];
  }
}

function locate(source: Source, scope: Scope): Cells {
  const addresses = new Set<number>();
  const seen = new Set<Source>();
  const waiting = [source];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (typeof next === "number") addresses.add(next);
    else if (!seen.has(next)) {
      seen.add(next);
      for (const part of next) waiting.push(part);
    }
  }
  const cells: Record<string, number[]> = {};
  for (const address of Float64Array.from(addresses).sort()) {
    const [name, index] = scope.locate(address);
    cells[name] ??= [];
    cells[name].push(index);
  }
  return cells;
}
