/** How long the texts are that a guard would be trained on, before anything is trained. */
import type { Tokenizer } from '../../text/index.ts';
import { encodeExample } from '../classifier/encode-examples.ts';
import type { GuardKind } from '../classifier/heads.ts';
import { Transcript } from '../classifier/transcript.ts';
import { disguised } from '../data/disguise.ts';
import type { GuardExample } from '../data/guard-example.ts';

export interface PlanTextsOptions {
  readonly kinds: readonly GuardKind[];
  readonly maxLength: number;
  readonly disguises: number;
  readonly seed: number;
}

/** @returns tokens of each text that the examples give, their disguises among them */
export function plannedLengths(
  examples: readonly GuardExample[],
  tokenizer: Tokenizer,
  { kinds, maxLength, disguises, seed }: PlanTextsOptions,
): number[] {
  const transcript = new Transcript(tokenizer);
  return disguised(examples, { count: disguises, seed }).flatMap((example) =>
    encodeExample(example, transcript, { kinds, maxLength }).map(({ ids }) => ids.length),
  );
}
