/** Golden losses from TRL 1.13.0 for this folder's tests; nothing in the library imports this file. */
import { readFileSync } from 'node:fs';
import { sharedData } from '../../base/testing.ts';

export interface GoldenCase {
  readonly loss: number;
  readonly grad?: readonly (readonly number[])[];
  readonly grad_norm?: number;
  readonly metrics: Readonly<Record<string, number>>;
}

/** Rollout tensors and their cases: names are those of the file. */
export interface GoldenPolicyLosses {
  readonly lp: number[][];
  readonly old: number[][];
  readonly ref: number[][];
  readonly ent: number[][];
  readonly mask: number[][];
  readonly adv: number[];
  readonly isr: number[][];
  readonly cases: Readonly<Record<string, GoldenCase>>;
}

export interface GoldenPreferenceLosses {
  readonly logits: number[][][];
  readonly input_ids: number[][];
  readonly attention_mask: number[][];
  readonly completion_mask: number[][];
  readonly ref_chosen_logps: number[];
  readonly ref_rejected_logps: number[];
  readonly cases: Readonly<Record<string, GoldenCase>>;
}

function read<T>(name: string): T | null {
  const path = sharedData(`golden/${name}.trl-1.13.0.json`);
  return path === null ? null : (JSON.parse(readFileSync(path, 'utf8')) as T);
}

/** Null where the data is absent. */
export const goldenPolicyLosses: GoldenPolicyLosses | null = read('rl-losses');
/** Null where the data is absent. */
export const goldenPreferenceLosses: GoldenPreferenceLosses | null = read('dpo-losses');
