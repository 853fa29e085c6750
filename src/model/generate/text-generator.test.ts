import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { sharedData } from '../../base/testing.ts';
import { Tokenizer, trainBpe } from '../../text/index.ts';
import type { DecoderConfig } from '../decoder-config.ts';
import { initialiseParameters } from '../initialise.ts';
import { ParameterStore } from '../parameter-store.ts';
import { parameterSpecs, scalarHeadSpec } from '../parameters.ts';
import { saveModelFolder } from '../save-model.ts';
import { tinyModel } from '../testing/tiny-model.ts';
import { TextGenerator } from './text-generator.ts';
import type { TextGeneration, TextRequest } from './text-request.ts';

const chatMl =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

let tokenizer: Tokenizer;
/** The same without an end token, so that responses have the length they are asked for. */
let endless: Tokenizer;
let config: DecoderConfig;
let parameters: ParameterStore;
let plain: TextGenerator;
let chatty: TextGenerator;
beforeAll(async () => {
  const specialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
  const corpus = ['the cat sat on the mat and the hat '.repeat(5), 'what that is and what it was '.repeat(5)];
  ({ tokenizer } = await trainBpe(corpus, { vocabSize: 300, specialTokens }));
  const [json, { eos_token: _, ...rest }] = ['tokenizer.json', 'tokenizer_config.json'].map((name) =>
    JSON.parse(new TextDecoder().decode(tokenizer.files.get(name))),
  );
  endless = Tokenizer.fromJson(json, rest);
  ({ config, parameters } = tinyModel({ vocabSize: tokenizer.vocabSize + 4, initializerRange: 0.3 }));
  const engine = { threads: 1 };
  plain = await TextGenerator.create({ config, parameters, tokenizer: endless }, engine);
  chatty = await TextGenerator.create({ config, parameters, tokenizer, chatTemplate: chatMl }, engine);
});
afterAll(async () => {
  await plain.release();
  await chatty.release();
});

const ask = async (request: TextRequest, model = plain): Promise<TextGeneration> =>
  (await model.generate([request]))[0];

