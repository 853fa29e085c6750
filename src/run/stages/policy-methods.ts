/** The stages in which the policy practises on prompts without a value function: models and prompts put together. */
import {
  type PolicyInputs,
  type PolicyResult,
  trainGrpo,
  trainOnlineDpo,
  trainRaft,
  trainReinforcePlusPlus,
  trainRloo,
} from '../../train/index.ts';
import { loadData } from '../load-data.ts';
import { statesFor } from '../monitoring/response-states.ts';
import { watchPolicy } from '../monitoring/watch-stage.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodePrompts } from './encode-prompts.ts';
import { finite } from './pretrain.ts';
import { loadRewards, probesOf } from './reward-source.ts';
import { finishModel, type StageResult, type StageRun, settingsOf, startModel } from './stage-run.ts';

export type PolicyStage = StageOf<'rloo' | 'grpo' | 'reinforce-plus-plus' | 'online-dpo' | 'raft'>;

export async function runPolicyMethod(options: PolicyStage, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;

  // Step 1. The policy, what it must stay close to, and the reward model.
  const start = await startModel(stage, { from: options.model, adapter: options.adapter });
  const policy = start.parameters;
  const reference = options.beta > 0 ? policy.clone() : undefined;
  const states = statesFor(options.monitors);
  const rewards = await loadRewards(options, stage, start, states);

  // Step 2. The prompts.
  const { examples, inputs } = await loadData(options.prompts, {
    purpose: `${stage.name} prompts`,
    lines: true,
    folder: context.folder,
    seed,
  });
  await run.recordInputs(inputs);
  const prompts = encodePrompts(stage, start, examples, options);

  // Step 3. Train, under the eyes of the monitors.
  const watch = await watchPolicy(options, stage, { start, policy, reward: rewards.reward, states });
  const result = await train(
    options,
    { ...stage, context: watch.context },
    {
      config: start.config,
      policy,
      reference,
      reward: rewards.reward,
      rewardName: rewards.name,
      prompts,
      tokenizer: start.tokenizer,
      stopIds: start.stopIds,
      probes: probesOf(options.prompts),
    },
  )
    .then(async (trained) => {
      const isBack = await watch.finish(trained.iterations);
      return isBack ? { ...trained, reward: Number.NaN, kl: null } : trained;
    })
    .finally(async () => {
      await watch.release();
      await rewards.release();
    });
  const made = await finishModel(stage, start, {
    head: 'causal',
    settings: settingsOf(options),
    metrics: finite({ ...result }),
    data: inputs,
  });
  return { ...result, prompts: prompts.length, ...rewards.record, ...watch.record(), ...made };
}

function train(
  options: PolicyStage,
  { context, seed, threads }: StageRun,
  inputs: PolicyInputs,
): Promise<PolicyResult> {
  const shared = { seed, threads };
  switch (options.type) {
    case 'rloo':
      return trainRloo({ ...options, ...shared }, inputs, context);
    case 'grpo':
      return trainGrpo({ ...options, ...shared }, inputs, context);
    case 'reinforce-plus-plus':
      return trainReinforcePlusPlus({ ...options, ...shared }, inputs, context);
    case 'online-dpo':
      return trainOnlineDpo({ ...options, ...shared }, inputs, context);
    case 'raft':
      return trainRaft({ ...options, ...shared }, inputs, context);
  }
}
