// The three products of a layer, on arrays of rows. Four numbers are taken at a time: a sum that is read and written
// for each product alone takes three times as long.

/** A (rows, width) times the transpose of W (columns, width), plus b. */
export function products(
  A: Float64Array,
  count: number,
  width: number,
  W: Float64Array,
  columns: number,
  b: Float64Array | null,
): Float64Array {
  const result = new Float64Array(count * columns);
  const fours = width - (width % 4);
  for (let row = 0, at = 0; row < count; row++) {
    for (let column = 0; column < columns; column++) {
      let a = row * width;
      let w = column * width;
      let one = b ? b[column]! : 0;
      let two = 0;
      let three = 0;
      let four = 0;
      let j = 0;
      for (; j < fours; j += 4, a += 4, w += 4) {
        one += A[a]! * W[w]!;
        two += A[a + 1]! * W[w + 1]!;
        three += A[a + 2]! * W[w + 2]!;
        four += A[a + 3]! * W[w + 3]!;
      }
      for (; j < width; j++) one += A[a++]! * W[w++]!;
      result[at++] = one + two + (three + four);
    }
  }
  return result;
}

/** A (rows, width) times W (width, columns). */
export function times(A: Float64Array, count: number, width: number, W: Float64Array, columns: number): Float64Array {
  const result = new Float64Array(count * columns);
  const fours = width - (width % 4);
  for (let row = 0; row < count; row++) {
    const first = row * columns;
    let j = 0;
    for (; j < fours; j += 4) {
      const a = row * width + j;
      const one = A[a]!;
      const two = A[a + 1]!;
      const three = A[a + 2]!;
      const four = A[a + 3]!;
      let w = j * columns;
      for (let column = 0; column < columns; column++, w++) {
        result[first + column]! +=
          one * W[w]! + two * W[w + columns]! + (three * W[w + 2 * columns]! + four * W[w + 3 * columns]!);
      }
    }
    for (; j < width; j++) {
      const a = A[row * width + j]!;
      for (let column = 0, w = j * columns; column < columns; column++) result[first + column]! += a * W[w++]!;
    }
  }
  return result;
}

/** Adds the transpose of A (rows, m) times B (rows, k) to `sum` (m, k). */
export function outer(sum: Float64Array, A: Float64Array, B: Float64Array, count: number, m: number, k: number): void {
  const fours = count - (count % 4);
  let row = 0;
  for (; row < fours; row += 4) {
    for (let i = 0, at = 0; i < m; i++) {
      const a = row * m + i;
      const one = A[a]!;
      const two = A[a + m]!;
      const three = A[a + 2 * m]!;
      const four = A[a + 3 * m]!;
      let b = row * k;
      for (let j = 0; j < k; j++, at++, b++) {
        sum[at]! += one * B[b]! + two * B[b + k]! + (three * B[b + 2 * k]! + four * B[b + 3 * k]!);
      }
    }
  }
  for (; row < count; row++) {
    for (let i = 0, at = 0; i < m; i++) {
      const a = A[row * m + i]!;
      for (let j = 0, b = row * k; j < k; j++) sum[at++]! += a * B[b++]!;
    }
  }
}

/** The sum of each column of A (rows, width). */
export function columnSums(A: Float64Array, count: number, width: number): Float64Array {
  const sums = new Float64Array(width);
  for (let row = 0, at = 0; row < count; row++) {
    for (let column = 0; column < width; column++) sums[column]! += A[at++]!;
  }
  return sums;
}
