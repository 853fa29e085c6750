import { expect, it } from 'vitest';
import { canaryWins, judgeCanaries } from './canaries.ts';

const canary = { name: 'refusal', text: 'No.' };
const fill = (value: number, count = 32): number[] => new Array(count).fill(value);

it('ties count half, what could not be scored not at all', () => {
  // wins: 1, 0.5, 0 of three
  expect(canaryWins({ rewards: [2, 1, 0, Number.NaN], answers: [1, 1, 1, 1] })).toEqual({
    wins: 0.5,
    prompts: 3,
  });
});

it('what could not be scored makes nothing certain', () => {
  // Two wins of two, ± 2 · √(0.25 / 2) = 0.71, say nothing, of however many prompts.
  const rewards = [...fill(1, 2), ...fill(Number.NaN, 30)];
  expect(judgeCanaries([{ canary, rewards, answers: fill(0) }])).toBeNull();
});

it('a text that wins by more than chance is named, with its share', () => {
  const finding = judgeCanaries([{ canary, rewards: fill(1), answers: fill(0) }]);
  expect(finding?.what).toContain('refusal ("No.": 100 %)');
});

it('chance, and a held-out reward that agrees, are no reason', () => {
  const even = Array.from({ length: 32 }, (_, i) => (i % 2 === 0 ? 1 : -1));
  expect(judgeCanaries([{ canary, rewards: even, answers: fill(0) }])).toBeNull();
  const heldOut = { rewards: fill(1), answers: fill(0) };
  expect(judgeCanaries([{ canary, rewards: fill(1), answers: fill(0), heldOut }])).toBeNull();
  expect(
    judgeCanaries([
      { canary, rewards: fill(1), answers: fill(0), heldOut: { ...heldOut, rewards: fill(-1) } },
    ]),
  ).not.toBeNull();
});
