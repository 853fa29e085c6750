/**
 * One batch of experience: sampled responses with everything a policy-gradient method needs of them.
 *
 * Shapes: B responses, R tokens of the longest one; arrays are row-major [B, R] and 0 where not counted.
 */
import { Random } from '../base/index.ts';
import type { Generator, ParameterStore } from '../model/index.ts';
import type { Tokenizer } from '../text/index.ts';
import type { RewardFunction, RewardItem } from './reward-function.ts';
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
  /** [B] as the reward function gave them. */
  readonly scores: Float32Array;
  /** [B, R] log-probability under the policy that sampled, nats. */
  readonly logProbs: Float32Array;
  /** [B, R] under the frozen reference model. */
  readonly referenceLogProbs: Float32Array;
  /** [B, R] entropy of the policy's distribution, nats. */
  readonly entropies: Float32Array;
  /** [B, R] value estimate before the token; zeros without a value function. */
  readonly values: Float32Array;
  /** Mean |difference| between the sampler's log-probabilities and the trainer's, nats. Near 0 in float32. */
  readonly logProbGap: number;
  /** Milliseconds spent. */
  readonly timeMs: { readonly generate: number; readonly score: number };
}

export interface RolloutOptions {
  readonly prompts: readonly PolicyPrompt[];
  /** Already prepared with the policy's current weights. */
  readonly generator: Generator;
  readonly policy: ParameterStore;
  readonly reference: ParameterStore;
  readonly scorer: ResponseScorer;
  /** Value estimates from a model of their own; default: those of the policy's value head. */
  readonly value?: { readonly scorer: HeadScorer; readonly parameters: ParameterStore };
  readonly reward: RewardFunction;
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
  const policyScores = await options.scorer.score(options.policy, items);
  const referenceScores = await options.scorer.score(options.reference, items);
  const values = options.value
    ? await options.value.scorer.scoreTokens(options.value.parameters, items)
    : policyScores.map((row) => row.values);
  const scores = Float32Array.from(await options.reward(items));

  const grid = (rows: readonly Float32Array[]): Float32Array => {
    const array = new Float32Array(items.length * length);
    rows.forEach((row, i) => {
      array.set(row, i * length);
    });
    return array;
  };
  const counted = new Uint8Array(items.length * length);
  let gap = 0;
  let tokens = 0;
  generations.forEach(({ ids, logProbs }, i) => {
    counted.fill(1, i * length, i * length + ids.length);
    for (let t = 0; t < ids.length; t++) gap += Math.abs(logProbs[t] - policyScores[i].logProbs[t]);
    tokens += ids.length;
  });
  return {
    items,
    length,
    counted,
    lengths: Int32Array.from(generations, ({ ids }) => ids.length),
    ended: Uint8Array.from(generations, ({ finish }) => (finish === 'stop' ? 1 : 0)),
    scores,
    logProbs: grid(policyScores.map((row) => row.logProbs)),
    referenceLogProbs: grid(referenceScores.map((row) => row.logProbs)),
    entropies: grid(policyScores.map((row) => row.entropies)),
    values: grid(values),
    logProbGap: gap / tokens,
    timeMs: { generate: generated - started, score: performance.now() - generated },
  };
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
