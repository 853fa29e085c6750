import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Tokenizer, trainBpe } from '../../text/index.ts';
import { largestDifference } from '../testing/largest-difference.ts';
import { LossGraph } from '../testing/loss-graph.ts';
import { tinyModel } from '../testing/tiny-model.ts';
import { tokenRows } from '../testing/token-rows.ts';
import { TextGenerator } from './text-generator.ts';

const chatMl =
  "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

let tokenizer: Tokenizer;
let plain: TextGenerator;
let chatty: TextGenerator;
let scorer: LossGraph;
beforeAll(async () => {
  const specialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'];
  const corpus = ['the cat sat on the mat and the hat '.repeat(5), 'what that is and what it was '.repeat(5)];
  ({ tokenizer } = await trainBpe(corpus, { vocabSize: 300, specialTokens }));
  const { config, parameters } = tinyModel({ vocabSize: tokenizer.vocabSize, initializerRange: 0.3 });
  plain = await TextGenerator.create({ config, parameters, tokenizer }, { threads: 1 });
  chatty = await TextGenerator.create(
    { config, parameters, tokenizer, chatTemplate: chatMl },
    { threads: 1 },
  );
  scorer = await LossGraph.create(config, parameters);
});
afterAll(async () => {
  for (const resource of [plain, chatty, scorer]) await resource.release();
});

const ask = [{ role: 'user', content: 'what was it' }];
const begun = (content: string) => [...ask, { role: 'assistant', content }];

/** Log-probabilities of `text` behind `before`, by the graph that reads whole sequences. */
async function expected(before: string, text: string): Promise<{ ids: number[]; logProbs: Float32Array }> {
  const prompt = tokenizer.encode(before);
  const ids = tokenizer.encodeAfter(before, text);
  const { logProbs } = await scorer.run(tokenRows([[[...prompt, ...ids]]]));
  return { ids, logProbs: logProbs.slice(prompt.length - 1) };
}

describe('continuations', () => {
  const plainHead = '\n\nHuman: what was it\n\nAssistant:';
  const chatHead = '<|im_start|>user\nwhat was it<|im_end|>\n<|im_start|>assistant\n';
  it.each([
    [
      'a plain layout, whose answers begin with a space',
      'plain',
      ask,
      plainHead,
      [' the mat', ' a', ' that'],
    ],
    [
      'a beginning, whose space the layout cuts off',
      'plain',
      begun('It was '),
      `${plainHead} It was`,
      [' the mat', ' a', ' that'],
    ],
    ['a template of the model', 'chatty', ask, chatHead, ['the mat', 'a', 'that']],
    ['a beginning in a template', 'chatty', begun('It was'), `${chatHead}It was`, ['the mat', 'a', 'that']],
    ['an empty beginning', 'chatty', begun(''), chatHead, ['the mat', 'a', 'that']],
  ])('behind %s', async (_, which, messages, before, written) => {
    const model = which === 'plain' ? plain : chatty;
    const texts = ['the mat', 'a', 'that'];
    const result = await model.continuations({ messages, continueFinal: true }, texts);
    expect(result.promptTokens).toBe(tokenizer.encode(before).length);
    for (const [i, text] of written.entries()) {
      const { ids, logProbs } = await expected(before, text);
      expect(result.continuations[i].ids).toEqual(ids);
      expect(largestDifference(result.continuations[i].logProbs, logProbs)).toBeLessThan(1e-4);
    }
  });

  it('behind a text', async () => {
    const { continuations } = await plain.continuations({ prompt: 'the cat' }, [' sat on', 's']);
    for (const [i, text] of [' sat on', 's'].entries()) {
      const { ids, logProbs } = await expected('the cat', text);
      expect(continuations[i].ids).toEqual(ids);
      expect(largestDifference(continuations[i].logProbs, logProbs)).toBeLessThan(1e-4);
    }
  });

  it('are a distribution: the probabilities of all tokens sum to 1', async () => {
    const texts = Array.from({ length: tokenizer.vocabSize }, (_, id) => tokenizer.decode([id]));
    const whole = texts.filter((text, id) => text !== '' && tokenizer.encode(text).join() === String(id));
    const { continuations } = await chatty.continuations({ messages: ask }, whole);
    const single = continuations.filter(({ ids }) => ids.length === 1);
    const total = single.reduce((sum, { logProbs }) => sum + Math.exp(logProbs[0]), 0);
    expect(single.length).toBeGreaterThan(100);
    expect(total).toBeLessThanOrEqual(1 + 1e-5);
  });

  it('refuses an empty text, and one that a layout cuts off', async () => {
    await expect(chatty.continuations({ messages: ask }, ['a', ''])).rejects.toThrow(/"" has no tokens/);
    await expect(plain.continuations({ messages: begun('a'), continueFinal: true }, [' '])).rejects.toThrow(
      /" " has no tokens/,
    );
  });
});

describe('a response that has begun', () => {
  const options = { maxNewTokens: 30, temperature: 0 };
  it('goes on where the last message ends', async () => {
    const { text } = await chatty.submit({ messages: begun('that is'), continueFinal: true, options });
    const prompt = '<|im_start|>user\nwhat was it<|im_end|>\n<|im_start|>assistant\nthat is';
    const end = tokenizer.idOf('<|im_end|>')!;
    const [straight] = await chatty.generate([{ prompt, options: { ...options, stopIds: [end] } }]);
    expect(text).toBe(straight.text.trimEnd());
  });

  it('is another turn unless said otherwise', async () => {
    const messages = begun('that is');
    expect(chatty.promptIds({ messages })).toEqual(
      tokenizer.encode(
        '<|im_start|>user\nwhat was it<|im_end|>\n<|im_start|>assistant\nthat is<|im_end|>\n<|im_start|>assistant\n',
      ),
    );
  });
});

describe('echo', () => {
  it('begins the response with the prompt’s tokens, whose likelihood it tells', async () => {
    const prompt = 'the cat sat';
    const ids = tokenizer.encode(prompt);
    const { logProbs } = await scorer.run(tokenRows([[ids]]));
    const options = { maxNewTokens: 4, temperature: 0 };
    const echoed = await plain.submit({ prompt, echo: true, options });
    const [plainly] = await plain.generate([{ prompt: ids, options }]);
    expect([...echoed.ids]).toEqual([...ids.slice(1), ...plainly.ids]);
    expect(largestDifference(echoed.logProbs.subarray(0, ids.length - 1), logProbs)).toBeLessThan(1e-4);
    const none = await plain.submit({ prompt, echo: true, options: { maxNewTokens: 0 } });
    expect([...none.ids]).toEqual(ids.slice(1));
  });

  it('is not ended by a stop string in the prompt', async () => {
    const prompt = 'the cat sat on the mat';
    const options = { maxNewTokens: 6, temperature: 0 };
    const free = await plain.submit({ prompt, echo: true, options });
    const rest = prompt.slice(tokenizer.decode(tokenizer.encode(prompt).slice(0, 1)).length);
    expect(free.text.startsWith(rest)).toBe(true);
    const unmoved = await plain.submit({ prompt, echo: true, options: { ...options, stop: [' sat'] } });
    expect(unmoved).toEqual(free);
    const written = free.text.slice(rest.length);
    const stop = written.slice(2, 4);
    const cut = await plain.submit({ prompt, echo: true, options: { ...options, stop: [stop] } });
    expect(cut.text).toBe(rest + written.slice(0, written.indexOf(stop)));
    expect([cut.finish, cut.stopString]).toEqual(['stop', stop]);
  });
});
