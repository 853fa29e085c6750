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

/**
 * Waits for work of which nothing counts before it is whole: asked to stop meanwhile, the state before it is saved.
 * @throws what the work throws; on an interruption `stopRequested`
 */
export async function saveIfStopped<T>(
  work: Promise<T>,
  state: {
    readonly save: () => Promise<void>;
    readonly done: number;
    readonly total: number;
    readonly unit: string;
  },
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(TenetError.is(error) && error.code === 'interrupted')) throw error;
    await state.save();
    throw stopRequested(state.done, state.total, state.unit);
  }
}
