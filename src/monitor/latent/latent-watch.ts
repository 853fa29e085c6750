/**
 * Collects a reward model's states of the first responses, which stand for the reference policy's, and then says which
 * responses lie outside of them.
 *
 * Shapes: B responses, D numbers of a state, K kept of them.
 */
import { Random } from '../../base/index.ts';
import { fitLatentReference, isOutlying, type LatentReference } from './latent-reference.ts';

/** States of an iteration's first responses; plain data, so that it can be kept and read back. */
export interface LatentStates {
  /** [B][K] */
  readonly states: readonly (readonly number[])[];
  /** [B] number of the prompt that each answers. */
  readonly prompts: readonly number[];
}

/** K: a covariance of more dimensions would take more responses than an iteration has. */
const mostDimensions = 64;
/** What stands for the reference, as elsewhere: the first iteration, and the next two where it has fewer responses. */
const enoughResponses = 128;
const mostIterations = 3;

export class LatentWatch {
  private readonly states: (readonly number[])[] = [];
  private readonly prompts: number[] = [];
  private iterations = 0;
  private reference: LatentReference | null = null;
  private projection: { readonly width: number; readonly rows: readonly Float64Array[] } | null = null;

  /** True: the responses of this iteration still stand for the reference, and are not judged. */
  get collects(): boolean {
    return this.iterations < mostIterations && this.states.length < enoughResponses;
  }

  /**
   * What is kept of states: all of them up to 64 numbers, of more as many random projections, six digits of each. The
   * projections are the same in every run; a distance that takes in the covariance needs no better ones.
   * @param states  [B][D]
   * @param prompts [B] which prompt each answers
   */
  describe(states: readonly ArrayLike<number>[], prompts: readonly unknown[]): LatentStates {
    const numbers = new Map<unknown, number>();
    for (const prompt of prompts) if (!numbers.has(prompt)) numbers.set(prompt, numbers.size);
    return {
      states: states.map((state) => this.reduce(state)),
      prompts: prompts.map((prompt) => numbers.get(prompt) ?? 0),
    };
  }

  /** Takes in an iteration while it `collects`. */
  add({ states, prompts }: LatentStates): void {
    if (!this.collects) return;
    // Each iteration counts its own prompts from 0.
    const offset = this.states.length;
    this.prompts.push(...prompts.map((prompt) => prompt + offset));
    this.states.push(...states);
    this.iterations++;
    if (!this.collects) this.reference = fitLatentReference(this.states, this.prompts);
  }

  /** @returns [B] 1 = outside, NaN where a state is not finite; null before there is a reference, or where it tells nothing */
  judge({ states }: Pick<LatentStates, 'states'>): number[] | null {
    const { reference } = this;
    if (!reference) return null;
    return states.map((state) =>
      state.every(Number.isFinite) ? Number(isOutlying(reference, state)) : Number.NaN,
    );
  }

  private reduce(state: ArrayLike<number>): number[] {
    const values =
      state.length <= mostDimensions
        ? Array.from(state)
        : this.projectionOf(state.length).map((row) => {
            let sum = 0;
            for (let i = 0; i < row.length; i++) sum += row[i] * state[i];
            return sum;
          });
    return values.map((value) => Number(value.toPrecision(6)));
  }

  /** [K][D] normal draws. */
  private projectionOf(width: number): readonly Float64Array[] {
    if (this.projection?.width !== width) {
      const random = new Random(0).fork('latent projection');
      const scale = 1 / Math.sqrt(width);
      const rows = Array.from({ length: mostDimensions }, () =>
        Float64Array.from({ length: width }, () => scale * random.normal()),
      );
      this.projection = { width, rows };
    }
    return this.projection.rows;
  }
}
