import { type ParameterStore, scalarHeadSpec } from '../src/model/index.ts';
import { ppoOptions, rewardModel, trainPpo, valueHeadName } from '../src/train/index.ts';
import {
  type Benchmark,
  type BenchmarkSettings,
  median,
  peakResidentMegabytes,
  type Row,
  timeOf,
} from './benchmark.ts';
import { createSftStep } from './sft-step.ts';
import { adapterRank, freshParameters, sizes, withAdapter } from './sizes.ts';
import { randomPrompts, runStage, tokenizer } from './stage.ts';

const config = sizes['135m'];
const batch = { rows: 4, length: 256 };

/** A few fine-tuning steps. */
async function fineTune(
  settings: BenchmarkSettings,
  parameters: ParameterStore,
  plan: { readonly what: string; readonly limitGb: number; readonly gradientCheckpointing: boolean },
): Promise<Row[]> {
  const { gradientCheckpointing } = plan;
  const training = await createSftStep(config, parameters, batch, { ...settings, gradientCheckpointing });
  const losses = [await training.step()];
  const times: number[] = [];
  for (let i = 0; i < (settings.quick ? 1 : 3); i++) {
    times.push(await timeOf(async () => losses.push(await training.step())));
  }
  if (!(losses.at(-1)! < losses[0])) throw new Error(`the loss did not fall: ${losses.join(', ')}`);
  await training.release();
  return [rowOf(plan, { 'ms per step': median(times), 'trained parameters': parameters.count })];
}

/** An iteration of PPO with policy, reference, value function and reward model, all over one base. */
async function ppo(settings: BenchmarkSettings, gradientCheckpointing: boolean): Promise<Row[]> {
  const base = freshParameters(config);
  const responses = 16;
  const policy = withAdapter(config, base, 1);
  const events = await runStage(async (context) =>
    trainPpo(
      ppoOptions.parse({
        totalEpisodes: (settings.quick ? 1 : 2) * responses,
        batchSize: responses,
        responseLength: 64,
        microBatchTokens: 1024,
        gradientCheckpointing,
        threads: settings.threads,
      }),
      {
        config,
        policy,
        reference: policy.clone(),
        value: withAdapter(config, base, 2, [scalarHeadSpec(config, { name: valueHeadName })]),
        reward: await rewardModel(config, withAdapter(config, base, 3, [scalarHeadSpec(config)]), {
          threads: settings.threads,
        }),
        prompts: randomPrompts(config, responses, 32),
        tokenizer,
        stopIds: [2],
      },
      context,
    ),
  );
  const last = events[events.length - 1].metrics;
  const plan = {
    what: `PPO with LoRA of rank ${adapterRank}, four models over one base${gradientCheckpointing ? ', checkpointed' : ''}`,
    limitGb: 4,
  };
  return [
    rowOf(plan, {
      'ms of rollout': last['time/generate'],
      'ms of scoring': last['time/score'],
      'ms of updates': last['time/update'],
    }),
  ];
}

function rowOf(
  { what, limitGb }: { readonly what: string; readonly limitGb: number },
  measured: Readonly<Record<string, number>>,
): Row {
  const resident = peakResidentMegabytes();
  return {
    what,
    ratio: resident / (limitGb * 1024),
    of: `${limitGb} GB`,
    target: { below: 1 },
    measured: { 'peak resident MB': resident, ...measured },
  };
}

export const footprint: Benchmark = {
  name: 'footprint',
  title: 'Memory to train 135 M parameters',
  note: `Peak resident memory over a limit; batches of ${batch.rows}×${batch.length} tokens, PPO with 16 responses of 64 tokens.`,
  cases: {
    'full-sft': (settings) =>
      fineTune(settings, freshParameters(config), {
        ...{ what: 'fine-tuning of all weights', limitGb: 8, gradientCheckpointing: false },
      }),
    'full-sft-checkpointed': (settings) =>
      fineTune(settings, freshParameters(config), {
        ...{ what: 'the same with activation checkpointing', limitGb: 8, gradientCheckpointing: true },
      }),
    'lora-sft': (settings) =>
      fineTune(settings, withAdapter(config, freshParameters(config), 1), {
        ...{ what: `fine-tuning with LoRA of rank ${adapterRank}`, limitGb: 4, gradientCheckpointing: false },
      }),
    'lora-ppo': (settings) => ppo(settings, false),
    'lora-ppo-checkpointed': (settings) => ppo(settings, true),
  },
};
