import type { ReactNode } from 'react';
import type { RunSummary } from '../base/api.ts';

type State = RunSummary['state'];

const kinds: Readonly<Record<State, string>> = {
  waiting: 'quiet',
  running: 'live',
  finished: 'good',
  failed: 'bad',
  interrupted: 'wait',
  stopped: 'wait',
};

export function StatePill({ state }: { readonly state: State }): ReactNode {
  return <span className={`pill ${kinds[state]}`}>{state}</span>;
}

/** The stages of a run as a row of pieces, one for each. */
export function StageBar({ stages }: { readonly stages: RunSummary['stages'] }): ReactNode {
  return (
    <ol className="stage-bar" aria-label="Stages">
      {stages.map(({ name, status }) => (
        <li key={name} className={kinds[status]}>
          {name} <span className="unseen">{status}</span>
        </li>
      ))}
    </ol>
  );
}
