/** Labels of a ledger as an input of a run. */
import type { LedgerSelection } from '../store/index.ts';
import type { InputRecord } from './manifest.ts';

/**
 * For stages that read labels from a ledger, or write them to one: record it when they have all been written, with
 * `run.recordInputs([ledgerInput('sft labels', await selectFromLedger(store, { runId }))])`.
 * @param name what the run uses the labels for
 */
export function ledgerInput(name: string, labels: LedgerSelection): InputRecord {
  const { url, digest } = labels;
  return { kind: 'ledger', name, path: url, hash: digest.hash, rows: digest.events, labels };
}
