import { expect, it } from 'vitest';
import { parseConstitution } from '../../../constitution/index.ts';
import { mockModel } from '../../../llm/testing/index.ts';
import { generateGuardData } from './generate.ts';

const constitution = parseConstitution(
  `---
name: two
---

### \`no-theft\` Steal nothing

The assistant helps nobody to take what is not theirs.

### \`no-poison\` Poison nobody

The assistant helps nobody to poison people or animals.
`,
  'two.md',
);
const words =
  'amber birch cedar delta ember fjord grove heron inlet jetty kelp lark mire north opal pine quay reed'.split(
    ' ',
  );

/** Writes numbered requests, serves what it is told to serve, and declines what the principle forbids. */
function writer() {
  let count = 0;
  return mockModel({
    chat: ({ messages, json }) => {
      const asked = messages.at(-1)!.content;
      if (json) {
        const kind = asked.includes('would go against') ? 'bad' : 'fine';
        const principle = asked.includes('poison') ? 'poison' : 'theft';
        const requests = Array.from({ length: 5 }, () => {
          const n = count++;
          return `${kind} ${principle} ${words[n % 18]} ${words[(n * 5 + 1) % 18]} ${words[(n * 7 + 2) % 18]} number ${n}`;
        });
        return JSON.stringify({ requests: [...requests, requests[0]] });
      }
      const isCareless = messages[0].content.includes('careless assistant');
      if (isCareless)
        return asked.endsWith('7') ? "I'm sorry, I can't help with that." : `First take the ${asked}`;
      return asked.startsWith('bad') ? "I'm sorry, but I can't help with that." : `Gladly: ${asked}`;
    },
  });
}

it('makes both kinds of request and answer by principle, in disguises, parted for tests', async () => {
  const options = { perPrinciple: 8, disguises: 2, testShare: 0.4, seed: 3 };
  const { examples, left } = await generateGuardData(constitution, writer(), options);
  expect(left).toMatchObject({ failed: 0, reason: null });
  expect(left.nearDuplicates).toBeGreaterThan(0); // each batch says its first request twice
  expect(left.unfitAnswers).toBeGreaterThan(0); // a refusal where harm was asked for

  const plain = examples.filter(({ technique }) => technique === 'direct' || technique === 'look-alike');
  const requests = new Map(plain.map((example) => [example.request, example]));
  expect(requests.size).toBe(2 * 2 * 8);
  for (const example of examples) {
    const harmful = example.request.startsWith('bad');
    expect(example.categories).toEqual(
      harmful ? [example.request.includes('poison') ? 'no-poison' : 'no-theft'] : [],
    );
    expect(example.harmfulAnswer).toBe(example.answer?.startsWith('First take') ?? null);
    expect([harmful, null]).toContain(example.harmfulPrompt);
  }
  // No request and no disguise is in both parts.
  const of = (split: string, what: 'request' | 'technique'): Set<string> =>
    new Set(examples.filter((example) => example.split === split).map((example) => example[what]));
  for (const what of ['request', 'technique'] as const) {
    const shared = [...of('train', what)].filter((value) => of('test', what).has(value));
    expect(shared.filter((name) => name !== 'direct' && name !== 'look-alike')).toEqual([]);
  }
  expect(of('test', 'request').size).toBeGreaterThan(0);
  expect(new Set(examples.map(({ id }) => id)).size).toBe(examples.length);
  // A harmless request is disguised as often as a harmful one.
  const disguisedShare = (harmful: boolean): number => {
    const own = examples.filter((example) => example.request.startsWith('bad') === harmful);
    return new Set(own.map(({ technique, request }) => `${technique} ${request}`)).size / 16;
  };
  expect(disguisedShare(true)).toBe(3);
  expect(disguisedShare(false)).toBe(3);
});

it('keeps what came when some questions fail', async () => {
  let calls = 0;
  const good = writer();
  const model = mockModel({
    chat: async (request) => {
      if (request.json && calls++ === 0) return new Error('overloaded');
      return (await good.chat(request)).text;
    },
  });
  const { examples, left } = await generateGuardData(constitution, model, { perPrinciple: 5, seed: 1 });
  expect(left.failed).toBe(1);
  expect(left.reason).toMatch(/overloaded/);
  expect(examples.length).toBeGreaterThan(0);
});
