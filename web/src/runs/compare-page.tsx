/** Several runs in the same charts, and what differs between their recipes. */
import { type ReactNode, useMemo } from 'react';
import type { Evaluation } from '../../../src/run/evaluation.ts';
import { groupTitle } from '../../../src/run/report/charts.ts';
import { get, type RunEvent, type RunSummary } from '../base/api.ts';
import { Link } from '../base/router.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { Chart, type Curve } from './chart.tsx';
import { MeasuredCell } from './measured-cell.tsx';
import { merged } from './use-run-stream.ts';

interface Compared extends RunSummary {
  readonly options: readonly { readonly path: string; readonly value: string }[];
  readonly evaluation: Evaluation;
  readonly events: readonly RunEvent[];
}

async function load(name: string): Promise<Compared> {
  const address = `/api/runs/${encodeURIComponent(name)}`;
  const [details, { events }] = await Promise.all([
    get<Compared>(address),
    get<{ events: RunEvent[] }>(`${address}/events`),
  ]);
  return { ...details, events: merged([], events) };
}

export function CompareRunsPage({ names }: { readonly names: readonly string[] }): ReactNode {
  const { data, error } = useData(`compare ${names.join('\n')}`, () => Promise.all(names.map(load)));
  if (error) return <Failure error={error} />;
  if (!data) return <Loading />;
  return (
    <main className="page">
      <p className="crumbs">
        <Link to="/runs">Runs</Link>
      </p>
      <h1>{names.join(', ')}</h1>
      <RecipeDifferences runs={data} />
      <EvaluationTogether runs={data} />
      <CurvesTogether runs={data} />
    </main>
  );
}

interface Together {
  readonly title: string;
  readonly stage: string;
  readonly curves: readonly Curve[];
}

function CurvesTogether({ runs }: { readonly runs: readonly Compared[] }): ReactNode {
  const charts = useMemo(() => chartsTogether(runs), [runs]);
  const stages = [...new Set(charts.map(({ stage }) => stage))];
  if (charts.length === 0) return <p className="quiet">These runs have no metric in common.</p>;
  return stages.map((stage) => (
    <section key={stage}>
      <h2>{stage}</h2>
      <div className="charts">
        {charts
          .filter((chart) => chart.stage === stage)
          .map(({ title, curves }) => (
            <Chart key={title} title={title} curves={curves} />
          ))}
      </div>
    </section>
  ));
}

/** A chart for each metric of a stage that at least two runs have, a curve for each run. */
function chartsTogether(runs: readonly Compared[]): Together[] {
  const charts = new Map<string, { stage: string; metric: string; curves: Curve[] }>();
  for (const run of runs) {
    const own = new Map<string, { steps: number[]; values: (number | null)[] }>();
    for (const { stage, step, metrics } of run.events.toSorted((a, b) => a.step - b.step)) {
      for (const [metric, value] of Object.entries(metrics)) {
        const key = JSON.stringify([stage, metric]);
        const series = own.get(key) ?? { steps: [], values: [] };
        own.set(key, series);
        series.steps.push(step);
        series.values.push(value);
      }
    }
    for (const [key, series] of own) {
      const [stage, metric] = JSON.parse(key) as [string, string];
      const chart = charts.get(key) ?? { stage, metric, curves: [] };
      charts.set(key, chart);
      chart.curves.push({ name: run.name, ...series });
    }
  }
  return [...charts.values()]
    .filter(({ metric, curves }) => curves.length > 1 && groupTitle(metric) !== undefined)
    .map(({ stage, metric, curves }) => ({ stage, title: metric, curves }));
}

function EvaluationTogether({ runs }: { readonly runs: readonly Compared[] }): ReactNode {
  const titles = [...new Set(runs.flatMap((run) => run.evaluation.tables.map(({ title }) => title)))];
  return titles.map((title) => {
    const found = runs.flatMap((run) =>
      run.evaluation.tables.filter((table) => table.title === title).map((table) => ({ run, table })),
    );
    const columns = [...new Set(found.flatMap(({ table }) => table.columns.map(({ name }) => name)))];
    return (
      <section key={title}>
        <h2>{title}</h2>
        <section className="scroll" tabIndex={0} aria-label={title}>
          <table>
            <thead>
              <tr>
                <th>Run</th>
                <th>
                  <span className="unseen">What</span>
                </th>
                {columns.map((name) => (
                  <th key={name} data-align="right">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.flatMap(({ run, table }) =>
                table.rows.map((row) => (
                  <tr key={`${run.name} ${row.name}`}>
                    <td>{run.name}</td>
                    <th scope="row">{row.name}</th>
                    {columns.map((name) => {
                      const cell = row.cells[table.columns.findIndex((column) => column.name === name)];
                      return <MeasuredCell key={name} {...cell} />;
                    })}
                  </tr>
                )),
              )}
            </tbody>
          </table>
        </section>
      </section>
    );
  });
}

/** What a recipe says of itself, which decides nothing. */
const describing = new Set(['name', 'description']);

/** Options of the recipes that are not the same in all. */
function RecipeDifferences({ runs }: { readonly runs: readonly Compared[] }): ReactNode {
  const values = runs.map(({ options }) => new Map(options.map(({ path, value }) => [path, value])));
  const paths = [...new Set(runs.flatMap(({ options }) => options.map(({ path }) => path)))];
  const differing = paths.filter(
    (path) => !describing.has(path) && new Set(values.map((own) => own.get(path))).size > 1,
  );
  if (differing.length === 0) return <p className="quiet">Their recipes are the same.</p>;
  // What only some stages have says less than what all have with other values.
  const inAll = (path: string): boolean => values.every((own) => own.has(path));
  const shared = differing.filter(inAll);
  const partial = differing.filter((path) => !inAll(path));
  const table = (shown: readonly string[], label: string): ReactNode => (
    <section className="scroll" tabIndex={0} aria-label={label}>
      <table>
        <thead>
          <tr>
            <th>Option</th>
            {runs.map(({ name }) => (
              <th key={name}>{name}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((path) => (
            <tr key={path}>
              <th scope="row">
                <code>{path}</code>
              </th>
              {runs.map(({ name }, i) => (
                <td key={name} className="value">
                  {values[i].get(path) ?? '–'}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
  return (
    <section>
      <h2>What differs in the recipes</h2>
      {shared.length > 0 && table(shared, 'Options with different values')}
      {partial.length > 0 && (
        <details>
          <summary>{partial.length} options that not all have</summary>
          {table(partial, 'Options that not all have')}
        </details>
      )}
    </section>
  );
}
