/**
 * From which confidence on a judge may label alone, so that people would agree with it often enough.
 *
 * Thresholds are tested from the strictest downwards, each by an exact test of "people disagree with more than 1 − target
 * of what is above it"; the first one that fails ends it. Since the order is fixed before people's labels are looked at,
 * testing many thresholds costs nothing: with probability at least 1 − delta, over the draw of the sample, people agree
 * with at least `target` of everything above the chosen threshold.
 *
 * @see Angelopoulos et al. 2021, arXiv:2110.01052 (fixed-sequence testing of risks); Jung et al. 2024, arXiv:2407.18370
 *   (thresholds of LLM judges)
 */
import { meanOf, TenetError } from '../../base/index.ts';
import { binomialCumulative, clopperPearsonInterval } from '../../objective/index.ts';

/** An item that both a judge and people have labelled; drawn by chance from those to be labelled. */
export interface JudgedConfidence {
  /** In [½, 1]. */
  readonly confidence: number;
  /** In [0, 1]: 1 = people agree with the judge, 0 = they do not; between for ties and rankings of several. */
  readonly agreement: number;
}

export interface ThresholdOptions {
  /** Agreement with people that is wanted, in (0, 1). */
  readonly target: number;
  /** Probability in (0, 1) with which the promise may fail. Default 0.1. */
  readonly delta?: number;
  /**
   * Thresholds in descending order, chosen without a look at people's labels: see `candidateThresholds`.
   */
  readonly candidates: readonly number[];
}

export interface TestedThreshold {
  readonly threshold: number;
  /** Of the sample, above it. */
  readonly items: number;
  readonly agreement: number;
  /** Probability of so much agreement or more, were the true one just below the target. */
  readonly pValue: number;
}

export interface ChosenThreshold {
  /** Items of this confidence and more keep the judge's label; null where no threshold passed. */
  readonly threshold: number | null;
  /** The thresholds tested, up to the first that failed. */
  readonly tested: readonly TestedThreshold[];
  /** Of the chosen one: agreement on the sample, and the lowest one that it is consistent with at 1 − delta. */
  readonly agreement: number | null;
  readonly lowest: number | null;
}

/** @throws TenetError('usage') for a target or delta outside (0, 1) */
export function chooseThreshold(
  sample: readonly JudgedConfidence[],
  { target, delta = 0.1, candidates }: ThresholdOptions,
): ChosenThreshold {
  for (const [name, value] of Object.entries({ target, delta })) {
    if (!(value > 0 && value < 1)) {
      throw new TenetError('usage', `${name} is ${value}, and must lie between 0 and 1.`);
    }
  }
  const sorted = [...sample].sort((a, b) => b.confidence - a.confidence);
  const tested: TestedThreshold[] = [];
  let chosen: { readonly threshold: number; readonly above: readonly JudgedConfidence[] } | null = null;
  for (const threshold of candidates) {
    const end = sorted.findIndex(({ confidence }) => confidence < threshold);
    const above = end === -1 ? sorted : sorted.slice(0, end);
    if (above.length === 0) {
      tested.push({ threshold, items: 0, agreement: 0, pValue: 1 });
      break;
    }
    const losses = above.map(({ agreement }) => 1 - agreement);
    const pValue = pValueOf(losses, 1 - target);
    tested.push({ threshold, items: above.length, agreement: 1 - meanOf(losses), pValue });
    if (pValue > delta) break;
    chosen = { threshold, above };
  }
  if (chosen === null) return { threshold: null, tested, agreement: null, lowest: null };
  const losses = chosen.above.map(({ agreement }) => 1 - agreement);
  return {
    threshold: chosen.threshold,
    tested,
    agreement: 1 - meanOf(losses),
    lowest: 1 - highestRisk(losses, delta),
  };
}

/**
 * Thresholds to test, strictest first: those above which each further fiftieth of all items lies. The strictest leaves
 * enough items in the sample that a test can pass.
 * @param confidences of all items that are to be routed, whether people have labelled them or not
 * @param sampleSize  items that people have labelled
 */
export function candidateThresholds(
  confidences: readonly number[],
  sampleSize: number,
  { target, delta = 0.1 }: { readonly target: number; readonly delta?: number },
): number[] {
  if (confidences.length === 0 || sampleSize === 0) return [];
  const sorted = [...confidences].sort((a, b) => b - a);
  // With fewer, even a sample without a single disagreement proves nothing: target^n > delta. Twice as many, so that one
  // disagreement does not end it.
  const least = Math.max(minItems, 2 * Math.ceil(Math.log(delta) / Math.log(target)));
  const first = Math.min(1, least / sampleSize);
  const steps = 50;
  const thresholds = Array.from({ length: steps + 1 }, (_, i) => {
    const share = first + ((1 - first) * i) / steps;
    return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  });
  return [...new Set(thresholds)];
}

/** Items above the strictest threshold (Jung et al. 2024 use 30). */
const minItems = 30;

/**
 * P-value of "the mean loss is above `risk`", for losses in [0, 1]: the binomial test where they are all 0 or 1, else
 * Hoeffding's and Bentkus' bounds.
 * @see Bates et al. 2021, arXiv:2101.02703, proposition 6
 */
export function pValueOf(losses: readonly number[], risk: number): number {
  const n = losses.length;
  const sum = losses.reduce((total, loss) => total + loss, 0);
  if (losses.every((loss) => loss === 0 || loss === 1)) return binomialCumulative(sum, n, risk);
  const mean = sum / n;
  if (mean >= risk) return 1;
  const hoeffding = Math.exp(-n * divergence(mean, risk));
  const bentkus = Math.E * binomialCumulative(Math.ceil(sum), n, risk);
  return Math.min(1, hoeffding, bentkus);
}

/** The highest mean loss that the losses are consistent with at 1 − delta. */
function highestRisk(losses: readonly number[], delta: number): number {
  const n = losses.length;
  const sum = losses.reduce((total, loss) => total + loss, 0);
  if (losses.every((loss) => loss === 0 || loss === 1)) {
    return clopperPearsonInterval(sum, n, 1 - 2 * delta).high;
  }
  let [low, high] = [sum / n, 1];
  for (let i = 0; i < 50; i++) {
    const middle = (low + high) / 2;
    if (pValueOf(losses, middle) > delta) low = middle;
    else high = middle;
  }
  return high;
}

/** Kullback–Leibler divergence of coins with a and b. */
function divergence(a: number, b: number): number {
  const term = (x: number, y: number): number => (x === 0 ? 0 : x * Math.log(x / y));
  return term(a, b) + term(1 - a, 1 - b);
}
