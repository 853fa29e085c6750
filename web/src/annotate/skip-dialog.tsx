import { type ReactNode, useState } from 'react';
import type { TaskView } from '../base/api.ts';
import { Dialog } from '../base/dialog.tsx';

export interface SkipReason {
  readonly reason: string;
  readonly text: string;
}

/** What it is called, what follows from it, and what the button says. */
const words: Readonly<
  Record<TaskView['purpose'], { readonly title: string; readonly follows: string; readonly button: string }>
> = {
  label: { title: 'Skip this task', follows: 'Somebody else is asked instead.', button: 'Skip' },
  qualification: {
    title: 'Skip this question',
    follows: 'It counts as not right, and does not come again.',
    button: 'Skip',
  },
  adjudication: {
    title: 'Leave it undecided',
    follows: 'Nobody else is asked, and the labels count as they are.',
    button: 'Leave undecided',
  },
};

interface SkipDialogProps {
  readonly purpose: TaskView['purpose'];
  readonly reasons: readonly SkipReason[];
  readonly onSkip: (reason: string, note: string) => void;
  readonly onClose: () => void;
}

/** Why a task is passed on. */
export function SkipDialog({ purpose, reasons, onSkip, onClose }: SkipDialogProps): ReactNode {
  const { title, follows, button } = words[purpose];
  const [reason, setReason] = useState(reasons[0]?.reason ?? 'other');
  const [note, setNote] = useState('');
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          onSkip(reason, note);
        }}
      >
        <fieldset className="choices">
          <legend>Why? {follows}</legend>
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
            {button}
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  );
}
