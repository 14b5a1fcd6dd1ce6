import { mt19937 } from "../../engine/mt19937.ts";
import { allocate, type DType, numbers, rows, type View } from "./view.ts";

/**
 * The generator of `torch.manual_seed` on a CPU. What it has drawn can be run again from its seed, so its state is the
 * seed and two counts.
 */
export class Generator {
  private draw: () => number;
  private drawn = 0;
  /** The second of a pair of normal numbers, kept for the next call. */
  private nextNormal: number | null = null;
  /** Streams that were left, by seed and count: going back to one takes no drawing. */
  private readonly left = new Map<string, () => number>();

  constructor(private seed: number) {
    this.draw = mt19937(seed);
  }

  manualSeed(seed: number): void {
    this.left.set(`${this.seed} ${this.drawn}`, this.draw);
    if (this.left.size > 16) this.left.delete(this.left.keys().next().value!);
    this.seed = seed;
    this.draw = mt19937(seed);
    this.drawn = 0;
    this.nextNormal = null;
  }

  initialSeed(): number {
    return this.seed;
  }

  /** The seed, how many numbers were drawn, the kept normal number, and whether there is one. */
  state(): [number, number, number, number] {
    return [this.seed, this.drawn, this.nextNormal ?? 0, Number(this.nextNormal !== null)];
  }

  setState(seed: number, drawn: number, nextNormal: number, hasNormal: number): void {
    if (seed !== this.seed || drawn !== this.drawn) {
      this.manualSeed(seed);
      const key = `${seed} ${drawn}`;
      const kept = this.left.get(key);
      this.left.delete(key);
      if (kept) this.draw = kept;
      else for (let j = 0; j < drawn; j++) this.draw();
    }
    this.drawn = drawn;
    this.nextNormal = hasNormal ? nextNormal : null;
  }

  /** The next 32 bits. */
  random(): number {
    this.drawn++;
    return this.draw();
  }

  /** The lowest 53 of the next 64 bits, as a fraction. */
  private fraction53(): number {
    const high = this.random();
    const low = this.random();
    return ((high & 0x1fffff) * 2 ** 32 + low) / 2 ** 53;
  }

  private fraction(dtype: DType): number {
    return dtype === "float32" ? (this.random() & 0xffffff) / 2 ** 24 : this.fraction53();
  }

  /** `uniform_`: the multiplication and the addition are rounded once. */
  uniform(dtype: DType, shape: string, low: number, high: number): View {
    const out = allocate(dtype, numbers(shape));
    const [from, to] = dtype === "float32" ? [Math.fround(low), Math.fround(high)] : [low, high];
    const span = dtype === "float32" ? Math.fround(to - from) : to - from;
    for (let j = 0; j < out.data.length; j++) out.data[j] = this.fraction(dtype) * span + from;
    return out;
  }

  /** `normal_`: fewer than 16 numbers come in pairs of double precision, more of them in blocks of 16. */
  normal(dtype: DType, shape: string, mean: number, std: number): View {
    const out = allocate(dtype, numbers(shape));
    const { data } = out;
    if (data.length < 16) {
      for (let j = 0; j < data.length; j++) data[j] = this.pairedNormal() * std + mean;
      return out;
    }
    const uniform = new Float64Array(data.length);
    for (let j = 0; j < data.length; j++) uniform[j] = this.fraction(dtype);
    const whole = data.length - (data.length % 16);
    for (let first = 0; first < whole; first += 16) block(data, first, uniform.subarray(first), dtype, mean, std);
    if (whole < data.length) {
      const last = Float64Array.from({ length: 16 }, () => this.fraction(dtype));
      block(data, data.length - 16, last, dtype, mean, std);
    }
    return out;
  }

  private pairedNormal(): number {
    if (this.nextNormal !== null) {
      const kept = this.nextNormal;
      this.nextNormal = null;
      return kept;
    }
    const angle = 2 * Math.PI * this.fraction53();
    const radius = Math.sqrt(-2 * Math.log1p(-this.fraction53()));
    this.nextNormal = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  }

  /** `randint`: whole numbers from `low` to below `high`. */
  integers(dtype: DType, shape: string, low: number, high: number): View {
    const out = allocate(dtype, numbers(shape));
    for (let j = 0; j < out.data.length; j++) out.data[j] = (this.random() % (high - low)) + low;
    return out;
  }

  permutation(count: number): View {
    const order = Float64Array.from({ length: count }, (_, place) => place);
    for (let j = 0; j < count - 1; j++) {
      const other = j + (this.random() % (count - j));
      [order[j], order[other]] = [order[other]!, order[j]!];
    }
    return rows("int64", [count], order);
  }

  /** `bernoulli_(p)` as Intel's library draws it, from a stream that one number of the generator seeds. */
  bernoulli(dtype: DType, shape: string, p: number): View {
    const out = allocate(dtype, numbers(shape));
    const modulus = 2 ** 31 - 1;
    let x = this.random() % modulus || 1;
    for (let j = 0; j < out.data.length; j++) {
      out.data[j] = Number(x / modulus < p);
      x = Number((BigInt(x) * 1132489760n) % BigInt(modulus));
    }
    return out;
  }

  /** An index for each of `count` draws, with the probabilities of `weights`. */
  multinomial(weights: ArrayLike<number>): number {
    const total = Array.from(weights).reduce((a, b) => a + b, 0);
    const at = this.fraction53() * total;
    let sum = 0;
    for (let j = 0; j < weights.length; j++) {
      sum += weights[j]!;
      if (at < sum) return j;
    }
    return weights.length - 1;
  }
}

/** Box and Muller's formula on 16 uniform numbers. */
function block(
  data: View["data"],
  first: number,
  uniform: ArrayLike<number>,
  dtype: DType,
  mean: number,
  std: number,
): void {
  const round = dtype === "float32" ? Math.fround : (a: number): number => a;
  for (let j = 0; j < 8; j++) {
    const radius = round(Math.sqrt(round(-2 * round(Math.log(round(1 - uniform[j]!))))));
    const angle = round(round(2 * Math.PI) * uniform[j + 8]!);
    data[first + j] = round(radius * round(Math.cos(angle))) * std + mean;
    data[first + j + 8] = round(radius * round(Math.sin(angle))) * std + mean;
  }
}

export function generator(seed: number): Generator {
  return new Generator(seed);
}
