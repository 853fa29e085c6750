import type { ReactNode } from 'react';
import { Dialog } from '../base/dialog.tsx';
import { shortcuts, useShortcutSetting } from './shortcuts.ts';

/** Every key, and a switch for them. */
export function HelpDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [on, setOn] = useShortcutSetting();
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl className="keys">
        {shortcuts.map(({ keys, does }) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input type="checkbox" checked={on} onChange={(event) => setOn(event.target.checked)} /> Single keys
        work on this page
      </label>
    </Dialog>
  );
}
