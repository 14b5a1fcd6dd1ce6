const N = 624;
const M = 397;
const UPPER_MASK = 0x80000000;
const LOWER_MASK = 0x7fffffff;
const MATRIX_A = 0x9908b0df;

/**
 * The generator behind `torch.manual_seed(seed)` on a CPU: MT19937.
 * Like torch's, it takes the low 32 bits of the seed, so -1 and 2**32 - 1 are the same seed.
 * Each call of the returned function draws the next unsigned 32-bit integer.
 */
export function mt19937(seed: number): () => number {
  const state = new Uint32Array(N);
  state[0] = seed;
  for (let j = 1; j < N; j++) {
    const previous = state[j - 1]!;
    state[j] = Math.imul(1812433253, previous ^ (previous >>> 30)) + j;
  }
  let next = N;

  function twist(): void {
    for (let j = 0; j < N; j++) {
      const y = (state[j]! & UPPER_MASK) | (state[(j + 1) % N]! & LOWER_MASK);
      state[j] = state[(j + M) % N]! ^ (y >>> 1) ^ (y & 1 ? MATRIX_A : 0);
    }
    next = 0;
  }

  return () => {
    if (next === N) twist();
    let y = state[next++]!;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    y ^= y >>> 18;
    return y >>> 0;
  };
}

/**
 * What `torch.Tensor.uniform_(low, high)` writes: `count` float32 values, one draw each.
 * `low` and `high` are float32 themselves. PyTorch's kernel fuses the multiplication and the addition,
 * so their result is rounded once.
 */
export function uniform(draw: () => number, count: number, low: number, high: number): Float32Array {
  const values = new Float32Array(count);
  for (let j = 0; j < count; j++) {
    const x = (draw() & 0xffffff) / 2 ** 24;
    values[j] = x * Math.fround(high - low) + low;
  }
  return values;
}
