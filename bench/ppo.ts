/** Where the time of a PPO iteration goes. */
import { scalarHeadSpec } from '../src/model/index.ts';
import { ppoOptions, rewardModel, trainPpo, valueHeadName } from '../src/train/index.ts';
import { type Benchmark, median, peakResidentMegabytes } from './benchmark.ts';
import { freshParameters, sizes } from './sizes.ts';
import { randomPrompts, runStage, tokenizer } from './stage.ts';

const responses = 64;
const promptTokens = 32;
const responseLength = 64;

export const ppo: Benchmark = {
  name: 'ppo',
  title: 'PPO iteration',
  note: `${responses} responses of ${responseLength} tokens to prompts of ${promptTokens}; policy, reference, value and reward model of 4.2 M parameters each; 4 passes over the responses (the defaults).`,
  cases: {
    async '5m'(settings) {
      const config = sizes['5m'];
      const iterations = settings.quick ? 1 : 4; // the first one warms up
      const events = await runStage(async (context) =>
        trainPpo(
          ppoOptions.parse({
            totalEpisodes: iterations * responses,
            batchSize: responses,
            responseLength,
            threads: settings.threads,
          }),
          {
            config,
            policy: freshParameters(config),
            reference: freshParameters(config),
            value: freshParameters(config, 2, [scalarHeadSpec(config, { name: valueHeadName })]),
            reward: await rewardModel(config, freshParameters(config, 3, [scalarHeadSpec(config)]), {
              threads: settings.threads,
            }),
            prompts: randomPrompts(config, responses, promptTokens),
            tokenizer,
            stopIds: [2],
          },
          context,
        ),
      );
      const timed = (events.length > 1 ? events.slice(1) : events).map(({ metrics }) => metrics);
      const parts = ['generate', 'score', 'update', 'other'] as const;
      const totalOf = (event: Readonly<Record<string, number>>): number =>
        parts.reduce((total, part) => total + event[`time/${part}`], 0);
      const iterationMs = median(timed.map(totalOf));
      const names = { generate: 'rollout', score: 'scoring', update: 'update', other: 'everything else' };
      return parts.map((part) => ({
        what: names[part],
        ratio: median(timed.map((event) => event[`time/${part}`] / totalOf(event))),
        of: 'the iteration',
        ...(part === 'other' ? { target: { below: 0.1 } } : {}),
        measured: {
          ms: median(timed.map((event) => event[`time/${part}`])),
          ...(part === 'other'
            ? { 'ms of the iteration': iterationMs, 'peak resident MB': peakResidentMegabytes() }
            : {}),
        },
      }));
    },
  },
};
