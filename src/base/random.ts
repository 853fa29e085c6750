/**
 * Seeded random numbers, the only source of chance in Tenet: same seed, same result, on every machine.
 *
 * The generator is xoshiro128** (Blackman and Vigna 2018) seeded through SplitMix32; its whole state is
 * four 32-bit words, so a checkpoint can store it and a resumed run draws the same numbers.
 */

/** The complete state of a generator: four unsigned 32-bit words. */
export type RandomState = readonly [number, number, number, number];

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private d: number;

  /** @param seed an integer; or a saved state to continue from. */
  constructor(seed: number | RandomState) {
    if (typeof seed === 'number') {
      const next = splitMix32(seed);
      [this.a, this.b, this.c, this.d] = [next(), next(), next(), next()];
    } else {
      [this.a, this.b, this.c, this.d] = seed;
    }
  }

  /** The state to store in a checkpoint; `new Random(state)` continues from it. */
  get state(): RandomState {
    return [this.a >>> 0, this.b >>> 0, this.c >>> 0, this.d >>> 0];
  }

  /** An independent generator for a named purpose, so that adding draws for one purpose shifts no other. */
  fork(name: string): Random {
    let hash = 0x811c9dc5; // FNV-1a over the name, mixed with this generator's state
    for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
    return new Random((hash ^ this.a ^ Math.imul(this.c, 0x9e3779b1)) >>> 0);
  }

  /** An unsigned 32-bit integer. */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.b, 5), 7), 9) >>> 0;
    const t = this.b << 9;
    this.c ^= this.a;
    this.d ^= this.b;
    this.b ^= this.c;
    this.a ^= this.d;
    this.c ^= t;
    this.d = rotateLeft(this.d, 11);
    return result;
  }

  /** A number in [0, 1) with 32 random bits. */
  uniform(): number {
    return this.uint32() / 4294967296;
  }

  /** An integer in [0, limit). */
  int(limit: number): number {
    return Math.floor(this.uniform() * limit);
  }

  /** A draw from the standard normal distribution (Box–Muller, one of the pair). */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** One of the items, each equally likely. */
  choice<T>(items: readonly T[]): T {
    return items[this.int(items.length)];
  }

  /** A new array with the items in random order (Fisher–Yates). */
  shuffled<T>(items: readonly T[]): T[] {
    const result = items.slice();
    for (let i = result.length - 1; i > 0; i--) {
      const j = this.int(i + 1);
      [result[i], result[j]] = [result[j], result[i]];
    }
    return result;
  }
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

function splitMix32(seed: number): () => number {
  let state = (seed ^ Math.floor(seed / 4294967296)) | 0;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return (z ^ (z >>> 16)) >>> 0;
  };
}
