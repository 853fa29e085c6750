/**
 * Scores many whole texts at once: for calibration and for measuring while training.
 *
 * Shapes: B texts of a micro-batch, T tokens, H scores of a token.
 */
import { padBatch } from '../../data/index.ts';
import {
  buildModelGraph,
  type DecoderConfig,
  type ParameterStore,
  scalarHead,
  scoreHeadName,
} from '../../model/index.ts';
import { areaUnderRoc, type Interval } from '../../objective/index.ts';
import { reshape, Session } from '../../tensor/index.ts';
import { planMicroBatches, tokenFeeds } from '../../train/index.ts';
import type { EncodedText } from './encode-examples.ts';
import type { GuardKind } from './heads.ts';

const tokenBudget = 8192;

/** One scorer serves all stores of one architecture. */
export class TextScorer {
  private readonly session: Session<'scores'>;
  private readonly weights: readonly string[];

  private constructor(session: Session<'scores'>, weights: readonly string[]) {
    this.session = session;
    this.weights = weights;
  }

  static async create(
    config: DecoderConfig,
    store: ParameterStore,
    options: { readonly threads?: number } = {},
  ): Promise<TextScorer> {
    const model = buildModelGraph(config, store);
    const scores = scalarHead(model, reshape(model.hidden, [-1, config.width]), scoreHeadName);
    const session = await Session.create(model.graph, { scores }, options);
    return new TextScorer(session, [...model.weights.inputs.keys()]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.session.release();
  }

  /** @returns [texts][H] the largest score of each head over the judged tokens */
  async score(store: ParameterStore, texts: readonly EncodedText[]): Promise<Float32Array[]> {
    const weights = Object.fromEntries(this.weights.map((name) => [name, store.view(name)]));
    const results = new Array<Float32Array>(texts.length);
    const groups = planMicroBatches(
      texts.map(({ ids }) => ids.length),
      tokenBudget,
    );
    for (const group of groups) {
      const batch = padBatch(
        group.map((index) => ({ ids: texts[index].ids, counted: new Uint8Array(texts[index].ids.length) })),
        { multipleOf: 8 },
      );
      const { scores } = await this.session.run({ ...weights, ...tokenFeeds(batch) });
      const values = scores.data as Float32Array; // [B · T · H]
      const heads = values.length / (batch.rows * batch.length);
      group.forEach((index, row) => {
        const { judgedFrom, ids } = texts[index];
        const start = row * batch.length * heads;
        results[index] = largestScores(
          values.subarray(start + judgedFrom * heads, start + ids.length * heads),
          heads,
        );
      });
    }
    return results;
  }
}

/** @param scores [T, H] @returns [H] the largest of each column; −∞ without tokens */
export function largestScores(scores: Float32Array, heads: number): Float32Array {
  const largest = new Float32Array(heads).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0; i < scores.length; i++) largest[i % heads] = Math.max(largest[i % heads], scores[i]);
  return largest;
}

/** How well the largest scores tell harmful texts from others, for each kind; null where all are of one label. */
export function aucByKind(
  texts: readonly EncodedText[],
  scores: readonly Float32Array[],
  kinds: readonly GuardKind[],
): Record<string, Interval | null> {
  return Object.fromEntries(
    kinds.map((kind, head) => {
      const of = (harmful: boolean): number[] =>
        texts.flatMap((text, i) => (text.kind === kind && text.harmful === harmful ? [scores[i][head]] : []));
      const [positives, negatives] = [of(true), of(false)];
      const known = positives.length > 0 && negatives.length > 0;
      return [kind, known ? areaUnderRoc(positives, negatives) : null];
    }),
  );
}
