/** Tells several listeners of a run about everything. */
import type { ProgressDisplay } from '../progress-display.ts';

/** The listeners as one. Anything that shows or keeps a run's events is a `ProgressDisplay`; yours too. */
export function severalDisplays(displays: readonly ProgressDisplay[]): ProgressDisplay {
  return {
    stage: (update) => displays.forEach((one) => void one.stage(update)),
    progress: (update) => displays.forEach((one) => void one.progress(update)),
    event: (record) => displays.forEach((one) => void one.event(record)),
    sample: (record) => displays.forEach((one) => void one.sample(record)),
    warn: (record) => displays.forEach((one) => void one.warn(record)),
    close: () => displays.forEach((one) => void one.close()),
  };
}
