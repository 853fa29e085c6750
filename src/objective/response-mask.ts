/** Which sampled tokens count: everything up to and including the first end-of-sequence token. */
import { TenetError } from '../base/index.ts';

export interface ResponseMask {
  /** [B, T] 1 = sampled by the policy; the token that ends the response counts, what follows does not. */
  readonly counted: Float32Array;
  /** [B] counted tokens. */
  readonly lengths: Int32Array;
  /** [B] 1 = the response ended by itself, 0 = it was cut off at T tokens. */
  readonly ended: Uint8Array;
}

/**
 * Masks responses by their end token, not by the padding token: the two are often the same id, and a policy whose
 * end token is taken for padding never learns to stop.
 * @param tokens    [B, T] sampled ids, with anything after the end
 * @param sequences B
 * @param endIds    ids that end a response
 */
export function maskResponses(
  tokens: Int32Array,
  sequences: number,
  endIds: readonly number[],
): ResponseMask {
  const length = tokens.length / sequences;
  if (!Number.isInteger(length)) {
    throw new TenetError(
      'shape',
      `maskResponses: ${tokens.length} tokens do not make ${sequences} equal rows`,
    );
  }
  const ends = new Set(endIds);
  const counted = new Float32Array(tokens.length);
  const lengths = new Int32Array(sequences);
  const ended = new Uint8Array(sequences);
  for (let row = 0; row < sequences; row++) {
    for (let t = 0; t < length && !ended[row]; t++) {
      counted[row * length + t] = 1;
      lengths[row]++;
      if (ends.has(tokens[row * length + t])) ended[row] = 1;
    }
  }
  return { counted, lengths, ended };
}
