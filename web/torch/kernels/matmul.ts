import { allocate, type DType, dense, type View } from "./view.ts";

/** (B, n, k) @ (B, k, m), plus `bias` (m,) where there is one. Sums run in double precision. */
export function matmul(a: View, b: View, dtype: DType, bias?: View | null): View {
  const [batch, n, k] = a.shape as [number, number, number];
  const m = b.shape[2]!;
  const out = allocate(dtype, [batch, n, m]);
  const left = dense(a);
  // Rows of the second factor's transpose are runs of memory: an nn.Linear's weight has them already.
  const right = dense({ ...b, shape: [batch, m, k], strides: [b.strides[0]!, b.strides[2]!, b.strides[1]!] });
  const start = bias ? dense(bias) : null;
  for (let item = 0, at = 0; item < batch; item++) {
    for (let row = 0; row < n; row++) {
      const from = (item * n + row) * k;
      for (let column = 0; column < m; column++) {
        const other = (item * m + column) * k;
        let sum = start ? start[column]! : 0;
        for (let j = 0; j < k; j++) sum += left[from + j]! * right[other + j]!;
        out.data[at++] = sum;
      }
    }
  }
  return out;
}
