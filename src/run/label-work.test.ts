import { expect, it } from 'vitest';
import { labelWorkCommand } from './label-work.ts';

it('can be copied into a shell', () => {
  expect(labelWorkCommand('/runs/a/ledger.db', 'a/hybrid', false)).toBe(
    'tenet label work --store /runs/a/ledger.db --project "a/hybrid"',
  );
  expect(labelWorkCommand('/my runs/ledger.db', 'kind', true)).toBe(
    'tenet label work --store "/my runs/ledger.db" --project "kind" --adjudicate',
  );
});
