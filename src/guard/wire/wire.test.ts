import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AnswerText } from './answer-text.ts';
import { batchesOf } from './batches.ts';
import { chatConversation, completionPrompts } from './conversation.ts';
import { EventReader } from './read-events.ts';
import { JsonTextReader, otherContentIn } from './texts.ts';

describe('JSON text in pieces', () => {
  it('reads as the whole does, however it is cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', '\\', '"', '\n', 'u', '0', '😀', 'é') }),
        fc.integer({ min: 1, max: 4 }),
        (text, size) => {
          // As a cautious writer spells it: every letter an escape.
          const spelled = [...text]
            .flatMap((letter) => letter.split(''))
            .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
            .join('');
          for (const json of [spelled, JSON.stringify(text).slice(1, -1)]) {
            const reader = new JsonTextReader();
            let read = '';
            for (let at = 0; at < json.length; at += size) read += reader.read(json.slice(at, at + size));
            expect(read).toBe(text);
            expect(reader.isWithinEscape).toBe(false);
          }
        },
      ),
    );
  });
});

describe('events in pieces', () => {
  it('are the same however the bytes are cut, with any line ends', () => {
    const events = ['{"a":"é"}', 'two\nlines', '[DONE]'];
    fc.assert(
      fc.property(
        fc.constantFrom('\n', '\r\n'),
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        (end, size, isWhole) => {
          const text = events
            .map(
              (data) =>
                `: note${end}${data
                  .split('\n')
                  .map((line) => `data: ${line}${end}`)
                  .join('')}${end}`,
            )
            .join('');
          // Servers that end without a last empty line are read too.
          const bytes = new TextEncoder().encode(isWhole ? text : text.slice(0, -end.length));
          const reader = new EventReader(1000);
          const read: string[] = [];
          for (let at = 0; at < bytes.length; at += size)
            read.push(...reader.read(bytes.slice(at, at + size)));
          expect([...read, ...reader.end()]).toEqual(events);
        },
      ),
    );
  });

  it('are refused when they never end', () => {
    const reader = new EventReader(100);
    expect(() => reader.read(new TextEncoder().encode(`data: ${'x'.repeat(200)}`))).toThrow(/more than 100/);
  });
});

describe('batches', () => {
  it('hand over what came meanwhile, in order, then the error', async () => {
    async function* source() {
      for (let i = 0; i < 20; i++) {
        if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        yield [i, i + 0.5];
      }
      throw new Error('broke');
    }
    const seen: number[] = [];
    const read = async () => {
      for await (const batch of batchesOf(source(), 6, () => {})) {
        seen.push(...batch);
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    await expect(read()).rejects.toThrow('broke');
    expect(seen).toEqual(Array.from({ length: 20 }, (_, i) => [i, i + 0.5]).flat());
  });

  it('do not read on and on while nobody takes them', async () => {
    let given = 0;
    async function* source() {
      for (;;) yield [given++];
    }
    const batches = batchesOf(source(), 10, () => {});
    await batches.next();
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(given).toBeLessThan(30);
    await batches.return();
  });
});

describe('conversations', () => {
  it('hold all that the model reads: parts, tools, their calls and answers, templates', () => {
    const { prompts, unreadable } = chatConversation({
      model: 'unread',
      user: 'unread',
      messages: [
        { role: 'developer', content: 'be kind' },
        {
          role: 'user',
          name: 'ann',
          content: [
            { type: 'text', text: 'one' },
            { type: 'text', text: 'two' },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'x', type: 'function', function: { name: 'shell', arguments: '{"c":"\\u0062omb"}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'x', content: 'done' },
      ],
      tools: [{ type: 'function', function: { name: 'shell', description: 'runs a command' } }],
      chat_template: 'say this',
    });
    expect(unreadable).toBeNull();
    expect(prompts).toEqual([
      [
        { role: 'system', content: 'shell\nruns a command\nsay this' },
        { role: 'system', content: 'be kind' },
        { role: 'user', content: 'ann\none\ntwo' },
        { role: 'assistant', content: 'shell\n{"c":"bomb"}' },
        { role: 'tool', content: 'done' },
      ],
    ]);
  });

  it('hold what stands where names and data do', () => {
    const properties = {
      id: { type: 'string', description: 'one' },
      file: { enum: ['two'] },
      'three words here': { type: 'string' },
    };
    const { prompts } = chatConversation({
      messages: [
        { role: 'user says four', id: 'msg-1', content: 'five', type: 'six of\tit' },
        { role: 'constructor', content: 'seven' },
      ],
      tools: [{ type: 'function', function: { name: 'tool', parameters: { type: 'object', properties } } }],
      audio: { voice: 'unread', format: 'wav' },
    });
    expect(prompts).toEqual([
      [
        { role: 'system', content: 'tool\none\ntwo\nthree words here' },
        { role: 'user', content: 'user says four\nfive\nsix of\tit' },
        { role: 'user', content: 'seven' },
      ],
    ]);
  });

  it('say where something is that is no text', () => {
    const image = { type: 'image_url', image_url: { url: 'data:…' } };
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'look' }, image] }];
    expect(chatConversation({ messages }).unreadable).toBe('messages.0.content.1.image_url');
    expect(completionPrompts({ prompt: [1, 2, 3] }).unreadable).toBe('prompt');
    expect(completionPrompts({ prompt: ['a', [1]] }).unreadable).toBe('prompt.1');
    expect(otherContentIn({ audio: null, content: 'a' })).toBeNull();
    // Forms of the AI SDK, Anthropic and vLLM.
    for (const part of [
      { type: 'file', mediaType: 'image/png', url: 'data:…' },
      { type: 'image', source: { type: 'url', url: 'https://…' } },
      { type: 'document', source: { type: 'base64', data: '…' } },
      { type: 'audio_url', audio_url: { url: 'data:…' } },
      { type: 'tool-result', output: { type: 'content', value: [{ type: 'image-data', data: '…' }] } },
    ]) {
      expect(chatConversation({ messages: [{ role: 'user', parts: [part] }] }).unreadable).toMatch(
        /^messages\.0\.parts\.0/,
      );
    }
    expect(otherContentIn([{ type: 'text' }, { type: 'function' }, { type: 'source-url' }])).toBeNull();
  });

  it('are one for each prompt', () => {
    const { prompts, answersPerPrompt } = completionPrompts({ prompt: ['a', 'b'], n: 3, suffix: 'end' });
    expect(prompts.map((messages) => messages.map(({ content }) => content))).toEqual([
      ['end', 'a'],
      ['end', 'b'],
    ]);
    expect(answersPerPrompt).toBe(3);
  });
});

describe('what an answer says', () => {
  it('is followed through its fields, and tools’ arguments as they read', () => {
    const text = new AnswerText();
    const call = (piece: string) => ({
      delta: { tool_calls: [{ index: 0, function: { arguments: piece } }] },
    });
    const said = [
      text.read({ index: 0, delta: { role: 'assistant', content: 'He' } }),
      text.read({ index: 0, delta: { content: 'llo' } }),
      text.read({ index: 0, delta: { reasoning_content: 'hm' } }),
      text.read(call('{"a":"\\u00')),
      text.read(call('62"}')),
      text.read({ index: 0, delta: { content: '' }, logprobs: { content: [{ token: 'x' }] } }),
    ];
    expect(said.map((piece) => piece.text)).toEqual(['He', 'llo', '\nhm', '\n{"a":"', 'b"}', '']);
    expect(said.map(({ ahead }) => ahead)).toEqual([false, false, false, true, false, true]);
  });
});
