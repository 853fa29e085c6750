/** The order in which a stage goes through its data, and the place where it is. */
import { Random, TenetError } from '../base/index.ts';

/**
 * 'shuffled': a new random order each epoch. 'sequential': as in the file. 'length-grouped': random, but with
 * examples of similar length in a batch, so that little is padded. 'longest-first': shuffled, except that the
 * first batch of the run holds the longest examples, so that a run that needs too much memory fails at once.
 */
export type SampleOrder = 'shuffled' | 'sequential' | 'length-grouped' | 'longest-first';

export interface SamplerOptions {
  /** Number of examples. */
  size: number;
  /** Examples per batch. */
  batchSize: number;
  /** Seed of the order. */
  seed: number;
  /** Default 'shuffled'. */
  order?: SampleOrder;
  /** [size] lengths in tokens; needed by 'length-grouped' and 'longest-first'. */
  lengths?: ArrayLike<number>;
  /** True: leave out the last batch of an epoch when it is not full. Default false. */
  dropLast?: boolean;
}

/** Where a sampler is; plain JSON for a checkpoint. */
export interface SamplerPosition {
  readonly seed: number;
  /** Epoch of the next batch, from 0. */
  readonly epoch: number;
  /** Examples of this epoch already given out. */
  readonly index: number;
}

/** Batches whose lengths are grouped together are drawn from this many batches' worth of examples (transformers). */
const GROUP_BATCHES = 50;

/**
 * Gives out batches of example indices, epoch after epoch, without end. The order of an epoch follows from seed
 * and epoch alone: a sampler put to a saved position goes on exactly as the saved one would have.
 */
export class Sampler {
  /** Batches in an epoch. */
  readonly batchesPerEpoch: number;
  private readonly options: Required<
    Pick<SamplerOptions, 'size' | 'batchSize' | 'seed' | 'order' | 'dropLast'>
  >;
  private readonly lengths: ArrayLike<number> | null;
  private epoch = 0;
  private index = 0;
  private current: number[] | null = null;

  /** @throws TenetError('usage') for sizes below 1 or missing lengths. */
  constructor(options: SamplerOptions) {
    const { size, batchSize, seed, order = 'shuffled', lengths = null, dropLast = false } = options;
    const needsLengths = order === 'length-grouped' || order === 'longest-first';
    if (!(size >= 1 && batchSize >= 1)) {
      throw new TenetError(
        'usage',
        `A sampler needs at least one example and batches of at least one; got ${size} and ${batchSize}.`,
      );
    }
    if (needsLengths && lengths?.length !== size) {
      throw new TenetError(
        'usage',
        `Order ${order} needs the ${size} lengths of the examples; got ${lengths?.length ?? 'none'}.`,
      );
    }
    if (dropLast && size < batchSize) {
      throw new TenetError(
        'usage',
        `${size} examples do not fill a batch of ${batchSize}, and dropLast leaves out unfilled ones.`,
      );
    }
    this.options = { size, batchSize, seed, order, dropLast };
    this.lengths = lengths;
    this.batchesPerEpoch = dropLast ? Math.floor(size / batchSize) : Math.ceil(size / batchSize);
  }

  /** Position to store in a checkpoint. */
  get position(): SamplerPosition {
    return { seed: this.options.seed, epoch: this.epoch, index: this.index };
  }

  /** Goes to a stored position. */
  restore(position: SamplerPosition): void {
    if (position.seed !== this.options.seed) {
      throw new TenetError(
        'usage',
        `The stored data position belongs to seed ${position.seed}, this run has seed ${this.options.seed}; ` +
          `the data would come in another order. Resume with the same seed.`,
      );
    }
    this.epoch = position.epoch;
    this.index = position.index;
    this.current = null;
  }

  /** Indices of the next batch: [batchSize], or fewer at the end of an epoch. */
  next(): number[] {
    const { size, batchSize, dropLast } = this.options;
    const end = dropLast ? this.batchesPerEpoch * batchSize : size;
    if (this.index >= end) {
      this.epoch++;
      this.index = 0;
      this.current = null;
    }
    this.current ??= this.orderOf(this.epoch);
    const batch = this.current.slice(this.index, Math.min(end, this.index + batchSize));
    this.index += batch.length;
    return batch;
  }

  /** [size] the order of one epoch. */
  private orderOf(epoch: number): number[] {
    const { size, order, seed, batchSize } = this.options;
    const all = Array.from({ length: size }, (_, index) => index);
    if (order === 'sequential') return all;
    const random = new Random(seed).fork(`epoch ${epoch}`);
    const shuffled = random.shuffled(all);
    if (order === 'length-grouped') return this.grouped(shuffled, random);
    if (order === 'longest-first' && epoch === 0) {
      const longest = new Set(this.byLength(all).slice(0, batchSize));
      return [...longest, ...shuffled.filter((index) => !longest.has(index))];
    }
    return shuffled;
  }

  /** Sorts within groups of many batches, then shuffles the batches; the longest batch comes first. */
  private grouped(shuffled: readonly number[], random: Random): number[] {
    const { batchSize } = this.options;
    const full: number[][] = [];
    const rest: number[] = [];
    for (let start = 0; start < shuffled.length; start += GROUP_BATCHES * batchSize) {
      const group = this.byLength(shuffled.slice(start, start + GROUP_BATCHES * batchSize));
      for (let i = 0; i < group.length; i += batchSize) {
        const batch = group.slice(i, i + batchSize);
        if (batch.length === batchSize) full.push(batch);
        else rest.push(...batch);
      }
    }
    const batches = random.shuffled(full);
    const longest = batches.findIndex((batch) => this.lengths![batch[0]] === this.longestOf(full));
    if (longest > 0) [batches[0], batches[longest]] = [batches[longest], batches[0]];
    return [...batches.flat(), ...rest];
  }

  private longestOf(batches: readonly number[][]): number {
    return batches.reduce((longest, batch) => Math.max(longest, this.lengths![batch[0]]), 0);
  }

  private byLength(indices: readonly number[]): number[] {
    return indices.slice().sort((a, b) => this.lengths![b] - this.lengths![a] || a - b);
  }
}
