import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { chatJson } from './chat-json.ts';
import { mockModel } from './testing/index.ts';

const schema = z.strictObject({ vague: z.array(z.string()), score: z.number().min(0).max(1) });
const messages = [{ role: 'user' as const, content: 'Which words are vague?' }];
const good = { vague: ['good'], score: 0.5 };

describe('chatJson', () => {
  it.each([
    ['as it is', JSON.stringify(good)],
    ['in a fence', `Here it is:\n\`\`\`json\n${JSON.stringify(good)}\n\`\`\`\nBest wishes`],
    ['among words', `Sure! ${JSON.stringify(good)} Anything else?`],
  ])('reads JSON %s', async (_, text) => {
    const model = mockModel({ chat: [text] });
    expect((await chatJson(model, { messages, schema })).value).toEqual(good);
    expect(model.calls[0]).toMatchObject({
      json: { name: 'answer', schema: { required: ['vague', 'score'] } },
    });
    expect(model.calls[0].messages[0].content).toMatch(
      /^Which words are vague\?\n\nAnswer with JSON of this form/,
    );
  });

  it('tells what was wrong and asks again', async () => {
    const model = mockModel({
      chat: ['{"vague": "good", "score": 2}', JSON.stringify(good)],
      usage: { costUsd: 1, latencyMs: 2 },
    });
    const { value, usage } = await chatJson(model, { messages, schema });
    expect(value).toEqual(good);
    expect(usage).toMatchObject({ costUsd: 2, latencyMs: 4 });
    const [, answer, correction] = model.calls[1].messages;
    expect(answer).toEqual({ role: 'assistant', content: '{"vague": "good", "score": 2}' });
    expect(correction.content).toMatch(/That does not fit: .*expected array[\s\S]*at vague/);
  });

  it('gives up with what was wrong, and what was said', async () => {
    const model = mockModel({ chat: ['I would rather not.'] });
    const failed = chatJson(model, { messages, schema, corrections: 2 });
    await expect(failed).rejects.toThrow(/mock did not answer in the form asked for: it is not JSON/);
    await expect(failed).rejects.toMatchObject({
      code: 'provider',
      details: { answer: 'I would rather not.' },
    });
    expect(model.calls).toHaveLength(3);
  });

  it('says so when the answer was cut off', async () => {
    const model = mockModel({ chat: [{ text: '{"vague": [', finish: 'length' }] });
    await expect(chatJson(model, { messages, schema })).rejects.toThrow(/cut off at its limit of tokens/);
  });
});
