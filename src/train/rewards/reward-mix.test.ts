import { describe, expect, it } from 'vitest';
import type { RewardItem } from '../reward-function.ts';
import { type Objective, objectiveOf } from './objective.ts';
import { RewardMix, scoreWith } from './reward-mix.ts';

const items = ['a', 'b', 'c', 'd'].map(
  (text): RewardItem => ({ prompt: [1], response: [2], promptText: 'p', responseText: text, ended: true }),
);

function given(name: string, values: (number | null)[], role: Partial<Objective> = {}): Objective {
  return objectiveOf(name, async () => values, role);
}

describe('RewardMix', () => {
  it('sums by weight, and keeps each objective apart', async () => {
    const mix = new RewardMix([given('good', [1, 2, 3, 4]), given('short', [0, 1, null, 1], { weight: -2 })]);
    const mixed = await mix.score(items, 4);
    // short's mean, 2/3, stands in for what does not apply
    [1, 0, 3 - 4 / 3, 2].forEach((value, i) => void expect(mixed.rewards[i]).toBeCloseTo(value, 6));
    expect(mixed.sums).toEqual(mixed.rewards);
    expect([...mixed.values.short]).toEqual([0, 1, Number.NaN, 1]);
    const metrics = mix.metrics(mixed);
    expect(metrics).toMatchObject({ 'rewards/good/mean': 2.5, 'rewards/short/unscored': 0.25 });
    expect(metrics['rewards/short/mean']).toBeCloseTo(2 / 3, 6);
    expect(metrics['rewards/good/std']).toBeCloseTo(Math.sqrt(5 / 3), 6); // squares 2.25 + 0.25 + 0.25 + 2.25 = 5
  });

  it('weighs a bounded objective by its multiplier, and moves that once it has seen the responses', async () => {
    const mix = new RewardMix([given('good', [1, 2, 3, 4]), given('safe', [1, 0, 1, 0], { atLeast: 0.9 })], {
      multiplier: { learningRate: 0.5, initial: 3 },
    });
    const mixed = await mix.score(items, 1);
    // (good + 3 · safe) / (1 + 3)
    expect([...mixed.rewards]).toEqual([1, 0.5, 1.5, 1]);
    expect([...mixed.sums]).toEqual([1, 2, 3, 4]); // a bound is no part of what is maximised
    expect(mix.metrics(mixed)['constraints/safe/multiplier']).toBeCloseTo(3, 9);
    expect(mix.metrics(mixed)['constraints/safe/violation']).toBeCloseTo(0.4, 6);
    expect((await mix.score(items, 1)).rewards).toEqual(mixed.rewards); // scoring changes nothing
    mix.observe(mixed);
    // ln λ = ln 3 + 0.5 · 3 · (0.9 − 0.5), kept below 5
    const { multipliers } = await mix.score(items, 1);
    expect(multipliers.safe).toBeCloseTo(Math.min(5, 3 * Math.exp(0.6)), 9);
  });

  it('pushes down what has to stay below a bound', async () => {
    const cost = given('cost', [1, 0, 0, 0], { atMost: 0 });
    const mix = new RewardMix([given('good', [1, 1, 1, 1]), cost]);
    expect([...(await mix.score(items, 1)).rewards]).toEqual([0, 0.5, 0.5, 0.5]); // (1 − 1 · cost) / 2
  });

  it('goes on from its state as if it had not stopped', async () => {
    const make = (): RewardMix =>
      new RewardMix([given('good', [1, 2, 3, 4]), given('safe', [0.3, 0.1, null, 0.7], { atLeast: 0.8 })]);
    const [whole, first, second] = [make(), make(), make()];
    for (const mix of [whole, first]) mix.observe(await mix.score(items, 2));
    second.restore(JSON.parse(JSON.stringify(first.state)));
    for (const mix of [whole, second]) mix.observe(await mix.score(items, 2));
    expect(second.state).toEqual(whole.state);
    expect((await second.score(items, 2)).rewards).toEqual((await whole.score(items, 2)).rewards);
  });

  it('records how far the members of an ensemble disagree', async () => {
    const score = async () => ({ values: [1, 2, 3, 4], spreads: [0, 0, 1, 1] });
    const mix = new RewardMix([{ name: 'good', score }]);
    expect(mix.metrics(await mix.score(items, 1))['rewards/good/ensemble_spread']).toBe(0.5);
  });

  it('refuses objectives that do not go together, all at once', () => {
    const twice = [given('a', [], { weight: 0 }), given('a', [], { atLeast: 1, atMost: 2 })];
    expect(() => new RewardMix(twice)).toThrow(
      /"a" is given twice; "a" has both atLeast and atMost.*; none has a weight/,
    );
    expect(() => new RewardMix([])).toThrow('there is none');
  });

  it('names the objective that gives too few values', async () => {
    const mix = new RewardMix([given('good', [1])]);
    await expect(mix.score(items, 1)).rejects.toThrow('Objective "good" gave 1 rewards for 4 responses');
    await expect(scoreWith(async () => [1], items, 1)).rejects.toThrow(
      'The reward function gave 1 rewards for 4',
    );
  });
});
