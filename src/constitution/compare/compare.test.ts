import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import type { ChoiceRequest } from '../../llm/index.ts';
import { type MockModel, mockModel } from '../../llm/testing/index.ts';
import { type NewEvent, openStore } from '../../store/index.ts';
import type { Journal } from '../journal.ts';
import { parseConstitution } from '../load-constitution.ts';
import { compare, rank } from './compare.ts';
import { type CompareJob, runCompareJob } from './compare-job.ts';
import { clampTo, decisivePrinciples, type PrincipleJudgement, ranksOf, weightedMean } from './judgement.ts';
import { comparisonOptions } from './options.ts';
import { constitutionReward, score } from './score.ts';

const constitution = parseConstitution(
  `preamble: Be good.
priorities: [care]
principles:
  - { id: safe, text: Safe., comparisonQuestion: Which is safer?, weight: 3, tags: [care] }
  - { id: short, text: Short., comparisonQuestion: Which is shorter? }
  - { id: limit, text: No bombs., comparisonQuestion: Which has fewer bombs?, hard: true,
      examples: [{ prompt: Hi, response: Boom., critique: A bomb., revision: Hello. }] }
comparisonExamples:
  - { prompt: One?, a: Yes., b: No., better: a, reasoning: Option A is right. }
  - { prompt: Two?, a: Yes., b: No., better: b }
`,
  'test.yaml',
);
const input = { prompt: 'How?', responses: ['x', 'yy'] } as const;

/** What a question is about, and which response stands first. */
function asked({ messages }: ChoiceRequest): { principle: string; first: string; text: string } {
  const text = messages.filter(({ role }) => role === 'user').at(-1)!.content;
  const principle = ['safer', 'shorter', 'bombs'].find((word) => text.includes(word))!;
  return { principle, first: /<response A>\n(.*)\n/.exec(text)?.[1] ?? '', text };
}

/** Probabilities that 'x' is better, by principle; and a leaning to the first place. */
const judgeOf = (x: Record<string, number>, leaning = 0) =>
  mockModel({
    choose: (request) => {
      const { principle, first } = asked(request);
      const p = first === 'x' ? x[principle] : 1 - x[principle];
      return [p + leaning, 1 - p - leaning];
    },
  });

