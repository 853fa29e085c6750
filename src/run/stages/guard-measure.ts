/** Puts the same examples before guards, and keeps what each says. */
import {
  type ClassifierGuard,
  type GuardExample,
  type GuardModel,
  keywordGuard,
  openClassifierGuard,
  scoreExamples,
} from '../../guard/index.ts';
import type { StageOf } from '../run-recipe.ts';
import type { MeasuredGuard, Question } from './guard-tables.ts';
import type { StageRun } from './stage-run.ts';

const names = { made: 'new guard', former: 'former guard' } as const;
/** Blocks from here where a guard says nothing else. */
const usualThreshold = 0.5;

/** The new guard, the former one if there is one, and the keywords. */
export async function measureGuards(
  { former, refusalRate }: StageOf<'guard'>,
  { context, threads }: StageRun,
  folder: string,
  examples: readonly GuardExample[],
): Promise<MeasuredGuard[]> {
  const measured: MeasuredGuard[] = [];
  const wanted: readonly (readonly [string, () => Promise<GuardModel>])[] = [
    [names.made, () => openClassifierGuard(folder, { threads, refusalRate })],
    ...(former === undefined
      ? []
      : [[names.former, () => openClassifierGuard(former, { threads, refusalRate })] as const]),
    ['keywords', async () => keywordGuard()],
  ];
  for (const [i, [name, open]] of wanted.entries()) {
    const guard = await open();
    try {
      const scored = await scoreExamples(guard, examples, {
        signal: context.signal,
        onProgress: (done, total) => context.progress(i * total + done, wanted.length * total),
      });
      const at = (rate: number | null) => thresholdsOf(guard, rate);
      const judges = (question: Question): boolean => judgesAny(guard, question);
      measured.push({ name, judges, scored, thresholds: at(null)!, thresholdsAt: at });
    } finally {
      await guard.close();
    }
  }
  return measured;
}

function judgesAny(guard: GuardModel, question: Question): boolean {
  if (!('file' in guard)) return true;
  const { kinds } = (guard as ClassifierGuard).file;
  return question === 'input' ? kinds.includes('input') : kinds.some((kind) => kind !== 'input');
}

/** @param rate null: those that the guard was opened with */
function thresholdsOf(guard: GuardModel, rate: number | null): MeasuredGuard['thresholds'] | null {
  if (rate !== null && !('thresholdFor' in guard)) return null;
  const of = (what: 'input' | 'output'): number => {
    const own = guard.thresholds?.[what];
    if (own === undefined) return usualThreshold;
    return rate === null ? own : (guard as ClassifierGuard).thresholdFor(what, rate);
  };
  return { input: of('input'), output: of('output') };
}

/** For `scores.json`. */
export function scoresOf({ name, thresholds, scored }: MeasuredGuard): object {
  return {
    ...{ guard: name, thresholds },
    scores: scored.map(({ example, input, output }) => ({ id: example.id, input, output })),
  };
}
