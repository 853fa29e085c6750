/** The browser's own dialog: it keeps the focus, closes with Escape, and gives the focus back. */
import { type ReactNode, useEffect, useId, useRef } from 'react';

interface DialogProps {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
  readonly wide?: boolean;
  /** Stands at the side instead of in the middle. */
  readonly side?: boolean;
}

export function Dialog({ title, onClose, children, wide = false, side = false }: DialogProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const element = dialog.current!;
    const before = document.activeElement;
    element.showModal();
    // The browser would begin with the cross that closes it.
    const first = 'input:checked, input:not([type="radio"]), button, select, textarea';
    element.querySelector<HTMLElement>('.dialog-body')!.querySelector<HTMLElement>(first)?.focus();
    return () => {
      element.close();
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      className={['dialog', wide && 'wide', side && 'side'].filter(Boolean).join(' ')}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      <header>
        <h2 id={id}>{title}</h2>
        <button type="button" className="quiet icon" aria-label="Close" onClick={onClose}>
          ✕
        </button>
      </header>
      <div className="dialog-body">{children}</div>
    </dialog>
  );
}