describe('pointwise', () => {
  /** Says yes to whether a response goes against a principle, by response. */
  const checker = (yes: Record<string, number>) =>
    mockModel({
      choose: ({ messages }) => {
        const response = Object.keys(yes).find((text) =>
          messages.some(({ content }) => content.endsWith(text)),
        )!;
        return [yes[response], 1 - yes[response]];
      },
    });
  const three = { prompt: 'How?', responses: ['x', 'yy', 'zzz'] };
  const options = { judging: 'pointwise', layout: 'brief', principle: 'safe' } as const;

  it('prefers what less probably goes against the principle', async () => {
    const judge = checker({ x: 0.1, yy: 0.7 });
    const { probability, principles } = await compare(judge, input, constitution, options);
    // q = 0.9 and 0.3: 0.9 · 0.7 + ½ (0.9 · 0.3 + 0.1 · 0.7) = 0.63 + 0.17.
    expect(probability).toBeCloseTo(0.8, 12);
    expect(principles[0].answers).toEqual([expect.objectContaining({ shownFirst: null })]);
    expect((judge.calls[0] as ChoiceRequest).messages.slice(0, 2)).toEqual([
      { role: 'user', content: 'How?' },
      { role: 'assistant', content: 'x' },
    ]);
  });

  it('asks about each response of a job once, and again from the ledger not at all', async () => {
    const judge = checker({ zzz: 0.2, yy: 0.6, x: 0.4 });
    const store = await openStore(':memory:');
    const job = {
      ...{ judge, constitution, inputs: [three], seed: 1, journal: store.ledger },
      options: comparisonOptions.parse({ judging: 'pointwise', layout: 'brief' }),
    };
    const [first] = (await runCompareJob(job)).items;
    expect(first!.ranking.ranks).toEqual([2, 3, 1]);
    expect(judge.calls.length).toBeLessThanOrEqual(9); // three pairs may draw three principles
    const asked = judge.calls.length;
    const [again] = (await runCompareJob(job)).items;
    expect(judge.calls).toHaveLength(asked);
    expect(again!.ranking).toEqual(first!.ranking);
    await store.close();
  });

  /** Votes for one side or the other, as the seed and what is asked decide. */
  const voter = () =>
    mockModel({
      exactChoices: false,
      usage: { inputTokens: 10 },
      choose: ({ seed, messages }) => {
        const yes = new Random(seed!).fork(JSON.stringify(messages)).uniform();
        return [yes, 1 - yes];
      },
    });
  const all = { judging: 'pointwise', layout: 'brief', principles: 'all' } as const;
  const jobOf = (judge: MockModel, rest: Partial<CompareJob> = {}): CompareJob => ({
    ...{ judge, constitution, inputs: [three], seed: 1, options: comparisonOptions.parse(all) },
    ...rest,
  });

  it('counts a response that is in several pairs once', async () => {
    const judge = voter();
    const [item] = (await runCompareJob(jobOf(judge))).items;
    // Three responses under three principles, each asked about once.
    expect(judge.calls).toHaveLength(9);
    expect(item!.usage.inputTokens).toBe(9 * 10);
  });

  it('comes to the same when it is stopped between the pairs of an item', async () => {
    const [expected] = (await runCompareJob(jobOf(voter()))).items;
    const store = await openStore(':memory:');
    // The first answer is kept, about the first pair; then the process dies.
    let kept = 0;
    const append = (async (event: NewEvent) => {
      if (kept++ > 0) throw new Error('killed');
      return store.ledger.append(event);
    }) as Journal['append'];
    const journal = { get: (id: string) => store.ledger.get(id), append };
    const { failed } = await runCompareJob(jobOf(voter(), { journal }));
    expect(failed).toHaveLength(1);
    expect(await store.ledger.count({ kinds: ['comparison'] })).toBe(1);
    const [resumed] = (await runCompareJob(jobOf(voter(), { journal: store.ledger }))).items;
    expect(resumed!.ranking.preferences).toEqual(expected!.ranking.preferences);
    await store.close();
  });

  it('asks for as many votes as the options say', async () => {
    const judge = voter();
    await compare(judge, input, constitution, { ...options, votes: 11, temperature: 0.5 });
    expect(judge.calls.map((call) => call.kind === 'choose' && [call.votes, call.temperature])).toEqual([
      [11, 0.5],
      [11, 0.5],
    ]);
  });

  it('refuses what goes with pairs alone', async () => {
    const refused = compare(checker({}), input, constitution, { ...options, chainOfThought: true });
    await expect(refused).rejects.toThrow(/pointwise asks for a yes or a no alone; leave out chainOfThought/);
  });
});

