/** Each annotator: how much, how fast, how often like others, right on known answers, and signs of not reading. */
import { type ReactNode, useState } from 'react';
import type { Quality } from '../base/api.ts';
import { durationOf } from '../base/format.ts';
import { coefficient, percent, percentInterval } from './figures.ts';
import { IntervalBar } from './interval-bar.tsx';

type Annotator = Quality['annotators'][number];

interface Column {
  readonly name: string;
  readonly text: (one: Annotator) => ReactNode;
  /** What it is ordered by; null comes last. */
  readonly value: (one: Annotator) => number | null;
  readonly title?: string;
}

const columns: readonly Column[] = [
  { name: 'Labels', text: ({ labels }) => labels, value: ({ labels }) => labels },
  { name: 'Skips', text: ({ skips }) => skips, value: ({ skips }) => skips },
  {
    name: 'Time for one',
    text: ({ medianMs }) => (medianMs === null ? '–' : durationOf(medianMs)),
    value: ({ medianMs }) => medianMs,
    title: 'median at work',
  },
  {
    name: 'Like others',
    text: ({ agreement }) => (
      <>
        {percentInterval(agreement?.agree)}
        {agreement && (
          <div>
            <IntervalBar interval={agreement.agree} from={0} to={1} mark={0.5} />
          </div>
        )}
      </>
    ),
    value: ({ agreement }) => agreement?.agree.estimate ?? null,
    title: 'share of comparisons with others in which both say the same',
  },
  {
    name: 'α',
    text: ({ agreement }) => coefficient(agreement?.alphaOrdinal?.estimate),
    value: ({ agreement }) => agreement?.alphaOrdinal?.estimate ?? null,
    title: 'Krippendorff’s α with others, ordinal',
  },
  {
    name: 'Right on gold',
    text: ({ gold }) => (gold ? `${percentInterval(gold.accuracy)} of ${gold.tasks}` : '–'),
    value: ({ gold }) => gold?.accuracy.estimate ?? null,
    title: 'on tasks whose answer is known',
  },
  {
    name: 'Reliable',
    text: ({ reliability }) => percent(reliability?.accuracy),
    value: ({ reliability }) => reliability?.accuracy ?? null,
    title: 'how often decisions are right, estimated from who says the same as whom (Dawid and Skene)',
  },
  {
    name: 'Same again',
    text: ({ self }) => (self ? `${percent(self.agree)} of ${self.items}` : '–'),
    value: ({ self }) => self?.agree ?? null,
    title: 'agreement with oneself on what was met twice',
  },
];

export function AnnotatorTable({ annotators }: Pick<Quality, 'annotators'>): ReactNode {
  const [order, setOrder] = useState<{ readonly by: string; readonly down: boolean }>({
    by: 'Labels',
    down: true,
  });
  if (annotators.length === 0) return <p className="quiet">Nobody has labelled yet.</p>;
  const chosen = columns.find(({ name }) => name === order.by)!;
  const rows = annotators.toSorted((a, b) => compared(chosen.value(a), chosen.value(b), order.down));
  return (
    <>
      <section className="scroll" tabIndex={0} aria-label="Annotators">
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>Group</th>
              {columns.map(({ name, title }) => (
                <th
                  key={name}
                  data-align="right"
                  title={title}
                  aria-sort={order.by === name ? (order.down ? 'descending' : 'ascending') : undefined}
                >
                  <button
                    type="button"
                    className="sort"
                    onClick={() => setOrder({ by: name, down: order.by === name ? !order.down : true })}
                  >
                    {name}
                    <span aria-hidden="true">{order.by === name ? (order.down ? ' ↓' : ' ↑') : ''}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.name ?? <code>{one.id}</code>}</th>
                <td>{one.group ?? '–'}</td>
                {columns.map(({ name, text }) => (
                  <td key={name} data-align="right">
                    {text(one)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <Signs annotators={rows} />
      <Habits annotators={rows} />
    </>
  );
}

/** Who labels as if without reading. */
function Signs({ annotators }: Pick<Quality, 'annotators'>): ReactNode {
  const suspicious = annotators.filter(({ suspicions }) => suspicions.length > 0);
  if (suspicious.length === 0) return null;
  return (
    <section>
      <h2>Signs of not reading</h2>
      <ul className="list">
        {suspicious.map((one) => (
          <li key={one.id}>
            <div>
              <strong>{one.name ?? <code>{one.id}</code>}</strong>{' '}
              {one.suspicions.map((suspicion) => (
                <span key={suspicion} className="pill bad">
                  {suspicion.replaceAll('-', ' ')}
                </span>
              ))}
              <div className="quiet">{signs(one).join(' ')}</div>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Cards are shuffled for everybody, so that honest labels stand near one half by position. */
function Habits({ annotators }: Pick<Quality, 'annotators'>): ReactNode {
  const known = annotators.filter(
    ({ earlierPreferred, longerPreferred }) => earlierPreferred || longerPreferred,
  );
  if (known.length === 0) return null;
  return (
    <section>
      <h2>Habits</h2>
      <p className="quiet">
        Cards are shuffled, so whoever reads prefers the earlier one in half of the pairs. Longer answers may
        be better; what stands out is who likes them more than the others do.
      </p>
      <section className="scroll" tabIndex={0} aria-label="Habits">
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th colSpan={2}>Prefers the card shown earlier</th>
              <th colSpan={2}>Prefers the longer response</th>
            </tr>
          </thead>
          <tbody>
            {known.map(({ id, name, earlierPreferred, longerPreferred }) => (
              <tr key={id}>
                <th scope="row">{name ?? <code>{id}</code>}</th>
                {[earlierPreferred, longerPreferred].flatMap((interval, i) => [
                  <td key={`${i} value`}>{percentInterval(interval)}</td>,
                  <td key={`${i} bar`}>
                    {interval && <IntervalBar interval={interval} from={0} to={1} mark={0.5} />}
                  </td>,
                ])}
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function signs({ suspicions, tooFast, usualOrder, allTies }: Annotator): string[] {
  const words: Readonly<Record<Annotator['suspicions'][number], string>> = {
    'too-fast': `${percent(tooFast)} of the labels took less time than reading does.`,
    'straight-lining': `Gives the order ${usualOrder?.order} by card in ${usualOrder?.labels} of ${usualOrder?.of}.`,
    'all-ties': `Calls all level in ${percent(allTies)}.`,
  };
  return suspicions.map((suspicion) => words[suspicion]);
}

function compared(a: number | null, b: number | null, down: boolean): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return down ? b - a : a - b;
}
