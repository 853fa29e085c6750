/** The outbox of this browser, and its state for components. */
import { useEffect, useSyncExternalStore } from 'react';
import { post } from '../base/api.ts';
import { roomy } from '../base/kept.ts';
import { Outbox, type OutboxState } from './outbox.ts';

let current: { readonly person: string; readonly outbox: Outbox } | null = null;

/** One for all pages, so that what waits is sent wherever its owner goes on to. */
function outboxOf(person: string): Outbox {
  if (current?.person === person) return current.outbox;
  current?.outbox.close();
  const outbox = new Outbox({
    person,
    keep: roomy,
    send: (letter) => post(letter.path, letter.body, person),
    alone: (work) => navigator.locks.request(`tenet outbox ${person}`, work),
  });
  current = { person, outbox };
  return outbox;
}

export function useOutbox(person: string): { readonly outbox: Outbox; readonly state: OutboxState } {
  const outbox = outboxOf(person);
  const state = useSyncExternalStore(
    (listener) => outbox.subscribe(listener),
    () => outbox.state,
  );
  return { outbox, state };
}

/** Sends what waits, from whichever page is open. */
export function useSending(person: string): void {
  useEffect(() => {
    const flush = (): void => void outboxOf(person).flush();
    flush();
    addEventListener('online', flush);
    return () => removeEventListener('online', flush);
  }, [person]);
}
