import { generateText, streamText, wrapLanguageModel } from 'ai';
import { MockLanguageModelV3, simulateReadableStream } from 'ai/test';
import { describe, expect, it } from 'vitest';
import type { ExchangeReport } from '../enforce/exchange.ts';
import type { GuardPolicyInput } from '../policy/policy.ts';
import { type LetterGuardOptions, letterGuard } from '../testing/letter-guard.ts';
import { guard } from './guard.ts';
import type { SdkPart } from './sdk-parts.ts';

const usage = {
  inputTokens: { total: 3, noCache: 3, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 4, text: 4, reasoning: 0 },
};
const stop = { unified: 'stop' as const, raw: 'stop' };
const refusal = 'I can’t help with that.';

/** A model of the SDK that says these parts, under a guard that finds `X` harmful. */
async function guarded(
  parts: readonly SdkPart[],
  policy: GuardPolicyInput = {},
  letters: Partial<LetterGuardOptions> = {},
) {
  const model = letterGuard({ scores: { X: 0.9 }, ...letters });
  const reports: ExchangeReport[] = [];
  const { middleware } = await guard(model, {
    policy,
    observers: [{ finished: (report) => reports.push(report) }],
    onFailure: () => {},
  });
  const text = parts.map((part) => (part.type === 'text-delta' ? part.delta : '')).join('');
  const mock = new MockLanguageModelV3({
    modelId: 'mock-1',
    doGenerate: { content: [{ type: 'text', text }], finishReason: stop, usage, warnings: [] },
    doStream: async () => ({
      stream: simulateReadableStream({
        chunks: [
          { type: 'stream-start', warnings: [] },
          ...parts,
          { type: 'finish', finishReason: stop, usage },
        ] as SdkPart[],
        initialDelayInMs: null,
        chunkDelayInMs: 0,
      }),
    }),
  });
  return { model: wrapLanguageModel({ model: mock, middleware }), mock, reports, letters: model };
}

const textParts = (...deltas: string[]): SdkPart[] => [
  { type: 'text-start', id: '1' },
  ...deltas.map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
  { type: 'text-end', id: '1' },
];

describe('generateText', () => {
  it('answers as the model does where all is harmless', async () => {
    const { model, reports } = await guarded(textParts('good ', 'day'));
    const { text, finishReason, totalUsage } = await generateText({
      model,
      prompt: 'hello',
      system: 'be kind',
    });
    expect([text, finishReason, totalUsage.outputTokens]).toEqual(['good day', 'stop', 4]);
    await new Promise(setImmediate);
    expect(reports).toMatchObject([
      {
        outcome: 'allowed',
        model: 'mock-1',
        messages: [{ role: 'system', content: 'be kind' }, { content: 'hello' }],
      },
    ]);
  });

  it('is refused for its prompt without asking the model, or for its answer', async () => {
    const { model, mock } = await guarded(textParts('X'));
    const first = await generateText({ model, prompt: 'an X' });
    expect([first.text, first.finishReason, first.totalUsage.outputTokens]).toEqual([
      refusal,
      'content-filter',
      0,
    ]);
    expect(mock.doGenerateCalls).toHaveLength(0);
    const second = await generateText({ model, prompt: 'a letter' });
    expect([second.text, second.finishReason]).toEqual([refusal, 'content-filter']);
    expect(second.providerMetadata?.tenet).toMatchObject({
      blocked: 'output',
      requestId: expect.any(String),
    });
  });

  it('fails where the guard does, without its inside', async () => {
    const { model } = await guarded(
      textParts('a'),
      {},
      { before: () => Promise.reject(new Error('no memory')) },
    );
    await expect(generateText({ model, prompt: 'hello', maxRetries: 0 })).rejects.toThrow(/withheld/);
  });

  it('is refused for a file, which a guard of texts cannot read', async () => {
    const { model } = await guarded(textParts('a'));
    const content = [{ type: 'image' as const, image: new Uint8Array([137, 80, 78, 71]) }];
    const asked = generateText({ model, messages: [{ role: 'user', content }], maxRetries: 0 });
    await expect(asked).rejects.toThrow(/cannot screen prompt\.0\.content\.0/);
    const image = { type: 'image-data' as const, data: 'iVBO', mediaType: 'image/png' };
    const output = { type: 'content' as const, value: [{ type: 'text' as const, text: 'a' }, image] };
    const result = { type: 'tool-result' as const, toolCallId: '1', toolName: 'camera', output };
    await expect(model.doGenerate({ prompt: [{ role: 'tool', content: [result] }] })).rejects.toThrow(
      /cannot screen prompt\.0\.content\.0\.output\.value\.1/,
    );
  });

  it('is refused for what a tool was given or has answered, whatever its fields are called', async () => {
    const { model, mock } = await guarded(textParts('a'));
    const output = { type: 'json' as const, value: { file: 'X' } };
    const result = { type: 'tool-result' as const, toolCallId: '1', toolName: 'read', output };
    await model.doGenerate({ prompt: [{ role: 'tool', content: [result] }] });
    expect(mock.doGenerateCalls).toHaveLength(0);
  });
});

