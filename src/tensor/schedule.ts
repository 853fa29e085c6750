/** Learning-rate schedules with linear warm-up, step for step those of Hugging Face transformers. */
import { TenetError } from '../base/index.ts';

export interface ScheduleOptions {
  /** Course after the warm-up: level, straight down to `minLr`, or half a cosine down to `minLr`. */
  readonly schedule: 'constant' | 'linear' | 'cosine';
  /** Peak learning rate. */
  readonly lr: number;
  /** Optimizer steps that rise linearly from 0 to `lr`. Default 0. */
  readonly warmupSteps?: number;
  /** Optimizer steps of the whole run, warm-up included. */
  readonly totalSteps: number;
  /** Learning rate at the end of `linear` and `cosine`. Default 0 (transformers' `linear` and `cosine`). */
  readonly minLr?: number;
}

/**
 * The learning rate of one optimizer step.
 *
 * Steps count from 0, as transformers' schedulers do: the n-th call of `optimizer.step()` (n from 1) runs with
 * the rate of step n − 1. So with a warm-up the very first update has learning rate 0, and the last one,
 * step `totalSteps` − 1, has a rate just above `minLr`. From step `totalSteps` on the rate stays `minLr`
 * (transformers' cosine would rise again).
 *
 * @param step optimizer steps already taken
 * @throws TenetError('usage') naming every option that is out of range
 * @see transformers 5.18 `optimization.py`: get_constant_schedule_with_warmup, get_linear_schedule_with_warmup,
 * get_cosine_schedule_with_warmup, get_cosine_with_min_lr_schedule_with_warmup. Cosine: Loshchilov and Hutter
 * 2017, arXiv:1608.03983, eq. 5.
 */
export function learningRateAt(step: number, options: ScheduleOptions): number {
  const { schedule, lr, warmupSteps = 0, totalSteps, minLr = 0 } = options;
  check(step, lr, warmupSteps, totalSteps, minLr);
  if (step < warmupSteps) return (lr * step) / warmupSteps;
  if (schedule === 'constant') return lr;
  const progress = Math.min(1, (step - warmupSteps) / Math.max(1, totalSteps - warmupSteps));
  const left = schedule === 'linear' ? 1 - progress : 0.5 * (1 + Math.cos(Math.PI * progress));
  return minLr + (lr - minLr) * left;
}

function check(step: number, lr: number, warmupSteps: number, totalSteps: number, minLr: number): void {
  const problems: string[] = [];
  const count = (value: number): boolean => Number.isInteger(value) && value >= 0;
  if (!count(step)) problems.push(`step is ${step}, must be a whole number from 0`);
  if (!(lr >= 0 && lr < Number.POSITIVE_INFINITY))
    problems.push(`lr is ${lr}, must be finite and not negative`);
  if (!(minLr >= 0 && minLr <= lr)) problems.push(`minLr is ${minLr}, must be from 0 to lr (${lr})`);
  if (!count(totalSteps) || totalSteps === 0) {
    problems.push(`totalSteps is ${totalSteps}, must be a whole number from 1`);
  }
  if (!count(warmupSteps) || warmupSteps > totalSteps) {
    problems.push(
      `warmupSteps is ${warmupSteps}, must be a whole number from 0 to totalSteps (${totalSteps})`,
    );
  }
  if (problems.length)
    throw new TenetError('usage', `learningRateAt: ${problems.join('; ')}`, { details: { problems } });
}
