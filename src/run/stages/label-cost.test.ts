import { describe, expect, it } from 'vitest';
import type { StageRecord } from '../manifest.ts';
import { labelCosts } from './label-cost.ts';

/** A finished stage that took something from others. */
function stage(name: string, from: readonly string[], results: object = {}): StageRecord {
  const uses = from.map((other) => ({
    ...({ kind: 'data', role: other, stage: other } as const),
    ...{ path: other, hash: 'sha256:0' },
  }));
  return { name, folder: `stages/${name}`, status: 'finished', attempts: 1, uses, results };
}

const usage = { inputTokens: 900, outputTokens: 100, costUsd: 0.5 };
const people = (labelsByPeople: number) => ({
  cost: { labelsByPeople, hours: labelsByPeople / 100, peopleUsd: labelsByPeople / 10 },
});

describe('labelCosts', () => {
  it('is null where nothing was labelled', () => {
    expect(labelCosts([stage('pretrain', []), stage('sft', ['pretrain'])])).toBeNull();
  });

  it('counts what a model stands on, each stage once', () => {
    const costs = labelCosts([
      stage('sft', []),
      stage('rankings', ['sft'], people(80)),
      stage('reward', ['sft', 'rankings']),
      stage('ppo', ['sft', 'reward']),
      stage('critique', ['sft'], { usage }),
      stage('sl-cai', ['sft', 'critique']),
      stage('compare', ['sl-cai'], { usage }),
      // Takes what the judge said and what it costs from the compare stage; its own judgeUsd is the same money.
      stage('hybrid', ['compare'], { cost: { ...people(20).cost, judgeUsd: 0.5 } }),
      stage('reward-hybrid', ['sl-cai', 'hybrid']),
      stage('hybrid-rl', ['sl-cai', 'reward-hybrid']),
    ])!;
    expect(costs.get('sft')).toEqual({ labelsByPeople: 0, hours: 0, peopleUsd: 0, aiTokens: 0, aiUsd: 0 });
    expect(costs.get('ppo')).toEqual({ labelsByPeople: 80, hours: 0.8, peopleUsd: 8, aiTokens: 0, aiUsd: 0 });
    expect(costs.get('sl-cai')).toMatchObject({ labelsByPeople: 0, aiTokens: 1000, aiUsd: 0.5 });
    // Critique 0.5 and comparison 0.5, though both the policy and its reward model stand on the critique.
    expect(costs.get('hybrid-rl')).toEqual({
      ...{ labelsByPeople: 20, hours: 0.2, peopleUsd: 2 },
      ...{ aiTokens: 2000, aiUsd: 1 },
    });
  });

  it('says that a cost is not known rather than leaving a part out', () => {
    const costs = labelCosts([
      stage('compare', [], { usage: { ...usage, costUsd: null } }),
      stage('dpo', ['compare']),
    ])!;
    expect(costs.get('dpo')).toMatchObject({ aiTokens: 1000, aiUsd: null });
  });
});
