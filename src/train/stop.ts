/** How a stage ends when the user asks it to. */
import { TenetError } from '../base/index.ts';

/** The error of a stage that has saved its state after `done` of `total` units and stops on request. */
export function stopRequested(done: number, total: number, unit: string): TenetError {
  return new TenetError(
    'interrupted',
    `Stopped after ${unit} ${done} of ${total}; the state is saved. Resume with --resume.`,
    {
      details: { done, total },
    },
  );
}
