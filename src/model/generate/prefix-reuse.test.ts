import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../../base/index.ts';
import { Session } from '../../tensor/index.ts';
import { loadModelFolder } from '../load-model.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { modelsFolder, referenceFolder, referenceNames } from '../testing/reference-model.ts';
import { tinyModel } from '../testing/tiny-model.ts';
import type { Generation, GenerationRequest } from './generation.ts';
import { Generator } from './generator.ts';
import { commonPrefix, PrefixMemory } from './prefix-memory.ts';
import { takeGroup } from './take-group.ts';

const random = new Random(12);
const tokens = (count: number, vocabSize = 29): number[] =>
  Array.from({ length: count }, () => random.int(vocabSize));

/** Prompts as judges are asked: one long beginning, then what differs; short and long answers to it. */
function judgements(beginning: number[], count: number, vocabSize = 29): GenerationRequest[] {
  return Array.from({ length: count }, (_, i) => ({
    prompt: [...beginning, ...tokens(1 + (i % 9), vocabSize)],
    maxNewTokens: [1, 6, 1, 12][i % 4],
    temperature: i % 3 === 0 ? 0 : 1,
    seed: i,
  }));
}

/** Prompt tokens that the engine is given, without padding, from the runs that it is asked for. */
async function tokensRead(work: () => Promise<unknown>): Promise<number> {
  const run = vi.spyOn(Session.prototype, 'run');
  await work();
  const read = run.mock.calls.map(([{ segments }]) =>
    segments && 'shape' in segments
      ? (segments.data as Int32Array).reduce((sum, one) => sum + Number(one), 0)
      : 0,
  );
  run.mockRestore();
  return read.reduce((sum, count) => sum + count, 0);
}

const submit = (generator: Generator, requests: readonly GenerationRequest[]): Promise<Generation[]> => {
  const queue = generator.queue();
  return Promise.all(requests.map((request) => queue.add(request)));
};

function expectAlike(actual: readonly Generation[], expected: readonly Generation[]): void {
  actual.forEach(({ ids, logProbs }, i) => {
    expect([...ids]).toEqual([...expected[i].ids]);
    expect(largestDifference(logProbs, expected[i].logProbs)).toBeLessThan(1e-4);
  });
}

describe('prompts that begin alike', () => {
  const { config, parameters } = tinyModel();
  let generator: Generator;
  beforeAll(async () => {
    generator = await Generator.create(config, parameters, { threads: 1, batchSize: 16 });
  });
  afterAll(() => generator.release());

  it('get what they get alone, and their beginning is read once', async () => {
    const beginning = tokens(120);
    const requests = judgements(beginning, 20);
    let together: Generation[] = [];
    const read = await tokensRead(async () => {
      together = await submit(generator, requests);
    });
    expectAlike(together, await generator.generate(requests));
    const whole = requests.reduce((sum, { prompt }) => sum + prompt.length, 0);
    expect(whole).toBeGreaterThan(2400);
    expect(read).toBeLessThan(beginning.length + 20 * 9 + 64); // what differs, and tokens that happen to be alike
  });

  it('are found again when they come one by one', async () => {
    const requests = judgements(tokens(100), 8);
    const queue = generator.queue();
    const one: Generation[] = [];
    const read = await tokensRead(async () => {
      for (const request of requests) one.push(await queue.add(request));
    });
    expectAlike(one, await generator.generate(requests));
    expect(read).toBeLessThan(2 * 110 + 8 * 10); // the first is read whole, the second up to where they part
  });

  it('are kept apart from others, whatever the beginnings', async () => {
    const beginnings = [tokens(90), tokens(60), [], tokens(40)];
    const mixed = random.shuffled(beginnings.flatMap((beginning) => judgements(beginning, 7)));
    expectAlike(await submit(generator, mixed), await generator.generate(mixed));
  });

  it('are told apart where one is the beginning of another', async () => {
    const long = tokens(80);
    const requests = [80, 79, 40, 33, 80, 64].map((length, i): GenerationRequest => {
      return { prompt: long.slice(0, length), maxNewTokens: 5, temperature: 0, seed: i };
    });
    expectAlike(await submit(generator, requests), await generator.generate(requests));
  });
});

describe.skipIf(modelsFolder === null)('in every family', () => {
  it.each(referenceNames)('%s', async (name) => {
    const { config, parameters } = await loadModelFolder(referenceFolder(name));
    const generator = await Generator.create(config, parameters, { threads: 1 });
    const requests = judgements(tokens(36, config.vocabSize), 6, config.vocabSize);
    expectAlike(await submit(generator, requests), await generator.generate(requests));
    await generator.release();
  });

  it('a trained model', async () => {
    const { config, parameters } = await loadModelFolder(join(modelsFolder!, 'stories260K'));
    const generator = await Generator.create(config, parameters, { threads: 1 });
    const requests = judgements(tokens(200, config.vocabSize), 6, config.vocabSize);
    expectAlike(await submit(generator, requests), await generator.generate(requests));
    await generator.release();
  });
});

