/** The reward model that a stage's policy is scored by. */
import { TenetError } from '../../base/index.ts';
import { constitutionReward, loadConstitution } from '../../constitution/index.ts';
import { openModel } from '../../llm/index.ts';
import { goldReward, parsePrompt } from '../../sandbox/index.ts';
import {
  checkRewardModel,
  type RewardEvaluation,
  type RewardFunction,
  rewardModel,
} from '../../train/index.ts';
import type { DataSource, StageOf } from '../run-recipe.ts';
import { constitutionInput, criticSpec } from './feedback.ts';
import { type StageRun, type StartModel, startModel } from './stage-run.ts';

type JudgeOptions = NonNullable<StageOf<'rloo'>['judge']>;

export interface RewardSource {
  readonly model: StartModel;
  readonly reward: RewardFunction;
}

/** Where the rewards of a stage come from, whatever gives them. */
export interface Rewards {
  /** For reports. */
  readonly name: string;
  readonly reward: RewardFunction;
  /** Frees what gives them. */
  release(): Promise<void>;
}

/** A judge's scores under a constitution where the stage has a judge, else those of a reward model. */
export async function loadRewards(
  options: Parameters<typeof loadRewardModel>[0] & { readonly judge?: JudgeOptions },
  stage: StageRun,
  policy: StartModel,
): Promise<Rewards> {
  if (options.judge) return judgeRewards(options.judge, stage, policy);
  const { model, reward } = await loadRewardModel(options, stage, policy);
  return { name: model.name, reward, release: async () => {} };
}

/** @see Lee et al. 2023, arXiv:2309.00267: d-RLAIF */
async function judgeRewards(options: JudgeOptions, stage: StageRun, policy: StartModel): Promise<Rewards> {
  const { model: wanted, constitution: path = 'default', ...scoring } = options;
  const constitution = await loadConstitution(path);
  await stage.run.recordInputs([constitutionInput(constitution, `${stage.name} constitution`)]);
  const spec = wanted === undefined ? `local:${policy.folder}` : await criticSpec(stage, wanted, 'judge');
  const model = await openModel(spec, { engine: { threads: stage.threads } });
  const reward = constitutionReward(model, constitution, { ...scoring, seed: stage.seed });
  return { name: `judge ${model.id}`, reward, release: () => model.close() };
}

/**
 * Loads it and checks that it reads what the policy writes and is better than chance.
 * @throws TenetError('preflight') otherwise
 */
export async function loadRewardModel(
  options: {
    readonly rewardModel?: string;
    readonly rewardModelPath?: string;
    readonly allowWeakReward: boolean;
  },
  stage: StageRun,
  policy: StartModel,
): Promise<RewardSource> {
  const model = await startModel(stage, {
    from: options.rewardModel,
    path: options.rewardModelPath,
    head: 'reward',
  });
  refuseOtherTokenizer(policy.tokenizer.files, model.tokenizer.files, stage.name);
  if (!options.allowWeakReward) checkReward(stage, model.name);
  return { model, reward: await rewardModel(model.config, model.parameters, { threads: stage.threads }) };
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

function checkReward(stage: StageRun, name: string): void {
  const evaluation = stage.finished.find((finished) => finished.name === name)?.result.evaluation as
    | RewardEvaluation
    | undefined;
  if (!evaluation) return;
  const { estimate, low } = evaluation.accuracy;
  checkRewardModel({ value: estimate, low }, evaluation.pairs);
}

/** Reward models read the policy's token ids, so both must have learnt the same ones. */
function refuseOtherTokenizer(
  policy: ReadonlyMap<string, Uint8Array>,
  reward: ReadonlyMap<string, Uint8Array>,
  stage: string,
): void {
  const vocabulary = (files: ReadonlyMap<string, Uint8Array>): string | undefined => {
    const file = files.get('tokenizer.json') ?? files.get('vocab.json');
    return file && Buffer.from(file).toString('base64');
  };
  if (vocabulary(policy) === vocabulary(reward)) return;
  throw new TenetError(
    'preflight',
    `stage "${stage}": policy and reward model have different tokenizers, so the reward model would misread every response; train the reward model from the same base model.`,
  );
}
