/** Whether answers have arrived; nothing is worth worrying about until this says so. */
import { type ReactNode, useState } from 'react';
import type { OutboxState } from './outbox.ts';

interface SentStateProps {
  readonly state: OutboxState;
  /** Answers given since the page was opened. */
  readonly count: number;
  /** Without a connection: tasks that were fetched before. */
  readonly atHand?: number | null;
}

export function SentState({ state, count, atHand = null }: SentStateProps): ReactNode {
  const { waiting, offline, refused } = state;
  const answers = waiting.length === 1 ? '1 answer' : `${waiting.length} answers`;
  const [refusedBefore] = useState(refused.length);
  const saved = count - (refused.length - refusedBefore);
  return (
    <p className="sent" role="status">
      {refused.length > 0 && (
        <span className="pill bad" title={refused.map(({ why }) => why).join('\n')}>
          {refused.length} not taken: {refused.at(-1)!.why}
        </span>
      )}
      {offline && waiting.length > 0 ? (
        <span className="pill wait">offline, {answers} kept here</span>
      ) : waiting.length > 0 ? (
        <span className="quiet">sending …</span>
      ) : atHand !== null ? (
        <span className="pill wait">
          offline, {atHand} {atHand === 1 ? 'task' : 'tasks'} at hand
        </span>
      ) : (
        saved > 0 && <span className="quiet">{saved} done, all saved</span>
      )}
    </p>
  );
}
