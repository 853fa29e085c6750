/** How label projects stand: progress, agreement, annotators, judges, time and cost, where people disagree. */
import type { ReactNode } from 'react';
import { get, type Me, type Quality } from '../base/api.ts';
import { Link, useAddress } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { AgreementFigures } from './agreement-figures.tsx';
import { AnnotatorTable } from './annotator-table.tsx';
import { CostSection } from './cost-section.tsx';
import { DisagreementExplorer, type SliceKind } from './disagreement-explorer.tsx';
import { JudgeSection } from './judge-section.tsx';
import { QualificationSection } from './qualification-section.tsx';

interface Projects {
  readonly projects: readonly string[];
  readonly slices: readonly SliceKind[];
}

const tabs = [
  { tab: 'overview', text: 'Overview' },
  { tab: 'annotators', text: 'Annotators' },
  { tab: 'disagreement', text: 'Disagreement' },
  { tab: 'cost', text: 'Time and cost' },
] as const;

export function ProgressPage({ me, project }: { readonly me: Me; readonly project?: string }): ReactNode {
  const { data, error } = useData('quality projects', () => get<Projects>('/api/quality/projects'));
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  const chosen = project ?? data.projects[0];
  return (
    <main className="page">
      <h1>{chosen ?? 'Progress'}</h1>
      {data.projects.length > 1 && (
        <nav className="tabs names" aria-label="Projects">
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
        <p className="quiet">
          There are no label projects yet. They are made with <code>tenet label create</code>.
        </p>
      ) : (
        <Project key={chosen} me={me} project={chosen} slices={data.slices} />
      )}
    </main>
  );
}

interface ProjectProps {
  readonly me: Me;
  readonly project: string;
  readonly slices: readonly SliceKind[];
}

function Project({ me, project, slices }: ProjectProps): ReactNode {
  const { searchParams } = useAddress();
  const tab = tabs.find((one) => one.tab === searchParams.get('tab'))?.tab ?? 'overview';
  const address = `/api/quality/projects/${encodeURIComponent(project)}`;
  const { data, error, reload } = useData(address, () => get<Quality>(address), 5000);
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : <Loading />;
  return (
    <>
      <Bar done={data.progress.labels} of={data.progress.wanted} />
      <nav className="tabs" aria-label="Parts of the project">
        {tabs.map(({ tab: one, text }) => (
          <Link
            key={one}
            to={`/progress/${encodeURIComponent(project)}?tab=${one}`}
            aria-current={one === tab ? 'page' : undefined}
          >
            {text}
          </Link>
        ))}
      </nav>
      {tab === 'overview' && <Overview quality={data} />}
      {tab === 'annotators' && (
        <>
          <AnnotatorTable annotators={data.annotators} />
          <QualificationSection address={address} />
        </>
      )}
      {tab === 'disagreement' && <DisagreementExplorer me={me} address={address} slices={slices} />}
      {tab === 'cost' && <CostSection quality={data} />}
    </>
  );
}

function Overview({ quality }: { readonly quality: Quality }): ReactNode {
  const { progress, agreement, judges, audits } = quality;
  const { waiting, done } = progress.adjudications;
  return (
    <>
      <dl className="figures">
        <Figure name="tasks done" value={`${progress.complete} of ${progress.tasks}`} />
        <Figure name="being labelled now" value={String(progress.leased)} />
        <Figure name="skips" value={String(progress.skips)} />
        {progress.skipped > 0 && <Figure name="tasks that nobody wants" value={String(progress.skipped)} />}
        <Figure name="decisions" value={`${done} of ${done + waiting}`} />
        {audits.judged > 0 && <Figure name="audits due" value={String(audits.waiting)} />}
      </dl>
      <AgreementFigures agreement={agreement} />
      <JudgeSection judges={judges} audits={audits} people={agreement} />
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

export function Figure({ name, value }: { readonly name: string; readonly value: string }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
