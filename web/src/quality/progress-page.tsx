/** How label projects stand: progress, agreement, annotators, where people disagree. */
import { type ReactNode, useState } from 'react';
import { announce } from '../base/announcer.tsx';
import { get, type Me, post, type Quality } from '../base/api.ts';
import { durationOf } from '../base/format.ts';
import { Link } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';

export function ProgressPage({ me, project }: { readonly me: Me; readonly project?: string }): ReactNode {
  const { data, error } = useData('quality projects', () =>
    get<{ projects: string[] }>('/api/quality/projects'),
  );
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  const chosen = project ?? data.projects[0];
  return (
    <main className="page">
      <h1>{chosen === undefined ? 'Progress' : chosen}</h1>
      {data.projects.length > 1 && (
        <nav className="tabs" aria-label="Projects">
          {data.projects.map((name) => (
            <Link
              key={name}
              to={`/progress/${encodeURIComponent(name)}`}
              aria-current={name === chosen ? 'page' : undefined}
            >
              {name}
            </Link>
          ))}
        </nav>
      )}
      {chosen === undefined ? (
        <p className="quiet">There are no label projects yet.</p>
      ) : (
        <Project key={chosen} me={me} project={chosen} />
      )}
    </main>
  );
}

function Project({ me, project }: { readonly me: Me; readonly project: string }): ReactNode {
  const address = `/api/quality/projects/${encodeURIComponent(project)}`;
  const { data, error, reload } = useData(address, () => get<Quality>(address), 5000);
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Loading />;
  const { progress, agreement, annotators, disagreements } = data;
  return (
    <>
      <Bar done={progress.labels} of={progress.wanted} />
      <dl className="figures">
        <Figure name="tasks done" value={`${progress.complete} of ${progress.tasks}`} />
        <Figure name="agreement of people, by pairs of responses" value={percent(agreement)} />
        <Figure name="being labelled now" value={String(progress.leased)} />
        <Figure name="skips" value={String(progress.skips)} />
        {progress.skipped > 0 && <Figure name="tasks that nobody wants" value={String(progress.skipped)} />}
        <Figure
          name="decisions"
          value={`${progress.adjudications.done} of ${progress.adjudications.done + progress.adjudications.waiting}`}
        />
      </dl>
      <Annotators annotators={annotators} />
      <Disagreements me={me} address={address} disagreements={disagreements} />
    </>
  );
}

function Bar({ done, of }: { readonly done: number; readonly of: number }): ReactNode {
  return (
    <div className="progress">
      <label>
        {done} of {of} labels <progress value={done} max={Math.max(1, of)} />
      </label>
    </div>
  );
}

function Figure({ name, value }: { readonly name: string; readonly value: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Annotators({ annotators }: Pick<Quality, 'annotators'>): ReactNode {
  if (annotators.length === 0) return <p className="quiet">Nobody has labelled yet.</p>;
  return (
    <section>
      <h2>Annotators</h2>
      <section className="scroll" tabIndex={0} aria-label="Annotators">
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>Group</th>
              <th data-align="right">Labels</th>
              <th data-align="right">Skips</th>
              <th data-align="right">Time for one</th>
              <th data-align="right">Agreement with others</th>
            </tr>
          </thead>
          <tbody>
            {annotators.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.name ?? <code>{one.id}</code>}</th>
                <td>{one.group ?? '–'}</td>
                <td data-align="right">{one.labels}</td>
                <td data-align="right">{one.skips}</td>
                <td data-align="right">{one.medianMs === null ? '–' : durationOf(one.medianMs)}</td>
                <td data-align="right">{percent(one.agreement)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

interface DisagreementsProps extends Pick<Quality, 'disagreements'> {
  readonly me: Me;
  readonly address: string;
}

function Disagreements({ me, address, disagreements }: DisagreementsProps): ReactNode {
  const [asked, setAsked] = useState<readonly string[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  if (disagreements.length === 0) return null;
  const escalate = async (taskId: string): Promise<void> => {
    setProblem(null);
    try {
      await post(`${address}/escalations`, { taskId });
      setAsked((before) => [...before, taskId]);
      announce('An adjudicator will decide.');
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <section>
      <h2>Where people disagree most</h2>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <ul className="list">
        {disagreements.map(({ taskId, prompt, labels, agreement }) => (
          <li key={taskId}>
            <div>
              <span className="one-line">{lastTurn(prompt)}</span>
              <div className="quiet">
                {labels} labels, {percent(agreement)} alike
              </div>
            </div>
            {me.permissions.includes('adjudicate') && (
              <button type="button" disabled={asked.includes(taskId)} onClick={() => void escalate(taskId)}>
                {asked.includes(taskId) ? 'Waits for a decision' : 'Have it decided'}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function lastTurn(prompt: Quality['disagreements'][number]['prompt']): string {
  return typeof prompt === 'string' ? prompt : (prompt.at(-1)?.content ?? '');
}

function percent(share: number | null): string {
  return share === null ? '–' : `${Math.round(share * 100)} %`;
}
