/** The outbox of this browser, and its state for components. */
import { useEffect, useMemo, useSyncExternalStore } from 'react';
import { post } from '../base/api.ts';
import { roomy } from '../base/kept.ts';
import { Outbox, type OutboxState } from './outbox.ts';

export function useOutbox(person: string): { readonly outbox: Outbox; readonly state: OutboxState } {
  const outbox = useMemo(
    () =>
      new Outbox({
        person,
        keep: roomy,
        send: (letter) => post(letter.path, letter.body, person),
        alone: (work) => navigator.locks.request(`tenet outbox ${person}`, work),
      }),
    [person],
  );
  useEffect(() => {
    void outbox.flush();
    const online = (): void => void outbox.flush();
    addEventListener('online', online);
    return () => {
      removeEventListener('online', online);
      outbox.close();
    };
  }, [outbox]);
  const state = useSyncExternalStore(
    (listener) => outbox.subscribe(listener),
    () => outbox.state,
  );
  return { outbox, state };
}
