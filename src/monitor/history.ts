/** What monitors have seen of a stage so far: metrics by name, and summaries of responses, in order of steps. */
import type { BatchSummary } from './batch-summary.ts';
import type { Finding } from './detector.ts';
import type { LatentStates } from './latent/latent-watch.ts';
import { type Moments, pool } from './statistics.ts';

/** One thing seen; plain data, so that it can be kept and read back. */
export type Entry =
  | { readonly step: number; readonly metrics: Readonly<Record<string, number | null>> }
  | { readonly step: number; readonly batch: BatchSummary }
  /** The reward model's states of responses that stand for the reference's. */
  | { readonly step: number; readonly latent: LatentStates }
  /** What trying canaries has shown; null: none was rewarded. */
  | { readonly step: number; readonly canaries: Finding | null };

export interface Point {
  readonly step: number;
  /** NaN where the value was not a number. */
  readonly value: number;
}

/** Responses that stand for the reference model: the first iterations, up to so many. */
const baselineResponses = 128;
/** The first of them are sampled before any update; later ones only while these are few, and never past this. */
const baselineIterations = 3;

export class History {
  readonly batches: { readonly step: number; readonly batch: BatchSummary }[] = [];
  private readonly metrics = new Map<string, Point[]>();

  add(entry: Entry): void {
    if ('batch' in entry) {
      this.batches.push(entry);
      return;
    }
    if (!('metrics' in entry)) return;
    for (const [name, value] of Object.entries(entry.metrics)) {
      const points = this.metrics.get(name) ?? [];
      points.push({ step: entry.step, value: value ?? Number.NaN });
      this.metrics.set(name, points);
    }
  }

  /** The values of the first metric among `names` that was recorded, oldest first. */
  series(...names: readonly string[]): readonly Point[] {
    for (const name of names) {
      const points = this.metrics.get(name);
      if (points) return points;
    }
    return [];
  }

  /** Metrics of the newest step, by name. */
  newest(): readonly (readonly [string, number])[] {
    const last = Math.max(0, ...[...this.metrics.values()].map((points) => points[points.length - 1].step));
    return [...this.metrics].flatMap(([name, points]) => {
      const point = points[points.length - 1];
      return point.step === last ? [[name, point.value] as const] : [];
    });
  }

  /** A measure in the first iterations, which stand for the reference model. */
  baseline(pick: (batch: BatchSummary) => Moments | null): Moments | null {
    return pool(this.batches.slice(0, this.baselineLength).map(({ batch }) => pick(batch)));
  }

  /** A measure in the newest iterations that have it and are not the baseline's; null before there are any. */
  recent(window: number, pick: (batch: BatchSummary) => Moments | null): Moments | null {
    const known: Moments[] = [];
    for (let i = this.batches.length - 1; i >= this.baselineLength && known.length < window; i--) {
      const moments = pick(this.batches[i].batch);
      if (moments) known.unshift(moments);
    }
    return pool(known);
  }

  /** The iterations after those that stand for the reference. */
  get later(): readonly { readonly step: number; readonly batch: BatchSummary }[] {
    return this.batches.slice(this.baselineLength);
  }

  private get baselineLength(): number {
    let responses = 0;
    let length = 0;
    while (length < Math.min(baselineIterations, this.batches.length) && responses < baselineResponses) {
      responses += this.batches[length].batch.features.length.count;
      length++;
    }
    return length;
  }
}

/** The last so many values; fewer where there are fewer. */
export function lastOf(points: readonly Point[], count: number): number[] {
  return points.slice(-count).map(({ value }) => value);
}
