/** The ppo stage: policy, frozen reference, reward model and value function put together, trained, saved. */
import { Random } from '../../base/index.ts';
import {
  decoderSpecs,
  type ParameterSpec,
  ParameterStore,
  parameterSpecs,
  scalarHeadSpec,
  scoreHeadName,
} from '../../model/index.ts';
import { trainPpo, valueHeadName } from '../../train/index.ts';
import type { AdapterOptions } from '../adapter-option.ts';
import { loadData } from '../load-data.ts';
import { statesFor } from '../monitoring/response-states.ts';
import { watchPolicy } from '../monitoring/watch-stage.ts';
import type { StageOf } from '../run-recipe.ts';
import { encodePrompts } from './encode-prompts.ts';
import { finite } from './pretrain.ts';
import { loadRewards, probesOf } from './reward-source.ts';
import {
  finishModel,
  type StageResult,
  type StageRun,
  type StartModel,
  settingsOf,
  startModel,
} from './stage-run.ts';
import { adaptedCopy } from './trainable.ts';

export async function runPpo(options: StageOf<'ppo'>, stage: StageRun): Promise<StageResult> {
  const { context, run, seed } = stage;

  // Step 1. The models. The value function starts from the reward model, since what it must predict is that score; from
  // the first one where several objectives make up the reward, and from the policy where none of them is a model.
  const start = await startModel(stage, { from: options.model, adapter: options.adapter });
  const valueHead = scalarHeadSpec(start.config, { name: valueHeadName, initialisation: { kind: 'zeros' } });
  const copyOf = copier(options.adapter, new Random(seed).fork('value function'));
  const policy = copyOf(
    start,
    parameterSpecs(start.config),
    options.valueModel === 'head' ? [valueHead] : [],
  );
  const states = statesFor(options.monitors);
  const rewards = await loadRewards(options, stage, start, states);
  let value: ParameterStore | undefined;
  if (options.valueModel === 'separate') {
    value = copyOf(rewards.model ?? start, decoderSpecs(start.config), [valueHead]);
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

  // Step 3. Train, under the eyes of the monitors.
  const watch = await watchPolicy(options, stage, { start, policy, reward: rewards.reward, states });
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
    watch.context,
  )
    .then(async (trained) => {
      const isBack = await watch.finish(trained.iterations);
      return isBack ? { ...trained, score: Number.NaN, kl: Number.NaN } : trained;
    })
    .finally(async () => {
      await watch.release();
      await rewards.release();
    });
  const made = await finishModel(
    stage,
    { ...start, parameters: policy },
    { head: 'causal', settings: settingsOf(options), metrics: finite({ ...result }), data: inputs },
  );
  return { ...result, prompts: prompts.length, ...rewards.record, ...watch.record(), ...made };
}

/** Makes models that start where others are: with weights of their own, or with an adapter on the others'. */
function copier(
  adapter: AdapterOptions | undefined,
  random: Random,
): (model: StartModel, specs: readonly ParameterSpec[], extra: readonly ParameterSpec[]) => ParameterStore {
  return (model, specs, extra) => {
    if (adapter) return adaptedCopy(model, adapter, { extra, random });
    const copy = new ParameterStore([...specs, ...extra]);
    copy.copyShared(model.parameters);
    return copy;
  };
}
