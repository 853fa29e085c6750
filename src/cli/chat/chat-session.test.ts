import { expect, it } from 'vitest';
import { TenetError } from '../../base/error.ts';
import type { TextRequest } from '../../model/index.ts';
import { ChatSession, type ChatSessionOptions } from './chat-session.ts';

/** A model that answers in three pieces and counts one token per word. */
function session(options: { contextLength?: number; system?: string; onPiece?: () => void } = {}) {
  const requests: TextRequest[] = [];
  const notices: string[] = [];
  let shown = '';
  const promptIds = ({ messages }: TextRequest): number[] =>
    (messages ?? []).flatMap(({ content }) =>
      String(content)
        .split(' ')
        .map(() => 1),
    );
  const model = {
    contextLength: options.contextLength ?? 1000,
    defaults: {},
    promptIds,
    stream: (request: TextRequest, { signal }: { signal?: AbortSignal } = {}) => {
      requests.push(request);
      const question = String(request.messages!.at(-1)!.content);
      return (async function* () {
        if (question === 'fail') throw new TenetError('usage', 'The model cannot do that.');
        for (const piece of ['You said ', question, '.']) {
          if (signal?.aborted) throw new TenetError('interrupted', 'Generation was interrupted.');
          yield piece;
        }
      })();
    },
  } as unknown as ChatSessionOptions['model'];
  const chat = new ChatSession({
    model,
    system: options.system,
    sampling: { temperature: 0.5, maxNewTokens: 10 },
    seed: 7,
    onText: (piece) => {
      shown += piece;
      options.onPiece?.();
    },
    onNotice: (notice) => notices.push(notice),
  });
  return { chat, requests, notices, shown: () => shown };
}

const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });

it('keeps the conversation and gives each reply its own seed', async () => {
  const { chat, requests, shown } = session({ system: 'Be kind.' });
  expect(await chat.take(' one ')).toEqual({ kind: 'reply', text: 'You said one.', interrupted: false });
  await chat.take('two');
  expect(shown()).toBe('You said one.You said two.');
  const system = { role: 'system', content: 'Be kind.' };
  expect(requests[1].messages).toEqual([system, user('one'), assistant('You said one.'), user('two')]);
  expect(requests.map(({ options }) => options)).toEqual([
    { temperature: 0.5, maxNewTokens: 10, seed: 7 },
    { temperature: 0.5, maxNewTokens: 10, seed: 8 },
  ]);
});

it('knows its commands, and sends no other line that begins with a slash', async () => {
  const { chat, requests, notices } = session();
  await chat.take('one');
  expect(await chat.take('/reset')).toEqual({ kind: 'command' });
  expect(chat.messages).toEqual([]);
  await chat.take('/system');
  await chat.take('one');
  await chat.take('/system Answer in rhyme.  ');
  expect(chat.messages).toEqual([{ role: 'system', content: 'Answer in rhyme.' }]);
  await chat.take('/sytem');
  expect(await chat.take('')).toEqual({ kind: 'command' });
  expect(notices).toEqual([
    'The conversation is forgotten.',
    'There is no system message.',
    'System message: Answer in rhyme.',
    expect.stringMatching(/^There is no command \/sytem\.\n\/reset/),
  ]);
  expect(requests).toHaveLength(2);
  expect(await chat.take('/exit')).toEqual({ kind: 'exit' });
});

it('keeps what was said of a reply that is interrupted', async () => {
  const { chat } = session({ onPiece: () => chat.interrupt() });
  expect(chat.interrupt()).toBe(false);
  expect(await chat.take('one')).toEqual({ kind: 'reply', text: 'You said ', interrupted: true });
  expect(chat.messages).toEqual([user('one'), assistant('You said ')]);
  expect(chat.interrupt()).toBe(false);
});

it('tells what goes wrong and forgets the message that caused it', async () => {
  const { chat, notices } = session();
  await chat.take('one');
  expect(await chat.take('fail')).toEqual({ kind: 'command' });
  expect(notices).toEqual(['The model cannot do that.']);
  expect(chat.messages).toEqual([user('one'), assistant('You said one.')]);
});

it('forgets the oldest exchanges when the context is full, never the system message', async () => {
  // 24 tokens, of which 6 stay free: 18 for system (2), exchanges of 1 + 3 each, and the new message.
  const { chat, requests, notices } = session({ contextLength: 24, system: 'Be kind.' });
  for (const message of ['1', '2', '3', '4']) await chat.take(message);
  expect(notices).toEqual([]);
  await chat.take('5'); // 2 + 4 · 4 + 1 = 19 tokens
  expect(notices).toEqual([expect.stringMatching(/outgrew the model’s 24 tokens: the oldest exchange was/)]);
  const contents = requests[4].messages!.map(({ content }) => content);
  expect(contents.slice(0, 3)).toEqual(['Be kind.', '2', 'You said 2.']);
  expect(contents.at(-1)).toBe('5');
});
