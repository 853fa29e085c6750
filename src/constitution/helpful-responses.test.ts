import { expect, it } from 'vitest';
import type { Example } from '../data/index.ts';
import { mockModel } from '../llm/testing/index.ts';
import { describeMissing, helpfulResponses } from './helpful-responses.ts';

it('takes responses that are given, asks for the others, and says which are missing', async () => {
  const examples: Example[] = [
    { kind: 'completion', prompt: 'given', completion: 'Here you are.' },
    ...['asked', 'refused', 'broken'].map((prompt) => ({ kind: 'prompt', prompt }) as const),
  ];
  const policy = mockModel({
    chat: ({ messages }) => {
      const { content } = messages[0];
      if (content === 'broken') return new Error('out of order');
      return content === 'refused' ? "I'm sorry, I can't help with that." : 'Gladly.';
    },
  });
  const found = await helpfulResponses(examples, {
    ...{ policy, seed: 1, journal: null as never },
    options: { count: 1, temperature: 1, topP: 1, responseLength: 9 },
  });
  expect(found.responses.map(({ response }) => response)).toEqual(['Here you are.', 'Gladly.']);
  expect(found).toMatchObject({ leftOut: 1, failed: [{ reason: 'out of order' }] });
  expect(describeMissing(found, examples.length)).toBe(
    '2 of 4 helpful responses are empty, bare refusals or failed, and are left out. The first failure: out of order',
  );
  expect(describeMissing({ responses: [], leftOut: 0, failed: [] }, 0)).toBeNull();
});
