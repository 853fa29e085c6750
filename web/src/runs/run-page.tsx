/** One run: what it came to, its curves as they grow, samples, evaluation, warnings, recipe. */
import { type ReactNode, useMemo, useState } from 'react';
import type { Evaluation } from '../../../src/run/evaluation.ts';
import { chartsOf } from '../../../src/run/report/charts.ts';
import { announce } from '../base/announcer.tsx';
import { get, type Me, post, type RunEvent, type RunSummary } from '../base/api.ts';
import { durationOf, timeOf } from '../base/format.ts';
import { Link, useAddress } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { Chart } from './chart.tsx';
import { MeasuredCell } from './measured-cell.tsx';
import { SamplesTab } from './samples-tab.tsx';
import { StageBar, StatePill } from './state-pill.tsx';
import { useRunStream, type Warning } from './use-run-stream.ts';

/** As much of manifest.json as is shown. */
interface Manifest {
  readonly seeds: Readonly<Record<string, number>>;
  readonly inputs: readonly {
    readonly kind: string;
    readonly name: string;
    readonly path: string;
    readonly hash: string;
  }[];
}

interface Details extends RunSummary {
  readonly recipe: string;
  readonly manifest: Manifest;
  readonly evaluation: Evaluation;
}

const tabs = ['curves', 'samples', 'evaluation', 'warnings', 'recipe'] as const;
type Tab = (typeof tabs)[number];

export function RunPage({ me, name }: { readonly me: Me; readonly name: string }): ReactNode {
  const address = `/api/runs/${encodeURIComponent(name)}`;
  const stream = useRunStream(name);
  const { data, error, reload } = useData(`run ${name} ${stream.summary?.state}`, () =>
    get<Details>(address),
  );
  const { searchParams } = useAddress();
  const tab = (tabs.find((one) => one === searchParams.get('tab')) ?? 'curves') satisfies Tab;
  const summary = stream.summary ?? data;
  if (!summary) return error ? <Failure error={error} onRetry={reload} /> : <Loading />;
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/runs">Runs</Link>
      </p>
      <header className="page-head">
        <h1>
          {name} <StatePill state={summary.state} />
        </h1>
        {/* With another state, what was asked for before is over. */}
        <RunActions key={summary.state} me={me} name={name} state={summary.state} />
      </header>
      <p className="outcome">{data?.outcome ?? summary.outcome}</p>
      <p className="quiet">
        Begun {timeOf(summary.createdAt)}
        {summary.finishedAt &&
          `, took ${durationOf(Date.parse(summary.finishedAt) - Date.parse(summary.createdAt))}`}
        {data &&
          ` · seeds ${Object.entries(data.manifest.seeds)
            .map(([what, seed]) => `${what} ${seed}`)
            .join(', ')}`}
        {!stream.connected && ' · not connected, trying again'}
      </p>
      <StageBar stages={summary.stages} />
      <nav className="tabs" aria-label="Parts of the run">
        {tabs.map((one) => (
          <Link
            key={one}
            to={`/runs/${encodeURIComponent(name)}?tab=${one}`}
            aria-current={one === tab ? 'page' : undefined}
          >
            {one}
            {one === 'warnings' && stream.warnings.length > 0 && ` (${stream.warnings.length})`}
          </Link>
        ))}
      </nav>
      {tab === 'curves' && (
        <Curves events={stream.events} stages={summary.stages.map((stage) => stage.name)} />
      )}
      {tab === 'samples' && <SamplesTab address={address} live={summary.state === 'running'} />}
      {tab === 'evaluation' && <EvaluationTab evaluation={data?.evaluation} />}
      {tab === 'warnings' && <Warnings warnings={stream.warnings} />}
      {tab === 'recipe' && data && <RecipeTab {...data} />}
    </main>
  );
}

interface RunActionsProps {
  readonly me: Me;
  readonly name: string;
  readonly state: RunSummary['state'];
}

function RunActions({ me, name, state }: RunActionsProps): ReactNode {
  const [busy, setBusy] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const address = `/api/runs/${encodeURIComponent(name)}`;
  const mayChange = me.permissions.includes('runs:write');
  const change = async (what: 'stop' | 'resume'): Promise<void> => {
    setBusy(what);
    setProblem(null);
    try {
      await post(`${address}/${what}`);
      announce(what === 'stop' ? 'Stopping: this step is finished and saved first.' : 'Going on.');
    } catch (error) {
      setProblem((error as Error).message);
      setBusy(null);
    }
  };
  const stopping = busy === 'stop' && state === 'running';
  return (
    <div className="actions">
      {mayChange && state === 'running' && (
        <button type="button" disabled={stopping} onClick={() => void change('stop')}>
          {stopping ? 'Saving, then stopping …' : 'Stop'}
        </button>
      )}
      {mayChange && ['interrupted', 'stopped', 'failed'].includes(state) && (
        <button
          type="button"
          className="primary"
          disabled={busy === 'resume'}
          onClick={() => void change('resume')}
        >
          Resume
        </button>
      )}
      <a className="button" href={`${address}/report`} target="_blank" rel="noopener">
        Report
      </a>
      {problem && (
        <pre className="problem" role="alert">
          {problem}
        </pre>
      )}
    </div>
  );
}

