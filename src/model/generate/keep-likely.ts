/**
 * Which tokens top-k, top-p and min-p leave to be drawn.
 *
 * Each filter keeps a prefix of the tokens in order of probability, so what is left is a prefix too. Sorting a
 * whole vocabulary for it would take longer than a small model's step. The probabilities are therefore thrown
 * into buckets of nearly equal ones, and only the bucket in which the prefix ends is sorted.
 *
 * Shape: V vocabulary.
 */

export interface LikelyOptions {
  /** Keep only the k most likely tokens; 0 = all. */
  readonly topK: number;
  /** Then keep the fewest most likely tokens that hold this share of what is left; 1 = all. */
  readonly topP: number;
  /** Then keep tokens at least this likely relative to the most likely one; 0 = all. */
  readonly minP: number;
}

/**
 * The bits of a positive float32 without sign, read as an integer, grow with its value. Their upper part,
 * exponent and four bits of the fraction, is the bucket: values in one differ by 6 % at most.
 */
const bucketShift = 19;
const buckets = (0x3f800000 >>> bucketShift) + 2; // up to the bucket of 1, and one for rounding above it
const counts = new Int32Array(buckets);
const masses = new Float64Array(buckets);

/** The end of a prefix: all of the higher buckets, and the first `ids` of this one. */
interface Cut {
  readonly bucket: number;
  /** Most likely first, the lower id first among equals. */
  readonly ids: readonly number[];
}

/**
 * Applies the three filters in the order top-k, top-p, min-p, as Hugging Face transformers does.
 * Among equally likely tokens the lower id counts as the more likely one.
 * @param probabilities [V] from 0 to 1
 * @returns ids with a probability above 0, in no particular order; the same for the same input
 */
export function keepLikely(probabilities: Float32Array, { topK, topP, minP }: LikelyOptions): number[] {
  const bits = new Int32Array(probabilities.buffer, probabilities.byteOffset, probabilities.length);
  let largestBits = 0;
  for (let i = 0; i < bits.length; i++) if (bits[i] > largestBits) largestBits = bits[i];
  const largest = probabilities[bits.indexOf(largestBits)];
  let cut: Cut | null = null;
  if (topK > 0 || topP < 1) {
    fillBuckets(probabilities, bits);
    if (topK > 0 && topK < probabilities.length) cut = cutAtCount(probabilities, bits, topK);
    if (topP < 1) cut = cutAtMass(probabilities, bits, topP, cut);
  }
  const floor = minP * largest;
  const kept: number[] = [];
  const lowest = cut ? (cut.bucket + 1) << bucketShift : 1;
  for (let i = 0; i < bits.length; i++) {
    if (bits[i] >= lowest && probabilities[i] >= floor) kept.push(i);
  }
  for (const id of cut?.ids ?? []) if (probabilities[id] >= floor) kept.push(id);
  return kept;
}

function fillBuckets(probabilities: Float32Array, bits: Int32Array): void {
  counts.fill(0);
  masses.fill(0);
  for (let i = 0; i < bits.length; i++) {
    if (bits[i] <= 0) continue;
    const bucket = bits[i] >> bucketShift;
    counts[bucket] += 1;
    masses[bucket] += probabilities[i];
  }
}

/** The prefix of `count` tokens, or of all that are possible. */
function cutAtCount(probabilities: Float32Array, bits: Int32Array, count: number): Cut {
  let left = count;
  let bucket = buckets - 1;
  while (bucket > 0 && left > counts[bucket]) left -= counts[bucket--];
  return { bucket, ids: sortedBucket(probabilities, bits, bucket).slice(0, left) };
}

/** The shortest prefix with the share `topP` of the mass up to `end`. */
function cutAtMass(probabilities: Float32Array, bits: Int32Array, topP: number, end: Cut | null): Cut {
  const last = end?.bucket ?? 0;
  const massOfEnd = end ? sumOf(probabilities, end.ids) : masses[0];
  let total = massOfEnd;
  for (let bucket = buckets - 1; bucket > last; bucket--) total += masses[bucket];
  let left = topP * total;
  let bucket = buckets - 1;
  while (bucket > last && left > masses[bucket]) left -= masses[bucket--];
  const ids = bucket === end?.bucket ? end.ids : sortedBucket(probabilities, bits, bucket);
  let size = 0;
  while (size < ids.length && left > 0) left -= probabilities[ids[size++]];
  return { bucket, ids: ids.slice(0, size) };
}

function sortedBucket(probabilities: Float32Array, bits: Int32Array, bucket: number): number[] {
  const ids: number[] = [];
  for (let i = 0; i < bits.length; i++) if (bits[i] >> bucketShift === bucket && bits[i] > 0) ids.push(i);
  return ids.sort((a, b) => probabilities[b] - probabilities[a] || a - b);
}

function sumOf(probabilities: Float32Array, ids: readonly number[]): number {
  let sum = 0;
  for (const id of ids) sum += probabilities[id];
  return sum;
}
