/** What is recorded of one iteration of a method that learns from sampled responses. */
import { meanOf } from '../base/index.ts';
import { trlMetricNames } from '../objective/index.ts';
import type { StageContext } from './context.ts';
import type { PolicyInputs } from './group-sampler.ts';
import { averageMetrics } from './metrics.ts';
import type { Rollout } from './rollout.ts';
import { rolloutMetrics } from './rollout-metrics.ts';

export interface PolicyResult {
  readonly iterations: number;
  readonly episodes: number;
  /** Mean reward of the last iteration. */
  readonly reward: number;
  /** Divergence from the reference in the last iteration, nats per response; null without a reference. */
  readonly kl: number | null;
}

export interface IterationReport {
  /** Iterations done, this one included, and in all. */
  readonly done: number;
  readonly total: number;
  readonly options: {
    readonly batchSize: number;
    readonly loggingSteps: number;
    readonly sampleEvery: number;
  };
  readonly inputs: Pick<PolicyInputs, 'rewardName' | 'probes'>;
  readonly rollout: Rollout;
  /** [B] named numbers of each response to show with samples, the reward besides. */
  readonly perResponse?: Readonly<Record<string, ArrayLike<number>>>;
  /** What each optimizer step measured, in order; its learning rate as `lr`. */
  readonly updates: readonly Readonly<Record<string, number>>[];
  /** True: the first update compares the sampler with the trainer, since the rollout did not. */
  readonly comparesSampler?: boolean;
  /** Tokens seen so far, prompts included. */
  readonly tokens: number;
  /** Divergence from the reference, nats per response, and the penalty's weight; null without a reference. */
  readonly divergence: { readonly kl: number; readonly coefficient: number } | null;
  /** Other metrics of the iteration, under their final names. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** `performance.now()` when the iteration and its updates began. */
  readonly started: number;
  readonly updateStarted: number;
}

/** Fields of an update's metrics → names, those of TRL where it has them. */
const updateMetricNames: Readonly<Record<string, string>> = {
  loss: 'loss',
  ...trlMetricNames.groupPolicy,
  ...trlMetricNames.preference,
  ...trlMetricNames.preferenceTokens,
  gradNorm: 'grad_norm',
};

/** Records metrics and samples where it is time to, and moves the progress display. */
export function reportIteration(context: StageContext, report: IterationReport): void {
  const { done, total, options, rollout, updates, divergence } = report;
  const last = done === total;
  const rewards = rolloutMetrics(rollout, report.inputs);
  if (done % options.loggingSteps === 0 || last) {
    const ended = performance.now();
    context.event(done, {
      episode: done * options.batchSize,
      num_tokens: report.tokens,
      ...rewards,
      ...(divergence && { 'objective/kl': divergence.kl, kl_coef: divergence.coefficient }),
      ...report.metrics,
      ...averageMetrics(updates, updateMetricNames),
      ...(updates.length > 0 && { lr: updates[updates.length - 1].lr }),
      ...(report.comparesSampler && updates.length > 0 && samplerMetrics(updates[0])),
      step_time: (ended - report.started) / 1000,
      'time/generate': rollout.timeMs.generate,
      'time/score': rollout.timeMs.score,
      'time/update': ended - report.updateStarted,
    });
  }
  if ((done - 1) % options.sampleEvery === 0 || last) recordSamples(context, report);
  context.progress(done, total, {
    ...('reward' in rewards && { reward: rewards.reward }),
    ...(divergence && { kl: divergence.kl }),
    length: meanOf(rollout.lengths),
  });
}

function samplerMetrics({
  logProbGap,
  logProbGapMax,
}: Readonly<Record<string, number>>): Record<string, number> {
  return {
    'sampling/sampling_logp_difference/mean': logProbGap,
    'sampling/sampling_logp_difference/max': logProbGapMax,
  };
}

/** The first responses of three groups. */
function recordSamples(context: StageContext, { done, rollout, perResponse = {} }: IterationReport): void {
  const { items } = rollout;
  const shown = items.flatMap((item, i) => (i === 0 || item.prompt !== items[i - 1].prompt ? [i] : []));
  for (const i of shown.slice(0, 3)) {
    context.sample({
      step: done,
      prompt: items[i].promptText,
      response: items[i].responseText,
      scores: {
        ...responseScores(rollout, i),
        ...Object.fromEntries(Object.entries(perResponse).map(([name, values]) => [name, values[i]])),
      },
    });
  }
}

/** A response's reward and, of a mix, its objectives; what does not apply is left out. */
export function responseScores({ scores, mixed }: Rollout, i: number): Record<string, number> {
  const found = { reward: (mixed?.sums ?? scores)[i] } as Record<string, number>;
  for (const [name, values] of Object.entries(mixed?.values ?? {})) found[name] = values[i];
  return Object.fromEntries(Object.entries(found).filter(([, value]) => !Number.isNaN(value)));
}