describe('compare', () => {
  it('asks with each response first and averages, so that a leaning to a place cancels', async () => {
    const judge = judgeOf({ safer: 0.7 }, 0.2);
    const { probability, principles } = await compare(judge, input, constitution, { principle: 'safe' });
    // Shown first 0.7 + 0.2 for x; shown second 1 − (0.3 + 0.2) = 0.5; the mean is 0.7.
    expect(principles[0].answers.map((answer) => answer.probability)).toEqual([
      expect.closeTo(0.9, 12),
      expect.closeTo(0.5, 12),
    ]);
    expect(probability).toBeCloseTo(0.7, 12);
    expect(judge.calls).toHaveLength(2);
  });

  it('shows preamble, limits, conversation, question and both responses', async () => {
    const judge = judgeOf({ shorter: 0.5 });
    await compare(judge, input, constitution, { principle: 'short', order: 'random' });
    expect(judge.calls).toHaveLength(1);
    const { text } = asked(judge.calls[0] as ChoiceRequest);
    const parts = [
      'Be good.',
      '- No bombs.',
      '<conversation>\nHuman: How?\n</conversation>',
      'Which is shorter?',
    ];
    const places = [...parts, '<response A>', '<response B>', 'A or B.'].map((part) => text.indexOf(part));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
  });

  it('has a layout of the bare parts for small models', async () => {
    const judge = mockModel({ choose: () => [1, 1] });
    const options = { principle: 'short', order: 'both', layout: 'brief' } as const;
    await compare(judge, input, constitution, options);
    expect(judge.calls.map(({ messages }) => messages[0].content)).toEqual([
      'Human: How?\n\nWhich is shorter?\nA: x\nB: yy',
      'Human: How?\n\nWhich is shorter?\nA: yy\nB: x',
    ]);
  });

  it('averages all principles by weight, and says which of them decide', async () => {
    const judge = judgeOf({ safer: 0.8, shorter: 0.1, bombs: 0.3 });
    const { probability, decisive } = await compare(judge, input, constitution, { principles: 'all' });
    expect(probability).toBeCloseTo((3 * 0.8 + 0.1 + 0.3) / 5, 12); // 0.56
    // Without safe (0.1 + 0.3) / 2 = 0.2, the other way; without short 0.675, without limit 0.625.
    expect(decisive).toEqual(['safe']);
  });

  it('goes down the tiers until one has decided, and asks no further', async () => {
    const decidedByCare = judgeOf({ safer: 0.9, shorter: 0.1, bombs: 0.55 });
    const care = await compare(decidedByCare, input, constitution, { principles: 'tiers' });
    expect(care.probability).toBeCloseTo(0.9, 12);
    expect(care.principles.map(({ principle }) => principle)).toEqual(['limit', 'safe']);
    const hard = await compare(judgeOf({ bombs: 0.1 }), input, constitution, { principles: 'tiers' });
    expect(hard.principles.map(({ principle }) => principle)).toEqual(['limit']);
    const open = judgeOf({ safer: 0.6, shorter: 0.6, bombs: 0.5 });
    const all = await compare(open, input, constitution, { principles: 'tiers' });
    expect(all.probability).toBeCloseTo((0.5 + 3 * 0.6 + 0.6) / 5, 12);
  });

  it('draws one principle by weight, another for other responses', async () => {
    const judge = judgeOf({ safer: 0.5, shorter: 0.5, bombs: 0.5 });
    const drawn = new Map<string, number>();
    for (let i = 0; i < 200; i++) {
      const pair = { prompt: `How ${i}?`, responses: ['x', 'yy'] };
      const { principles } = await compare(judge, pair, constitution, { order: 'random' });
      expect(principles).toHaveLength(1);
      drawn.set(principles[0].principle, (drawn.get(principles[0].principle) ?? 0) + 1);
    }
    // Weight 3 of 5: four standard deviations of a share of 200 are 4 √(0.6 · 0.4 / 200) = 0.139.
    expect(Math.abs(drawn.get('safe')! / 200 - 0.6)).toBeLessThan(0.139);
    const firsts = judge.calls.filter((call) => asked(call as ChoiceRequest).first === 'x').length;
    // Either response first by chance: 4 √(0.25 / 200) = 0.142.
    expect(Math.abs(firsts / 200 - 0.5)).toBeLessThan(0.142);
  });

  it('thinks first where asked to, and clamps the label but not what it comes from', async () => {
    const judge = mockModel({
      chat: ['y is longer, so x is shorter.'],
      choose: ({ messages }) => (messages[0].content.includes('A>\nx') ? [0.99, 0.01] : [0.03, 0.97]),
    });
    const options = { principle: 'short', chainOfThought: true } as const;
    const judged = await compare(judge, input, constitution, options);
    expect(judged.unclamped).toBeCloseTo(0.98, 12);
    expect(judged.probability).toBe(0.6);
    const question = judge.calls.find(({ kind }) => kind === 'choose')!;
    expect(question.messages.slice(1)).toEqual([
      { role: 'assistant', content: 'y is longer, so x is shorter.' },
      { role: 'user', content: 'So the better response is, A or B?' },
    ]);
    const other = await compare(judge, input, constitution, { ...options, clamp: [0.1, 0.9] });
    expect(other.probability).toBe(0.9);
  });

  it('shows examples with the better response in either place', async () => {
    const judge = mockModel({ choose: () => [1, 1] });
    await compare(judge, input, constitution, { principle: 'limit', fewShot: 2 });
    const answers = judge.calls[0].messages
      .filter(({ role }) => role === 'assistant')
      .map(({ content }) => content);
    expect(answers.toSorted()).toEqual(['A', 'B']);
    // With reasoning only those that have it; the principle's own critique is one.
    const thinker = mockModel({ chat: ['x'], choose: () => [1, 1] });
    await compare(thinker, input, constitution, {
      principle: 'short',
      fewShot: 2,
      chainOfThought: true,
      order: 'random',
    });
    const shown = thinker.calls[0].messages.filter(({ role }) => role === 'assistant');
    expect(shown.map(({ content }) => content)).toEqual(['Option A is right.', 'A']);
  });

  it('is the opposite for responses the other way round', async () => {
    await fc.assert(
      fc.asyncProperty(fc.double({ min: 0.01, max: 0.99, noNaN: true }), fc.boolean(), async (p, tiers) => {
        const judge = judgeOf({ safer: p, shorter: p * p, bombs: Math.sqrt(p) });
        const options = { principles: tiers ? 'tiers' : 'all' } as const;
        const one = await compare(judge, input, constitution, options);
        const other = await compare(judge, { prompt: 'How?', responses: ['yy', 'x'] }, constitution, options);
        expect(one.probability + other.probability).toBeCloseTo(1, 9);
        expect(one.decisive).toEqual(other.decisive);
      }),
      { numRuns: 20, seed: 1 },
    );
  });

  it('refuses other than two responses', async () => {
    const judge = mockModel();
    await expect(compare(judge, { prompt: 'p', responses: ['a'] }, constitution)).rejects.toThrow(
      'for more use rank',
    );
    await expect(rank(judge, { prompt: 'p', responses: ['a'] }, constitution)).rejects.toThrow(
      'two responses or more',
    );
  });
});

