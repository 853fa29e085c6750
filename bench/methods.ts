import { type DecoderConfig, type ParameterStore, scalarHeadSpec } from '../src/model/index.ts';
import {
  cpoOptions,
  dpoOptions,
  grpoOptions,
  ktoOptions,
  onlineDpoOptions,
  orpoOptions,
  ppoOptions,
  raftOptions,
  reinforcePlusPlusOptions,
  rewardOptions,
  rlooOptions,
  type StageContext,
  simpoOptions,
  trainCpo,
  trainDpo,
  trainGrpo,
  trainKto,
  trainOnlineDpo,
  trainOrpo,
  trainPpo,
  trainRaft,
  trainReinforcePlusPlus,
  trainReward,
  trainRloo,
  trainSimpo,
  valueHeadName,
} from '../src/train/index.ts';
import { type Benchmark, type BenchmarkSettings, median, type Row } from './benchmark.ts';
import { createSftStep } from './sft-step.ts';
import {
  adapterRank,
  freshParameters,
  gigaflopOf,
  multipliedParameters,
  passes,
  type Rows,
  sizes,
  withAdapter,
} from './sizes.ts';
import { runStage } from './stage.ts';
import { pairs, pairTokens, policyInputs, rollout, rowTokens, sized, type workSizes } from './works.ts';
import { Yardsticks } from './yardsticks.ts';

type Size = keyof typeof workSizes;

interface Method {
  /** Runs steps (or iterations), the first of which warms up. */
  readonly train: (context: StageContext) => Promise<unknown>;
  /** Billions of operations of the products in what is timed: a step, or the update of an iteration. */
  readonly gigaflop: number;
  /** True: the method samples, and only its update is set against the peak. */
  readonly samples: boolean;
  readonly target?: number;
}

/** Methods that learn from pairs or judged responses: everything in a step counts. */
function fromData(size: Size, settings: BenchmarkSettings): Record<string, Method> {
  const config = sizes[size];
  const { rows, steps } = sized(size, settings);
  const parameters = (): ParameterStore => freshParameters(config);
  const common = { maxSteps: steps + 1, loggingSteps: 1, threads: settings.threads };
  const options = { ...common, batchSize: rows };
  const learnt = pairs(size, rows * (steps + 1));
  const inputs = () => ({ config, parameters: parameters(), pairs: learnt, heldOut: [] });
  const multiplied = multipliedParameters(config, parameters());
  const both: Rows = { rows: 2 * rows, length: pairTokens, counted: rows * pairTokens };
  const cost = (operations: number, of: Rows = both) => gigaflopOf(config, multiplied, of, operations);
  const [train, forward] = [cost(passes.training), cost(passes.forward)];
  const isolated = { samples: false };
  return {
    reward: {
      ...isolated,
      gigaflop: cost(passes.training, { ...both, counted: 0 }),
      train: (context) =>
        trainReward(
          rewardOptions.parse(options),
          {
            config,
            parameters: freshParameters(config, 1, [scalarHeadSpec(config)]),
            rankings: learnt.map(({ prompt, chosen, rejected }) => ({
              ...{ prompt, responses: [chosen, rejected], ranks: [1, 2] },
            })),
            ...{ heldOut: [], orderIsNeutral: false },
          },
          context,
        ),
    },
    dpo: {
      ...isolated,
      gigaflop: train + forward, // the reference in each step, as TRL does by default
      target: 0.75,
      train: (context) =>
        trainDpo(dpoOptions.parse({ ...options, precomputeRefLogProbs: false }), inputs(), context),
    },
    orpo: {
      ...isolated,
      gigaflop: train,
      train: (context) => trainOrpo(orpoOptions.parse(options), inputs(), context),
    },
    cpo: {
      ...isolated,
      gigaflop: train,
      train: (context) => trainCpo(cpoOptions.parse(options), inputs(), context),
    },
    simpo: {
      ...isolated,
      gigaflop: train,
      train: (context) => trainSimpo(simpoOptions.parse(options), inputs(), context),
    },
    kto: {
      ...isolated,
      gigaflop: train + forward, // and the policy's view of mismatched pairs
      train: (context) => {
        const judged = learnt.flatMap(({ prompt, chosen, rejected }) => [
          { prompt, response: chosen, label: true },
          { prompt, response: rejected, label: false },
        ]);
        return trainKto(
          ktoOptions.parse({ ...common, batchSize: 2 * rows }),
          { config, parameters: parameters(), judged, heldOut: [] },
          context,
        );
      },
    },
  };
}

