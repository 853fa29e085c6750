/** Critique and comparison against a server that misbehaves: nothing lost, nothing asked twice, nothing misplaced. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  type ComparisonInput,
  comparisonOptions,
  critiqueOptions,
  parseConstitution,
  runCompareJob,
  runCritiqueJob,
  summariseCritiques,
} from '../src/constitution/index.ts';
import { type LanguageModel, openModel } from '../src/llm/index.ts';
import {
  type MisbehavingServer,
  misbehavingServer,
  randomFaults,
  type ServedRequest,
} from '../src/llm/testing/index.ts';
import { openStore, type Store } from '../src/store/index.ts';

const constitution = parseConstitution(
  'principles:\n' +
    '  - { id: a, text: Be calm., critiqueRequest: Is it calm?, revisionRequest: Make it calm., comparisonQuestion: Which one is calm? }\n',
  'c.yaml',
);
let store: Store;
let server: MisbehavingServer;
beforeEach(async () => {
  store = await openStore(':memory:');
});
afterEach(async () => {
  await store.close();
  await server.close();
});
const open = (): Promise<LanguageModel> =>
  openModel(`openai-compatible:m@${server.url}`, {
    cache: store.calls,
    retry: { firstWaitMs: 2, longestWaitMs: 10 },
    limits: { concurrency: 12 },
  });
const lastOf = ({ body }: ServedRequest): string => body.messages.at(-1)!.content;

it('a critique job gets every chain through, each step asked once and in its place', async () => {
  // Every text carries its item's number; now and then the critic says nothing of use.
  const answer = (request: ServedRequest): string => {
    const { messages } = request.body;
    const item = /item \d+/.exec(messages[0].content)![0];
    if (lastOf(request).startsWith('Is it')) {
      return request.body.seed! % 5 === 0 ? ' ' : `The assistant should speak of ${item} more calmly.`;
    }
    if (!lastOf(request).startsWith('Make it')) return `About ${item}: hurry!`;
    return `${messages.filter(({ role }) => role === 'assistant').at(-2)!.content} Take your time with ${item}.`;
  };
  server = await misbehavingServer({ answer, fault: randomFaults({ seed: 3, rate: 0.4 }) });
  const inputs = Array.from({ length: 25 }, (_, i) => ({ prompt: `item ${i}` }));
  const job = {
    ...{ constitution, inputs, seed: 1, options: critiqueOptions.parse({ rounds: 2, retries: 3 }) },
    journal: store.ledger,
  };
  const result = await runCritiqueJob({ ...job, responder: await open() });
  expect(result.failed).toEqual([]);
  for (const [i, chain] of result.chains.entries()) {
    const own = [
      chain!.initial!,
      ...chain!.rounds.flatMap(({ after, critiques }) => [after, critiques.at(-1)!.text]),
    ];
    for (const text of own.filter((one) => one !== '')) expect(text).toMatch(new RegExp(`item ${i}\\b`));
  }
  const { failures, rounds } = summariseCritiques(result);
  expect(rounds).toBe(50);
  expect(failures.critique.empty).toBeGreaterThan(0);
  const steps = await store.ledger.count();
  expect(server.answered).toHaveLength(steps);
  await runCritiqueJob({ ...job, responder: await open() });
  expect(server.answered).toHaveLength(steps);
});

it('a comparison job gets every pair through, wrong letters and endless answers included', async () => {
  const answer = (request: ServedRequest) => {
    const text = lastOf(request);
    if (!request.body.logprobs) return 'C, and here is a long story instead'.repeat(50);
    const a = text.indexOf('good') < text.indexOf('bad') ? 0.8 : 0.3;
    // For every fifth item the model would rather say something else than a letter.
    const isOdd = /item \d*[05]\b/.test(text);
    return {
      text: isOdd ? 'Well' : a > 0.5 ? 'A' : 'B',
      firstToken: { A: a / 2, B: (1 - a) / 2, Well: 0.5 },
    };
  };
  const faults = randomFaults({ seed: 8, rate: 0.4 });
  server = await misbehavingServer({ answer, fault: faults });
  const inputs: ComparisonInput[] = Array.from({ length: 25 }, (_, i) => ({
    prompt: `item ${i}`,
    responses: i % 2 === 0 ? [`good ${i}`, `bad ${i}`] : [`bad ${i}`, `good ${i}`],
  }));
  const job = {
    ...{ constitution, inputs, seed: 1, options: comparisonOptions.parse({}), journal: store.ledger },
  };
  const result = await runCompareJob({ ...job, judge: await open() });
  expect(result.failed).toEqual([]);
  for (const [i, item] of result.items.entries()) {
    expect(item!.responses).toEqual(inputs[i].responses);
    // First 0.8 and, in the other order, 1 − 0.3: the mean 0.75 is for the good one.
    expect(item!.ranking.pairs[0].probability).toBeCloseTo(i % 2 === 0 ? 0.75 : 0.25, 9);
    for (const { mass } of item!.ranking.pairs[0].principles[0].answers) expect(mass).toBeCloseTo(0.5, 9);
  }
  const asked = server.answered.length;
  expect(await store.ledger.count({ kinds: ['comparison'] })).toBe(50);
  expect(await store.ledger.count({ kinds: ['label'] })).toBe(25);
  await runCompareJob({ ...job, judge: await open() });
  expect(server.answered).toHaveLength(asked);
});
