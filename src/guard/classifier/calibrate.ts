/** Turns raw scores into probabilities, and sets thresholds on them, from texts that were not trained on. */
import {
  expectedCalibrationError,
  fitPlatt,
  type PlattScaling,
  plattProbability,
} from '../../objective/index.ts';
import type { EncodedText } from './encode-examples.ts';
import { type GuardKind, headNames } from './heads.ts';
import { type RefusalThreshold, refusalRates, refusalThreshold } from './thresholds.ts';

export interface KindCalibration {
  readonly scaling: PlattScaling;
  readonly thresholds: readonly RefusalThreshold[];
  /** Expected calibration error of texts left out of the fit in turn (5 parts); null with too few. */
  readonly calibrationError: number | null;
  readonly texts: { readonly harmful: number; readonly harmless: number };
}

export interface GuardCalibration {
  readonly kinds: Readonly<Partial<Record<GuardKind, KindCalibration>>>;
  readonly categories: Readonly<Record<string, PlattScaling>>;
}

/** Where there is nothing to fit to: log-odds as they are. */
const asTheyAre: PlattScaling = { slope: 1, intercept: 0 };
/** Fewer of either label give no line. */
const fewest = 5;
const parts = 5;

/**
 * @param scores [texts][H] largest raw scores
 * @returns scalings, and thresholds in probabilities; kinds without harmless texts have none
 */
export function calibrateGuard(
  texts: readonly EncodedText[],
  scores: readonly Float32Array[],
  kinds: readonly GuardKind[],
  categories: readonly string[],
): GuardCalibration {
  const byKind = kinds.map((kind, head) => {
    const own = texts.flatMap((text, i) =>
      text.kind === kind ? [{ score: scores[i][head], label: text.harmful ? 1 : 0 }] : [],
    );
    return [kind, calibrateKind(own)] as const;
  });
  const names = headNames(kinds, categories);
  const byCategory = categories.map((category) => {
    const head = names.indexOf(`category/${category}`);
    const own = texts.flatMap(({ harmful, example }, i) => {
      const named = harmful ? example.categories : [];
      return named === null ? [] : [{ score: scores[i][head], label: named.includes(category) ? 1 : 0 }];
    });
    return [category, scalingOf(own)] as const;
  });
  return { kinds: Object.fromEntries(byKind), categories: Object.fromEntries(byCategory) };
}

interface Labelled {
  readonly score: number;
  readonly label: number;
}

function calibrateKind(texts: readonly Labelled[]): KindCalibration {
  const scaling = scalingOf(texts);
  const benign = texts.filter(({ label }) => label === 0);
  const probabilities = benign.map(({ score }) => plattProbability(scaling, score));
  return {
    scaling,
    thresholds: benign.length === 0 ? [] : refusalRates.map((rate) => refusalThreshold(probabilities, rate)),
    calibrationError: heldOutError(texts),
    texts: { harmful: texts.length - benign.length, harmless: benign.length },
  };
}

function scalingOf(texts: readonly Labelled[]): PlattScaling {
  const positives = texts.filter(({ label }) => label === 1).length;
  if (positives < fewest || texts.length - positives < fewest) return asTheyAre;
  const scaling = fitPlatt(
    texts.map(({ score }) => score),
    texts.map(({ label }) => label),
  );
  // A score that fell with harm would turn every later maximum around.
  return scaling.slope > 0 ? scaling : { slope: 1e-3, intercept: scaling.intercept };
}

function heldOutError(texts: readonly Labelled[]): number | null {
  if (texts.length < 10 * parts) return null;
  const scalings = Array.from({ length: parts }, (_, part) =>
    scalingOf(texts.filter((_, i) => i % parts !== part)),
  );
  const { error } = expectedCalibrationError(
    texts.map(({ score }, i) => plattProbability(scalings[i % parts], score)),
    texts.map(({ label }) => label),
  );
  return error;
}
