import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Random } from '../../base/index.ts';
import { Session } from '../../tensor/index.ts';
import { loadModelFolder } from '../load-model.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { LossGraph } from '../testing/loss-graph.ts';
import {
  modelsFolder,
  readReference,
  readStoriesReference,
  referenceFolder,
  referenceNames,
} from '../testing/reference-model.ts';
import { tinyModel } from '../testing/tiny-model.ts';
import { tokenRows } from '../testing/token-rows.ts';
import type { Generation, GenerationRequest } from './generation.ts';
import { Generator } from './generator.ts';

const greedy = { temperature: 0, maxNewTokens: 16 };

describe.skipIf(modelsFolder === null)('greedy ids are those of transformers', () => {
  it.each(referenceNames)('%s', async (name) => {
    const { greedy_prompt: prompt, greedy_ids: expected } = readReference(name);
    const { config, parameters } = await loadModelFolder(referenceFolder(name));
    const generator = await Generator.create(config, parameters, { threads: 1 });
    const [{ ids, finish }] = await generator.generate([{ ...greedy, prompt, stopIds: config.eosIds }]);
    expect([...prompt, ...ids]).toEqual(expected);
    expect(finish).toBe('length');
    await generator.release();
  });

  it('stories260K, 199 tokens', async () => {
    const { prompt_ids: prompt, greedy_ids: expected, token_logprobs } = readStoriesReference();
    const { config, parameters } = await loadModelFolder(join(modelsFolder!, 'stories260K'));
    const generator = await Generator.create(config, parameters, { threads: 1 });
    const [{ ids, logProbs }] = await generator.generate([{ ...greedy, prompt, maxNewTokens: 199 }]);
    expect([...prompt, ...ids]).toEqual(expected);
    expect(largestDifference(logProbs, token_logprobs)).toBeLessThan(1e-4);
    await generator.release();
  });
});

