import { expect, it } from 'vitest';
import type { Manifest } from '../manifest.ts';
import { outcomeOf } from './outcome.ts';

it('says where a run stands that has stopped, whoever stopped it', () => {
  const stage = { folder: 'stages/01-a', attempts: 1 };
  const manifest = {
    status: 'interrupted',
    stages: [
      { ...stage, name: 'sft', status: 'finished' },
      { ...stage, name: 'hybrid', status: 'interrupted' },
    ],
  } as unknown as Manifest;
  expect(outcomeOf(manifest, [])).toBe('Stopped in stage hybrid; the run can be resumed.');
  const events = [{ stage: 'hybrid', step: 12, time: 0, metrics: {} }];
  expect(outcomeOf(manifest, events)).toBe('Stopped in stage hybrid at step 12; the run can be resumed.');
});
