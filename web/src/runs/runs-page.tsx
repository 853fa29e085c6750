/** All runs, newest first; starting one; choosing some to compare. */
import { type FormEvent, type ReactNode, useState } from 'react';
import { get, type Me, post, type RunSummary } from '../base/api.ts';
import { Dialog } from '../base/dialog.tsx';
import { durationOf, timeOf } from '../base/format.ts';
import { go, Link } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { StageBar, StatePill } from './state-pill.tsx';

interface Runs {
  readonly folder: string;
  readonly runs: readonly RunSummary[];
}

export function RunsPage({ me }: { readonly me: Me }): ReactNode {
  const { data, error, reload } = useData('runs', () => get<Runs>('/api/runs'), 3000);
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [starting, setStarting] = useState(false);
  const mayStart = me.permissions.includes('runs:write');
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Loading />;
  const toggle = (name: string): void =>
    setChosen(chosen.includes(name) ? chosen.filter((one) => one !== name) : [...chosen, name]);
  return (
    <main className="page">
      <header className="page-head">
        <h1>Runs</h1>
        <div className="actions">
          {chosen.length > 1 && (
            <button
              type="button"
              onClick={() =>
                go(`/runs/compare?${chosen.map((name) => `run=${encodeURIComponent(name)}`).join('&')}`)
              }
            >
              Compare {chosen.length}
            </button>
          )}
          {mayStart && (
            <button type="button" className="primary" onClick={() => setStarting(true)}>
              Start a recipe
            </button>
          )}
        </div>
      </header>
      {data.runs.length === 0 ? (
        <p className="quiet">
          No runs in <code>{data.folder}</code> yet.{' '}
          {mayStart ? 'Start a recipe here, or with' : 'They are started with'} <code>tenet run</code>.
        </p>
      ) : (
        <ul className="runs">
          {data.runs.map((run) => (
            <li key={run.name}>
              <input
                type="checkbox"
                aria-label={`Choose ${run.name} to compare`}
                checked={chosen.includes(run.name)}
                onChange={() => toggle(run.name)}
              />
              <div className="run-main">
                <h2>
                  <Link to={`/runs/${encodeURIComponent(run.name)}`}>{run.name}</Link>{' '}
                  <StatePill state={run.state} />
                </h2>
                {run.outcome && <p>{run.outcome}</p>}
                <StageBar stages={run.stages} />
              </div>
              <p className="quiet run-side">
                {timeOf(run.createdAt)}
                {run.finishedAt && (
                  <>
                    <br />
                    took {durationOf(Date.parse(run.finishedAt) - Date.parse(run.createdAt))}
                  </>
                )}
                {run.warnings > 0 && (
                  <>
                    <br />
                    {run.warnings} warning{run.warnings > 1 && 's'}
                  </>
                )}
              </p>
            </li>
          ))}
        </ul>
      )}
      {starting && <StartDialog onClose={() => setStarting(false)} />}
    </main>
  );
}

interface Recipes {
  readonly recipes: readonly { readonly name: string; readonly path: string; readonly text: string }[];
}

function StartDialog({ onClose }: { readonly onClose: () => void }): ReactNode {
  const { data, error } = useData('recipes', () => get<Recipes>('/api/recipes'));
  const [recipe, setRecipe] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const chosen = data?.recipes.find(({ name }) => name === recipe) ?? data?.recipes[0];
  const submit = async (event: FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const set = String(fields.get('set'))
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    setBusy(true);
    setProblem(null);
    try {
      const { name } = await post<RunSummary>('/api/runs', {
        recipe: chosen!.name,
        name: fields.get('name'),
        set,
      });
      go(`/runs/${encodeURIComponent(name)}`);
    } catch (failure) {
      setProblem((failure as Error).message);
      setBusy(false);
    }
  };
  return (
    <Dialog title="Start a recipe" wide onClose={onClose}>
      {error && <Failure error={error} />}
      {data && !chosen && <p>There are no recipes; say where they are with --recipes.</p>}
      {chosen && (
        <form className="form" onSubmit={submit}>
          <label>
            Recipe
            <select value={chosen.name} onChange={(event) => setRecipe(event.target.value)}>
              {data!.recipes.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
          <details>
            <summary>What it says</summary>
            <pre tabIndex={0}>{chosen.text}</pre>
          </details>
          <label>
            Name of the run
            <input
              key={chosen.name}
              name="name"
              required
              pattern="[A-Za-z0-9][A-Za-z0-9._\-]*"
              maxLength={200}
              defaultValue={`${chosen.name.replace(/\.ya?ml$/, '')}-${stamp()}`}
            />
          </label>
          <label>
            Overrides, one a line
            <textarea name="set" rows={3} placeholder="ppo.klCoef=0.1" spellCheck={false} className="mono" />
          </label>
          {problem && (
            <pre className="problem" role="alert">
              {problem}
            </pre>
          )}
          <div className="actions">
            <button type="submit" className="primary" disabled={busy}>
              {busy ? 'Starting …' : 'Start'}
            </button>
            <button type="button" onClick={onClose}>
              Cancel
            </button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

/** Month, day, hour, minute: names of runs in order. */
function stamp(): string {
  const now = new Date();
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${two(now.getMonth() + 1)}${two(now.getDate())}-${two(now.getHours())}${two(now.getMinutes())}`;
}
