import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { validateRecord } from '../../data/index.ts';
import type { ChoiceRequest } from '../../llm/index.ts';
import { type MockModel, mockModel } from '../../llm/testing/index.ts';
import { type LedgerEvent, openStore, type Store } from '../../store/index.ts';
import { parseConstitution } from '../load-constitution.ts';
import { type CompareJob, runCompareJob } from './compare-job.ts';
import { comparisonOptions } from './options.ts';
import { softPreferences, softRanking } from './records.ts';
import { type ComparisonReport, reportComparisons } from './report.ts';

const constitution = parseConstitution(
  'principles:\n  - { id: a, text: A., comparisonQuestion: Which one? }\n  - { id: b, text: B., comparisonQuestion: Which other? }\n',
  'test.yaml',
);

/** The two responses of a question, in the order shown. */
function shown({ messages }: Pick<ChoiceRequest, 'messages'>): [string, string] {
  const [, a, b] = /A>\n([\s\S]*?)\n<\/response A>\n\n<response B>\n([\s\S]*?)\n</.exec(messages[0].content)!;
  return [a, b];
}
const lengthJudge = (): MockModel =>
  mockModel({
    choose: (request) => {
      const [a, b] = shown(request);
      return [a.length, b.length];
    },
  });
const job = (judge: MockModel, rest: Partial<CompareJob> & { readonly set?: object } = {}): CompareJob => {
  const { set = {}, ...others } = rest;
  return { judge, constitution, inputs: [], options: comparisonOptions.parse(set), seed: 3, ...others };
};
const inputs = Array.from({ length: 12 }, (_, i) => ({
  prompt: `question ${i}`,
  responses: ['x'.repeat(1 + (i % 4)), 'y'.repeat(3), 'z'.repeat(2)].slice(0, 2 + (i % 2)),
}));

