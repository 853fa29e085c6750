import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mockModel } from '../llm/testing/index.ts';
import { openStore, type Store } from '../store/index.ts';
import { runCompareJob } from './compare/compare-job.ts';
import { comparisonOptions } from './compare/options.ts';
import { runCritiqueJob } from './critique/critique-job.ts';
import { critiqueOptions } from './critique/options.ts';
import { parseConstitution } from './load-constitution.ts';
import { type PrincipleStats, principleStats } from './principle-stats.ts';

const constitution = parseConstitution(
  `principles:
  - { id: honest, text: True., comparisonQuestion: Which is true?, critiqueRequest: Is it true?, revisionRequest: Make it true. }
  - { id: kind, text: Kind., comparisonQuestion: Which is kind?, critiqueRequest: Is it kind?, revisionRequest: Make it kind. }
`,
  'c.yaml',
);

describe('statistics of principles', () => {
  let store: Store;
  let stats: Record<string, PrincipleStats>;
  beforeAll(async () => {
    store = await openStore(':memory:');
    const shownFirst = (content: string): boolean => content.indexOf('good') < content.indexOf('bad');
    // Under honest the good one wins clearly; under kind the bad one, less clearly. Reworded, kind changes its mind.
    const judge = mockModel({
      choose: ({ messages: [{ content }] }) => {
        if (content.includes('Principle:'))
          return content.includes('Kind.') === content.includes('go against') ? [1, 0] : [0, 1];
        const forGood = content.includes('true?') ? 0.9 : content.includes('candidates') ? 0.8 : 0.3;
        return shownFirst(content) ? [forGood, 1 - forGood] : [1 - forGood, forGood];
      },
      chat: ({ messages }) => {
        const last = messages.at(-1)!.content;
        if (last === 'Is it true?') return 'No violation.';
        if (last === 'Is it kind?') return 'The assistant should be warmer.';
        return `Dear friend, about ${messages[0].content}: warm regards ${messages.length}.`;
      },
    });
    const inputs = Array.from({ length: 10 }, (_, i) => ({
      prompt: `q${i}`,
      responses: [`good ${i}`, `bad ${i}`],
    }));
    const options = comparisonOptions.parse({ principles: 'all' });
    const { items } = await runCompareJob({
      ...{ judge, constitution, inputs, options, seed: 1, recheck: 4, journal: store.ledger },
    });
    // People agree with the judge on seven, disagree on two, and are divided on one, which an adjudicator decides for "bad".
    for (const [i, item] of items.entries()) {
      const about = { item: { prompt: item!.prompt, responses: item!.responses.map((text) => ({ text })) } };
      const label = (ranks: number[], id: string, kind: 'label' | 'adjudication' = 'label') =>
        store.ledger.append({ kind, judge: { kind: 'human', id }, ranks, ...about });
      await label(i < 2 ? [2, 1] : [1, 2], 'ann');
      if (i === 9) {
        await label([2, 1], 'bob');
        await label([2, 1], 'eve', 'adjudication');
      }
    }
    const critique = {
      responder: judge,
      constitution,
      seed: 2,
      journal: store.ledger,
      inputs: inputs.map(({ prompt }) => ({ prompt })),
    };
    await runCritiqueJob({ ...critique, options: critiqueOptions.parse({ rounds: 2 }) });
    await runCritiqueJob({
      ...critique,
      options: critiqueOptions.parse({ rounds: 1, principles: 'violated' }),
    });
    const list = await principleStats(store.ledger, constitution.hash);
    stats = Object.fromEntries(list.map((one) => [one.principle, one]));
  });
  afterAll(() => store.close());

  it('count pairs judged and decided', () => {
    // (0.9 + 0.3) / 2 = 0.6 for good: without honest 0.3, the other way; without kind 0.9.
    expect(stats.honest.comparisons).toEqual({ drawn: 10, decisive: 10 });
    expect(stats.kind.comparisons).toEqual({ drawn: 10, decisive: 0 });
  });

  it('hold each principle against people, an adjudicator above the others', () => {
    expect(stats.honest.people).toMatchObject({ pairs: 10, agreement: { estimate: 0.7 }, overruled: 3 });
    expect(stats.kind.people).toMatchObject({ pairs: 10, agreement: { estimate: 0.3 }, overruled: 0 });
  });

  it('say which principle holds when asked again in other words', () => {
    expect(stats.honest.reworded).toMatchObject({ pairs: 4, same: { estimate: 1 } });
    expect(stats.kind.reworded).toMatchObject({ pairs: 4, same: { estimate: 0 } });
    expect(stats.kind.repeated).toBeNull(); // an exact judge would only repeat itself
  });

  it('count critiques and checks, and the violations they found', () => {
    const { honest, kind } = stats;
    expect(honest.critiques.violations).toBe(0);
    expect(kind.critiques.violations).toBe(kind.critiques.asked);
    // 10 chains of two rounds with one principle each, and 10 of one round under the one that is violated.
    expect(honest.critiques.asked + kind.critiques.asked).toBe(30);
    expect(honest.checks).toEqual({ asked: 10, violations: 0 });
    expect(kind.checks).toEqual({ asked: 10, violations: 10 });
  });

  it('are of one constitution only, or of one job', async () => {
    expect(await principleStats(store.ledger, `sha256:${'0'.repeat(64)}`)).toEqual([]);
    expect(await principleStats(store.ledger, constitution.hash, { project: 'other' })).toEqual([]);
  });
});
