/** Addresses of pages, without a library: a path, a query, and links that do not load the page anew. */
import { type AnchorHTMLAttributes, type ReactNode, useEffect, useRef, useSyncExternalStore } from 'react';

const changed = new EventTarget();

function subscribe(listener: () => void): () => void {
  changed.addEventListener('change', listener);
  addEventListener('popstate', listener);
  return () => {
    changed.removeEventListener('change', listener);
    removeEventListener('popstate', listener);
  };
}

/** Path and query as they stand. */
export function useAddress(): URL {
  const href = useSyncExternalStore(subscribe, () => location.href);
  return new URL(href);
}

export function go(path: string, { replace = false }: { replace?: boolean } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  changed.dispatchEvent(new Event('change'));
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  readonly to: string;
  readonly children: ReactNode;
}

export function Link({ to, children, ...rest }: LinkProps): ReactNode {
  const anchor = useRef<HTMLAnchorElement>(null);
  const isCurrent = rest['aria-current'] === 'page';
  // On a phone not all sections fit: the one that is open is brought into view.
  useEffect(() => {
    const nav = isCurrent ? anchor.current?.closest('nav') : null;
    if (!nav) return;
    const [own, frame] = [anchor.current!.getBoundingClientRect(), nav.getBoundingClientRect()];
    nav.scrollLeft += own.left - frame.left - (frame.width - own.width) / 2;
  }, [isCurrent]);
  return (
    <a
      {...rest}
      ref={anchor}
      href={to}
      onClick={(event) => {
        // Clicks that ask for a new tab are the browser's.
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
        event.preventDefault();
        go(to);
        scrollTo(0, 0);
      }}
    >
      {children}
    </a>
  );
}
