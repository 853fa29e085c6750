import { describe, expect, it } from 'vitest';
import type { EngineAnswer, EngineToken, LocalEngine } from '../../llm/index.ts';
import { openAiApp } from './app.ts';

const token = (text: string): EngineToken =>
  ({ text, bytes: [], isControl: false, alternatives: null }) as never;

/** A server whose engine tells tokens and no text: what it writes is a stop text, or nothing. */
function served(tokens: readonly string[], answer: Partial<EngineAnswer>) {
  const engine = {
    load: 0,
    facts: { hash: 'sha256:0', contextLength: 10 },
    generate: async (_: unknown, { onToken }: { readonly onToken?: (token: EngineToken) => void }) => {
      for (const text of tokens) onToken?.(token(text));
      return { text: '', finish: 'stop', stopString: null, promptTokens: 1, outputTokens: 1, ...answer };
    },
  } as unknown as LocalEngine;
  const app = openAiApp({ id: 'tiny', engine, created: 0, mostRequests: 1, onFailure: () => {} });
  return async (stream: boolean): Promise<string> => {
    const body = {
      model: 'tiny',
      prompt: 'Hello',
      echo: true,
      max_tokens: 1,
      stop: '!',
      logprobs: 0,
      stream,
    };
    const headers = { host: 'localhost', 'content-type': 'application/json' };
    const response = await app.request('/v1/completions', {
      ...{ method: 'POST', headers },
      body: JSON.stringify(body),
    });
    expect(response.status).toBe(200);
    const parts = stream
      ? (await response.text()).split('\n\n').filter((event) => event.startsWith('data: {'))
      : [`data: ${await response.text()}`];
    const choices = parts.map((part) => JSON.parse(part.slice('data: '.length)).choices[0]);
    expect(choices.flatMap(({ logprobs }) => logprobs?.tokens ?? [])[0]).toBe('Hello');
    return choices.map(({ text }) => text).join('');
  };
}

describe.each([
  { name: 'is whole', stream: false },
  { name: 'is streamed', stream: true },
])('an echo of one token in an answer that $name', ({ stream }) => {
  it('is there where nothing follows', async () => {
    expect(await served(['Hello'], { finish: 'length' })(stream)).toBe('Hello');
  });

  it('is there where a stop text follows at once, which is not', async () => {
    expect(await served(['Hello', '!'], { stopString: '!' })(stream)).toBe('Hello');
  });
});