describe('a comparison job', () => {
  let folder: string;
  let store: Store;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-compare-'));
    store = await openStore(join(folder, 'store.db'));
  });
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  it('repeats nothing when it is resumed, and ends as if it never was stopped', async () => {
    const whole = lengthJudge();
    const set = { principles: 'all' };
    const expected = await runCompareJob(job(whole, { inputs, set, concurrency: 3 }));
    // Six items of one pair and six of three, each under two principles in two orders.
    expect(whole.calls).toHaveLength((6 + 18) * 4);
    const controller = new AbortController();
    let answered = 0;
    const stopping = mockModel({
      choose: (request) => {
        if (++answered === 40) controller.abort();
        const [a, b] = shown(request);
        return [a.length, b.length];
      },
    });
    const rest = { inputs, set, concurrency: 3, journal: store.ledger };
    const stopped = runCompareJob(job(stopping, { ...rest, signal: controller.signal }));
    await expect(stopped).rejects.toMatchObject({ code: 'interrupted' });
    const kept = await store.ledger.count({ kinds: ['comparison'] });
    const resumed = lengthJudge();
    const result = await runCompareJob(job(resumed, rest));
    expect(result.items).toEqual(expected.items);
    expect(resumed.calls).toHaveLength((6 + 18) * 4 - kept);
    expect(await store.ledger.count({ kinds: ['label'] })).toBe(12);
    await runCompareJob(job(resumed, rest));
    expect(resumed.calls).toHaveLength((6 + 18) * 4 - kept);
  });

  it('writes down every answer with the order shown, and what they come to', async () => {
    const judge = lengthJudge();
    const one = [{ prompt: 'once', responses: ['xxx', 'y'], humanRanks: [2, 1] }];
    const { job: name } = await runCompareJob(
      job(judge, { inputs: one, journal: store.ledger, runId: 'run-1' }),
    );
    const events: LedgerEvent[] = [];
    for await (const event of store.ledger.read({ project: name })) events.push(event);
    expect(events.map(({ kind }) => kind)).toEqual(['comparison', 'comparison', 'label']);
    const [first, second, label] = events;
    expect([first.shownOrder, second.shownOrder]).toEqual([
      [0, 1],
      [1, 0],
    ]);
    for (const { probabilities } of events) expect(probabilities).toEqual([0.75, 0.25]);
    expect(label).toMatchObject({
      ranks: [1, 2],
      basedOn: [first.id, second.id],
      principles: first.principles,
      constitution: { hash: constitution.hash },
      runId: 'run-1',
      extra: {
        humanRanks: [2, 1],
        preferences: [
          [null, 0.75],
          [0.25, null],
        ],
      },
    });
    expect(label.itemHash).toBe(first.itemHash);
  });

  it('samples responses once, however often they are compared, and leaves out prompts whose responses are alike', async () => {
    let samples = 0;
    const policy = mockModel({
      id: 'policy',
      chat: ({ messages }) => (messages[0].content === 'dull' ? 'same' : `answer ${'!'.repeat(++samples)}`),
    });
    const rest = {
      policy,
      sampling: { count: 3, temperature: 1, topP: 1, responseLength: 20 },
      inputs: [{ prompt: 'lively' }, { prompt: 'dull' }],
      journal: store.ledger,
    };
    const result = await runCompareJob(job(lengthJudge(), rest));
    expect(result.alike).toEqual([1]);
    expect(result.items[0]!.responses).toHaveLength(3);
    expect(result.items[1]).toBeNull();
    const longest = Math.max(...result.items[0]!.responses.map((text) => text.length));
    expect(result.items[0]!.responses[result.items[0]!.ranking.ranks.indexOf(1)]).toHaveLength(longest);
    await runCompareJob(job(lengthJudge(), { ...rest, set: { principles: 'all' } }));
    expect(policy.calls).toHaveLength(6);
    expect(new Set(policy.calls.slice(0, 3).map(({ seed }) => seed)).size).toBe(3);
  });

  it('makes records that training reads, soft labels and all', async () => {
    const { items } = await runCompareJob(job(lengthJudge(), { inputs }));
    for (const item of items) {
      expect(validateRecord(softRanking(item!), 'ranking')).toEqual([]);
      for (const pair of softPreferences(item!)) {
        expect(validateRecord(pair, 'preference')).toEqual([]);
        expect(pair.chosen[0].content.length).toBeGreaterThan(pair.rejected[0].content.length);
        expect(pair.probability).toBeCloseTo(
          pair.chosen[0].content.length / (pair.chosen[0].content.length + pair.rejected[0].content.length),
          12,
        );
      }
    }
    // Item 2 has xxx and yyy: level, so there is no pair, and the ranking says so.
    expect(softPreferences(items[2]!)).toEqual([]);
    expect(softRanking(items[2]!).ranks).toEqual([1, 1]);
  });
});

