/** All that is known of how well each annotator labels. */
import type { JudgedTask } from '../agreement/judgements.ts';
import { type GoldAccuracy, goldAccuracy } from './gold-accuracy.ts';
import { type Habits, labelHabits } from './habits.ts';
import { estimateReliability, type Reliability } from './reliability.ts';
import { type SelfAgreement, selfAgreement } from './self-agreement.ts';

export interface AnnotatorQuality extends Habits {
  /** Null where the annotator has labelled no task with a known answer. */
  readonly gold: GoldAccuracy | null;
  /** Null where the annotator has judged nothing that others have judged too. */
  readonly reliability: Omit<Reliability, 'annotator' | 'pairs'> | null;
  /** Null where the annotator has met nothing twice. */
  readonly self: SelfAgreement | null;
}

/** By name of annotator. */
export function annotatorQuality(tasks: readonly JudgedTask[]): AnnotatorQuality[] {
  const gold = goldAccuracy(tasks);
  const self = selfAgreement(tasks);
  const reliability = new Map(estimateReliability(tasks).map((one) => [one.annotator, one]));
  return labelHabits(tasks).map((habits) => {
    const { annotator } = habits;
    const found = reliability.get(annotator);
    return {
      ...habits,
      gold: gold.get(annotator) ?? null,
      reliability:
        found && found.shared > 0
          ? { shared: found.shared, accuracy: found.accuracy, weight: found.weight }
          : null,
      self: self.get(annotator) ?? null,
    };
  });
}
