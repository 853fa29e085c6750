/**
 * One batch of experience: sampled responses with everything a policy-gradient method needs of them.
 *
 * Shapes: B responses, R tokens of the longest one; arrays are row-major [B, R] and 0 where not counted.
 */
import { Random } from '../base/index.ts';
import type { Generator, ParameterStore } from '../model/index.ts';
import type { Tokenizer } from '../text/index.ts';
import type { RewardItem } from './reward-function.ts';
import { type MixedRewards, type RewardSource, scoreWith } from './rewards/reward-mix.ts';
import type { HeadScorer, ResponseScorer } from './scorers.ts';

/** A prompt to answer, as the policy reads it (chat template applied). */
export interface PolicyPrompt {
  readonly ids: ArrayLike<number>;
  /** For rewards and samples: the question itself. */
  readonly text: string;
}

export interface Rollout {
  readonly items: readonly RewardItem[];
  /** R */
  readonly length: number;
  /** [B, R] 1 = sampled token, the end token included. */
  readonly counted: Uint8Array;
  /** [B] tokens per response. */
  readonly lengths: Int32Array;
  /** [B] 1 = ended by itself. */
  readonly ended: Uint8Array;
  /** [B] as the source of rewards gave them; NaN where it could not score. */
  readonly scores: Float32Array;
  /** Of a mix of objectives: what the scores are made of. */
  readonly mixed: MixedRewards | null;
  /** [B, R] log-probability under the policy that sampled, nats, as the trainer computes it. */
  readonly logProbs: Float32Array;
  /** [B, R] the same as the sampler reported it. */
  readonly samplerLogProbs: Float32Array;
  /** [B, R] under the reference model; the policy's own where there is none, so that the divergence is 0. */
  readonly referenceLogProbs: Float32Array;
  /** [B, R] entropy of the policy's distribution, nats; zeros where the pass over the policy was saved. */
  readonly entropies: Float32Array;
  /** [B, R] value estimate before the token; zeros without a value function. */
  readonly values: Float32Array;
  /**
   * Mean |difference| between the sampler's log-probabilities and the trainer's, nats, and the largest. Near 0 in
   * float32; NaN where the pass over the policy was saved.
   */
  readonly logProbGap: number;
  readonly largestLogProbGap: number;
  /** Milliseconds spent. */
  readonly timeMs: { readonly generate: number; readonly score: number };
}

export interface RolloutOptions {
  /** One response each; a prompt that stands there several times is answered several times. */
  readonly prompts: readonly PolicyPrompt[];
  /** Already prepared with the policy's current weights. */
  readonly generator: Generator;
  readonly policy: ParameterStore;
  /** Default: none is scored. */
  readonly reference?: ParameterStore | null;
  /** Null, with neither reference nor value head to score: the sampler's log-probabilities are taken as they are. */
  readonly scorer: ResponseScorer | null;
  /**
   * True: only the reference is scored, and the sampler's log-probabilities stand for the policy's, which saves a pass.
   * The trainer then has to compare. Default false.
   */
  readonly trustSampler?: boolean;
  /** Value estimates from a model of their own; default: those of the policy's value head. */
  readonly value?: { readonly scorer: HeadScorer; readonly parameters: ParameterStore };
  readonly reward: RewardSource;
  /** Responses to each prompt, which stand together. Default 1. */
  readonly groupSize?: number;
  readonly tokenizer: Pick<Tokenizer, 'decode'>;
  readonly stopIds: readonly number[];
  readonly responseLength: number;
  readonly temperature: number;
  /** Source of each response's seed. */
  readonly random: Random;
  readonly signal?: AbortSignal;
  /** Told after each finished response. */
  readonly onFinish?: (done: number) => void;
}

