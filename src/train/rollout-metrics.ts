/** What a rollout says of itself, under TRL's names. */
import { meanOf } from '../base/index.ts';
import { knownMoments } from '../objective/index.ts';
import type { PolicyInputs } from './group-sampler.ts';
import type { Rollout } from './rollout.ts';

/** Lengths, ends, rewards and, where the rollout knows it, the sampler's agreement with the trainer. */
export function rolloutMetrics(
  rollout: Rollout,
  { rewardName = 'reward', probes = {} }: Pick<PolicyInputs, 'rewardName' | 'probes'>,
): Record<string, number> {
  const { lengths, ended, mixed, items } = rollout;
  const scores = mixed?.sums ?? rollout.scores;
  const terminated = lengths.filter((_, i) => ended[i] === 1);
  const { mean, deviation } = momentsOf(scores);
  return {
    ...(!Number.isNaN(mean) && {
      reward: mean,
      reward_std: deviation,
      // A mix names its objectives itself.
      ...(!mixed && { [`rewards/${rewardName}/mean`]: mean, [`rewards/${rewardName}/std`]: deviation }),
    }),
    ...(!mixed &&
      scores.some(Number.isNaN) && {
        [`rewards/${rewardName}/unscored`]: meanOf(scores.map((score) => (Number.isNaN(score) ? 1 : 0))),
      }),
    'completions/mean_length': meanOf(lengths),
    'completions/min_length': Math.min(...lengths),
    'completions/max_length': Math.max(...lengths),
    // TRL: 0 where no response ended.
    'completions/mean_terminated_length': terminated.length ? meanOf(terminated) : 0,
    'completions/min_terminated_length': terminated.length ? Math.min(...terminated) : 0,
    'completions/max_terminated_length': terminated.length ? Math.max(...terminated) : 0,
    'completions/clipped_ratio': 1 - meanOf(ended),
    ...(Number.isNaN(rollout.logProbGap)
      ? {}
      : {
          'sampling/sampling_logp_difference/mean': rollout.logProbGap,
          'sampling/sampling_logp_difference/max': rollout.largestLogProbGap,
        }),
    ...Object.fromEntries(
      Object.entries(probes).map(([name, measure]) => [
        `probe/${name}`,
        meanOf(items.map(({ promptText, responseText }) => measure(promptText, responseText))),
      ]),
    ),
  };
}

/** Prompt and response tokens of a rollout, which `num_tokens` counts up. */
export function tokensOf({ items }: Rollout): number {
  return items.reduce((sum, { prompt, response }) => sum + prompt.length + response.length, 0);
}

/** Mean and deviation (Bessel) of the numbers that are not NaN; NaN where there are too few. */
export function momentsOf(values: Float32Array): { readonly mean: number; readonly deviation: number } {
  const { count, mean, deviation } = knownMoments(values);
  return { mean, deviation: count < 2 ? Number.NaN : deviation };
}
