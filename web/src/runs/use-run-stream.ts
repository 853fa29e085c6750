/** A run as it happens: its events, warnings and state, from the server's stream. */
import { useEffect, useRef, useState } from 'react';
import type { RunEvent, RunSummary } from '../base/api.ts';

export interface Warning {
  readonly stage: string;
  readonly time: number;
  readonly message: string;
}

export interface RunStream {
  readonly events: readonly RunEvent[];
  readonly warnings: readonly Warning[];
  readonly summary: RunSummary | null;
  readonly connected: boolean;
}

const retryAfterMs = 3000;

const nothing: RunStream = { events: [], warnings: [], summary: null, connected: false };

export function useRunStream(name: string): RunStream {
  const [state, setState] = useState(nothing);
  // Messages come in bursts, and the whole of a long run at first: one drawing for all that come together.
  const pending = useRef(nothing);
  useEffect(() => {
    let frame = 0;
    let source: EventSource;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const change = (next: Partial<RunStream>): void => {
      pending.current = { ...pending.current, ...next };
      if (frame === 0) {
        frame = requestAnimationFrame(() => {
          frame = 0;
          setState(pending.current);
        });
      }
    };
    pending.current = nothing;
    const connect = (): void => {
      source = new EventSource(`/api/runs/${encodeURIComponent(name)}/stream`);
      const on = <T>(kind: string, handle: (data: T) => void): void =>
        source.addEventListener(kind, (event) => handle(JSON.parse((event as MessageEvent).data) as T));
      on('reset', () => change({ events: [], warnings: [], connected: true }));
      on<{ events: RunEvent[] }>('events', ({ events }) =>
        change({ events: merged(pending.current.events, events) }),
      );
      on<{ warnings: Warning[] }>('warnings', ({ warnings }) =>
        change({ warnings: distinct([...pending.current.warnings, ...warnings]) }),
      );
      on<{ summary: RunSummary }>('summary', ({ summary }) => change({ summary }));
      source.addEventListener('error', () => {
        change({ connected: false });
        // Browsers try again by themselves after a lost connection, but not after an answer that is a refusal, such as of
        // what stands before a server that is being started again.
        if (source.readyState === EventSource.CLOSED) retry = setTimeout(connect, retryAfterMs);
      });
    };
    connect();
    return () => {
      source.close();
      clearTimeout(retry);
      cancelAnimationFrame(frame);
    };
  }, [name]);
  return state;
}

/** A stage that was resumed writes steps again: for each metric the last value counts. */
export function merged(before: readonly RunEvent[], more: readonly RunEvent[]): RunEvent[] {
  const byStep = new Map<string, RunEvent>();
  for (const event of [...before, ...more]) {
    const key = `${event.stage} ${event.step}`;
    const earlier = byStep.get(key);
    byStep.set(key, earlier ? { ...event, metrics: { ...earlier.metrics, ...event.metrics } } : event);
  }
  return [...byStep.values()];
}

function distinct(warnings: readonly Warning[]): Warning[] {
  const known = new Set<string>();
  return warnings.filter(({ stage, message }) => {
    const key = `${stage} ${message}`;
    return known.has(key) ? false : known.add(key);
  });
}
