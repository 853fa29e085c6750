import { expect, it } from 'vitest';
import { Stopwatch } from './stopwatch.ts';

it('counts work up to half a minute after a sign of life, then idleness, and nothing out of view', () => {
  let now = 1000;
  const stopwatch = new Stopwatch(() => now);
  now += 10_000;
  stopwatch.touch(); // 10 s of work
  now += 45_000;
  stopwatch.touch(); // 30 s of work, 15 s idle
  now += 5000;
  stopwatch.show(false); // 5 s of work
  now += 600_000;
  stopwatch.show(true);
  now += 2000; // 2 s of work
  expect(stopwatch.read()).toEqual({ activeMs: 47_000, idleMs: 15_000 });
});
