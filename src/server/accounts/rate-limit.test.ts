import { expect, it } from 'vitest';
import { RateLimit } from './rate-limit.ts';

it('lets through so many within a while, by key, and says how long to wait', () => {
  let now = 1000;
  const limit = new RateLimit({ most: 3, withinMs: 100, now: () => now });
  for (const at of [1000, 1010, 1050]) {
    now = at;
    expect(limit.waitMs('ann')).toBe(0);
    limit.count('ann');
  }
  now = 1060;
  // The first of the three is forgotten at 1100.
  expect(limit.waitMs('ann')).toBe(40);
  expect(limit.waitMs('bob')).toBe(0);
  now = 1101;
  expect(limit.waitMs('ann')).toBe(0);
  limit.count('ann');
  expect(limit.waitMs('ann')).toBe(9);
  limit.forget('ann');
  expect(limit.waitMs('ann')).toBe(0);
});

it('takes back what did not go wrong after all, and nothing else', () => {
  const limit = new RateLimit({ most: 2, withinMs: 100, now: () => 1000 });
  const [first, second] = [limit.count('ann'), limit.count('ann')];
  expect(limit.waitMs('ann')).toBe(100);
  second();
  second();
  expect(limit.waitMs('ann')).toBe(0);
  limit.count('ann');
  expect(limit.waitMs('ann')).toBe(100);
  limit.forget('ann');
  first();
  expect(limit.waitMs('ann')).toBe(0);
});

it('keeps no more keys than fit into memory: who comes with ever new ones pushes out the oldest', () => {
  const limit = new RateLimit({ most: 1, withinMs: 1e9 });
  limit.count('first');
  for (let i = 0; i < 10_000; i++) limit.count(`key ${i}`);
  expect(limit.waitMs('first')).toBe(0);
  expect(limit.waitMs('key 9999')).toBeGreaterThan(0);
});