describe('TextGenerator', () => {
  it('continues a text with what its tokens spell', async () => {
    const { text, ids, promptTokens, finish } = await ask({
      prompt: 'the cat',
      options: { maxNewTokens: 40 },
    });
    const known = Array.from(ids).filter((id) => id < tokenizer.vocabSize);
    expect(text).toBe(tokenizer.decode(known, { skipSpecialTokens: true }));
    expect(promptTokens).toBe(tokenizer.encode('the cat').length);
    expect([finish, ids.length]).toEqual(['length', 40]);
  });

  it('gives the same request the same text in any company, and other seeds by default', async () => {
    const request = (seed?: number): TextRequest => ({ prompt: 'that', options: { maxNewTokens: 20, seed } });
    const [a, b, c] = await plain.generate([request(), request(), request(0)]);
    expect(a.text).not.toBe(b.text);
    expect(c.text).toBe(a.text);
    expect((await ask(request(1))).text).toBe(b.text);
  });

  it('cuts the text before a stop string, wherever the token borders are', async () => {
    const options = { maxNewTokens: 60, seed: 3 };
    const free = await ask({ prompt: 'the', options });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(free.text.length - 1),
        fc.integer({ min: 1, max: 6 }),
        async (start, length) => {
          const stop = free.text.slice(start, start + length);
          fc.pre(!stop.includes('\uFFFD')); // random bytes: incomplete characters are decoded when more is known
          const stopped = await ask({ prompt: 'the', options: { ...options, stop: [stop, 'never found'] } });
          const kept = free.text.slice(0, free.text.indexOf(stop));
          expect(stopped).toMatchObject({ text: kept, finish: 'stop', stopString: stop });
          expect([...stopped.ids]).toEqual([...free.ids.subarray(0, stopped.ids.length)]);
          // The last token completes the stop string: without it, the text does not hold it yet.
          const before = Array.from(stopped.ids.subarray(0, -1)).filter((id) => id < tokenizer.vocabSize);
          expect(tokenizer.decode(before, { skipSpecialTokens: true })).not.toContain(stop);
        },
      ),
      { numRuns: 25, seed: 9 },
    );
  });

  it('ends at the end tokens of tokenizer, config.json and generation_config.json', async () => {
    const free = await ask({ prompt: 'on', options: { maxNewTokens: 30 } });
    const [first, second] = [free.ids[4], free.ids[9]];
    const model = await TextGenerator.create(
      {
        config: { ...config, eosIds: [second] },
        parameters,
        tokenizer,
        generationConfig: { eos_token_id: [first] },
      },
      { threads: 1 },
    );
    expect([...model.endIds].sort()).toEqual([first, second, tokenizer.eosId].sort());
    const { ids, finish, stopString } = await ask({ prompt: 'on', options: { maxNewTokens: 30 } }, model);
    const end = [...free.ids].findIndex((id) => model.endIds.includes(id));
    expect([[...ids], finish, stopString]).toEqual([[...free.ids.subarray(0, end + 1)], 'stop', null]);
    await model.release();
  });

  it('takes sampling options from generation_config.json, where the request has none', async () => {
    const generationConfig = { do_sample: false, max_new_tokens: 7, top_k: 3, repetition_penalty: 1.2 };
    const model = await TextGenerator.create(
      { config, parameters, tokenizer: endless, generationConfig },
      { threads: 1 },
    );
    expect(model.defaults).toEqual({ temperature: 0, maxNewTokens: 7, topK: 3, repetitionPenalty: 1.2 });
    const greedy = { temperature: 0, maxNewTokens: 7, repetitionPenalty: 1.2 };
    expect(await ask({ prompt: 'it' }, model)).toEqual(await ask({ prompt: 'it', options: greedy }));
    const options = { temperature: 1, maxNewTokens: 9, topK: 0, repetitionPenalty: 1, minP: undefined };
    expect(await ask({ prompt: 'it', options }, model)).toEqual(await ask({ prompt: 'it', options }));
    await model.release();
  });

  describe('chat', () => {
    const messages = [{ role: 'user', content: 'what is it' }];

    it('puts messages through the chat template and ends where a turn ends', async () => {
      const prompt = '<|im_start|>user\nwhat is it<|im_end|>\n<|im_start|>assistant\n';
      expect(chatty.promptIds({ messages })).toEqual(tokenizer.encode(prompt));
      const options = { maxNewTokens: 200, seed: 1, topK: 40 };
      const end = tokenizer.idOf('<|im_end|>')!;
      const results = await chatty.generate(
        Array.from({ length: 12 }, (_, seed) => ({ messages, options: { ...options, seed } })),
      );
      const ended = results.filter(({ ids }) => ids.includes(end));
      expect(ended.length).toBeGreaterThan(0);
      for (const { ids, text, finish } of results) {
        if (ids.includes(end)) expect([ids.indexOf(end), finish]).toEqual([ids.length - 1, 'stop']);
        expect(text).toBe(text.trim());
        expect(text).not.toContain('<|');
      }
    });

    it('uses a Human/Assistant form where the model brings no template, and stops at the next turn', async () => {
      const model = await TextGenerator.create({ config, parameters, tokenizer }, { threads: 1 });
      expect(model.template).toMatchObject({ isDefault: true, stopStrings: ['\n\nHuman:'] });
      const prompt = '\n\nHuman: what is it\n\nAssistant:';
      expect(model.promptIds({ messages })).toEqual(tokenizer.encode(prompt));
      await model.release();
      await expect(ask({ messages })).rejects.toThrow(/neither a chat template nor an end token/);
    });
  });

  describe('stream', () => {
    it('gives the text piece by piece, and the whole result', async () => {
      const request = { prompt: 'the hat', options: { maxNewTokens: 50, seed: 8 } };
      const whole = await ask(request);
      const stream = plain.stream(request);
      const pieces: string[] = [];
      for await (const piece of stream) pieces.push(piece);
      expect(pieces.join('')).toBe(whole.text);
      expect(pieces.length).toBeGreaterThan(10);
      expect(await stream.result).toEqual(whole);
    });

    it('gives the first piece before the last token is sampled', async () => {
      let complete = false;
      const stream = plain.stream({ prompt: 'a', options: { maxNewTokens: 100, seed: 8 } });
      stream.result.then(
        () => (complete = true),
        () => {}, // the reader leaves below, so the result is an interruption
      );
      for await (const _ of stream) {
        expect(complete).toBe(false);
        break;
      }
      await stream.result.catch(() => {});
    });

    it('stops generating when its reader leaves', async () => {
      const stream = plain.stream({ prompt: 'the', options: { maxNewTokens: 200 } });
      for await (const piece of stream) {
        expect(piece).not.toBe('');
        break;
      }
      await expect(stream.result).rejects.toMatchObject({ code: 'interrupted' });
    });

    it('stops at a signal, and passes errors on', async () => {
      const controller = new AbortController();
      const stream = plain.stream({ prompt: 'the' }, { signal: controller.signal });
      const read = async (): Promise<void> => {
        for await (const _ of stream) controller.abort();
      };
      await expect(read()).rejects.toMatchObject({ code: 'interrupted' });
      const wrong = plain.stream({ prompt: 'the', options: { temperature: -1 } });
      await expect(wrong.result).rejects.toThrow(/temperature is -1/);
    });
  });

  it('tells texts and results as they come', async () => {
    const pieces = ['', '', ''];
    const done: number[] = [];
    const results = await plain.generate(
      [20, 5, 12].map((maxNewTokens) => ({ prompt: 'and', options: { maxNewTokens } })),
      { onText: (i, piece) => (pieces[i] += piece), onFinish: (i) => done.push(i) },
    );
    expect(pieces).toEqual(results.map(({ text }) => text));
    expect(done).toEqual([1, 2, 0]);
  });

  it('refuses wrong requests', async () => {
    const both = { prompt: 'a', messages: [{ role: 'user', content: 'a' }] };
    await expect(ask(both)).rejects.toThrow(/either messages or a prompt/);
    await expect(ask({})).rejects.toThrow(/either messages or a prompt/);
    await expect(ask({ prompt: 'a', options: { stop: [''] } })).rejects.toThrow(/a stop string is empty/);
    await expect(ask({ prompt: '' })).rejects.toThrow(/the prompt is empty/);
    const small = tinyModel({ vocabSize: tokenizer.vocabSize - 1 });
    await expect(TextGenerator.create({ ...small, tokenizer })).rejects.toThrow(
      /tokenizer has 284 tokens, but the model knows 283/,
    );
  });

  it('loads a model folder, and refuses a reward model', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tenet-text-generator-'));
    const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
    const shared = { config, tokenizerFiles: tokenizer.files, card };
    await saveModelFolder(join(folder, 'policy'), { ...shared, parameters });
    const loaded = await TextGenerator.load(join(folder, 'policy'), { threads: 1 });
    const options = { maxNewTokens: 5, temperature: 0 };
    expect(await ask({ prompt: 'what', options }, loaded)).toEqual(
      await ask({ prompt: 'what', options }, chatty),
    );
    await loaded.release();

    const specs = [...parameterSpecs(config), scalarHeadSpec(config)];
    const reward = new ParameterStore(specs);
    initialiseParameters(reward, new Random(1));
    await saveModelFolder(join(folder, 'reward'), { ...shared, parameters: reward, head: 'reward' });
    await expect(TextGenerator.load(join(folder, 'reward'))).rejects.toThrow(/holds a reward model/);
    await writeFile(join(folder, 'policy', 'tokenizer.json'), '{');
    await expect(TextGenerator.load(join(folder, 'policy'))).rejects.toMatchObject({ code: 'model' });
    await rm(folder, { recursive: true });
  });

  it.skipIf(sharedData('models/stories260K') === null)('tells a story', async () => {
    const model = await TextGenerator.load(sharedData('models/stories260K')!, { threads: 1 });
    const options = { temperature: 0, maxNewTokens: 40, stop: ['girl'] };
    const { text } = await ask({ prompt: 'Once upon a time', options }, model);
    expect(text).toBe(', there was a little ');
    await model.release();
  });
});
