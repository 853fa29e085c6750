import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GuardPolicyInput } from '../policy/policy.ts';
import { rulesFor } from '../policy/policy.ts';
import { toPolicy } from '../policy/read-policy.ts';
import type { Screening } from '../screen.ts';
import { type LetterGuardOptions, letterGuard } from '../testing/letter-guard.ts';
import { GuardedAnswer } from './guarded-answer.ts';

const answerOf = (
  guard: LetterGuardOptions,
  defaults: GuardPolicyInput['defaults'] = {},
): GuardedAnswer<string> => {
  const model = letterGuard(guard);
  return new GuardedAnswer({
    rules: rulesFor(toPolicy({ defaults }), {}),
    open: () => model.openOutput([]),
  });
};
const pieces = (...texts: string[]) => texts.map((text) => ({ item: text, text }));

describe('what leaves', () => {
  it('is never past the threshold, however the text is cut and batched', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'x'), maxLength: 60 }),
        fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1, maxLength: 40 }),
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 0, max: 5 }),
        fc.constantFrom<number | 'all'>(0, 3, 'all'),
        async (text, sizes, batches, unjudged, holdBack) => {
          // 'x' alone is over the threshold: nothing from the first one on may leave.
          const answer = answerOf({ scores: { a: 0.1, b: 0.3, c: 0.49, x: 0.5 }, unjudged }, { holdBack });
          const cut: string[] = [];
          for (let at = 0, i = 0; at < text.length; i++) {
            const size = sizes[i % sizes.length] || (i % 3 === 0 ? 0 : 1);
            cut.push(text.slice(at, at + size));
            at += size;
          }
          let left = '';
          for (let at = 0, i = 0; at < cut.length; i++) {
            const size = batches[i % batches.length];
            left += (await answer.add(pieces(...cut.slice(at, at + size)))).join('');
            expect(left).not.toContain('x');
            at += size;
          }
          left += (await answer.end()).join('');
          const crossing = text.indexOf('x');
          if (crossing < 0) expect(left).toBe(text);
          else {
            expect(text.slice(0, crossing).startsWith(left)).toBe(true);
            expect(answer.isBlocked).toBe(true);
            expect(await answer.add(pieces('a'))).toEqual([]);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('stays behind what the guard does not speak of yet, and behind that by holdBack', async () => {
    const answer = answerOf({ scores: {}, unjudged: 2 }, { holdBack: 1 });
    expect(await answer.add(pieces('ab', 'c', 'd'))).toEqual([]); // 4 − 2 − 1 = 1 cleared
    expect(await answer.add(pieces('e'))).toEqual(['ab']);
    expect(await answer.add(pieces('fg'))).toEqual(['c', 'd']);
    expect(await answer.end()).toEqual(['e', 'fg']);
  });

  it('waits for what comes next where a piece looks ahead', async () => {
    const answer = answerOf({ scores: { x: 1 } });
    expect(
      await answer.add([
        { item: 'first', text: '' },
        { item: 'peek', text: '', ahead: true },
      ]),
    ).toEqual(['first']);
    expect(await answer.add(pieces('a'))).toEqual(['peek', 'a']);
    expect(await answer.add([{ item: 'peek', text: '', ahead: true }])).toEqual([]);
    expect(await answer.add(pieces('x'))).toEqual([]);
  });
});

it('lets nothing out once it is closed, also while the guard is at work', async () => {
  let finish = (): void => {};
  const slow = new Promise<void>((resolve) => (finish = resolve));
  const answer = answerOf({ scores: {}, before: () => slow });
  const adding = answer.add(pieces('a'));
  answer.close();
  finish();
  expect([await adding, await answer.add(pieces('b')), await answer.end()]).toEqual([[], [], []]);
});

describe('modes', () => {
  it('shadow: everything leaves at once, and what would have been blocked is known at the end', async () => {
    let finish = (): void => {};
    const slow = new Promise<void>((resolve) => (finish = resolve));
    const answer = answerOf({ scores: { x: 0.9 }, before: () => slow }, { mode: 'shadow' });
    expect(await answer.add(pieces('a', 'x'))).toEqual(['a', 'x']);
    expect(await answer.end()).toEqual([]);
    expect(answer.verdict).toBeNull();
    finish();
    await answer.settled();
    expect(answer.verdict).toMatchObject({ blocked: true, score: 0.9, threshold: 0.5, principle: 'x' });
    expect(answer.isBlocked).toBe(false);
  });

  it('off: the guard is not asked', async () => {
    const model = letterGuard({ scores: { x: 1 } });
    const answer = new GuardedAnswer<string>({
      rules: rulesFor(toPolicy({ defaults: { mode: 'off' } }), {}),
      open: () => model.openOutput([]),
    });
    expect(await answer.add(pieces('x'))).toEqual(['x']);
    expect(model.opened).toBe(0);
  });
});

describe('a guard that fails', () => {
  const broken: LetterGuardOptions = {
    scores: {},
    before: (what, text) =>
      what === 'push' && text === 'b' ? Promise.reject(new Error('out of memory')) : undefined,
  };

  it('ends the answer where failures close', async () => {
    const answer = answerOf(broken);
    expect(await answer.add(pieces('a'))).toEqual(['a']);
    await expect(answer.add(pieces('b'))).rejects.toThrow(/out of memory/);
    expect(answer.failure).toMatchObject({ where: 'output', reason: 'error' });
    expect([await answer.add(pieces('c')), await answer.end()]).toEqual([[], []]);
  });

  it('lets the rest pass where failures open', async () => {
    const answer = answerOf(broken, { failure: 'open', holdBack: 'all' });
    expect(await answer.add(pieces('a'))).toEqual([]);
    expect(await answer.add(pieces('b'))).toEqual(['a', 'b']);
    expect(await answer.add(pieces('c'))).toEqual(['c']);
    expect(answer.failure).not.toBeNull();
  });

  it('is one that takes too long, or says what is no probability', async () => {
    const late = answerOf({ scores: {}, before: () => new Promise(() => {}) }, { timeLimitMs: 5 });
    await expect(late.add(pieces('a'))).rejects.toMatchObject({ reason: 'time' });
    const mad = answerOf({ scores: { a: Number.NaN, b: 7 } });
    await expect(mad.add(pieces('b'))).rejects.toThrow(/7, which is no probability/);
    const rules = rulesFor(toPolicy({ defaults: { thresholds: { principles: { harm: 0.2 } } } }), {});
    const answerWith = (said: Screening) =>
      new GuardedAnswer<string>({
        rules,
        open: async () => ({ push: async () => said, end: async () => said, close: () => {} }),
      });
    const partly = answerWith({ score: 0.1, byPrinciple: { theft: 0.1, harm: Number.NaN }, stage: 'own' });
    await expect(partly.add(pieces('b'))).rejects.toThrow(/NaN, which is no probability/);
    const silent = answerWith({ stage: 'own' } as unknown as Screening);
    await expect(silent.add(pieces('b'))).rejects.toThrow(/undefined, which is no probability/);
  });
});

it('blocks by a principle of its own threshold, also where a cascade lets pass', async () => {
  const answer = answerOf({ scores: { w: 0.2 } }, { thresholds: { output: 0.9, principles: { w: 0.2 } } });
  expect(await answer.add(pieces('w'))).toEqual([]);
  expect(answer.verdict).toMatchObject({ blocked: true, principle: 'w', threshold: 0.2 });
});
