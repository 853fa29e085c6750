/** How far people agree, in the measures that the field knows, each with what it means. */
import type { ReactNode } from 'react';
import type { Agreement, Interval } from '../base/api.ts';
import { coefficient, coefficientInterval, percentInterval } from './figures.ts';
import { IntervalBar } from './interval-bar.tsx';

interface Row {
  readonly name: string;
  readonly value: string;
  readonly interval: Interval | null;
  readonly from: number;
  readonly means: string;
}

export function AgreementFigures({ agreement }: { readonly agreement: Agreement | null }): ReactNode {
  return (
    <section>
      <h2>Agreement of people</h2>
      {agreement === null ? (
        <p className="quiet">No two people have labelled the same task yet.</p>
      ) : (
        <AgreementTable agreement={agreement} />
      )}
    </section>
  );
}

function AgreementTable({ agreement }: { readonly agreement: Agreement }): ReactNode {
  const { tasks, annotators, comparisons, agree, alphaNominal, alphaOrdinal, same } = agreement;
  const point = (value: number | null): Pick<Row, 'value' | 'interval'> => ({
    value: coefficient(value),
    interval: value === null ? null : { estimate: value, low: value, high: value },
  });
  const rows: Row[] = [
    {
      ...{ name: 'Pairs ordered alike', value: percentInterval(agree), interval: agree, from: 0 },
      means: 'share of comparisons of two people; a tie against a decision counts half',
    },
    {
      ...{
        name: 'Krippendorff’s α, ordinal',
        value: coefficientInterval(alphaOrdinal),
        interval: alphaOrdinal,
      },
      ...{ from: -0.2, means: '1 = always alike, 0 = as chance has it; a tie stands between the two others' },
    },
    {
      ...{
        name: 'Krippendorff’s α, nominal',
        value: coefficientInterval(alphaNominal),
        interval: alphaNominal,
      },
      ...{ from: -0.2, means: 'the same, with a tie merely different' },
    },
    {
      name: 'Fleiss’ κ',
      ...point(agreement.fleissKappa),
      from: -0.2,
      means: 'beyond chance, all people together',
    },
    {
      name: 'Cohen’s κ',
      ...point(agreement.cohenKappa),
      from: -0.2,
      means: 'beyond chance, mean over pairs of people',
    },
    {
      name: 'Kendall’s τ-b',
      ...point(agreement.tauB),
      from: -0.2,
      means: 'of two whole rankings, mean over tasks',
    },
    {
      ...{ name: 'Kendall’s W', ...point(agreement.concordance), from: 0 },
      means: 'of all rankings of a task together, mean over tasks',
    },
  ];
  return (
    <>
      <p className="quiet">
        {tasks.toLocaleString()} tasks with labels of several of {annotators} people,{' '}
        {comparisons.toLocaleString()} comparisons, {Math.round(same * 100)} % exactly alike. Brackets hold 95
        %.
      </p>
      <section className="scroll" tabIndex={0} aria-label="Measures of agreement">
        <table className="measures">
          <thead>
            <tr>
              <th>Measure</th>
              <th data-align="right">Value</th>
              <th>
                <span className="unseen">Drawn</span>
              </th>
              <th>What it says</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, value, interval, from, means }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td data-align="right">{value}</td>
                <td>{interval && <IntervalBar interval={interval} from={from} to={1} mark={0} />}</td>
                <td className="quiet">{means}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
