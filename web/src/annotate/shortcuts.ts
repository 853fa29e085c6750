/** Keys of the annotation page. Letters name cards, so that commands have none of the first letters. */
import { useEffect, useRef, useSyncExternalStore } from 'react';

export interface Shortcut {
  /** As people read them. */
  readonly keys: string;
  readonly does: string;
}

export const shortcuts: readonly Shortcut[] = [
  { keys: 'A – F', does: 'go to a response' },
  { keys: '← →', does: 'previous, next response' },
  { keys: '1 – 9', does: 'rank it; the same number is a tie' },
  { keys: '↑ ↓', does: 'move it up or down' },
  { keys: '0', does: 'take its rank away' },
  { keys: 'Enter', does: 'submit' },
  { keys: 'u', does: 'undo: back to the answer before' },
  { keys: 'p', does: 'compare two at a time' },
  { keys: 'w', does: 'differences by word of two responses' },
  { keys: 'x', does: 'flag: all are bad' },
  { keys: '!', does: 'flag: something is unsafe' },
  { keys: 'n', does: 'flag: I cannot judge this' },
  { keys: 'r', does: 'write a rationale; Escape leaves it' },
  { keys: 's', does: 'skip, with a reason' },
  { keys: 'g', does: 'guideline' },
  { keys: '?', does: 'this help' },
];

const setting = 'tenet single-key shortcuts';
const changed = new EventTarget();

/** People who dictate or press keys by accident can turn single keys off (WCAG 2.1.4). */
export function useShortcutSetting(): readonly [boolean, (on: boolean) => void] {
  const on = useSyncExternalStore(
    (listener) => {
      changed.addEventListener('change', listener);
      return () => changed.removeEventListener('change', listener);
    },
    () => localStorage.getItem(setting) !== 'off',
  );
  return [
    on,
    (value) => {
      localStorage.setItem(setting, value ? 'on' : 'off');
      changed.dispatchEvent(new Event('change'));
    },
  ];
}

/**
 * @param handle returns true for keys that it has used
 * @param mayRepeat keys that do something again and again while they are held down. Default: none, since whoever holds Enter a
 *   little long has not read the next task
 */
export function useKeys(
  handle: (key: string, event: KeyboardEvent) => boolean,
  enabled: boolean,
  mayRepeat?: RegExp,
): void {
  const latest = useRef(handle);
  latest.current = handle;
  useEffect(() => {
    if (!enabled) return undefined;
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isTyping(event.target) || document.querySelector('dialog[open]')) return;
      if (event.repeat && !mayRepeat?.test(event.key)) return;
      if (latest.current(event.key, event)) event.preventDefault();
    };
    addEventListener('keydown', listen);
    return () => removeEventListener('keydown', listen);
  }, [enabled, mayRepeat]);
}

/** Where keys are text, or move within a control of their own. */
function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    target.isContentEditable
  )
    return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button'].includes(target.type);
}
