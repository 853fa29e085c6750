/** AI judges beside people, and how much of what they labelled people have checked. */
import type { ReactNode } from 'react';
import type { Agreement, Quality } from '../base/api.ts';
import { coefficient, coefficientInterval, percentInterval } from './figures.ts';
import { IntervalBar } from './interval-bar.tsx';

interface JudgeSectionProps extends Pick<Quality, 'judges' | 'audits'> {
  /** Of people among themselves. */
  readonly people: Agreement | null;
}

export function JudgeSection({ judges, audits, people }: JudgeSectionProps): ReactNode {
  if (judges.length === 0) return null;
  const rows = [
    ...judges.map(({ judge, labels, agreement }) => ({ name: judge, labels, agreement })),
    ...(people ? [{ name: 'people among themselves', labels: null, agreement: people }] : []),
  ];
  return (
    <section>
      <h2>Judges beside people</h2>
      <p className="quiet">
        AI judges have labelled {audits.judged} of these tasks. People have labelled {audits.checked} of them
        too, and {audits.waiting} wait for people.
      </p>
      <section className="scroll" tabIndex={0} aria-label="Judges beside people">
        <table>
          <thead>
            <tr>
              <th>Judge</th>
              <th data-align="right">Tasks</th>
              <th data-align="right">In common</th>
              <th data-align="right">Pairs ordered alike</th>
              <th>
                <span className="unseen">Drawn</span>
              </th>
              <th data-align="right">α ordinal</th>
              <th data-align="right">κ</th>
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, labels, agreement }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td data-align="right">{labels ?? '–'}</td>
                <td data-align="right">{agreement?.tasks ?? 0}</td>
                <td data-align="right">{percentInterval(agreement?.agree)}</td>
                <td>{agreement && <IntervalBar interval={agreement.agree} from={0} to={1} mark={0.5} />}</td>
                <td data-align="right">{coefficientInterval(agreement?.alphaOrdinal)}</td>
                <td data-align="right">{coefficient(agreement?.cohenKappa)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
