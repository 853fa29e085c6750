/** The files that a guard is made from, as the command line and recipes name them. */
import type { GuardExample } from './guard-example.ts';
import { type GuardData, type ReadGuardOptions, readGuardData } from './read-guard-data.ts';

/** Files by what they say and what they are for. */
export interface GuardInputs {
  /** With labels. */
  readonly data?: readonly string[];
  /** Prompts, or records of any format, that are harmful, or harmless. */
  readonly harmful?: readonly string[];
  readonly harmless?: readonly string[];
  /** Records whose answers are, whatever was asked. */
  readonly harmfulAnswers?: readonly string[];
  readonly harmlessAnswers?: readonly string[];
  /** The same for tests alone. */
  readonly test?: readonly string[];
  readonly testHarmful?: readonly string[];
  readonly testHarmless?: readonly string[];
}

export interface GuardSource {
  readonly path: string;
  readonly hash: string;
  readonly use: 'train' | 'test';
  readonly examples: readonly GuardExample[];
}

/** A source as it was read. */
export type ReadSource = GuardSource & GuardData;

const harmful = { as: 'harmful' } as const;
const harmless = { as: 'harmless' } as const;
const ways: readonly (readonly [keyof GuardInputs, GuardSource['use'], ReadGuardOptions])[] = [
  ['data', 'train', {}],
  ['harmful', 'train', harmful],
  ['harmless', 'train', harmless],
  ['harmfulAnswers', 'train', { ...harmful, answersOnly: true }],
  ['harmlessAnswers', 'train', { ...harmless, answersOnly: true }],
  ['test', 'test', {}],
  ['testHarmful', 'test', harmful],
  ['testHarmless', 'test', harmless],
];

/** @throws as `readGuardData` does */
export async function readGuardSources(inputs: GuardInputs): Promise<ReadSource[]> {
  const sources: ReadSource[] = [];
  for (const [name, use, options] of ways) {
    for (const path of inputs[name] ?? []) sources.push({ ...(await readGuardData(path, options)), use });
  }
  return sources;
}