/** Methods that learn from what the policy samples. */
function fromSamples(size: Size, settings: BenchmarkSettings): Record<string, Method> {
  const config = sizes[size];
  const { responses, steps } = sized(size, settings);
  const { promptTokens, responseTokens, group } = rollout;
  const multiplied = multipliedParameters(config, freshParameters(config));
  const trained = (count: number, counted = count * responseTokens): number =>
    gigaflopOf(config, multiplied, { rows: count, length: promptTokens + responseTokens, counted });
  const common = {
    ...{ totalEpisodes: responses * (steps + 1), batchSize: responses, threads: settings.threads },
  };
  const grouped = { ...common, maxCompletionLength: responseTokens, beta: 0.05 };
  const inputs = () => policyInputs(size, settings);
  const { numPpoEpochs } = ppoOptions.parse({});
  return {
    ppo: {
      samples: true,
      target: 0.75,
      gigaflop: numPpoEpochs * (trained(responses) + trained(responses, 0)),
      train: (context) => {
        const { policy, reference = policy, ...others } = inputs();
        const value = freshParameters(config, 2, [scalarHeadSpec(config, { name: valueHeadName })]);
        const options = ppoOptions.parse({ ...common, responseLength: responseTokens });
        return trainPpo(options, { ...others, policy, reference, value }, context);
      },
    },
    rloo: {
      samples: true,
      target: 0.75,
      gigaflop: trained(responses),
      train: (context) =>
        trainRloo(rlooOptions.parse({ ...grouped, numGenerations: group }), inputs(), context),
    },
    grpo: {
      samples: true,
      target: 0.75,
      gigaflop: trained(responses),
      train: (context) =>
        trainGrpo(grpoOptions.parse({ ...grouped, numGenerations: group }), inputs(), context),
    },
    'reinforce++': {
      samples: true,
      target: 0.75,
      gigaflop: trained(responses),
      train: (context) => trainReinforcePlusPlus(reinforcePlusPlusOptions.parse(grouped), inputs(), context),
    },
    'online-dpo': {
      samples: true,
      gigaflop: trained(responses),
      train: (context) => trainOnlineDpo(onlineDpoOptions.parse(grouped), inputs(), context),
    },
    raft: {
      samples: true,
      gigaflop: trained(responses / group),
      train: (context) =>
        trainRaft(raftOptions.parse({ ...grouped, numGenerations: group }), inputs(), context),
    },
  };
}

async function measure(methods: Record<string, Method>, settings: BenchmarkSettings): Promise<Row[]> {
  const yardsticks = await Yardsticks.create(settings);
  const rows: Row[] = [];
  for (const [name, { train, gigaflop, samples, target }] of Object.entries(methods)) {
    const [{ result: events, speed }] = await yardsticks.beside(1, () => runStage(train));
    const stepMs = median(events.slice(1).map(({ at }, i) => at - events[i].at));
    const updateMs = samples ? median(events.slice(1).map(({ metrics }) => metrics['time/update'])) : stepMs;
    rows.push({
      what: samples ? `${name}, update` : `${name}, step`,
      ratio: gigaflop / (updateMs / 1000) / speed.gigaflops,
      of: 'the matmul peak',
      ...(target !== undefined && { target: { atLeast: target } }),
      measured: {
        ...(samples ? { 'ms per iteration': stepMs, 'ms of update': updateMs } : { 'ms per step': stepMs }),
        'peak GFLOP/s': speed.gigaflops,
      },
    });
  }
  await yardsticks.release();
  return rows;
}

/** A step of fine-tuning with an adapter beside one of all weights. */
async function adapter(settings: BenchmarkSettings, config: DecoderConfig, rows: number): Promise<Row[]> {
  const batch = { rows, length: rowTokens };
  const full = freshParameters(config);
  const adapted = withAdapter(config, freshParameters(config), 1);
  const steps = [];
  for (const parameters of [full, adapted]) {
    steps.push(await createSftStep(config, parameters, batch, settings));
  }
  const times: [number[], number[]] = [[], []];
  for (let i = 0; i < (settings.quick ? 2 : 6); i++) {
    for (const [which, { step }] of steps.entries()) {
      const start = performance.now();
      await step();
      if (i > 0) times[which].push(performance.now() - start);
    }
  }
  for (const { release } of steps) await release();
  const [fullMs, adapterMs] = times.map(median);
  return [
    {
      what: `LoRA of rank ${adapterRank}, step`,
      ratio: adapterMs / fullMs,
      of: 'a step of all weights',
      target: { below: 1 },
      measured: { 'ms with the adapter': adapterMs, 'ms of all weights': fullMs },
    },
  ];
}

/** Of a size: only some methods, where one step takes long. */
function some(all: Record<string, Method>, names: readonly string[]): Record<string, Method> {
  return Object.fromEntries(names.map((name) => [name, all[name]]));
}

export const methods: Benchmark = {
  name: 'methods',
  title: 'Methods',
  note: 'Products of a step, or of the update of an iteration, over its time; pairs of 64 + 64 tokens, responses of 64 to prompts of 32. Only what is learnt from goes through the output projection.',
  cases: {
    'data-5m': (settings) => measure(fromData('5m', settings), settings),
    'sampled-5m': (settings) => measure(fromSamples('5m', settings), settings),
    'data-176m': (settings) => measure(some(fromData('176m', settings), ['dpo']), settings),
    'sampled-176m': (settings) => measure(some(fromSamples('176m', settings), ['grpo']), settings),
    'adapter-5m': (settings) => adapter(settings, sizes['5m'], 16),
    'adapter-135m': (settings) => adapter(settings, sizes['135m'], 4),
  },
};
