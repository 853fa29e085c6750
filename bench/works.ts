/** The kinds of work that are compared with TRL, on random tokens and through the stages' own loops. */
import type { EncodedPreference, EncodedRanking } from '../src/data/index.ts';
import { Generator, scalarHeadSpec } from '../src/model/index.ts';
import {
  dpoOptions,
  grpoOptions,
  type PolicyInputs,
  type RewardFunction,
  rewardOptions,
  rlooOptions,
  type StageContext,
  trainDpo,
  trainGrpo,
  trainReward,
  trainRloo,
} from '../src/train/index.ts';
import { type BenchmarkSettings, median, timeOf } from './benchmark.ts';
import { timeGeneration } from './generation.ts';
import { createSftStep } from './sft-step.ts';
import { freshParameters, randomTokens, sizes } from './sizes.ts';
import { randomPrompts, runStage, tokenizer } from './stage.ts';

/** How much a step of each kind works on; `bench/peers/measure_trl.py` does the same. */
export interface WorkSize {
  /** Rows of SFT and pairs of reward and DPO. */
  readonly rows: number;
  /** Responses of an iteration of RLOO and GRPO, four to a prompt. */
  readonly responses: number;
  /** Tokens that generation adds to each prompt. */
  readonly newTokens: number;
  /** Steps that are timed, after one that warms up. */
  readonly steps: number;
}

export const workSizes = {
  '5m': { rows: 16, responses: 64, newTokens: 64, steps: 5 },
  '135m': { rows: 4, responses: 16, newTokens: 24, steps: 2 },
  '176m': { rows: 4, responses: 8, newTokens: 24, steps: 2 },
} satisfies Partial<Record<keyof typeof sizes, WorkSize>>;

export const rowTokens = 256;
const promptTokens = 64;
export const pairTokens = 128;
export const rollout = { promptTokens: 32, responseTokens: 64, group: 4 };

/** A kind of work; the result is tokens per second. */
export type Work = (size: keyof typeof workSizes, settings: BenchmarkSettings) => Promise<number>;

export const sft: Work = async (size, settings) => {
  const { rows, steps } = sized(size, settings);
  const training = await createSftStep(
    sizes[size],
    freshParameters(sizes[size]),
    { rows, length: rowTokens },
    settings,
  );
  await training.step();
  const times: number[] = [];
  for (let i = 0; i < steps; i++) times.push(await timeOf(training.step));
  await training.release();
  return (1000 * rows * rowTokens) / median(times);
};

export const generate =
  (batch: number): Work =>
  async (size, settings) => {
    const { newTokens } = sized(size, settings);
    const generator = await Generator.create(sizes[size], freshParameters(sizes[size]), {
      threads: settings.threads,
      batchSize: batch,
    });
    const shape = { batch, promptTokens: rollout.promptTokens, newTokens };
    await timeGeneration(generator, sizes[size], { ...shape, newTokens: 4 });
    const { totalMs } = await timeGeneration(generator, sizes[size], shape);
    await generator.release();
    return (1000 * batch * newTokens) / totalMs;
  };

export const reward: Work = (size, settings) => {
  const { rows, steps } = sized(size, settings);
  const config = sizes[size];
  const rankings: EncodedRanking[] = pairs(size, rows * (steps + 1)).map(({ prompt, chosen, rejected }) => ({
    prompt,
    responses: [chosen, rejected],
    ranks: [1, 2],
  }));
  return timeSteps(steps, rows * 2 * pairTokens, (context) =>
    trainReward(
      rewardOptions.parse({
        batchSize: rows,
        maxSteps: steps + 1,
        loggingSteps: 1,
        threads: settings.threads,
      }),
      {
        config,
        parameters: freshParameters(config, 1, [scalarHeadSpec(config)]),
        ...{ rankings, heldOut: [], orderIsNeutral: false },
      },
      context,
    ),
  );
};

/** With the reference's log-probabilities computed in each step, as TRL does by default. */
export const dpo: Work = (size, settings) => {
  const { rows, steps } = sized(size, settings);
  const config = sizes[size];
  return timeSteps(steps, rows * 2 * pairTokens, (context) =>
    trainDpo(
      dpoOptions.parse({
        ...{ batchSize: rows, maxSteps: steps + 1, loggingSteps: 1, threads: settings.threads },
        precomputeRefLogProbs: false,
      }),
      { config, parameters: freshParameters(config), pairs: pairs(size, rows * (steps + 1)), heldOut: [] },
      context,
    ),
  );
};

export const rloo: Work = (size, settings) =>
  timeSteps(...sampledWork(size, settings), (context) =>
    trainRloo(rlooOptions.parse(policyOptions(size, settings)), policyInputs(size, settings), context),
  );

export const grpo: Work = (size, settings) =>
  timeSteps(...sampledWork(size, settings), (context) =>
    trainGrpo(grpoOptions.parse(policyOptions(size, settings)), policyInputs(size, settings), context),
  );

export function sized(size: keyof typeof workSizes, { quick }: BenchmarkSettings): WorkSize {
  return quick ? { ...workSizes[size], newTokens: 4, steps: 1 } : workSizes[size];
}

function sampledWork(size: keyof typeof workSizes, settings: BenchmarkSettings): [number, number] {
  const { responses, steps } = sized(size, settings);
  return [steps, responses * rollout.responseTokens];
}

function policyOptions(size: keyof typeof workSizes, settings: BenchmarkSettings): object {
  const { responses, steps } = sized(size, settings);
  return {
    ...{ totalEpisodes: responses * (steps + 1), batchSize: responses, numGenerations: rollout.group },
    ...{ maxCompletionLength: rollout.responseTokens, beta: 0.05, threads: settings.threads },
  };
}

export function policyInputs(size: keyof typeof workSizes, settings: BenchmarkSettings): PolicyInputs {
  const config = sizes[size];
  // Hardly ever the same for two responses, so that every pair and group has something to learn.
  const sumOfIds: RewardFunction = async (items) =>
    items.map(({ response }) => Array.from(response).reduce((sum, id) => sum + id, 0) / 1e5);
  return {
    ...{ config, policy: freshParameters(config), reference: freshParameters(config), reward: sumOfIds },
    prompts: randomPrompts(config, sized(size, settings).responses, rollout.promptTokens),
    ...{ tokenizer, stopIds: [2] },
  };
}

export function pairs(size: keyof typeof workSizes, count: number): EncodedPreference[] {
  const words = (seed: number, length: number): Int32Array => randomTokens(sizes[size], length, seed);
  return Array.from({ length: count }, (_, i) => ({
    prompt: words(3 * i, promptTokens),
    chosen: words(3 * i + 1, pairTokens - promptTokens),
    rejected: words(3 * i + 2, pairTokens - promptTokens),
  }));
}

/** Tokens per second of a loop that records an event after each step; the first one warms up. */
async function timeSteps(
  steps: number,
  tokensPerStep: number,
  train: (context: StageContext) => Promise<unknown>,
): Promise<number> {
  const ended = (await runStage(train)).map(({ at }) => at);
  const times = ended.slice(1).map((end, i) => end - ended[i]);
  if (times.length !== steps) throw new Error(`${ended.length} steps ended, not ${steps + 1}`);
  return (1000 * tokensPerStep) / median(times);
}
