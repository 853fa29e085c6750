import { type ReactNode, useState } from 'react';
import { Dialog } from '../base/dialog.tsx';

export interface SkipReason {
  readonly reason: string;
  readonly text: string;
}

interface SkipDialogProps {
  readonly reasons: readonly SkipReason[];
  readonly onSkip: (reason: string, note: string) => void;
  readonly onClose: () => void;
}

/** Why a task is passed on. */
export function SkipDialog({ reasons, onSkip, onClose }: SkipDialogProps): ReactNode {
  const [reason, setReason] = useState(reasons[0]?.reason ?? 'other');
  const [note, setNote] = useState('');
  return (
    <Dialog title="Skip this task" onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onSkip(reason, note);
        }}
      >
        <fieldset className="choices">
          <legend>Why? Somebody else is asked instead.</legend>
          {reasons.map((one) => (
            <label key={one.reason} className="check">
              <input
                type="radio"
                name="reason"
                checked={reason === one.reason}
                onChange={() => setReason(one.reason)}
              />{' '}
              {one.text}
            </label>
          ))}
        </fieldset>
        <label>
          In your own words, if you like
          <textarea
            rows={2}
            maxLength={2000}
            value={note}
            onChange={(event) => setNote(event.target.value)}
          />
        </label>
        <div className="actions">
          <button type="submit" className="primary">
            Skip
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
