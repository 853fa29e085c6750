import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { sharedData } from '../../base/testing.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
  TextGenerator,
} from '../../model/index.ts';
import { trainBpe } from '../../text/index.ts';
import { type LocalModel, localModel } from './local-model.ts';

let folder: string;
let model: LocalModel;
let direct: TextGenerator;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-local-model-'));
  const corpus = [
    'the cat sat on the mat and the hat '.repeat(5),
    'Human: Assistant: what is 0 1 2 3 4 5'.repeat(5),
  ];
  const { tokenizer } = await trainBpe(corpus, { vocabSize: 300, specialTokens: ['<|endoftext|>'] });
  const config = makeLlamaConfig({
    vocabSize: tokenizer.vocabSize,
    width: 16,
    layers: 2,
    heads: 4,
    kvHeads: 2,
    innerWidth: 24,
    maxPositions: 96,
    initializerRange: 0.4,
  });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(5));
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  await saveModelFolder(join(folder, 'tiny'), { config, parameters, tokenizerFiles: tokenizer.files, card });
  model = await localModel(join(folder, 'tiny'), { threads: 1, batchSize: 8 });
  direct = await TextGenerator.load(join(folder, 'tiny'), { threads: 1 });
});
afterAll(async () => {
  await model.close();
  await direct.release();
  await rm(folder, { recursive: true });
});

const ask = (content: string) => [{ role: 'user' as const, content }];

