/** Light or dark, if somebody wants other than the system. */
import { useSyncExternalStore } from 'react';

export type ColorScheme = 'auto' | 'light' | 'dark';

const setting = 'tenet color scheme';
const changed = new EventTarget();

function read(): ColorScheme {
  const kept = localStorage.getItem(setting);
  return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

function apply(): void {
  const scheme = read();
  document.documentElement.style.colorScheme = scheme === 'auto' ? 'light dark' : scheme;
}
apply();

export function useColorScheme(): readonly [ColorScheme, (scheme: ColorScheme) => void] {
  const scheme = useSyncExternalStore(onColorScheme, read);
  return [
    scheme,
    (next) => {
      localStorage.setItem(setting, next);
      apply();
      changed.dispatchEvent(new Event('change'));
    },
  ];
}

/** Tells when colours change, whoever changes them. @returns a function that stops it */
export function onColorScheme(listener: () => void): () => void {
  const system = matchMedia('(prefers-color-scheme: dark)');
  changed.addEventListener('change', listener);
  system.addEventListener('change', listener);
  return () => {
    changed.removeEventListener('change', listener);
    system.removeEventListener('change', listener);
  };
}
