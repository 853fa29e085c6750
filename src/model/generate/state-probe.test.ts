/** Numbers of a probe in the pass that generates, beside those of `TokenScorer`, which reads each text by itself. */
import { beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { loadModelFolder } from '../load-model.ts';
import type { ParameterStore } from '../parameter-store.ts';
import { TokenScorer } from '../scoring/token-scorer.ts';
import { modelsFolder, referenceFolder, referenceNames } from '../testing/reference-model.ts';
import { tinyModel } from '../testing/tiny-model.ts';
import type { GenerationRequest } from './generation.ts';
import { Generator } from './generator.ts';
import type { StateProbe } from './state-probe.ts';

/** N */
const numbers = 3;

function probeOf({ width, layers }: DecoderConfig): StateProbe {
  const random = new Random(8);
  const read = [layers - 1, 0].filter((layer, i, all) => all.indexOf(layer) === i);
  const row = (): number[] => Array.from({ length: read.length * width + 1 }, () => random.normal());
  return { layers: read, rows: Array.from({ length: numbers }, row) };
}

/** [T * N] w · h + b by hand, on the states that `TokenScorer` gives. */
async function expected(
  scorer: TokenScorer,
  { width }: DecoderConfig,
  { layers, rows }: StateProbe,
  ids: readonly number[],
): Promise<number[]> {
  const { states } = await scorer.score(ids);
  return ids.flatMap((_, t) =>
    rows.map((row) =>
      layers.reduce(
        (sum, layer, l) =>
          Array.from({ length: width }).reduce<number>(
            (part, __, i) => part + row[l * width + i] * states.get(layer)![t * width + i],
            sum,
          ),
        row.at(-1)!,
      ),
    ),
  );
}

function expectClose(given: ArrayLike<number>, wanted: readonly number[], unit: number): void {
  expect(given.length).toBe(wanted.length);
  const gaps = wanted.map((value, i) => Math.abs(value - given[i]));
  expect(Math.max(...gaps)).toBeLessThan(1e-4 * Math.max(1, unit));
}

/** What is told of a request. */
interface Told {
  prompt?: Float32Array;
  /** [T][N] */
  read: Float32Array[];
  /** Tokens told before each reading: the token that was read must have been, the next one must not. */
  before: number[];
}

async function checkAll(
  [config, parameters]: readonly [DecoderConfig, ParameterStore],
  requests: readonly GenerationRequest[],
  generator: Generator,
  probe: StateProbe,
  through: 'generate' | 'queue',
): Promise<void> {
  const told: Told[] = requests.map(() => ({ read: [], before: [] }));
  const counts = requests.map(() => 0);
  const heard = (i: number) => ({
    onToken: () => void counts[i]++,
    onPrompt: (values: Float32Array) => {
      expect(counts[i]).toBe(0);
      told[i].prompt = values;
    },
    onRead: (values: Float32Array) => {
      told[i].read.push(values);
      told[i].before.push(counts[i]);
    },
  });
  const queue = generator.queue();
  const generations =
    through === 'generate'
      ? await generator.generate(requests, {
          onToken: (i) => heard(i).onToken(),
          onPrompt: (i, values) => heard(i).onPrompt(values),
          onRead: (i, values) => heard(i).onRead(values),
        })
      : await Promise.all(requests.map((request, i) => queue.add(request, heard(i))));
  const { layers } = probe;
  await using scorer = await TokenScorer.create(config, parameters, { head: null, layers, threads: 1 });
  for (const [i, { ids, finish }] of generations.entries()) {
    const prompt = Array.from(requests[i].prompt);
    const wanted = await expected(scorer, config, probe, [...prompt, ...ids]);
    const unit = Math.max(...wanted.map(Math.abs));
    const split = prompt.length * numbers;
    expectClose(told[i].prompt!, wanted.slice(0, split), unit);
    const isRead = finish === 'stop' ? ids.length - 1 : ids.length;
    const given = told[i].read.flatMap((values) => Array.from(values));
    expectClose(given, wanted.slice(split, split + isRead * numbers), unit);
    expect(told[i].before).toEqual(told[i].read.map((_, t) => t + 1));
  }
}

const { config, parameters } = tinyModel();
const tiny = [config, parameters] as const;
const probe = probeOf(config);
const random = new Random(4);
const tokens = (count: number): number[] => Array.from({ length: count }, () => random.int(config.vocabSize));

describe('a probe in the pass that generates', () => {
  let generator: Generator;
  beforeAll(async () => {
    generator = await Generator.create(config, parameters, { threads: 1, batchSize: 3, probe });
  });

  it('gives what reading the texts by themselves gives: more requests than rows, of all ends', async () => {
    const shared = tokens(9);
    const requests: GenerationRequest[] = [
      { prompt: shared, maxNewTokens: 6, seed: 1 },
      { prompt: shared, maxNewTokens: 11, seed: 2 },
      { prompt: tokens(1), maxNewTokens: 1 },
      { prompt: tokens(4), maxNewTokens: 1, forced: [5] },
      { prompt: tokens(12), maxNewTokens: 40, stopIds: tokens(12), seed: 3 },
      { prompt: tokens(5), maxNewTokens: 40, shouldStop: (id) => id % 5 === 0, seed: 4 },
      { prompt: tokens(config.maxPositions - 3), maxNewTokens: 40, temperature: 0 },
    ];
    await checkAll(tiny, requests, generator, probe, 'generate');
    await checkAll(tiny, requests, generator, probe, 'queue');
  });

  it('keeps its numbers with the beginnings of prompts that are read once', async () => {
    const head = tokens(40);
    const requests = Array.from({ length: 6 }, (_, i) => ({
      ...{ prompt: [...head, ...tokens(2 + i)], maxNewTokens: 3, seed: i },
    }));
    await checkAll(tiny, requests, generator, probe, 'queue');
  });

  it('changes nothing of what is generated, and tells only those who ask', async () => {
    await using plain = await disposable(Generator.create(config, parameters, { threads: 1, batchSize: 3 }));
    const requests = [7, 3, 5].map((count, seed) => ({ prompt: tokens(count), maxNewTokens: 12, seed }));
    const heard: number[] = [];
    const queue = generator.queue();
    const [first, ...others] = await Promise.all(
      requests.map((request, i) => queue.add(request, i === 0 ? { onRead: () => heard.push(i) } : {})),
    );
    const without = await plain.value.generate(requests);
    expect([first, ...others].map(({ ids }) => ids)).toEqual(without.map(({ ids }) => ids));
    expect(heard).toHaveLength(12);
    await expect(plain.value.generate(requests, { onRead: () => {} })).rejects.toThrow(/made without one/);
  });

  it.each<[string, Partial<StateProbe>, RegExp]>([
    ['layers that do not exist', { layers: [0, 2] }, /layers 2, which do not exist; the model has 0 to 1/],
    ['no layer', { layers: [] }, /reads no layer/],
    ['rows of another width', { layers: [1] }, /a row of 33 weights; for 1 layers of width 16 a row has 17/],
    ['another model', { modelHash: 'sha256:0' }, /fitted to the hidden states of another model/],
  ])('refuses a probe for %s', async (_, part, message) => {
    const wrong = Generator.create(config, parameters, { threads: 1, probe: { ...probe, ...part } });
    await expect(wrong).rejects.toThrow(message);
  });
});

describe.skipIf(modelsFolder === null)('families', () => {
  it.each(referenceNames)('%s', async (name) => {
    const model = await loadModelFolder(referenceFolder(name));
    const own = probeOf(model.config);
    const options = { threads: 1, probe: own };
    await using made = await disposable(Generator.create(model.config, model.parameters, options));
    const requests = [11, 6].map((count, seed) => ({
      prompt: Array.from({ length: count }, (_, i) => (i * 31 + 7 * seed) % model.config.vocabSize),
      ...{ maxNewTokens: 5, seed },
    }));
    await checkAll([model.config, model.parameters], requests, made.value, own, 'queue');
  });
});

async function disposable(
  made: Promise<Generator>,
): Promise<{ readonly value: Generator } & AsyncDisposable> {
  const value = await made;
  return { value, [Symbol.asyncDispose]: () => value.release() };
}
