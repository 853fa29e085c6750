/** Decisions where labels disagree: the rankings side by side, what AI judges say on demand, the final ranking. */
import { type ReactNode, useEffect, useState } from 'react';
import { HelpDialog } from '../annotate/help-dialog.tsx';
import { inWords } from '../annotate/ranking.ts';
import { SentState } from '../annotate/sent-state.tsx';
import type { SkipReason } from '../annotate/skip-dialog.tsx';
import { type Answer, TaskPane, type Times } from '../annotate/task-pane.tsx';
import { useOutbox } from '../annotate/use-outbox.ts';
import { announce } from '../base/announcer.tsx';
import { type Adjudication, get, type Me, post } from '../base/api.ts';
import { durationOf } from '../base/format.ts';
import { Link } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';

export function AdjudicatePage({ me, project }: { readonly me: Me; readonly project?: string }): ReactNode {
  const { data, error } = useData('quality projects', () =>
    get<{ projects: string[] }>('/api/quality/projects'),
  );
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  const chosen = project ?? (data.projects.length === 1 ? data.projects[0] : undefined);
  if (chosen !== undefined) return <Decisions key={chosen} me={me} project={chosen} />;
  return (
    <main className="page narrow">
      <h1>Adjudicate</h1>
      {data.projects.length === 0 && <p className="quiet">There are no label projects yet.</p>}
      <ul className="list">
        {data.projects.map((name) => (
          <li key={name}>
            <Link to={`/adjudicate/${encodeURIComponent(name)}`}>{name}</Link>
          </li>
        ))}
      </ul>
    </main>
  );
}

function Decisions({ me, project }: { readonly me: Me; readonly project: string }): ReactNode {
  const base = `/api/adjudication/projects/${encodeURIComponent(project)}`;
  const { outbox, state: sent } = useOutbox(me.id);
  const [count, setCount] = useState(0);
  const [help, setHelp] = useState(false);
  const { data, error, loading, reload } = useData(`${base} ${count}`, () =>
    post<{ tasks: Adjudication[] }>(`${base}/claim`),
  );
  const reasons = useData('skip reasons', () =>
    get<{ skipReasons: readonly SkipReason[] }>('/api/label/projects'),
  ).data?.skipReasons;
  // The next one is asked for when the decision before it has arrived, or else the same would come again.
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    if (sent.waiting.length === 0 && asked > count) setCount(asked);
  }, [sent.waiting.length, asked, count]);
  const found = asked > count ? undefined : data?.tasks[0];
  const send = (path: 'decisions' | 'skips', said: object, times: Times): void => {
    const id = crypto.randomUUID();
    const { taskId } = found!.task;
    const body = { id, taskId, ...said, ...times, judgedAt: Date.now() };
    outbox.put({ id, taskId, path: `${base}/${path}`, body });
    setAsked(count + 1);
    announce(path === 'decisions' ? 'Decided.' : 'Left undecided.');
    scrollTo(0, 0);
  };
  const submit = (answer: Answer, times: Times): void => send('decisions', answer, times);
  const skip = (reason: string, note: string, times: Times): void =>
    send('skips', { reason, ...(note.trim() && { note }) }, times);
  return (
    <main className="annotate">
      <header className="bar">
        <h1>{project}</h1>
        <span className="pill live">deciding</span>
        <span className="spring" />
        <SentState state={sent} count={count} />
        <button type="button" className="quiet icon" aria-label="Keys" onClick={() => setHelp(true)}>
          ?
        </button>
      </header>
      {error && <Failure error={error} onRetry={reload} />}
      {found ? (
        <TaskPane
          key={found.task.taskId}
          task={found.task}
          person={me.id}
          skipReasons={reasons ?? []}
          submitLabel="Decide"
          onSubmit={submit}
          onSkip={reasons && skip}
          onHelp={() => setHelp(true)}
          aside={<Opinions found={found} />}
        />
      ) : loading || asked > count ? (
        <Loading />
      ) : (
        !error && (
          <div className="empty">
            <p className="serif">There is nothing to decide now.</p>
            <p className="quiet">
              Tasks whose labels disagree are put here from the page{' '}
              <Link to={`/progress/${encodeURIComponent(project)}`}>Progress</Link>.
            </p>
            <div className="actions center">
              <button type="button" onClick={reload}>
                Look again
              </button>
            </div>
          </div>
        )
      )}
      {help && <HelpDialog onClose={() => setHelp(false)} />}
    </main>
  );
}

type Opinion = Adjudication['labels'][number];

function Opinions({ found }: { readonly found: Adjudication }): ReactNode {
  const { labels, judges, suggestion, task } = found;
  const letters = task.cards.map(({ letter }) => letter);
  return (
    <>
      <h3>What people said</h3>
      <Rankings opinions={labels} letters={letters} />
      {(judges.length > 0 || suggestion) && (
        <details className="suggestion">
          <summary>What AI judges say</summary>
          <Rankings opinions={judges} letters={letters} />
          {suggestion && (
            <>
              <p>
                {inWords(suggestion.ranks, letters)}
                {suggestion.confidence !== null && `, ${Math.round(suggestion.confidence * 100)} % sure`}.
              </p>
              {suggestion.rationale && <p className="plain">{suggestion.rationale}</p>}
            </>
          )}
        </details>
      )}
    </>
  );
}

function Rankings({
  opinions,
  letters,
}: {
  readonly opinions: readonly Opinion[];
  readonly letters: readonly string[];
}): ReactNode {
  if (opinions.length === 0) return null;
  return (
    <>
      <table className="opinions">
        <thead>
          <tr>
            <th>
              <span className="unseen">Who</span>
            </th>
            {letters.map((letter) => (
              <th key={letter} data-align="center">
                {letter}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {opinions.map(({ who, group, ranks, flags }, i) => (
            <tr key={`${who} ${i}`}>
              <th scope="row">
                {who}
                {group && <div className="quiet">{group}</div>}
                {flags.length > 0 && <div className="quiet">{flags.join(', ')}</div>}
              </th>
              {letters.map((letter, card) => (
                <td key={letter} data-align="center" data-best={ranks?.[card] === 1 || undefined}>
                  {ranks?.[card] ?? '–'}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {opinions
        .filter(({ rationale }) => rationale)
        .map(({ who, rationale, activeMs, principles }, i) => (
          <figure key={`${who} ${i}`} className="opinion">
            <blockquote className="plain">{rationale}</blockquote>
            <figcaption className="quiet">
              {[who, ...principles, activeMs !== null && durationOf(activeMs)].filter(Boolean).join(', ')}
            </figcaption>
          </figure>
        ))}
    </>
  );
}
