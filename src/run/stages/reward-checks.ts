/** What a reward model has to be before a policy learns from it. */
import { TenetError } from '../../base/index.ts';
import { checkRewardModel, type RewardEvaluation } from '../../train/index.ts';
import type { StageRun, StartModel } from './stage-run.ts';

/**
 * Refuses a reward model of this run that is not better than chance on held-out pairs.
 * @param name of the stage that made it, or of a folder, of which nothing is known
 * @param head of several: the one that is used
 */
export function checkReward(stage: Pick<StageRun, 'finished'>, name: string, head?: string): void {
  const result = stage.finished.find((finished) => finished.name === name)?.result;
  const { evaluation, heads } = (result ?? {}) as {
    readonly evaluation?: RewardEvaluation;
    readonly heads?: Readonly<Record<string, RewardEvaluation | null>>;
  };
  const measured = (head !== undefined && heads?.[head]) || evaluation;
  if (!measured) return;
  const { estimate, low } = measured.accuracy;
  checkRewardModel({ value: estimate, low }, measured.pairs);
}

/** Reward models read the policy's token ids, so both must have learnt the same ones. */
export function refuseOtherTokenizer(
  policy: Pick<StartModel, 'tokenizer'>,
  reward: Pick<StartModel, 'tokenizer' | 'name'>,
  stage: string,
): void {
  const vocabulary = ({ tokenizer: { files } }: Pick<StartModel, 'tokenizer'>): string | undefined => {
    const file = files.get('tokenizer.json') ?? files.get('vocab.json');
    return file && Buffer.from(file).toString('base64');
  };
  if (vocabulary(policy) === vocabulary(reward)) return;
  throw new TenetError(
    'preflight',
    `stage "${stage}": policy and reward model ${reward.name} have different tokenizers, so the reward model would misread every response; train the reward model from the same base model.`,
  );
}
