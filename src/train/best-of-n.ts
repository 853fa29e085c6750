/**
 * Best-of-N: N responses to each prompt, of which the one with the highest reward is kept. It trains nothing, and is
 * the policy that others are measured against: how much reward, and how much of what one really wants, comes at which
 * divergence.
 *
 * From N responses follow the values for every n up to N without bias, and the divergence is bounded by
 * log n − (n − 1) / n nats.
 *
 * @see Stiennon et al. 2020, arXiv:2009.01325, figure 5; Gao et al. 2022, arXiv:2210.10760, section 2 (the curve of
 *   proxy and gold reward over √KL).
 */
import { meanOf } from '../base/index.ts';
import { bestOfNExpectations, bestOfNKlBound, conditionScores } from '../objective/index.ts';
import type { BestOfNOptions } from './best-of-n-options.ts';
import type { StageContext } from './context.ts';
import { GroupSampler, type PolicyInputs } from './group-sampler.ts';
import { checkPrompts } from './preflight.ts';
import { momentsOf } from './rollout-metrics.ts';
import { saveIfStopped, stopRequested } from './stop.ts';

/** All responses to one prompt; plain data. */
export interface Candidates {
  /** Index of the prompt. */
  readonly prompt: number;
  /** [N] */
  readonly responses: readonly string[];
  /** [N] as they choose: the penalty for not ending is taken off; null = could not be scored. */
  readonly rewards: readonly (number | null)[];
  /** Of a mix: each objective apart, [N] by name; null = does not apply. */
  readonly objectives?: Readonly<Record<string, readonly (number | null)[]>>;
  /** Other measures of each response, [N] by name. */
  readonly probes: Readonly<Record<string, readonly number[]>>;
}

/** Where candidates are kept, so that an interruption loses none. */
export interface CandidateStore {
  /** What is there already: the first prompts, whole batches of them. */
  readonly kept: readonly Candidates[];
  /** Adds a batch, all or nothing. */
  add(batch: readonly Candidates[]): Promise<void>;
}

export interface BestOfNResult {
  readonly prompts: number;
  readonly responses: number;
  /** Mean reward of one response, and of the best of N. */
  readonly reward: number;
  readonly bestReward: number;
  /** Upper bound of the divergence of the best of N from the policy, nats per response. */
  readonly klBound: number;
}

/**
 * Answers every prompt N times.
 * @returns the candidates, in the order of the prompts, and what they amount to
 * @throws TenetError('interrupted') when the user has asked to stop; what is in the store is kept
 */
export async function sampleBestOfN(
  options: BestOfNOptions,
  inputs: Omit<PolicyInputs, 'reference'>,
  context: StageContext,
  store: CandidateStore,
): Promise<{ readonly candidates: readonly Candidates[]; readonly result: BestOfNResult }> {
  const { prompts } = inputs;
  const { batchSize, numGenerations } = options;
  checkPrompts(prompts, {
    stage: 'Best-of-N',
    maxPositions: inputs.config.maxPositions,
    responseLength: options.maxCompletionLength,
    stopIds: inputs.stopIds,
    lengthOption: 'maxCompletionLength',
  });

  // Step 1. Sample and score batch after batch; the draws depend on the batch's number only.
  await using sampler = await GroupSampler.create(inputs, {
    ...options,
    scoreReference: false,
    trustSampler: true,
  });
  const candidates = [...store.kept];
  while (candidates.length < prompts.length) {
    const first = candidates.length;
    if (context.signal.aborted) throw stopRequested(first, prompts.length, 'prompt');
    const batch = prompts.slice(first, first + batchSize);
    const rollout = await saveIfStopped(sampler.answer(batch, first / batchSize, context.signal), {
      save: async () => undefined, // the store holds all that is whole
      done: first,
      total: prompts.length,
      unit: 'prompt',
    });
    const rewards = conditionScores({
      scores: rollout.scores,
      ended: rollout.ended,
      missingEosPenalty: options.missingEosPenalty,
      allowUnscored: true,
    });
    const found = batch.map((_, i): Candidates => {
      const rows = Array.from({ length: numGenerations }, (__, k) => i * numGenerations + k);
      const items = rows.map((row) => rollout.items[row]);
      return {
        prompt: first + i,
        responses: items.map(({ responseText }) => responseText),
        rewards: rows.map((row) => known(rewards[row])),
        ...(rollout.mixed && {
          objectives: Object.fromEntries(
            Object.entries(rollout.mixed.values).map(([name, values]) => [
              name,
              rows.map((row) => known(values[row])),
            ]),
          ),
        }),
        probes: Object.fromEntries(
          Object.entries(inputs.probes ?? {}).map(([name, measure]) => [
            name,
            items.map(({ promptText, responseText }) => measure(promptText, responseText)),
          ]),
        ),
      };
    });
    await store.add(found);
    candidates.push(...found);
    context.progress(candidates.length, prompts.length, { reward: momentsOf(rollout.scores).mean });
  }

  // Step 2. What the best of n would yield, for every n.
  const curve = bestOfNCurve(candidates, numGenerations);
  for (const { n, ...metrics } of curve) context.event(n, metrics);
  const [one, best] = [curve[0], curve[curve.length - 1]];
  return {
    candidates,
    result: {
      prompts: prompts.length,
      responses: prompts.length * numGenerations,
      reward: one.reward,
      bestReward: best.reward,
      klBound: best.kl_bound,
    },
  };
}

