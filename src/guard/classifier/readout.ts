/** What the file of a guard says of its scores. */
import { basename, resolve } from 'node:path';
import type { Readout } from './classifier-screen.ts';
import { type GuardFile, thresholdOf } from './guard-file.ts';
import { type GuardKind, headNames } from './heads.ts';

/** Share of harmless traffic that may be refused where nobody says. */
const usualRefusalRate = 0.01;

export function stageOf({ probe }: GuardFile): 'probe' | 'classifier' {
  return probe ? 'probe' : 'classifier';
}

export function guardName(folder: string, file: GuardFile): string {
  return `${stageOf(file)}:${basename(resolve(folder))}@${file.weightsHash.slice(7, 15)}`;
}

/** The kind that judges answers where nobody says. */
export function usualAnswers({ kinds }: GuardFile): 'output' | 'exchange' {
  return kinds.includes('exchange') ? 'exchange' : 'output';
}

/** @throws TenetError('usage') for a share that the guard was not calibrated for */
export function thresholdsOf(
  file: GuardFile,
  name: string,
  answers: 'output' | 'exchange',
  refusalRate: number = usualRefusalRate,
): { readonly input?: number; readonly output?: number } {
  const has = (kind: GuardKind): boolean => (file.calibration.kinds[kind]?.thresholds.length ?? 0) > 0;
  return {
    ...(has('input') && { input: thresholdOf(file, name, 'input', refusalRate) }),
    ...(has(answers) && { output: thresholdOf(file, name, answers, refusalRate) }),
  };
}

export function readoutOf(file: GuardFile, kind: GuardKind): Readout {
  const { kinds, categories, calibration } = file;
  const names = headNames(kinds, categories);
  return {
    head: kinds.indexOf(kind),
    scaling: calibration.kinds[kind]?.scaling ?? { slope: 1, intercept: 0 },
    categories: categories.map((name) => ({
      name,
      head: names.indexOf(`category/${name}`),
      scaling: calibration.categories[name] ?? { slope: 1, intercept: 0 },
    })),
    stage: stageOf(file),
  };
}