describe('Generator', () => {
  const { config, parameters } = tinyModel();
  const random = new Random(2);
  const promptOf = (length: number): number[] => Array.from({ length }, () => random.int(config.vocabSize));
  let wide: Generator;
  let narrow: Generator;
  let scorer: LossGraph;
  beforeAll(async () => {
    wide = await Generator.create(config, parameters, { threads: 1, batchSize: 16 });
    narrow = await Generator.create(config, parameters, { threads: 1, batchSize: 3 });
    scorer = await LossGraph.create(config, parameters);
  });
  afterAll(async () => {
    for (const resource of [wide, narrow, scorer]) await resource.release();
  });
  const alone = async (request: GenerationRequest): Promise<Generation> =>
    (await wide.generate([request]))[0];

  describe('what a request gets does not depend on its neighbours', () => {
    const lengths = [1, 40, 7, 7, 90, 3, 12, 64, 63, 2, 5];
    const requests = lengths.map(
      (length, i): GenerationRequest => ({
        prompt: promptOf(length),
        maxNewTokens: [30, 3, 90, 1, 17][i % 5],
        temperature: i % 3 ? 1 : 0,
        topK: i % 2 ? 9 : 0,
        repetitionPenalty: i % 4 === 3 ? 1.3 : 1,
        seed: i,
      }),
    );
    requests.push({ ...requests[1], seed: 99 }); // a prompt that is read once and used twice

    it('one by one, in batches of 3 with waiting requests, and all at once', async () => {
      const single: Generation[] = [];
      for (const request of requests) single.push(await alone(request));
      for (const generator of [narrow, wide]) {
        const together = await generator.generate(requests);
        expect(together.map(({ ids }) => [...ids])).toEqual(single.map(({ ids }) => [...ids]));
        together.forEach(({ logProbs }, i) => {
          expect(largestDifference(logProbs, single[i].logProbs)).toBeLessThan(1e-5);
        });
      }
    });

    it('in another order, among other requests', async () => {
      const order = new Random(8).shuffled(requests.map((_, i) => i));
      const shuffled = await narrow.generate(order.map((i) => requests[i]));
      const straight = await wide.generate(requests);
      order.forEach((i, place) => {
        expect([...shuffled[place].ids]).toEqual([...straight[i].ids]);
      });
    });

    it('bit for bit the same when repeated', async () => {
      expect(await narrow.generate(requests)).toEqual(await narrow.generate(requests));
    });
  });

  it('reads a prompt once, however many requests share it and whatever the batch holds', async () => {
    const prompts = [promptOf(9), promptOf(4), promptOf(9), promptOf(12)];
    // Four answers to each of four prompts, mixed, in a batch of six rows: groups wait until they fit whole.
    const requests = Array.from({ length: 16 }, (_, i) => ({
      prompt: prompts[i % 4],
      maxNewTokens: 3 + (i % 5),
      seed: i,
    }));
    const generator = await Generator.create(config, parameters, { threads: 1, batchSize: 6 });
    const run = vi.spyOn(Session.prototype, 'run');
    const together = await generator.generate(requests);
    const rowsRead = run.mock.calls.flatMap(([{ segments }]) =>
      segments && 'shape' in segments ? [segments.shape[0]] : [],
    );
    run.mockRestore();
    await generator.release();
    expect(rowsRead.reduce((sum, rows) => sum + rows, 0)).toBe(4);
    for (const [i, request] of requests.entries()) {
      expect([...together[i].ids]).toEqual([...(await alone(request)).ids]);
    }
  });

  it('draws other tokens for another seed, the same for the same one', async () => {
    const request = { prompt: [3, 1, 4], maxNewTokens: 12 };
    const results = await wide.generate([1, 1, 2].map((seed) => ({ ...request, seed })));
    expect(results[0]).toEqual(results[1]);
    expect([...results[0].ids]).not.toEqual([...results[2].ids]);
  });

  it('tells log-probabilities under the full distribution, filters and penalty notwithstanding', async () => {
    const requests = [
      { temperature: 0 },
      { temperature: 1 },
      { temperature: 1, topK: 4 },
      { temperature: 1, topP: 0.7 },
      { temperature: 1, minP: 0.2 },
      { temperature: 0, repetitionPenalty: 1.5 },
      { temperature: 1, repetitionPenalty: 1.5, topK: 5 },
    ].map(
      (options, i): GenerationRequest => ({ prompt: promptOf(5 + i), maxNewTokens: 70, seed: i, ...options }),
    );
    for (const [i, { ids, logProbs }] of (await wide.generate(requests)).entries()) {
      const { prompt } = requests[i];
      const scored = await scorer.run(tokenRows([[[...Array.from(prompt), ...ids]]]));
      expect(largestDifference(logProbs, scored.logProbs.subarray(prompt.length - 1))).toBeLessThan(1e-4);
    }
  });

  it('tells log-probabilities at the temperature of the request', async () => {
    const prompt = [1, 2, 3];
    const [{ ids, logProbs }] = await wide.generate([{ prompt, maxNewTokens: 1, temperature: 0.5, seed: 4 }]);
    const { logits } = await scorer.run(tokenRows([[[...prompt, 0]]]));
    const row = Array.from(logits.subarray(2 * config.vocabSize), (logit) => logit / 0.5);
    const normaliser = Math.log(row.reduce((sum, logit) => sum + Math.exp(logit), 0));
    expect(logProbs[0]).toBeCloseTo(row[ids[0]] - normaliser, 4);
  });

  it('penalises what prompt and response already hold', async () => {
    const request = { prompt: [5, 6, 7], maxNewTokens: 24, temperature: 0 };
    const plain = await alone(request);
    const penalised = await alone({ ...request, repetitionPenalty: 1e6 });
    // With such a penalty no token comes back while there are unseen ones with positive logits.
    expect(new Set(penalised.ids).size).toBeGreaterThan(new Set(plain.ids).size);
    const { logits } = await scorer.run(tokenRows([[[5, 6, 7, ...penalised.ids, 0]]]));
    penalised.ids.forEach((id, t) => {
      const seen = new Set([5, 6, 7, ...penalised.ids.subarray(0, t)]);
      const row = logits.subarray((2 + t) * config.vocabSize, (3 + t) * config.vocabSize);
      const adjusted = Array.from(row, (logit, v) =>
        seen.has(v) ? (logit > 0 ? logit / 1e6 : logit * 1e6) : logit,
      );
      expect(id).toBe(adjusted.indexOf(Math.max(...adjusted)));
    });
  });

  describe('ends a response', () => {
    it('with a stop id, which is part of it', async () => {
      const free = await alone({ prompt: [1, 2], maxNewTokens: 30, seed: 6 });
      const stop = free.ids[7];
      const end = free.ids.indexOf(stop) + 1;
      const stopped = await alone({ prompt: [1, 2], maxNewTokens: 30, seed: 6, stopIds: [stop] });
      expect(stopped.finish).toBe('stop');
      expect([...stopped.ids]).toEqual([...free.ids.subarray(0, end)]);
      expect([...stopped.logProbs]).toEqual([...free.logProbs.subarray(0, end)]);
      expect(free.finish).toBe('length');
    });

    it('when shouldStop says so, which sees every token in order', async () => {
      const seen: number[] = [];
      const shouldStop = (id: number): boolean => seen.push(id) === 5;
      const { ids, finish } = await alone({ prompt: [1, 2], maxNewTokens: 30, seed: 6, shouldStop });
      expect([[...ids], finish]).toEqual([seen, 'stopped']);
      expect(ids).toHaveLength(5);
    });

    it('where the positions of the model end', async () => {
      const results = await wide.generate([
        { prompt: promptOf(250), maxNewTokens: 100 },
        { prompt: promptOf(255), maxNewTokens: 100 },
        { prompt: promptOf(1), maxNewTokens: 1 },
      ]);
      expect(results.map(({ ids, finish }) => [ids.length, finish])).toEqual([
        [6, 'length'],
        [1, 'length'],
        [1, 'length'],
      ]);
    });
  });

  it.each([
    [1, 63],
    [62, 5],
    [63, 70],
    [64, 64],
    [65, 130],
    [1, 200],
  ])(
    'keeps what it knows when the cache grows: prompt of %i, %i new tokens',
    async (length, maxNewTokens) => {
      const prompt = promptOf(length);
      const { ids } = await alone({ prompt, maxNewTokens, temperature: 0 });
      const { logits } = await scorer.run(tokenRows([[[...prompt, ...ids]]]));
      const most = Array.from({ length: maxNewTokens }, (_, t) => {
        const at = (length - 1 + t) * config.vocabSize;
        const row = logits.subarray(at, at + config.vocabSize);
        return row.indexOf(Math.max(...row));
      });
      expect([...ids]).toEqual(most);
    },
  );

  it('tells tokens and finished responses as they come', async () => {
    const tokens: number[][] = [[], [], [], [], []];
    const finished: [number, Generation][] = [];
    const requests = [9, 2, 5, 7, 3].map((maxNewTokens, seed) => ({ prompt: [seed], maxNewTokens, seed }));
    const results = await narrow.generate(requests, {
      onToken: (request, id) => tokens[request].push(id),
      onFinish: (request, generation) => finished.push([request, generation]),
    });
    expect(tokens).toEqual(results.map(({ ids }) => [...ids]));
    expect(finished.map(([request]) => request).sort()).toEqual([0, 1, 2, 3, 4]);
    expect(finished[0][0]).toBe(1); // the shortest of the first three
    for (const [request, generation] of finished) expect(generation).toEqual(results[request]);
  });

  it('finds greedy responses that agree with the sequence graph, whatever the requests', async () => {
    const request = fc.record({
      prompt: fc.array(fc.nat(config.vocabSize - 1), { minLength: 1, maxLength: 20 }),
      maxNewTokens: fc.integer({ min: 1, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 7 }), async (requests) => {
        const results = await narrow.generate(requests.map((one) => ({ ...one, temperature: 0 })));
        const rows = requests.map(({ prompt }, i) => [[...prompt, ...results[i].ids]]);
        const { logProbs } = await scorer.run(tokenRows(rows));
        let at = 0;
        requests.forEach(({ prompt }, i) => {
          at += prompt.length - 1;
          const { length } = results[i].ids;
          expect(largestDifference(results[i].logProbs, logProbs.subarray(at, at + length))).toBeLessThan(
            1e-4,
          );
          at += length;
        });
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  describe('stops at a signal', () => {
    it.each([0, 4])('after %i tokens, and works again afterwards', async (tokens) => {
      const controller = new AbortController();
      if (tokens === 0) controller.abort();
      let count = 0;
      const onToken = (): void => {
        if (++count === tokens) controller.abort();
      };
      const request = { prompt: [1], maxNewTokens: 50, temperature: 0 };
      const options = { onToken, signal: controller.signal };
      await expect(wide.generate([request], options)).rejects.toMatchObject({ code: 'interrupted' });
      expect(count).toBe(tokens);
      expect((await alone(request)).ids).toHaveLength(50);
    });
  });

  it.each([1e-3, 1e-30, 1e-40, 5e-324])(
    'at temperature %d takes the likeliest token',
    async (temperature) => {
      const request = { prompt: promptOf(9), maxNewTokens: 12 };
      const { ids } = await alone({ ...request, temperature: 0 });
      for (const repetitionPenalty of [1, 1.0000001]) {
        const cold = await alone({ ...request, temperature, repetitionPenalty });
        expect([...cold.ids]).toEqual([...ids]);
        expect(largestDifference(cold.logProbs, new Float32Array(12))).toBeLessThan(1e-5);
      }
    },
  );

  it.each([0, -1, 1.5, Number.NaN])('refuses to decode %d sequences at once', async (batchSize) => {
    await expect(Generator.create(config, parameters, { batchSize })).rejects.toThrow(
      `batchSize is ${batchSize}, must be a whole number > 0`,
    );
  });

  it('answers no requests with no responses', async () => {
    expect(await wide.generate([])).toEqual([]);
  });

  it.each<[string, Partial<GenerationRequest>, RegExp]>([
    ['an empty prompt', { prompt: [] }, /request 1: the prompt is empty/],
    ['an id outside the vocabulary', { prompt: [1, 29] }, /prompt token 1 is 29, must be an id from 0 to 28/],
    ['a negative id', { prompt: [-1] }, /prompt token 0 is -1,/],
    ['an id that is no whole number', { prompt: [1.5] }, /prompt token 0 is 1.5,/],
    [
      'a prompt that fills the model',
      { prompt: Array(256).fill(1) },
      /has 256 tokens, but the model holds 256/,
    ],
    ['no tokens to generate', { maxNewTokens: 0 }, /maxNewTokens is 0, must be a whole number > 0/],
    ['sampling out of range', { temperature: -1, topP: 0 }, /temperature is -1.*topP is 0/],
  ])('refuses %s before anything is computed', async (_, wrong, message) => {
    const good = { prompt: [1], maxNewTokens: 2 };
    let tokens = 0;
    const run = wide.generate([good, { ...good, ...wrong }], { onToken: () => tokens++ });
    await expect(run).rejects.toThrow(message);
    await expect(run).rejects.toMatchObject({ code: 'usage' });
    expect(tokens).toBe(0);
  });
});

it.each([
  ['greedily', { temperature: 0 }],
  ['by chance', { temperature: 1 }],
  ['among likely tokens', { temperature: 1, topP: 0.9 }],
  ['with a penalty', { repetitionPenalty: 1.2 }],
])('a model whose weights are not numbers writes nothing: %s', async (_, sampling) => {
  const { config, parameters } = tinyModel();
  parameters.values[parameters.offsetOf('model.norm.weight')] = Number.NaN;
  const generator = await Generator.create(config, parameters, { threads: 1 });
  const written = generator.generate([{ prompt: [1, 2, 3], maxNewTokens: 4, ...sampling }]);
  await expect(written).rejects.toThrow('The probabilities of token 0 of the response are NaN');
  await generator.release();
});

it('a generator keeps the weights of the moment it was made', async () => {
  const { config, parameters } = tinyModel();
  const generator = await Generator.create(config, parameters, { threads: 1 });
  const request = { ...greedy, prompt: [1, 2, 3] };
  const [before] = await generator.generate([request]);
  parameters.values.fill(0.01);
  expect(await generator.generate([request])).toEqual([before]);
  await generator.release();
});
