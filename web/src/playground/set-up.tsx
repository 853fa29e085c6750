/** Which two models, how they are sampled, whether one knows which is which. */
import { type FormEvent, type ReactNode, useState } from 'react';
import { type Conversation, post, type ShelfModel } from '../base/api.ts';
import { ModelSelect } from './model-select.tsx';
import type { Mode } from './playground-page.tsx';

interface SetUpProps {
  readonly models: readonly ShelfModel[];
  readonly mode: Mode;
  readonly onBegun: (conversation: string, mode: Mode) => void;
  readonly onCancel?: () => void;
}

interface Choices {
  readonly models: readonly [string, string];
  readonly blind: boolean;
  readonly system: string;
  readonly temperature: string;
  readonly topP: string;
  readonly maxTokens: string;
}

const setting = 'tenet playground';

export function SetUp({ models, mode: begun, onBegun, onCancel }: SetUpProps): ReactNode {
  const [choices] = useState(() => keptChoices(models));
  const [mode, setMode] = useState(begun);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const begin = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string): string => String(fields.get(name) ?? '');
    const chosen: Choices = {
      models: [text('first'), text('second')],
      blind: fields.has('blind'),
      ...{ system: text('system').trim(), temperature: text('temperature') },
      ...{ topP: text('topP'), maxTokens: text('maxTokens') },
    };
    localStorage.setItem(setting, JSON.stringify(chosen));
    setBusy(true);
    setProblem(null);
    try {
      const { id } = await post<Conversation>('/api/playground/conversations', {
        models: chosen.models,
        blind: chosen.blind,
        ...(chosen.system && { system: chosen.system }),
        sampling: {
          temperature: Number(chosen.temperature),
          topP: Number(chosen.topP),
          maxTokens: Number(chosen.maxTokens),
        },
        ...(text('seed') !== '' && { seed: Number(text('seed')) }),
      });
      onBegun(id, mode);
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(false);
    }
  };
  return (
    <form className="form" onSubmit={begin}>
      <p className="quiet">
        Both models answer whatever you say. Your votes become labels in the project <code>playground</code>.
      </p>
      <fieldset className="choices">
        <legend>What for</legend>
        <label className="check">
          <input type="radio" name="mode" checked={mode === 'compare'} onChange={() => setMode('compare')} />{' '}
          Find out which model is better
        </label>
        <label className="check">
          <input
            type="radio"
            name="mode"
            checked={mode === 'red-team'}
            onChange={() => setMode('red-team')}
          />{' '}
          Red team: make them misbehave, and file what worked for people to label
        </label>
      </fieldset>
      <div className="two">
        <ModelSelect label="One model" name="first" models={models} initial={choices.models[0]} />
        <ModelSelect label="The other" name="second" models={models} initial={choices.models[1]} />
      </div>
      <label className="check">
        <input type="checkbox" name="blind" defaultChecked={choices.blind} /> Blind: sides are drawn, and
        names are told after the vote
      </label>
      <label>
        Instructions for both <span className="hint">(a system message; optional)</span>
        <textarea name="system" rows={2} maxLength={20_000} defaultValue={choices.system} />
      </label>
      <details>
        <summary>Sampling</summary>
        <div className="form inline">
          <label>
            Temperature
            <input
              name="temperature"
              type="number"
              required
              min={0}
              max={5}
              step="any"
              defaultValue={choices.temperature}
            />
          </label>
          <label>
            Top-p
            <input
              name="topP"
              type="number"
              required
              min={0.01}
              max={1}
              step="any"
              defaultValue={choices.topP}
            />
          </label>
          <label>
            Most tokens
            <input
              name="maxTokens"
              type="number"
              required
              min={1}
              max={4096}
              defaultValue={choices.maxTokens}
            />
          </label>
          <label>
            Seed
            <input name="seed" type="number" min={0} max={2 ** 31} placeholder="drawn" />
          </label>
        </div>
      </details>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="actions">
        <button type="submit" className="primary" disabled={busy}>
          Begin
        </button>
        {onCancel && (
          <button type="button" onClick={onCancel}>
            Back to the conversation
          </button>
        )}
      </div>
    </form>
  );
}

/** As last time; else the newest model beside what its run began with. */
function keptChoices(models: readonly ShelfModel[]): Choices {
  const usual = { blind: true, system: '', temperature: '1', topP: '1', maxTokens: '256' };
  const known = new Set(models.map(({ name }) => name));
  const kept = JSON.parse(localStorage.getItem(setting) ?? 'null') as Choices | null;
  if (kept?.models.every((name) => known.has(name))) return { ...usual, ...kept };
  const ofRuns = models.filter(({ from }) => from === 'run').map(({ name }) => name);
  const newest = ofRuns[0] ?? models[0].name;
  const run = newest.split('/')[0];
  const first = models.find(({ from }) => from === 'base')?.name;
  const beginning = first ?? ofRuns.findLast((name) => name.startsWith(`${run}/`)) ?? newest;
  const other = beginning === newest ? models.find(({ name }) => name !== newest)?.name : beginning;
  return { ...usual, ...kept, models: [other ?? newest, newest] };
}
