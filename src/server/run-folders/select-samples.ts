/** Which samples of a run somebody wants to see. */
import type { SampleRecord } from '../../run/index.ts';

export interface SampleQuery {
  readonly stage?: string;
  readonly model?: string;
  /** In prompt or response, whatever its case. */
  readonly text?: string;
  /** The score that `min`, `max` and the order by score are about. Default: the first there is. */
  readonly score?: string;
  readonly min?: number;
  readonly max?: number;
  readonly sort: 'written' | 'newest' | 'highest' | 'lowest' | 'longest';
  readonly offset: number;
  readonly limit: number;
}

export interface SelectedSamples {
  readonly samples: SampleRecord[];
  /** How many match. */
  readonly total: number;
  readonly stages: string[];
  readonly models: string[];
  /** Names of the scores there are. */
  readonly scores: string[];
}

export function selectSamples(all: readonly SampleRecord[], query: SampleQuery): SelectedSamples {
  const scores = distinct(all.flatMap((sample) => Object.keys(sample.scores)));
  const score = query.score ?? scores[0];
  const scoreOf = (sample: SampleRecord): number | null => sample.scores[score] ?? null;
  const text = query.text?.toLowerCase();
  const found = all.filter((sample) => {
    const value = scoreOf(sample);
    return (
      (query.stage === undefined || sample.stage === query.stage) &&
      (query.model === undefined || sample.model === query.model) &&
      (query.min === undefined || (value !== null && value >= query.min)) &&
      (query.max === undefined || (value !== null && value <= query.max)) &&
      (text === undefined ||
        sample.prompt.toLowerCase().includes(text) ||
        sample.response.toLowerCase().includes(text))
    );
  });
  const sorted = inOrder(found, query.sort, scoreOf);
  return {
    samples: sorted.slice(query.offset, query.offset + query.limit),
    total: found.length,
    stages: distinct(all.map(({ stage }) => stage)),
    models: distinct(all.flatMap(({ model }) => model ?? [])),
    scores,
  };
}

/** Samples without the score come last, whichever way. */
function inOrder(
  samples: readonly SampleRecord[],
  sort: SampleQuery['sort'],
  scoreOf: (sample: SampleRecord) => number | null,
): SampleRecord[] {
  if (sort === 'written') return [...samples];
  if (sort === 'newest') return samples.toReversed();
  if (sort === 'longest') return samples.toSorted((a, b) => b.response.length - a.response.length);
  const sign = sort === 'highest' ? -1 : 1;
  const rank = (sample: SampleRecord): number => {
    const value = scoreOf(sample);
    return value === null ? Number.POSITIVE_INFINITY : sign * value;
  };
  return samples.toSorted((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x === y ? 0 : x - y; // two infinities have no difference
  });
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)];
}
