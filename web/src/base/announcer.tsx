/** Says to screen readers what others see. */
import type { ReactNode } from 'react';
import { useSyncExternalStore } from 'react';

let message = '';
const listeners = new Set<() => void>();

/** A message that is said twice must differ from the last to be heard. */
export function announce(text: string): void {
  message = text === message ? `${text}\u00a0` : text;
  for (const listener of listeners) listener();
}

export function Announcer(): ReactNode {
  const text = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => message,
  );
  return (
    <div className="unseen" aria-live="polite" aria-atomic="true">
      {text}
    </div>
  );
}
