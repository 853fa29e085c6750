/** The ppo stage: policy, frozen reference, reward model and value function put together, trained, saved. */
import {
  decoderSpecs,
  ParameterStore,
  parameterSpecs,
  scalarHeadSpec,
  scoreHeadName,
} from '../../model/index.ts';
import { trainPpo, valueHeadName } from '../../train/index.ts';
import { loadData } from '../load-data.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodePrompts } from './encode-prompts.ts';
import { finite } from './pretrain.ts';
import { loadRewards, probesOf } from './reward-source.ts';
import { finishModel, type StageResult, type StageRun, settingsOf, startModel } from './stage-run.ts';

export async function runPpo(options: StageOf<'ppo'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;

  // Step 1. The models. The value function starts from the reward model, since what it must predict is that score; from
  // the first one where several objectives make up the reward, and from the policy where none of them is a model.
  const start = await startModel(stage, { from: options.model });
  const valueHead = scalarHeadSpec(start.config, { name: valueHeadName, initialisation: { kind: 'zeros' } });
  const policy = new ParameterStore([
    ...parameterSpecs(start.config),
    ...(options.valueModel === 'head' ? [valueHead] : []),
  ]);
  policy.copyShared(start.parameters);
  const rewards = await loadRewards(options, stage, start);
  let value: ParameterStore | undefined;
  if (options.valueModel === 'separate') {
    value = new ParameterStore([...decoderSpecs(start.config), valueHead]);
    value.copyShared((rewards.model ?? start).parameters);
    const scores = rewards.model?.parameters.view(scoreHeadName);
    if (scores) value.view(valueHeadName).set(scores.subarray(0, start.config.width));
  }

  // Step 2. The prompts.
  const { examples, inputs } = await loadData(options.prompts, {
    purpose: `${stage.name} prompts`,
    lines: true,
    folder: context.folder,
    seed,
  });
  await run.recordInputs(inputs);
  const prompts = encodePrompts(stage, start, examples, options);

  // Step 3. Train.
  const result = await trainPpo(
    { ...options, seed, threads: stage.threads },
    {
      config: start.config,
      policy,
      reference: start.parameters,
      value,
      reward: rewards.reward,
      prompts,
      tokenizer: start.tokenizer,
      stopIds: start.stopIds,
      probes: probesOf(options.prompts),
    },
    context,
  ).finally(() => rewards.release());
  const made = await finishModel(
    stage,
    { ...start, parameters: policy },
    { head: 'causal', settings: settingsOf(options), metrics: finite({ ...result }), data: inputs },
  );
  return { ...result, prompts: prompts.length, ...rewards.record, ...made };
}