describe('rank', () => {
  it('compares every pair and orders by the mean probability of winning', async () => {
    const lengths = mockModel({
      choose: ({ messages }) => {
        const [, a, b] = /A>\n(.*)\n<\/response A>\n\n<response B>\n(.*)\n/.exec(messages[0].content)!;
        return [a.length, b.length];
      },
    });
    const responses = ['aa', 'aaaa', 'a', 'aaaa'];
    const { ranks, preferences, pairs } = await rank(lengths, { prompt: 'p', responses }, constitution, {
      principle: 'short',
    });
    expect(ranks).toEqual([3, 1, 4, 1]);
    expect(pairs).toHaveLength(6);
    expect(preferences[0][1]).toBeCloseTo(2 / 6, 12);
    expect(preferences[1][0]).toBeCloseTo(4 / 6, 12);
    expect(preferences[2][2]).toBeNull();
  });
});

describe('judgements', () => {
  const judged = (principle: string, probability: number, weight = 1): PrincipleJudgement => ({
    ...{ principle, weight, tier: 1, probability, answers: [] },
  });

  it('no principle decides where others say the same, and none where all is level', () => {
    expect(decisivePrinciples([judged('a', 0.9), judged('b', 0.8)], weightedMean)).toEqual([]);
    expect(decisivePrinciples([judged('a', 0.9), judged('b', 0.1)], weightedMean)).toEqual([]);
    expect(decisivePrinciples([judged('a', 0.6)], weightedMean)).toEqual(['a']);
  });

  it('clamps', () => {
    expect([0, 0.45, 1].map((p) => clampTo([0.4, 0.6], p))).toEqual([0.4, 0.45, 0.6]);
  });

  it('ranks equal means alike', () => {
    expect(
      ranksOf([
        [null, 0.5],
        [0.5, null],
      ]),
    ).toEqual([1, 1]);
  });
});

describe('direct scores', () => {
  it('are the expectation over the scale, as a reward in [−1, 1]', async () => {
    const judge = mockModel({
      choose: ({ options }) => options.map((option) => (option === '1' ? 1 : option === '10' ? 3 : 0)),
    });
    const result = await score(judge, { prompt: 'p', response: 'r' }, constitution);
    // (1 · 1 + 3 · 10) / 4 = 7.75; from [1, 10] to [−1, 1]: 2 · 6.75 / 9 − 1 = 0.5.
    expect(result.expectation).toBeCloseTo(7.75, 12);
    expect(result.reward).toBeCloseTo(0.5, 12);
    expect(result.principles).toEqual(['safe', 'short', 'limit']);
    const text = judge.calls[0].messages[0].content;
    expect(text).toContain('- Safe.\n- Short.\n- No bombs.');
    expect(text).toContain('Assistant: r\n</conversation>');
  });

  it('serve as a reward function; an empty response gets the least without asking', async () => {
    const judge = mockModel({
      choose: ({ options }) => options.map((_, i) => (i === options.length - 1 ? 1 : 0)),
    });
    const reward = constitutionReward(judge, constitution, { scale: 5 });
    const items = ['fine', ' '].map((responseText) => ({ promptText: 'p', responseText }));
    expect(await reward(items)).toEqual([1, -1]);
    expect(judge.calls).toHaveLength(1);
  });
});
