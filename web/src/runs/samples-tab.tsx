/** What a run's models wrote, with filters. */
import { type ReactNode, useState } from 'react';
import { get, type Sample, type Samples } from '../base/api.ts';
import { readable } from '../base/format.ts';
import { Markdown } from '../base/markdown.tsx';
import { Failure, Loading } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';

interface Filter {
  readonly stage: string;
  readonly model: string;
  readonly text: string;
  readonly score: string;
  readonly min: string;
  readonly max: string;
  readonly sort: string;
}

const noFilter: Filter = { stage: '', model: '', text: '', score: '', min: '', max: '', sort: 'newest' };
const perPage = 30;

export function SamplesTab({
  address,
  live,
}: {
  readonly address: string;
  readonly live: boolean;
}): ReactNode {
  const [filter, setFilter] = useState(noFilter);
  const [page, setPage] = useState(0);
  const query = queryOf(filter, page);
  const { data, error } = useData(
    `${address} ${query}`,
    () => get<Samples>(`${address}/samples?${query}`),
    live ? 5000 : undefined,
  );
  // What can be chosen stays in view while an answer is on its way.
  const [choices, setChoices] = useState<Samples | null>(null);
  if (data && data !== choices) setChoices(data);
  if (error) return <Failure error={error} />;
  if (!choices) return <Loading />;
  const change = (part: Partial<Filter>): void => {
    setFilter({ ...filter, ...part });
    setPage(0);
  };
  const shown = data ?? choices;
  const pages = Math.ceil(shown.total / perPage);
  const select = (
    label: string,
    value: string,
    options: readonly string[],
    onChange: (value: string) => void,
  ): ReactNode =>
    options.length > 1 && (
      <label>
        {label}
        <select value={value} onChange={(event) => onChange(event.target.value)}>
          <option value="">all</option>
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      </label>
    );
  return (
    <>
      <form className="form inline filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Contains
          <input
            type="search"
            value={filter.text}
            onChange={(event) => change({ text: event.target.value })}
          />
        </label>
        {select('Stage', filter.stage, choices.stages, (stage) => change({ stage }))}
        {select('Model', filter.model, choices.models, (model) => change({ model }))}
        {choices.scores.length > 0 && (
          <>
            <label>
              Score
              <select value={filter.score} onChange={(event) => change({ score: event.target.value })}>
                {choices.scores.map((score, i) => (
                  <option key={score} value={i === 0 ? '' : score}>
                    {score}
                  </option>
                ))}
              </select>
            </label>
            <label>
              at least
              <input
                inputMode="decimal"
                size={5}
                value={filter.min}
                onChange={(event) => change({ min: event.target.value })}
              />
            </label>
            <label>
              at most
              <input
                inputMode="decimal"
                size={5}
                value={filter.max}
                onChange={(event) => change({ max: event.target.value })}
              />
            </label>
          </>
        )}
        <label>
          Order
          <select value={filter.sort} onChange={(event) => change({ sort: event.target.value })}>
            <option value="newest">newest first</option>
            <option value="written">oldest first</option>
            <option value="highest">highest score</option>
            <option value="lowest">lowest score</option>
            <option value="longest">longest</option>
          </select>
        </label>
      </form>
      <p className="quiet" role="status">
        {shown.total === 1 ? '1 sample' : `${shown.total} samples`}
      </p>
      <div className="samples">
        {shown.samples.map((sample, i) => (
          <SampleView key={`${sample.stage} ${sample.step} ${i}`} sample={sample} />
        ))}
      </div>
      {pages > 1 && (
        <nav className="actions center" aria-label="Pages">
          <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            ← Back
          </button>
          <span className="quiet">
            {page + 1} of {pages}
          </span>
          <button type="button" disabled={page + 1 >= pages} onClick={() => setPage(page + 1)}>
            Next →
          </button>
        </nav>
      )}
    </>
  );
}

function SampleView({ sample }: { readonly sample: Sample }): ReactNode {
  const { stage, step, model, prompt, response, scores } = sample;
  return (
    <article className="sample">
      <p className="sample-head">
        <span className="pill quiet">{model ?? stage}</span>{' '}
        <span className="quiet">
          {stage}, step {step}
        </span>
        <span className="spring" />
        {Object.entries(scores).map(([name, value]) => (
          <span key={name} className="score">
            {name} <strong>{readable(value)}</strong>
          </span>
        ))}
      </p>
      <p className="sample-prompt plain" dir="auto">
        {prompt}
      </p>
      {response === '' ? <p className="quiet">(an empty response)</p> : <Markdown text={response} />}
    </article>
  );
}

function queryOf({ min, max, ...filter }: Filter, page: number): string {
  const query = new URLSearchParams({ offset: String(page * perPage), limit: String(perPage) });
  for (const [name, value] of Object.entries(filter)) if (value !== '') query.set(name, value);
  // A number that is being typed is none yet.
  for (const [name, value] of Object.entries({ min, max })) {
    if (value.trim() !== '' && Number.isFinite(Number(value))) query.set(name, value);
  }
  return query.toString();
}
