import { allocate, broadcast, dense, numbers, positions, type View } from "./view.ts";

/**
 * Where the elements of `tensor[i, j, ...]` are, for tensors of indices (already broadcast to one shape, none
 * negative): they index the first axes of `view`; the other axes follow.
 */
function pick(view: View, indices: readonly View[], shape: string): Int32Array {
  const spread = numbers(shape);
  const all = indices.map((index) => dense(broadcast(index, spread)));
  const count = spread.reduce((product, length) => product * length, 1);
  const rest = positions({
    shape: view.shape.slice(indices.length),
    strides: view.strides.slice(indices.length),
    offset: 0,
  });
  const at = new Int32Array(count * rest.length);
  for (let j = 0, filled = 0; j < count; j++) {
    let start = view.offset;
    all.forEach((index, dim) => {
      start += index[j]! * view.strides[dim]!;
    });
    for (let k = 0; k < rest.length; k++) at[filled++] = start + rest[k]!;
  }
  return at;
}

/** `view[indices]`, copied. */
export function take(view: View, shape: string, ...indices: View[]): View {
  const at = pick(view, indices, shape);
  const out = allocate(view.dtype, [...numbers(shape), ...view.shape.slice(indices.length)]);
  for (let j = 0; j < at.length; j++) out.data[j] = view.data[at[j]!]!;
  return out;
}

/** `view[indices] = source`, or `+=`, where each of several equal indices counts. */
export function put(view: View, source: View, add: boolean, shape: string, ...indices: View[]): void {
  const at = pick(view, indices, shape);
  const values = dense(broadcast(source, [...numbers(shape), ...view.shape.slice(indices.length)]));
  for (let j = 0; j < at.length; j++) view.data[at[j]!] = add ? view.data[at[j]!]! + values[j]! : values[j]!;
}

/** For `gather` and `scatter`: where element (i, index[i, j], ...) is, for each element of `index`. */
function along(view: View, dim: number, index: View): Int32Array {
  const shape = index.shape;
  const at = positions({
    shape,
    strides: view.strides.map((stride, axis) => (axis === dim ? 0 : stride)),
    offset: view.offset,
  });
  const chosen = dense(index);
  const stride = view.strides[dim] ?? 0;
  for (let j = 0; j < at.length; j++) at[j]! += chosen[j]! * stride;
  return at;
}

export function gather(view: View, dim: number, index: View): View {
  const at = along(view, dim, index);
  const out = allocate(view.dtype, index.shape);
  for (let j = 0; j < at.length; j++) out.data[j] = view.data[at[j]!]!;
  return out;
}

export function scatter(view: View, dim: number, index: View, source: View, add: boolean): void {
  const at = along(view, dim, index);
  const values = dense({ ...source, shape: index.shape });
  for (let j = 0; j < at.length; j++) view.data[at[j]!] = add ? view.data[at[j]!]! + values[j]! : values[j]!;
}

/** The largest and the smallest element, for a check of indices; (0, 0) where there is none. */
export function extremes(view: View): number[] {
  const values = dense(view);
  let [low, high] = [values[0] ?? 0, values[0] ?? 0];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return [low, high];
}

/** `torch.cat` along `dim`: each part goes to its place in `out`. */
export function concatenate(out: View, dim: number, ...parts: View[]): void {
  let start = 0;
  for (const part of parts) {
    const place = { shape: part.shape, strides: out.strides, offset: out.offset + start * out.strides[dim]! };
    const [to, from] = [positions(place), positions(part)];
    for (let j = 0; j < to.length; j++) out.data[to[j]!] = part.data[from[j]!]!;
    start += part.shape[dim]!;
  }
}