interface CurvesProps {
  readonly events: readonly RunEvent[];
  readonly stages: readonly string[];
}

/** Charts drawn at once for each stage; the rest opens on demand. */
const mostOpen = 6;

function Curves({ events, stages }: CurvesProps): ReactNode {
  const byStage = useMemo(() => {
    return stages.flatMap((stage) => {
      const own = events.filter((event) => event.stage === stage).sort((a, b) => a.step - b.step);
      return own.length === 0 ? [] : [{ stage, charts: chartsOf(own) }];
    });
  }, [events, stages]);
  if (byStage.length === 0) return <p className="quiet">No metrics yet.</p>;
  return byStage.toReversed().map(({ stage, charts }) => (
    <section key={stage} aria-label={`Stage ${stage}`}>
      <h2>{stage}</h2>
      <div className="charts">
        {charts.slice(0, mostOpen).map(({ title, series }) => (
          <Chart key={`${title} ${series[0].name}`} title={title} curves={series} />
        ))}
      </div>
      {charts.length > mostOpen && (
        <More label={`${charts.length - mostOpen} more charts`}>
          <div className="charts">
            {charts.slice(mostOpen).map(({ title, series }) => (
              <Chart key={`${title} ${series[0].name}`} title={title} curves={series} />
            ))}
          </div>
        </More>
      )}
    </section>
  ));
}

/** What is folded is not drawn. */
function More({ label, children }: { readonly label: string; readonly children: ReactNode }): ReactNode {
  const [open, setOpen] = useState(false);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{label}</summary>
      {open && children}
    </details>
  );
}

function EvaluationTab({ evaluation }: { readonly evaluation?: Evaluation }): ReactNode {
  if (!evaluation) return <Loading />;
  if (evaluation.tables.length === 0) return <p className="quiet">Nothing has been evaluated yet.</p>;
  return evaluation.tables.map((table) => (
    <section key={table.title}>
      <h2>{table.title}</h2>
      <section className="scroll" tabIndex={0} aria-label={table.title}>
        <table>
          <thead>
            <tr>
              <th>
                <span className="unseen">What</span>
              </th>
              {table.columns.map(({ name, unit, better }) => (
                <th key={name} data-align="right">
                  {name}
                  <span className="quiet">
                    {unit && ` ${unit}`}
                    {better && ` ${better === 'higher' ? '↑' : '↓'}`}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {table.rows.map((row) => (
              <tr key={row.name}>
                <th scope="row">{row.name}</th>
                {row.cells.map((cell, i) => (
                  <MeasuredCell key={table.columns[i].name} {...cell} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      {table.note && <p className="quiet">{table.note}</p>}
    </section>
  ));
}

function Warnings({ warnings }: { readonly warnings: readonly Warning[] }): ReactNode {
  if (warnings.length === 0) return <p className="quiet">No warnings.</p>;
  return (
    <ul className="list">
      {warnings.map(({ stage, message, time }) => (
        <li key={`${stage} ${message}`}>
          <div>
            {stage && <span className="pill quiet">{stage}</span>} {message}
            {time > 0 && <div className="quiet">{timeOf(time)}</div>}
          </div>
        </li>
      ))}
    </ul>
  );
}

function RecipeTab({ recipe, manifest }: Details): ReactNode {
  return (
    <>
      {manifest.inputs.length > 0 && (
        <section>
          <h2>Inputs</h2>
          <section className="scroll" tabIndex={0} aria-label="Inputs">
            <table>
              <thead>
                <tr>
                  <th>What</th>
                  <th>Kind</th>
                  <th>Path</th>
                  <th>Hash</th>
                </tr>
              </thead>
              <tbody>
                {manifest.inputs.map((input) => (
                  <tr key={`${input.kind} ${input.name}`}>
                    <td>{input.name}</td>
                    <td>{input.kind}</td>
                    <td className="mono">{input.path}</td>
                    <td className="mono">{input.hash.replace('sha256:', '').slice(0, 12)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </section>
        </section>
      )}
      <section>
        <h2>Recipe as resolved</h2>
        <pre tabIndex={0}>{recipe}</pre>
      </section>
    </>
  );
}
