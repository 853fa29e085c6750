/** AI judges beside people, and how much of what they labelled people have checked. */
import type { ReactNode } from 'react';
import type { Agreement, Quality } from '../base/api.ts';
import { AgreementCells, AgreementHeads } from './agreement-columns.tsx';

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
              <AgreementHeads />
            </tr>
          </thead>
          <tbody>
            {rows.map(({ name, labels, agreement }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td data-align="right">{labels ?? '–'}</td>
                <td data-align="right">{agreement?.tasks ?? 0}</td>
                <AgreementCells agreement={agreement} />
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}
