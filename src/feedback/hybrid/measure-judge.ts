/** Calibrates a judge on a sample that people have labelled, and finds the thresholds to route by. */
import { meanOf, TenetError } from '../../base/index.ts';
import { agreementAmong } from '../agreement/outcome.ts';
import {
  type CalibrationPair,
  calibrated,
  calibrateJudge,
  type JudgeCalibration,
} from '../routing/calibrate.ts';
import {
  type ChosenThreshold,
  candidateThresholds,
  chooseThreshold,
  type JudgedConfidence,
} from '../routing/choose-threshold.ts';
import type { Thresholds } from '../routing/route.ts';
import type { HumanLabel } from './human-labels.ts';
import type { HybridOptions } from './hybrid-options.ts';
import { agreementWith, type JudgedItem, outcomesOf } from './judged-item.ts';

export interface Measured {
  readonly calibration: JudgeCalibration;
  readonly thresholds: Thresholds;
  /** How the high threshold was found; null where it was given. */
  readonly chosen: ChosenThreshold | null;
  /** How often two people who labelled the same item preferred the same response; null where none did. */
  readonly humanAgreement: number | null;
}

export interface SampledItem {
  readonly judged: JudgedItem;
  readonly labels: readonly Pick<HumanLabel, 'ranks'>[];
}

/**
 * @param sample      items drawn by chance, with what people said of them
 * @param confidences of all items
 * @throws TenetError('usage') where people have judged no pair of the sample
 */
export function measureJudge(
  sample: readonly SampledItem[],
  confidences: readonly number[],
  options: Pick<HybridOptions, 'method' | 'target' | 'delta' | 'high' | 'low' | 'lowTarget'>,
  seed: number,
): Measured {
  const pairs = sample.flatMap(calibrationPairs);
  if (pairs.length === 0) {
    throw new TenetError(
      'usage',
      'people have ranked none of the items of the sample, so nothing is known about the judge. Were they all skipped?',
    );
  }
  const calibration = calibrateJudge(pairs, { method: options.method, seed });
  const judged = sample.flatMap(judgedConfidence);
  const { target, delta } = options;
  const chosen =
    options.high === undefined
      ? chooseThreshold(judged, {
          ...{ target, delta, candidates: candidateThresholds(confidences, judged.length, options) },
        })
      : null;
  const high = options.high ?? chosen!.threshold;
  const low = options.low ?? lowThreshold(confidences, calibration, options.lowTarget);
  return {
    ...{ calibration, chosen },
    thresholds: { high, low: high === null ? low : Math.min(low, high) },
    humanAgreement: agreementAmongPeople(sample.map(({ labels }) => labels)),
  };
}

function calibrationPairs({ judged, labels }: SampledItem): CalibrationPair[] {
  return labels.flatMap(({ ranks }) =>
    outcomesOf(ranks).flatMap((outcome, n) =>
      outcome === null ? [] : [{ item: judged.key, probability: judged.probabilities[n], outcome }],
    ),
  );
}

/** One value for each item, so that they are independent. */
function judgedConfidence({ judged, labels }: SampledItem): JudgedConfidence[] {
  const agreements = labels.flatMap(({ ranks }) => agreementWith(judged.probabilities, ranks) ?? []);
  if (agreements.length === 0) return [];
  const agreement = agreements.reduce((sum, value) => sum + value, 0) / agreements.length;
  return [{ confidence: judged.confidence, agreement }];
}

/** The least confidence at which people are expected to agree often enough that the judge's label is worth having. */
function lowThreshold(
  confidences: readonly number[],
  { calibrator }: JudgeCalibration,
  lowTarget: number,
): number {
  const worth = confidences.filter((confidence) => calibrated(calibrator, confidence) >= lowTarget);
  return worth.length === 0 ? 1 : worth.reduce((least, confidence) => Math.min(least, confidence), 1);
}

/** Mean over the items with several labels of how often two people agree on a pair; null without any. */
export function agreementAmongPeople(
  labels: readonly (readonly Pick<HumanLabel, 'ranks'>[])[],
): number | null {
  const values = labels.flatMap((own) => agreementAmong(own.map(({ ranks }) => ranks)) ?? []);
  return values.length === 0 ? null : meanOf(values);
}
