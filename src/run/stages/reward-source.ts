/** Where the rewards of a stage come from: a reward model, a judge, or a mix of objectives. */
import { goldReward, parsePrompt } from '../../sandbox/index.ts';
import { modelObjective, RewardMix, type RewardSource, rewardModel, weightOf } from '../../train/index.ts';
import type { ResponseStates } from '../monitoring/response-states.ts';
import type { ObjectiveOptions, RewardMixRecipe } from '../reward-options.ts';
import type { DataSource } from '../run-recipe.ts';
import { type LearntWeights, learnWeights } from './learn-weights.ts';
import { type JudgeOptions, memberOf, type OpenObjective, openJudge, openObjectives } from './objectives.ts';
import { checkReward, refuseOtherTokenizer } from './reward-checks.ts';
import { type StageRun, type StartModel, startModel } from './stage-run.ts';

/** Where the rewards of a stage come from, whatever gives them. */
export interface Rewards {
  /** For reports. */
  readonly name: string;
  readonly reward: RewardSource;
  /** A reward model among them, from which a value function can start. */
  readonly model: StartModel | null;
  /** For the stage's results: each objective and what it counts. */
  readonly record: Readonly<Record<string, unknown>>;
  /** Frees what gives them. */
  release(): Promise<void>;
}

export interface RewardedOptions {
  readonly rewardModel?: string;
  readonly rewardModelPath?: string;
  readonly allowWeakReward: boolean;
  readonly judge?: JudgeOptions;
  readonly rewards?: readonly ObjectiveOptions[];
  readonly rewardMix?: RewardMixRecipe;
}

/**
 * Opens what the stage's options name: objectives, a judge, or else a reward model.
 * @param states takes in what the reward model makes of each response, where there is exactly one. Default: nobody asks
 */
export async function loadRewards(
  options: RewardedOptions,
  stage: StageRun,
  policy: StartModel,
  states: ResponseStates | null = null,
): Promise<Rewards> {
  if (options.rewards) return mixedRewards(options.rewards, options, stage, policy, states);
  if (options.judge) {
    const { judge, reward } = await openJudge(options.judge, stage, policy, 'constitution');
    const name = `judge ${judge.id}`;
    const record = { rewardModel: name };
    return { name, reward, model: null, record, release: () => judge.close() };
  }
  const model = await loadRewardModel(options, stage, policy);
  const reward = await rewardOf(model, stage, states);
  const record = { rewardModel: model.name };
  return { name: model.name, reward, model, record, release: async () => {} };
}

/** Of one score; the mean of an ensemble's, whose disagreement is recorded. */
async function rewardOf(
  model: StartModel,
  { name, threads }: StageRun,
  states: ResponseStates | null,
): Promise<RewardSource> {
  const { config, parameters, heads } = model;
  const scoring = { threads, onStates: states?.listener };
  if (heads?.kind === 'single') return rewardModel(config, parameters, scoring);
  const objective = { name: 'reward' };
  const score = await modelObjective([memberOf(model, objective, name)], scoring);
  return new RewardMix([{ ...objective, score }]);
}

async function mixedRewards(
  wanted: readonly ObjectiveOptions[],
  options: Pick<RewardedOptions, 'rewardMix' | 'allowWeakReward'>,
  stage: StageRun,
  policy: StartModel,
  states: ResponseStates | null,
): Promise<Rewards> {
  const { aggregation, multiplier, learnedWeights } = options.rewardMix ?? {};
  const { objectives, release } = await openObjectives(wanted, stage, policy, {
    allowWeakReward: options.allowWeakReward,
    onStates: states?.listener,
  });
  try {
    const learnt = learnedWeights ? await learnWeights(objectives, learnedWeights, stage, policy) : null;
    const weighted = learnt ? objectives.map((objective) => withWeight(objective, learnt)) : objectives;
    return {
      name: objectives.map(({ name }) => name).join(' + '),
      reward: new RewardMix(weighted, { aggregation, multiplier }),
      model: objectives.find(({ model }) => model)?.model ?? null,
      record: {
        rewardModel: objectives.map(({ name }) => name).join(' + '),
        objectives: weighted.map(({ name, source, atLeast, atMost, ...objective }) => ({
          ...{ name, source, weight: weightOf({ name, atLeast, atMost, ...objective }) },
          ...(atLeast !== undefined && { atLeast }),
          ...(atMost !== undefined && { atMost }),
        })),
        ...(learnt && { learnedWeights: learnt }),
      },
      release,
    };
  } catch (error) {
    await release();
    throw error;
  }
}

function withWeight(objective: OpenObjective, { weights }: LearntWeights): OpenObjective {
  const weight = weights.find(({ name }) => name === objective.name)?.weight;
  return weight === undefined ? objective : { ...objective, weight };
}

/**
 * Loads it and checks that it reads what the policy writes and is better than chance.
 * @throws TenetError('preflight') otherwise
 */
async function loadRewardModel(
  options: RewardedOptions,
  stage: StageRun,
  policy: StartModel,
): Promise<StartModel> {
  const model = await startModel(stage, {
    from: options.rewardModel,
    path: options.rewardModelPath,
    head: 'reward',
  });
  refuseOtherTokenizer(policy, model, stage.name);
  if (!options.allowWeakReward) checkReward(stage, model.name);
  return model;
}

/** Other measures of responses to these prompts: in the sandbox, the gold reward. */
export function probesOf(
  prompts: DataSource,
): Readonly<Record<string, (prompt: string, response: string) => number>> | undefined {
  return prompts.sandbox ? { gold: goldOf } : undefined;
}

/** Gold reward of a sandbox prompt's response. */
function goldOf(prompt: string, response: string): number {
  return parsePrompt(prompt) ? goldReward(prompt, response).total : Number.NaN;
}
