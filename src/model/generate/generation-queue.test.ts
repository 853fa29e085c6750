import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { LossGraph } from '../testing/loss-graph.ts';
import { tinyModel } from '../testing/tiny-model.ts';
import { tokenRows } from '../testing/token-rows.ts';
import type { GenerationRequest } from './generation.ts';
import { Generator } from './generator.ts';

const { config, parameters } = tinyModel();
const random = new Random(4);
const promptOf = (length: number): number[] => Array.from({ length }, () => random.int(config.vocabSize));
let generator: Generator;
let narrow: Generator;
let scorer: LossGraph;
beforeAll(async () => {
  generator = await Generator.create(config, parameters, { threads: 1, batchSize: 16 });
  narrow = await Generator.create(config, parameters, { threads: 1, batchSize: 3 });
  scorer = await LossGraph.create(config, parameters);
});
afterAll(async () => {
  for (const resource of [generator, narrow, scorer]) await resource.release();
});

const wait = (turns: number): Promise<void> =>
  turns === 0 ? Promise.resolve() : new Promise((resolve) => setImmediate(() => resolve(wait(turns - 1))));

describe('GenerationQueue', () => {
  it('gives each request what it gets alone, whenever it comes', async () => {
    const requests = Array.from(
      { length: 24 },
      (_, i): GenerationRequest => ({
        prompt: promptOf(1 + random.int(90)),
        maxNewTokens: [40, 1, 7, 120][i % 4],
        temperature: i % 3 ? 1 : 0,
        topK: i % 5 ? 0 : 6,
        seed: i,
      }),
    );
    for (const one of [generator, narrow]) {
      const queue = one.queue();
      const results = await Promise.all(
        requests.map(async (request, i) => {
          await wait(2 * i); // while others are in the middle of theirs
          return queue.add(request);
        }),
      );
      expect(queue.size).toBe(0);
      for (const [i, request] of requests.entries()) {
        const [alone] = await generator.generate([request]);
        expect([...results[i].ids]).toEqual([...alone.ids]);
        expect(largestDifference(results[i].logProbs, alone.logProbs)).toBeLessThan(1e-5);
      }
    }
  });

  it('lets requests join a batch that is running: a short one that comes late is finished first', async () => {
    const queue = generator.queue();
    const finished: string[] = [];
    const long = queue.add({ prompt: [1], maxNewTokens: 200 }).then(() => finished.push('long'));
    await wait(6);
    await queue.add({ prompt: [2], maxNewTokens: 3 }).then(() => finished.push('short'));
    await long;
    expect(finished).toEqual(['short', 'long']);
  });

  it('lets a request go when its signal fires, waiting or running, and goes on with the others', async () => {
    const queue = narrow.queue();
    const controllers = Array.from({ length: 6 }, () => new AbortController());
    let seen = 0;
    const results = controllers.map((controller, i) =>
      queue.add(
        { prompt: [i + 1], maxNewTokens: 30, seed: i },
        { signal: controller.signal, onToken: () => i === 1 && ++seen === 5 && controllers[1].abort() },
      ),
    );
    controllers[4].abort(); // three run at once, so this one is waiting
    const settled = await Promise.allSettled(results);
    expect(settled.map(({ status }) => status)).toEqual([
      ...['fulfilled', 'rejected', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    ]);
    expect(seen).toBe(5);
    for (const result of settled) {
      if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'interrupted' });
      else expect(result.value.ids).toHaveLength(30);
    }
    const late = queue.add({ prompt: [1], maxNewTokens: 1 }, { signal: AbortSignal.abort() });
    await expect(late).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('lets a request go whose own listener throws, and goes on with the others', async () => {
    const queue = narrow.queue();
    const throwing = (): never => {
      throw new Error('mine');
    };
    const request = { prompt: [1], maxNewTokens: 9, seed: 1 };
    let told = 0;
    const settled = await Promise.allSettled([
      queue.add(request, { onToken: () => ++told === 3 && throwing() }),
      queue.add(request),
      queue.add({ ...request, shouldStop: throwing }),
      queue.add({ ...request, maxNewTokens: 1 }, { onToken: throwing }),
      queue.add(request),
    ]);
    const [{ ids }] = await generator.generate([request]);
    expect(
      settled.map((one) => (one.status === 'fulfilled' ? [...one.value.ids] : one.reason.message)),
    ).toEqual(['mine', [...ids], 'mine', 'mine', [...ids]]);
    expect([told, queue.size]).toEqual([3, 0]);
  });

  it('refuses a wrong request alone', async () => {
    const queue = generator.queue();
    const good = queue.add({ prompt: [1], maxNewTokens: 2 });
    await expect(queue.add({ prompt: [], maxNewTokens: 2 })).rejects.toThrow(/the prompt is empty/);
    await expect(queue.add({ prompt: [1], forced: [2, 99], maxNewTokens: 2 })).rejects.toThrow(
      /forced token 1 is 99/,
    );
    await expect(queue.add({ prompt: promptOf(250), forced: promptOf(7), maxNewTokens: 7 })).rejects.toThrow(
      /prompt and forced tokens are 257 tokens, but the model holds 256/,
    );
    expect((await good).ids).toHaveLength(2);
  });

  it('fails what it holds when the engine fails, and works again afterwards', async () => {
    const own = await Generator.create(config, parameters, { threads: 1 });
    const queue = own.queue();
    await queue.add({ prompt: [1], maxNewTokens: 2 });
    await own.release();
    const lost = [1, 2].map((id) => queue.add({ prompt: [id], maxNewTokens: 2 }));
    for (const result of lost) await expect(result).rejects.toMatchObject({ code: 'internal' });
    expect(queue.size).toBe(0);
    await queue.idle();
  });
});

describe('forced tokens', () => {
  it('have the log-probabilities of the sequence graph, alone and together', async () => {
    const prompt = promptOf(20);
    const forced = [promptOf(1), promptOf(5), promptOf(5), promptOf(70), promptOf(1)];
    const queue = generator.queue();
    const results = await Promise.all(
      forced.map((ids) => queue.add({ prompt, forced: ids, maxNewTokens: ids.length })),
    );
    for (const [i, ids] of forced.entries()) {
      expect([...results[i].ids]).toEqual(ids);
      const { logProbs } = await scorer.run(tokenRows([[[...prompt, ...ids]]]));
      const expected = logProbs.subarray(prompt.length - 1);
      expect(largestDifference(results[i].logProbs, expected)).toBeLessThan(1e-4);
    }
  });

  it('are followed by drawn ones, as if they were part of the prompt', async () => {
    const [prompt, forced] = [promptOf(9), promptOf(4)];
    const greedy = { temperature: 0, maxNewTokens: 12 };
    const [begun, whole] = await generator.generate([
      { ...greedy, prompt, forced },
      { ...greedy, maxNewTokens: 8, prompt: [...prompt, ...forced] },
    ]);
    expect([...begun.ids]).toEqual([...forced, ...whole.ids]);
  });
});

describe('alternatives', () => {
  it('are the likeliest tokens of the model’s own distribution, whatever the sampling', async () => {
    const requests = [
      { temperature: 0 },
      { temperature: 0.3, topK: 2 },
      { temperature: 1, repetitionPenalty: 1.4 },
    ].map((options, i): GenerationRequest => {
      return { prompt: promptOf(6), maxNewTokens: 5, seed: i, alternatives: 3, ...options };
    });
    const results = await generator.generate(requests);
    for (const [i, { ids, alternatives }] of results.entries()) {
      const prompt = requests[i].prompt as number[];
      const { logits } = await scorer.run(tokenRows([[[...prompt, ...ids]]]));
      expect(alternatives).toHaveLength(5);
      alternatives!.forEach(({ logProb, likeliest }, t) => {
        const row = Array.from(logits.subarray((5 + t) * config.vocabSize, (6 + t) * config.vocabSize));
        const normaliser = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
        const order = row.map((_, id) => id).sort((a, b) => row[b] - row[a]);
        expect(likeliest.map(({ id }) => id)).toEqual(order.slice(0, 3));
        expect(logProb).toBeCloseTo(row[ids[t]] - normaliser, 4);
        for (const other of likeliest) expect(other.logProb).toBeCloseTo(row[other.id] - normaliser, 4);
      });
    }
  });

  it('do not change what is drawn, and are left out unless asked for', async () => {
    const request = { prompt: promptOf(6), maxNewTokens: 20, seed: 3 };
    const [plain, told] = await generator.generate([request, { ...request, alternatives: 0 }]);
    expect(plain.alternatives).toBeUndefined();
    expect([...told.ids]).toEqual([...plain.ids]);
    expect(told.alternatives!.every(({ likeliest }) => likeliest.length === 0)).toBe(true);
    const wrong = generator.generate([{ ...request, alternatives: -1 }]);
    await expect(wrong).rejects.toThrow(/alternatives is -1/);
  });
});