describe('PrefixMemory', () => {
  const prefix = (ids: number[]) => ({
    ...{ ids, keys: [new Float32Array(8)], values: [new Float32Array(8)], probe: null },
  });

  it('suggests to read what prompts share, but never a whole prompt', () => {
    const shared = tokens(50);
    const memory = new PrefixMemory();
    expect(
      memory.suggest([
        [...shared, 1, 2],
        [...shared, 3],
      ]),
    ).toEqual({ length: 50 });
    expect(memory.suggest([shared, [...shared, 3]])).toEqual({ length: 49 });
    expect(memory.suggest([tokens(20), tokens(20)])).toBeNull();
  });

  it('suggests the longest known beginning, unless much more is shared', () => {
    const shared = tokens(100);
    const memory = new PrefixMemory();
    memory.remember(prefix(shared.slice(0, 40)));
    memory.remember(prefix(shared.slice(0, 60)));
    const ending = (length: number, last: number): number[] => [...shared.slice(0, length), last];
    expect(memory.suggest([ending(70, 1), ending(70, 2)])).toMatchObject({ known: { ids: { length: 60 } } });
    expect(memory.suggest([ending(45, 1), ending(45, 2)])).toMatchObject({ known: { ids: { length: 40 } } });
    expect(memory.suggest([ending(100, 1), ending(100, 2)])).toEqual({ length: 100 });
  });
});

describe('takeGroup', () => {
  const waiting = (prompt: number[], goesOn = true) => ({ prompt, promptKey: prompt.join(), goesOn });

  it('loses no one, and takes whole groups that fit', () => {
    const prompt = fc.array(fc.nat(2), { minLength: 1, maxLength: 3 });
    const sequence = fc
      .record({ prompt, goesOn: fc.boolean() })
      .map(({ prompt: ids, goesOn }) => waiting(ids, goesOn));
    const room = fc.record({
      free: fc.integer({ min: 1, max: 6 }),
      most: fc.integer({ min: 6, max: 9 }),
      reusesPrefixes: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(sequence, { minLength: 1, maxLength: 20 }), room, (all, given) => {
        const left = [...all];
        const taken = takeGroup(left, given);
        expect(taken).toContain(all[0]);
        expect(new Set([...taken, ...left])).toEqual(new Set(all));
        expect(taken.length + left.length).toBe(all.length);
        expect(taken.filter(({ goesOn }) => goesOn).length).toBeLessThanOrEqual(given.free);
        expect(taken.length).toBeLessThanOrEqual(given.most);
        const going = taken.map(({ goesOn }) => Number(goesOn));
        expect(going).toEqual([...going].sort((a, b) => b - a));
        for (const { promptKey } of taken) {
          const isFirst = promptKey === all[0].promptKey;
          if (!isFirst) expect(left.some((one) => one.promptKey === promptKey)).toBe(false);
        }
      }),
    );
  });

  it('takes from any number that wait', () => {
    const all = Array.from({ length: 150_000 }, (_, i) => waiting([i]));
    const left = [...all];
    expect(takeGroup(left, { free: 16, most: 16, reusesPrefixes: false })).toEqual(all.slice(0, 16));
    expect(left).toHaveLength(150_000 - 16);
    expect(left[0]).toBe(all[16]);
    expect(left.at(-1)).toBe(all.at(-1));
  });

  it('takes those that begin as the first does, if they are several', () => {
    const head = tokens(40);
    const alike = Array.from({ length: 4 }, (_, i) => waiting([...head, i]));
    const others = Array.from({ length: 4 }, (_, i) => waiting([i, ...head]));
    const room = { free: 16, most: 16, reusesPrefixes: true };
    expect(takeGroup([...alike, ...others], room)).toEqual(alike);
    expect(takeGroup([...alike.slice(1), ...others], room)).toHaveLength(7);
    expect(takeGroup([...alike, ...others], { ...room, reusesPrefixes: false })).toHaveLength(8);
  });
});

it('counts the tokens that two prompts begin with alike', () => {
  expect(commonPrefix([1, 2, 3], [1, 2, 4])).toBe(2);
  expect(commonPrefix([1, 2], Int32Array.of(1, 2, 3))).toBe(2);
  expect(commonPrefix([], [1])).toBe(0);
});
