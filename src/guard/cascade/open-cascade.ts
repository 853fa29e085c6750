/** A cascade as a policy file names it. */
import { loadConstitution } from '../../constitution/index.ts';
import { openModel } from '../../llm/index.ts';
import { type OpenGuardOptions, openGuard } from '../open-guard.ts';
import type { GuardPolicy } from '../policy/policy.ts';
import type { GuardModel } from '../screen.ts';
import { type CascadeGuard, cascade } from './cascade.ts';
import { judgeGuard } from './judge.ts';

type Stage = NonNullable<GuardPolicy['cascade']>[number];

/** Somebody waits for the judge's word: what does not pass soon is a failure, which the policy says what to do with. */
const retry = { retries: 2, firstWaitMs: 200, longestWaitMs: 1000, longestRetryAfterMs: 2000 } as const;

/**
 * @param stages  the policy's `cascade`
 * @param options of guards that are folders
 * @throws what opening a guard, a model or a constitution throws; TenetError('usage') for thresholds that do not fit
 */
export async function openCascade(
  stages: readonly Stage[],
  options: OpenGuardOptions = {},
): Promise<CascadeGuard> {
  const opened: { guard: GuardModel; safe?: number; harmful?: number }[] = [];
  try {
    for (const stage of stages) {
      const { safe, harmful } = stage;
      opened.push({ guard: await open(stage, options), safe, harmful });
    }
    return cascade(opened);
  } catch (error) {
    await Promise.allSettled(opened.map(({ guard }) => guard.close()));
    throw error;
  }
}

async function open(
  { guard, judge, constitution, every }: Stage,
  options: OpenGuardOptions,
): Promise<GuardModel> {
  if (guard !== undefined) return openGuard(guard, options);
  const policy = constitution === undefined ? undefined : await loadConstitution(constitution);
  return judgeGuard(await openModel(judge!, { retry }), { policy, every });
}