describe('streamText', () => {
  const partsOf = async (model: Awaited<ReturnType<typeof guarded>>['model']): Promise<SdkPart[]> => {
    const { stream } = await model.doStream({
      prompt: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
    });
    const parts: SdkPart[] = [];
    for await (const part of stream as unknown as AsyncIterable<SdkPart>) parts.push(part);
    return parts;
  };

  it('streams what is harmless, piece by piece', async () => {
    const { model } = await guarded(textParts('good ', 'day'));
    const { textStream, finishReason } = streamText({ model, prompt: 'hello' });
    const pieces: string[] = [];
    for await (const piece of textStream) pieces.push(piece);
    expect(pieces).toEqual(['good ', 'day']);
    expect(await finishReason).toBe('stop');
  });

  it('stops before what is harmful, ends what has begun, and says the refusal', async () => {
    const { model, letters, reports } = await guarded([
      { type: 'reasoning-start', id: 'r' },
      { type: 'reasoning-delta', id: 'r', delta: 'hm' },
      ...textParts('good ', 'X', 'day'),
    ]);
    const { textStream, finishReason } = streamText({ model, prompt: 'hello' });
    let text = '';
    for await (const piece of textStream) text += piece;
    expect(text).not.toContain('X');
    expect(text.endsWith(refusal)).toBe(true);
    expect(await finishReason).toBe('content-filter');
    const parts = await partsOf(model);
    const count = (type: string) => parts.filter((part) => part.type === type).length;
    expect([count('text-start'), count('reasoning-start')]).toEqual([
      count('text-end'),
      count('reasoning-end'),
    ]);
    expect(parts.at(-1)).toMatchObject({ type: 'finish', finishReason: { unified: 'content-filter' } });
    await new Promise(setImmediate);
    expect([letters.openScreens, reports.map(({ outcome }) => outcome)]).toEqual([0, ['blocked', 'blocked']]);
  });

  it('screens tools’ input as it reads, and drops the provider’s own words', async () => {
    const { model } = await guarded([
      { type: 'raw', rawValue: 'X' },
      { type: 'tool-input-start', id: 't', toolName: 'run' },
      { type: 'tool-input-delta', id: 't', delta: '{"a":"\\u00' },
      { type: 'tool-input-delta', id: 't', delta: '58"}' },
      { type: 'tool-input-end', id: 't' },
      { type: 'tool-call', toolCallId: 't', toolName: 'run', input: '{"a":"\\u0058"}' },
    ]);
    const parts = await partsOf(model);
    expect(parts.some(({ type }) => type === 'raw' || type === 'tool-call')).toBe(false);
    expect(JSON.stringify(parts)).not.toContain('58"}');
    expect(parts.at(-1)).toMatchObject({ finishReason: { unified: 'content-filter' } });
  });

  it('ends with an error where the guard fails', async () => {
    const before: LetterGuardOptions['before'] = (what, text) =>
      what === 'push' && text.includes('!') ? Promise.reject(new Error('no memory')) : undefined;
    const { model } = await guarded(textParts('a', '!'), {}, { before });
    const parts = await partsOf(model);
    expect(parts.at(-1)).toMatchObject({ type: 'error' });
    expect(JSON.stringify(parts)).not.toContain('"!"');
  });

  it('ends the model’s work when nobody reads on, though it says nothing more', async () => {
    const { mock, model, reports } = await guarded([]);
    let isCancelled = false;
    mock.doStream = async () => ({
      stream: new ReadableStream<SdkPart>({
        start: (controller) => controller.enqueue({ type: 'stream-start', warnings: [] }),
        cancel: () => {
          isCancelled = true;
        },
      }),
    });
    const { stream } = await model.doStream({
      prompt: [{ role: 'user', content: [{ type: 'text', text: 'hello' }] }],
    });
    const reader = stream.getReader();
    await reader.read();
    const next = reader.read(); // waits for what never comes
    await new Promise(setImmediate);
    await reader.cancel();
    await next;
    await new Promise(setImmediate);
    expect([isCancelled, reports.map(({ outcome }) => outcome)]).toEqual([true, ['aborted']]);
  });

  it('is left alone in shadow mode', async () => {
    const { model, reports } = await guarded(textParts('X'), { defaults: { mode: 'shadow' } });
    const { text } = streamText({ model, prompt: 'X' });
    expect(await text).toBe('X');
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(reports).toMatchObject([
      { outcome: 'allowed', input: { blocked: true }, answers: [{ verdict: { blocked: true } }] },
    ]);
  });
});
