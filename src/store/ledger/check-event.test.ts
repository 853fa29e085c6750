import { expect, it } from 'vitest';
import type { NewEvent } from '../ledger-event.ts';
import { checkEvents } from './check-event.ts';

const label: NewEvent = {
  kind: 'label',
  judge: { kind: 'human', id: 'ann' },
  item: { prompt: 'p', responses: [{ text: 'a' }, { text: 'b' }] },
  ranks: [1, 2],
};
const messageOf = (events: readonly NewEvent[]): string => {
  try {
    checkEvents(events);
    return 'none';
  } catch (error) {
    return (error as Error).message;
  }
};
const problem = (change: object): string => messageOf([{ ...label, ...change } as NewEvent]);

it('accepts judgements of every shape', () => {
  for (const change of [
    {},
    { ranks: [1, 1] },
    { ranks: [null, 1] },
    { ranks: [7, 3] },
    { ranks: undefined, scores: [0, -1] },
    { ranks: [null, null], flags: ['all-bad'] },
    { ranks: undefined, probabilities: [1 / 3, 2 / 3], probabilityMethod: 'votes' },
    {
      ranks: undefined,
      preferences: [
        [null, 0.3],
        [0.7, null],
      ],
      probabilityMethod: 'log-probs',
    },
    { shownOrder: [1] },
    { kind: 'skip', ranks: undefined, item: undefined },
    { kind: 'withdrawal', supersedes: 'x', ranks: undefined },
    { kind: 'critique', text: '', ranks: undefined },
    { judge: { kind: 'human', id: 'Ann Example' } },
  ]) {
    expect([change, problem(change)]).toEqual([change, 'none']);
  }
});

it.each<[object, string]>([
  [{ ranks: [1, 2, 3] }, 'ranks: has 3 entries for 2 responses'],
  [{ scores: [1] }, 'scores: has 1 entries for 2 responses'],
  [{ ranks: [0, 1] }, 'ranks.0: ranks start at 1 = best'],
  [{ ranks: [1.5, 1] }, 'ranks.0'],
  [{ ranks: [null, null] }, 'nothing is judged'],
  [{ ranks: undefined }, 'nothing is judged'],
  [{ item: undefined, ranks: undefined, flags: ['unsafe'] }, 'item: is missing'],
  [{ shownOrder: [0, 0] }, 'shownOrder: [0,0] must name responses 0 to 1, each at most once'],
  [{ shownOrder: [2, 0] }, 'must name responses 0 to 1'],
  [{ probabilities: [0.5, 0.4], probabilityMethod: 'votes' }, 'sum to 0.9, and must sum to 1'],
  [{ probabilities: [0.5, 0.5] }, 'probabilityMethod: is missing'],
  [{ probabilities: [1.5, -0.5], probabilityMethod: 'votes' }, 'must be in [0, 1]'],
  [{ preferences: [[null, 0.5]], probabilityMethod: 'votes' }, 'preferences: must be 2 lists of 2 entries'],
  [
    {
      preferences: [
        [null, 0.5],
        [0.4, null],
      ],
      probabilityMethod: 'votes',
    },
    '[0][1] and [1][0] are 0.5 and 0.4',
  ],
  [
    {
      preferences: [
        [null, 0.5],
        [null, null],
      ],
      probabilityMethod: 'votes',
    },
    'both must be null, or',
  ],
  [
    {
      preferences: [
        [null, 1.5],
        [-0.5, null],
      ],
      probabilityMethod: 'votes',
    },
    'are 1.5 and -0.5',
  ],
  [
    {
      preferences: [
        [null, 0.5],
        [0.5, null],
      ],
    },
    'probabilityMethod: is missing',
  ],
  [{ kind: 'critique' }, 'text: is missing'],
  [{ kind: 'withdrawal' }, 'supersedes: is missing'],
  [{ kind: 'vote' }, 'kind'],
  [{ flags: ['bad'] }, 'flags.0'],
  [{ id: 'a b' }, 'id: must be 1 to 200 characters without spaces'],
  [{ taskId: 'a\u0000' }, 'taskId'],
  [{ runId: '' }, 'runId'],
  [{ principles: ['be kind'] }, 'principles.0'],
  [{ judge: { kind: 'human', id: 'a\nb' } }, 'judge.id: must be 1 to 200 characters on one line'],
  [{ constitution: { hash: 'abc' } }, 'constitution.hash: must be sha256: and 64 hexadecimal digits'],
  [{ activeMs: -1 }, 'activeMs: must not be negative'],
  // 3 December of the year 144683: no calendar that groups labels by day goes so far.
  [{ judgedAt: 4_503_599_627_370_496 }, 'judgedAt: is after the year 9999'],
  [{ usage: { costUsd: -1 } }, 'usage.costUsd: must not be negative'],
  [{ extra: { when: new Date(0) } }, 'extra'],
  [{ rank: [1, 2] }, 'Unrecognized key: "rank"'],
])('refuses %o', (change, message) => {
  expect(problem(change)).toContain(message);
});

it('names the problems of every event at once', () => {
  const wrong = { ...label, seed: 0.5, flags: ['x'] } as unknown as NewEvent;
  const contradictory: NewEvent = { ...label, kind: 'withdrawal', ranks: [1] };
  const message = messageOf([label, wrong, contradictory]);
  expect(message).toMatch(/event 2 of 3: flags.0: .*\n.*event 2 of 3: seed: /);
  expect(message).toMatch(/event 3 of 3: ranks: .*\n.*event 3 of 3: supersedes: /);
});
