import { expect, it } from 'vitest';
import { reportComparisons } from '../../constitution/index.ts';
import { CallTally } from '../../llm/index.ts';
import { showComparisons } from './show-comparisons.ts';

it('says of a judge nothing where no pair could be compared', () => {
  const result = {
    ...{ job: 'compare-1', items: [null, null], rechecks: [], alike: [] },
    failed: [0, 1].map((index) => ({ index, reason: 'the prompt is too long' })),
  };
  const constitution = { name: 'mine', version: null, hash: 'sha256:00' };
  const report = {
    ...reportComparisons(result, { orderIsNeutral: true, seed: 0 }),
    ...{ job: result.job, constitution, preferences: 0, failedItems: result.failed },
  };
  const files = { preferences: 'p', rankings: 'r', comparisons: 'c', report: 'j' };
  const text = showComparisons(report, files, new CallTally());
  expect(text).toMatch(/^0 pairs of 0 items compared, 2 failed\n\np: 0 pairs/);
  expect(text).toContain('warning: no pair was compared: there is nothing to learn from.');
  expect(text).toContain('2 rows failed; the first: the prompt is too long');
});
