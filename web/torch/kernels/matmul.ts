import { products } from "./products.ts";
import { allocate, type DType, dense, type View } from "./view.ts";

/** (B, n, k) @ (B, k, m), plus `bias` (m,) where there is one. Sums run in double precision. */
export function matmul(a: View, b: View, dtype: DType, bias?: View | null): View {
  const [batch, n, k] = a.shape as [number, number, number];
  const m = b.shape[2]!;
  const out = allocate(dtype, [batch, n, m]);
  const left = new Float64Array(dense(a));
  // Rows of the second factor's transpose are runs of memory: an nn.Linear's weight has them already.
  const right = new Float64Array(
    dense({ ...b, shape: [batch, m, k], strides: [b.strides[0]!, b.strides[2]!, b.strides[1]!] }),
  );
  const start = bias ? new Float64Array(dense(bias)) : null;
  for (let item = 0; item < batch; item++) {
    const rows = left.subarray(item * n * k, (item + 1) * n * k);
    const columns = right.subarray(item * m * k, (item + 1) * m * k);
    out.data.set(products(rows, n, k, columns, m, start), item * n * m);
  }
  return out;
}
