/** The ppo stage: policy, frozen reference, reward model and value function put together, trained, saved. */
import { TenetError } from '../../base/index.ts';
import {
  decoderSpecs,
  ParameterStore,
  parameterSpecs,
  scalarHeadSpec,
  scoreHeadName,
} from '../../model/index.ts';
import { goldReward, parsePrompt } from '../../sandbox/index.ts';
import {
  checkRewardModel,
  type RewardEvaluation,
  rewardModel,
  trainPpo,
  valueHeadName,
} from '../../train/index.ts';
import { loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodePrompts } from './encode-prompts.ts';
import { finite } from './pretrain.ts';
import { finishModel, type StageResult, type StageRun, settingsOf, startModel } from './stage-run.ts';

export async function runPpo(options: StageOf<'ppo'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;

  // Step 1. The models. The value function starts from the reward model: what it must predict is that score.
  const start = await startModel(stage, { from: options.model });
  const valueHead = scalarHeadSpec(start.config, { name: valueHeadName, initialisation: { kind: 'zeros' } });
  const policy = new ParameterStore([
    ...parameterSpecs(start.config),
    ...(options.valueModel === 'head' ? [valueHead] : []),
  ]);
  policy.copyShared(start.parameters);
  const reward = await startModel(stage, {
    from: options.rewardModel,
    path: options.rewardModelPath,
    head: 'reward',
  });
  refuseOtherTokenizer(start.tokenizer.files, reward.tokenizer.files, stage.name);
  if (!options.allowWeakReward) checkReward(stage, reward.name);
  let value: ParameterStore | undefined;
  if (options.valueModel === 'separate') {
    value = new ParameterStore([...decoderSpecs(start.config), valueHead]);
    value.copyShared(reward.parameters);
    value.view(valueHeadName).set(reward.parameters.view(scoreHeadName));
  }

  // Step 2. The prompts.
  const { examples, inputs } = await loadData(options.prompts, {
    purpose: `${stage.name} prompts`,
    folder: context.folder,
    seed,
  });
  await run.recordInputs(inputs);
  const prompts = encodePrompts(stage, start, examples, options.responseLength);

  // Step 3. Train.
  const result = await trainPpo(
    { ...options, seed, threads: stage.threads },
    {
      config: start.config,
      policy,
      reference: start.parameters,
      value,
      reward: await rewardModel(reward.config, reward.parameters, { threads: stage.threads }),
      prompts,
      tokenizer: start.tokenizer,
      stopIds: start.stopIds,
      probes: options.prompts.sandbox ? { gold: goldOf } : undefined,
    },
    context,
  );
  const made = await finishModel(
    stage,
    { ...start, parameters: policy },
    { head: 'causal', settings: settingsOf(options), metrics: finite({ ...result }), data: inputs },
  );
  return { ...result, prompts: prompts.length, rewardModel: reward.name, ...made };
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
