/** Who labels an item: the judge, people, or both. */
import { hashOf, Random } from '../../base/index.ts';

/**
 * - `ai`: the judge's label stands alone; some are audited
 * - `both`: people label without seeing the judge's label; where the two disagree, an adjudicator decides
 * - `people`: the judge's label is not used
 */
export type Route = 'ai' | 'both' | 'people';

export interface Thresholds {
  /** Confidence from which on the judge labels alone; null = it never does. */
  readonly high: number | null;
  /** Confidence below which people label alone. */
  readonly low: number;
}

export function routeOf(confidence: number, { high, low }: Thresholds): Route {
  if (high !== null && confidence >= high) return 'ai';
  return confidence < low ? 'people' : 'both';
}

/**
 * Whether people audit an item that the judge labels alone. Each item is drawn with the same probability, by itself, so
 * that estimates from the audits hold for all; the draw depends on seed and key alone.
 */
export function isAudited(key: string, rate: number, seed: number): boolean {
  if (rate <= 0) return false;
  const hash = hashOf(`audit\n${seed}\n${key}`).slice('sha256:'.length);
  return new Random(Number.parseInt(hash.slice(0, 8), 16)).uniform() < rate;
}
