/** How long a method samples and learns: iterations, optimizer steps and their learning rates. */
import { learningRateAt } from '../tensor/index.ts';
import { type OptimizerOptions, scheduleFor } from './options.ts';

export interface PolicyPlanOptions
  extends Pick<OptimizerOptions, 'learningRate' | 'lrSchedulerType' | 'warmupRatio'> {
  readonly numTrainEpochs: number;
  readonly totalEpisodes: number | null;
  readonly batchSize: number;
  readonly numGenerations: number;
  readonly numIterations: number;
  readonly stepsPerGeneration: number;
}

export interface PolicyPlan {
  readonly iterations: number;
  readonly updatesPerIteration: number;
  /** Learning rate of an optimizer step, counted from 0 over the whole stage. */
  learningRate(update: number): number;
}

export function planPolicyTraining(options: PolicyPlanOptions, prompts: number): PolicyPlan {
  const iterations = iterationsOf(options, prompts);
  const updatesPerIteration = options.numIterations * options.stepsPerGeneration;
  const totalSteps = iterations * updatesPerIteration;
  const schedule = scheduleFor(options, totalSteps);
  return { iterations, updatesPerIteration, learningRate: (update) => learningRateAt(update, schedule) };
}

/** Enough iterations for the episodes; at least one. */
export function iterationsOf(
  options: Pick<PolicyPlanOptions, 'numTrainEpochs' | 'totalEpisodes' | 'batchSize' | 'numGenerations'>,
  prompts: number,
): number {
  const episodes = options.totalEpisodes ?? options.numTrainEpochs * prompts * options.numGenerations;
  return Math.max(1, Math.ceil(episodes / options.batchSize));
}