/** The place of the best response; null where none could be scored. The first among equals. */
export function bestOf({ rewards }: Pick<Candidates, 'rewards'>): number | null {
  const best = rewards.reduce<number>(
    (a, reward, i) => (reward !== null && (a < 0 || reward > (rewards[a] as number)) ? i : a),
    -1,
  );
  return best < 0 ? null : best;
}

/** NaN as null, which JSON keeps. */
function known(value: number): number | null {
  return Number.isNaN(value) ? null : value;
}

/** Means over prompts for n = 1 … N; prompts with a response that could not be scored are left out. */
function bestOfNCurve(
  candidates: readonly Candidates[],
  most: number,
): ({ readonly n: number; readonly kl_bound: number; readonly reward: number } & Record<string, number>)[] {
  const isKnown = (values: readonly (number | null)[]): values is readonly number[] => !values.includes(null);
  const scored = candidates.flatMap(({ rewards, objectives = {}, probes }) =>
    isKnown(rewards) ? [{ rewards, objectives, probes }] : [],
  );
  const rewards = scored.map((group) => bestOfNExpectations(group.rewards));
  // An objective is followed where it applies to all responses to a prompt.
  const measures = {
    ...measuresOf(scored, 'objectives', (name) => `rewards/${name}/mean`),
    ...measuresOf(scored, 'probes', (name) => `probe/${name}`),
  };
  const expected = Object.entries(measures).map(
    ([metric, pick]) =>
      [
        metric,
        scored.flatMap((group) => {
          const values = pick(group);
          return isKnown(values) ? [bestOfNExpectations(group.rewards, values)] : [];
        }),
      ] as const,
  );
  return Array.from({ length: most }, (_, i) => ({
    n: i + 1,
    kl_bound: bestOfNKlBound(i + 1),
    reward: meanOf(rewards.map((values) => values[i])),
    ...Object.fromEntries(
      expected.flatMap(([metric, groups]) =>
        groups.length > 0 ? [[metric, meanOf(groups.map((values) => values[i]))]] : [],
      ),
    ),
  }));
}

type Measured<K extends string> = Readonly<Record<K, Readonly<Record<string, readonly (number | null)[]>>>>;

/** By metric: where a group's values of it stand. */
function measuresOf<K extends string>(
  scored: readonly Measured<K>[],
  kind: K,
  metricOf: (name: string) => string,
): Record<string, (group: Measured<K>) => readonly (number | null)[]> {
  const names = Object.keys(scored[0]?.[kind] ?? {});
  return Object.fromEntries(names.map((name) => [metricOf(name), (group) => group[kind][name]]));
}