describe('the report', () => {
  const pairs = Array.from({ length: 40 }, (_, i) => ({
    prompt: `q${i}`,
    responses: [`${'a'.repeat(2 + (i % 7))} good`, `${'b'.repeat(12 - (i % 5))}`],
    humanRanks: i % 4 === 0 ? [2, 1] : [1, 2],
  }));
  const reportOf = async (
    judge: MockModel,
    rest: Parameters<typeof job>[1] = {},
    orderIsNeutral = true,
  ): Promise<ComparisonReport> =>
    reportComparisons(await runCompareJob(job(judge, { inputs: pairs, ...rest })), {
      orderIsNeutral,
      seed: 1,
    });

  it('finds a judge that looks at nothing but the place', async () => {
    const report = await reportOf(mockModel({ choose: () => [0.8, 0.2] }));
    expect(report.position.firstShare!.estimate).toBeCloseTo(0.8, 12);
    expect(report.position.flips).toMatchObject({ estimate: 1 });
    expect(report.position.flipsToFirst).toBe(1);
    expect(report.confidence).toBeCloseTo(0, 12); // the two orders cancel
    expect(report.agreement!.accuracy.estimate).toBeCloseTo(0.5, 12);
  });

  it('finds a judge that prefers length, and says what people do', async () => {
    const report = await reportOf(lengthJudge());
    const uneven = pairs.filter(({ responses: [a, b] }) => a.length !== b.length);
    const longerForPeople = uneven.filter(
      ({ responses: [a, b], humanRanks: [rankA] }) => a.length > b.length === (rankA === 1),
    ).length;
    expect(report.length.longerWins!.estimate).toBe(1);
    expect(report.length.correlation).toBeGreaterThan(0.99);
    expect(report.length.longerWinsForPeople!.estimate).toBeCloseTo(longerForPeople / uneven.length, 12);
    expect(report.agreement!.longestWins.estimate).toBeCloseTo(
      (longerForPeople + (pairs.length - uneven.length) / 2) / pairs.length,
      12,
    );
    expect(report.agreement!.accuracy.estimate).toBeCloseTo(report.agreement!.longestWins.estimate, 12);
    expect(report.position.firstShare!.estimate).toBeCloseTo(0.5, 1);
    expect(report.position.flips!.estimate).toBe(0);
  });

  it('measures agreement with people by hand-made numbers', async () => {
    // Always 0.9 for "good", which people prefer in three of four.
    const judge = mockModel({
      choose: (request) => (shown(request)[0].includes('good') ? [0.9, 0.1] : [0.1, 0.9]),
    });
    const { agreement } = await reportOf(judge);
    expect(agreement!.accuracy.estimate).toBe(0.75);
    expect(agreement!.accuracy.low).toBeGreaterThan(0.58); // Wilson, 30 of 40: 0.598 to 0.858
    expect(agreement!.accuracy.high).toBeLessThan(0.87);
    expect(agreement!.brier).toBeCloseTo(0.75 * 0.01 + 0.25 * 0.81, 12);
    expect(agreement!.logLoss).toBeCloseTo(-0.75 * Math.log(0.9) - 0.25 * Math.log(0.1), 12);
    expect(agreement!.calibrationError).toBeCloseTo(0.15, 12);
    expect(agreement!.firstWins!.estimate).toBe(0.75);
    expect((await reportOf(judge, {}, false)).agreement!.firstWins).toBeNull();
  });

  it('asks some pairs again: in other words always, the same words only where chance plays a part', async () => {
    const exact = await reportOf(lengthJudge(), { recheck: 10 });
    expect(exact.consistency).toMatchObject([{ kind: 'reword', pairs: 10, meanChange: 0 }]);
    let calls = 0;
    const whims = mockModel({
      exactChoices: false,
      choose: (request) => {
        const isReworded = request.messages[0].content.includes('candidates');
        calls++;
        return shown(request)[0].includes('good') === isReworded ? [0.3, 0.7] : [0.8, 0.2];
      },
    });
    const report = await reportOf(whims, { recheck: 10 });
    expect(calls).toBe((40 + 20) * 2);
    expect(report.consistency.map(({ kind, same }) => [kind, same.estimate])).toEqual([
      ['repeat', 1],
      ['reword', 0],
    ]);
    // First 0.8 and 1 − 0.3: 0.75 for good. Reworded 0.3 and 1 − 0.8: 0.25.
    expect(report.consistency[1].meanChange).toBeCloseTo(0.5, 12);
    expect(report.methods).toEqual({ votes: 80 });
  });

  it('widens intervals where pairs share their prompt', async () => {
    const many = inputs.map((input, i) => ({
      ...input,
      humanRanks: input.responses.map((_, n) => 1 + ((n + i) % 3)),
    }));
    const report = await reportOf(lengthJudge(), { inputs: many });
    expect(report.pairs).toBe(24);
    expect(report.items).toBe(12);
    expect(report.agreement!.accuracy.high).toBeGreaterThan(report.agreement!.accuracy.low);
  });

  it('tells a judge that did not answer', async () => {
    const report = await reportOf(mockModel({ choose: () => ({ probabilities: [1, 1], mass: 0.1 }) }));
    expect(report.mass).toMatchObject({ lowShare: 1 });
    expect(report.mass.mean).toBeCloseTo(0.1, 12);
  });
});