describe('LocalModel', () => {
  it('is named by folder and content', async () => {
    expect(model.id).toMatch(/^local:tiny@[0-9a-f]{12}$/);
  });

  it('answers as the engine does, many at a time and one by one', async () => {
    const requests = Array.from({ length: 20 }, (_, i) => ({
      messages: ask(`what is ${i % 7}`),
      maxTokens: 5 + i,
      temperature: i % 2 ? 1 : 0,
      seed: i,
    }));
    const together = await Promise.all(requests.map((request) => model.chat(request)));
    for (const [i, request] of requests.entries()) {
      const alone = await model.chat(request);
      expect(alone.text).toBe(together[i].text);
      expect(together[i].usage).toMatchObject({ costUsd: 0, cached: false });
      expect(together[i].usage.inputTokens).toBe(
        direct.promptIds({ messages: [...ask(`what is ${i % 7}`)].map((m) => ({ ...m })) }).length,
      );
      expect(together[i].usage.outputTokens).toBeLessThanOrEqual(5 + i);
    }
    const [greedy] = await direct.generate([
      { messages: [{ role: 'user', content: 'what is 0' }], options: { temperature: 0, maxNewTokens: 5 } },
    ]);
    expect(together[0]).toMatchObject({ text: greedy.text, finish: greedy.finish });
  });

  it('draws alike for the same seed and otherwise for another seed or conversation', async () => {
    const draw = async (seed: number | undefined, text = 'the') =>
      (await model.chat({ messages: ask(text), seed, maxTokens: 12 })).text;
    expect(await draw(1)).toBe(await draw(1));
    expect(await draw(undefined)).toBe(await draw(0));
    expect(await draw(1)).not.toBe(await draw(2));
  });

  it('stops before a stop text', async () => {
    const whole = await model.chat({ messages: ask('the mat'), maxTokens: 40, temperature: 0 });
    const stop = whole.text.slice(6, 9);
    const cut = await model.chat({ messages: ask('the mat'), maxTokens: 40, temperature: 0, stop: [stop] });
    expect(cut).toMatchObject({
      text: whole.text.slice(0, whole.text.indexOf(stop)).trimEnd(),
      finish: 'stop',
    });
  });

  it('chooses by log-probabilities, which do not depend on what else is asked', async () => {
    const options = ['cat', 'the mat', '1', '12'];
    const questions = Array.from({ length: 12 }, (_, i) => ({
      messages: ask(`the hat ${'and '.repeat(i)}`),
      options,
    }));
    const together = await Promise.all(questions.map((question) => model.choose(question)));
    for (const [i, { messages }] of questions.entries()) {
      const { continuations } = await direct.continuations(
        { messages: messages.map((m) => ({ ...m })) },
        options,
      );
      const raw = continuations.map(({ logProbs }) => Math.exp(logProbs.reduce((a, b) => a + b, 0)));
      if (continuations[3].ids[0] === continuations[2].ids[0]) raw[2] -= raw[3]; // "12" begins with "1"
      const mass = raw.reduce((a, b) => a + b, 0);
      expect(together[i]).toMatchObject({ method: 'log-probs', usage: { outputTokens: 0, costUsd: 0 } });
      expect(together[i].mass / mass).toBeCloseTo(1, 3);
      together[i].probabilities.forEach((p, k) => {
        expect(p).toBeCloseTo(raw[k] / mass, 4);
      });
    }
  });

  it('applies the temperature of a choice to the options alone', async () => {
    const request = { messages: ask('the'), options: ['cat', 'mat'] };
    const [warm, hot, cold] = await Promise.all(
      [1, 2, 0].map((temperature) => model.choose({ ...request, temperature })),
    );
    const odds = ({ probabilities: [a, b] }: { probabilities: readonly number[] }): number => a / b;
    expect(odds(hot)).toBeCloseTo(Math.sqrt(odds(warm)), 5);
    expect([...cold.probabilities].sort()).toEqual([0, 1]);
    expect([hot.mass, cold.mass]).toEqual([warm.mass, warm.mass]);
  });

  it('stops at a signal', async () => {
    const controller = new AbortController();
    const long = model.chat({ messages: ask('the'), maxTokens: 80 }, { signal: controller.signal });
    const other = model.chat({ messages: ask('the'), maxTokens: 3 });
    setTimeout(() => controller.abort(), 5);
    await expect(long).rejects.toMatchObject({ code: 'interrupted' });
    expect((await other).usage.outputTokens).toBeLessThanOrEqual(3);
    const late = model.choose({ messages: ask('a'), options: ['a', 'b'] }, { signal: AbortSignal.abort() });
    await expect(late).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('refuses wrong requests, and conversations that do not fit it', async () => {
    await expect(model.chat({ messages: [] })).rejects.toMatchObject({ code: 'usage' });
    await expect(model.choose({ messages: ask('a'), options: ['a', 'a'] })).rejects.toThrow(/given twice/);
    await expect(model.choose({ messages: ask('a'), options: ['a', 'a '] })).rejects.toThrow(
      /the same tokens/,
    );
    const long = model.chat({ messages: ask('the mat '.repeat(100)) });
    await expect(long).rejects.toMatchObject({ code: 'provider' });
    await expect(long).rejects.toThrow(/but the model holds 96 in all/);
  });

  it('refuses a folder without a model', async () => {
    await expect(localModel(folder)).rejects.toMatchObject({ code: 'model' });
  });

  it('fails what is under way when it is closed, and says so later', async () => {
    const lost = model.chat({ messages: ask('the'), maxTokens: 80 });
    const closing = model.close();
    await expect(lost).rejects.toBeInstanceOf(Error);
    await closing;
    await expect(model.chat({ messages: ask('the') })).rejects.toThrow(/was closed/);
  });
});

it.skipIf(sharedData('models/stories260K') === null)(
  'tells a real model’s next words by its probabilities',
  async () => {
    const stories = await localModel(sharedData('models/stories260K')!, { threads: 1 });
    const messages = [
      ...ask('Once upon a time'),
      { role: 'assistant' as const, content: 'Once upon a time, there was a little' },
    ];
    const { probabilities } = await stories.choose({ messages, options: ['girl', 'boy', 'xylophone'] });
    expect(probabilities[0]).toBeGreaterThan(0.3);
    expect(probabilities[2]).toBeLessThan(0.01);
    await stories.close();
  },
);