/** Samples one response per prompt and scores it. */
export async function collectRollout(options: RolloutOptions): Promise<Rollout> {
  const { prompts, random, tokenizer } = options;
  const started = performance.now();
  let done = 0;
  const generations = await options.generator.generate(
    prompts.map(({ ids }) => ({
      prompt: ids,
      maxNewTokens: options.responseLength,
      temperature: options.temperature,
      stopIds: options.stopIds,
      seed: random.uint32(),
    })),
    { signal: options.signal, onFinish: () => options.onFinish?.(++done) },
  );
  const generated = performance.now();

  const items = generations.map(
    ({ ids, finish }, i): RewardItem => ({
      prompt: prompts[i].ids,
      response: ids,
      promptText: prompts[i].text,
      responseText: tokenizer.decode(Array.from(ids), { skipSpecialTokens: true }),
      ended: finish === 'stop',
    }),
  );
  const length = Math.max(...generations.map(({ ids }) => ids.length));
  const grid = (rows: readonly Float32Array[]): Float32Array => {
    const array = new Float32Array(items.length * length);
    rows.forEach((row, i) => {
      array.set(row, i * length);
    });
    return array;
  };
  const counted = new Uint8Array(items.length * length);
  items.forEach(({ response }, i) => {
    counted.fill(1, i * length, i * length + response.length);
  });

  const { scorer, reference } = options;
  const trusted = options.trustSampler || !scorer;
  const samplerLogProbs = grid(generations.map(({ logProbs }) => logProbs));
  const policyScores = trusted ? null : await scorer.score(options.policy, items);
  const logProbs = policyScores ? grid(policyScores.map((row) => row.logProbs)) : samplerLogProbs;
  const referenceScores = scorer && reference ? await scorer.logProbs(reference, items) : null;
  const values = options.value
    ? await options.value.scorer.scoreTokens(options.value.parameters, items)
    : policyScores?.map((row) => row.values);
  const gap = policyScores ? gapBetween(logProbs, samplerLogProbs, counted) : null;
  const rewards = await scoreWith(options.reward, items, options.groupSize ?? 1);
  return {
    items,
    length,
    counted,
    lengths: Int32Array.from(generations, ({ ids }) => ids.length),
    ended: Uint8Array.from(generations, ({ finish }) => (finish === 'stop' ? 1 : 0)),
    ...rewards,
    logProbs,
    samplerLogProbs,
    referenceLogProbs: referenceScores ? grid(referenceScores) : logProbs,
    entropies: grid(policyScores?.map((row) => row.entropies) ?? []),
    values: grid(values ?? []),
    logProbGap: gap?.mean ?? Number.NaN,
    largestLogProbGap: gap?.largest ?? Number.NaN,
    timeMs: { generate: generated - started, score: performance.now() - generated },
  };
}

/** Over the counted tokens. */
function gapBetween(
  a: Float32Array,
  b: Float32Array,
  counted: Uint8Array,
): { readonly mean: number; readonly largest: number } {
  let [sum, largest, tokens] = [0, 0, 0];
  for (let i = 0; i < counted.length; i++) {
    if (counted[i] === 0) continue;
    const gap = Math.abs(a[i] - b[i]);
    sum += gap;
    largest = Math.max(largest, gap);
    tokens++;
  }
  return { mean: sum / tokens, largest };
}

/** A generator for one draw of a stage: depends on the seed and the names only, so resuming repeats it. */
export function drawsFor(seed: number, purpose: string, index: number): Random {
  return new Random(seed).fork(`${purpose} ${index}`);
}

/** The items of one iteration out of a list that is shuffled anew each time it is used up. */
export function iterationSlice<T>(items: readonly T[], seed: number, iteration: number, count: number): T[] {
  const slice: T[] = [];
  for (let i = iteration * count; slice.length < count; i++) {
    const epoch = Math.floor(i / items.length);
    const order = epochOrder(items.length, seed, epoch);
    slice.push(items[order[i % items.length]]);
  }
  return slice;
}

let cachedOrder: { key: string; order: readonly number[] } | null = null;

function epochOrder(length: number, seed: number, epoch: number): readonly number[] {
  const key = `${length} ${seed} ${epoch}`;
  if (cachedOrder?.key !== key) {
    const indices = Array.from({ length }, (_, i) => i);
    cachedOrder = { key, order: drawsFor(seed, 'epoch', epoch).shuffled(indices) };
  }
  return cachedOrder.order;
}
