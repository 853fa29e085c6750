/** Why people disagree: agreement by what may be the reason, and the tasks behind each number. */
import { type ReactNode, useState } from 'react';
import { announce } from '../base/announcer.tsx';
import { type Disagreement, get, type Me, post, type Slices } from '../base/api.ts';
import { go, Link, useAddress } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { AgreementCells, AgreementHeads } from './agreement-columns.tsx';
import { percent } from './figures.ts';
import { TaskDialog } from './task-dialog.tsx';

export interface SliceKind {
  readonly by: string;
  readonly title: string;
}

interface ExplorerProps {
  readonly me: Me;
  readonly address: string;
  readonly slices: readonly SliceKind[];
}

/** Words for a list to choose from; what each means stands below it. */
const names: Readonly<Record<string, string>> = {
  ...{
    position: 'position shown',
    length: 'length',
    time: 'time at work',
    session: 'fatigue within a session',
  },
  ...{ annotator: 'annotator', pair: 'two annotators', group: 'groups', category: 'category' },
  ...{ audience: 'audience', guideline: 'guideline version', day: 'day', week: 'week' },
};
const order = Object.keys(names);

export function DisagreementExplorer({ me, address, slices }: ExplorerProps): ReactNode {
  const { pathname, searchParams } = useAddress();
  const kinds = slices.toSorted((a, b) => order.indexOf(a.by) - order.indexOf(b.by));
  const by = kinds.find((kind) => kind.by === searchParams.get('by'))?.by ?? kinds[0].by;
  const slice = searchParams.get('slice');
  const to = (query: Readonly<Record<string, string>>): string =>
    `${pathname}?${new URLSearchParams({ tab: 'disagreement', ...query })}`;
  return (
    <>
      <form className="form inline" onSubmit={(event) => event.preventDefault()}>
        <label>
          Told apart by
          <select value={by} onChange={(event) => go(to({ by: event.target.value }), { replace: true })}>
            {kinds.map((kind) => (
              <option key={kind.by} value={kind.by}>
                {names[kind.by] ?? kind.by}
              </option>
            ))}
          </select>
        </label>
      </form>
      <SliceTable key={by} address={address} by={by} chosen={slice} to={to} />
      <Disagreements
        key={`${by} ${slice}`}
        me={me}
        address={address}
        by={by}
        slice={slice}
        all={to({ by })}
      />
    </>
  );
}

interface SliceTableProps {
  readonly address: string;
  readonly by: string;
  readonly chosen: string | null;
  readonly to: (query: Readonly<Record<string, string>>) => string;
}

function SliceTable({ address, by, chosen, to }: SliceTableProps): ReactNode {
  const { data, error, reload } = useData(`${address} by ${by}`, () =>
    get<Slices>(`${address}/agreement?by=${by}`),
  );
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Loading />;
  if (data.slices.length === 0)
    return <p className="quiet">No two people have labelled the same task yet.</p>;
  return (
    <>
      <p className="quiet">Agreement by {data.title}. Brackets hold 95 %.</p>
      <section className="scroll" tabIndex={0} aria-label={`Agreement by ${data.title}`}>
        <table>
          <thead>
            <tr>
              <th>
                <span className="unseen">Slice</span>
              </th>
              <th data-align="right">Tasks</th>
              <th data-align="right">Comparisons</th>
              <AgreementHeads />
            </tr>
          </thead>
          <tbody>
            {data.slices.map(({ name, text, agreement }) => (
              <tr key={name} data-chosen={name === chosen || undefined}>
                <th scope="row">
                  <Link to={to({ by, slice: name })} aria-current={name === chosen ? 'true' : undefined}>
                    {text}
                  </Link>
                </th>
                <td data-align="right">{agreement.tasks}</td>
                <td data-align="right">{agreement.comparisons}</td>
                <AgreementCells agreement={agreement} />
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

interface DisagreementsProps {
  readonly me: Me;
  readonly address: string;
  readonly by: string;
  readonly slice: string | null;
  /** The list of all, whatever the slice. */
  readonly all: string;
}

function Disagreements({ me, address, by, slice, all }: DisagreementsProps): ReactNode {
  const query = slice === null ? '' : `?${new URLSearchParams({ by, slice })}`;
  const { data, error } = useData(`${address} disagreements ${query}`, () =>
    get<{ tasks: Disagreement[] }>(`${address}/disagreements${query}`),
  );
  const [asked, setAsked] = useState<readonly string[]>([]);
  const [shown, setShown] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  const escalate = async (taskId: string): Promise<void> => {
    setProblem(null);
    try {
      await post(`${address}/escalations`, { taskId });
      setAsked((before) => [...before, taskId]);
      announce('An adjudicator will decide.');
    } catch (failure) {
      setProblem((failure as Error).message);
    }
  };
  return (
    <section>
      <h2>Where people disagree most</h2>
      {slice !== null && (
        <p className="quiet">
          In these comparisons only: {slice}. <Link to={all}>Of all</Link>
        </p>
      )}
      {data.tasks.length === 0 && <p className="quiet">Nowhere, or everything is decided.</p>}
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <ul className="list">
        {data.tasks.map(({ taskId, prompt, labels, agreement, category }) => (
          <li key={taskId}>
            <div>
              <span className="one-line">{lastTurn(prompt)}</span>
              <div className="quiet">
                {labels} labels, {percent(agreement)} alike{category && ` · ${category}`}
              </div>
            </div>
            <div className="actions">
              <button type="button" onClick={() => setShown(taskId)}>
                Look
              </button>
              {me.permissions.includes('adjudicate') && (
                <button type="button" disabled={asked.includes(taskId)} onClick={() => void escalate(taskId)}>
                  {asked.includes(taskId) ? 'Waits for a decision' : 'Have it decided'}
                </button>
              )}
            </div>
          </li>
        ))}
      </ul>
      {shown && <TaskDialog address={address} taskId={shown} onClose={() => setShown(null)} />}
    </section>
  );
}

function lastTurn(prompt: Disagreement['prompt']): string {
  return typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
}
