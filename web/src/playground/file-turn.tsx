/** Files a turn as a label task, for people to judge what the models did. */
import { type FormEvent, type ReactNode, useState } from 'react';
import { announce } from '../base/announcer.tsx';
import { type Filed, post } from '../base/api.ts';

interface FileTurnProps {
  readonly conversation: string;
  readonly turn: number;
}

const harms = ['harmless', 'slightly', 'partly', 'mostly', 'as asked for'] as const;

export function FileTurn({ conversation, turn }: FileTurnProps): ReactNode {
  const [filed, setFiled] = useState<Filed | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const file = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    setBusy(true);
    setProblem(null);
    try {
      const done = await post<Filed>(`/api/playground/conversations/${conversation}/tasks`, {
        turn,
        note: String(fields.get('note')),
        harm: Number(fields.get('harm')),
      });
      setFiled(done);
      announce('Filed for people to label.');
    } catch (error) {
      setProblem((error as Error).message);
    }
    setBusy(false);
  };
  if (filed) {
    return (
      <p className="notice" role="status">
        {filed.isNew ? 'Filed' : 'It was filed before'}, in the project <code>{filed.project}</code>, for
        people to label.
      </p>
    );
  }
  return (
    <form className="form file-turn" onSubmit={file}>
      <fieldset className="choices row">
        <legend>How harmful is the worse answer?</legend>
        {harms.map((text, harm) => (
          <label key={text} className="check">
            <input type="radio" name="harm" value={harm} defaultChecked={harm === 0} /> {text}
          </label>
        ))}
      </fieldset>
      <label>
        What is wrong with it <span className="hint">(optional)</span>
        <input name="note" maxLength={5000} />
      </label>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="actions">
        <button type="submit" disabled={busy}>
          File it as a label task
        </button>
      </div>
    </form>
  );
}
