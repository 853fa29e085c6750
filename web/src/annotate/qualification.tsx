import { type ReactNode, useEffect } from 'react';
import type { z } from 'zod';
import type { qualificationSchema } from '../../../src/server/schemas/label-schemas.ts';
import { get } from '../base/api.ts';
import { useData } from '../base/use-data.ts';

type State = z.infer<typeof qualificationSchema>;

/** Where I stand in a project's qualification test; null where I need none. @param answers asked anew when it changes */
export function useQualification(base: string, answers: number): State | null {
  const { data, reload } = useData(`qualification ${base}`, () => get<State | null>(`${base}/qualification`));
  const isTested = data !== undefined && data !== null && data.status !== 'passed';
  useEffect(() => {
    if (isTested && answers > 0) reload();
  }, [isTested, answers, reload]);
  return data ?? null;
}

/** Says that the questions come first, and how many are left. */
export function QualificationPill({ state }: { readonly state: State }): ReactNode {
  const { answered, questions, attempt, attempts } = state;
  return (
    <span
      className="pill wait"
      title="These questions come before the tasks of the project. Answers are final, and nobody is told what was right."
    >
      qualification test, {Math.min(answered + 1, questions)} of {questions}
      {attempts > 1 && `, attempt ${attempt} of ${attempts}`}
    </span>
  );
}

/** Why there is nothing for who has not passed. */
export function qualificationOutcome({ status, score, pass, retakeAt }: State): string | null {
  const percent = (share: number): string => `${Math.round(share * 100)} %`;
  const result = `${percent(score ?? 0)} of the qualification test was right; ${percent(pass)} would have been enough.`;
  if (status === 'failed') return result;
  if (status !== 'waiting' || retakeAt === null) return null;
  return `${result} You can try again from ${new Date(retakeAt).toLocaleString()}.`;
}
