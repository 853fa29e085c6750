/** Where everybody stands in the qualification test, for projects that have one. */
import type { ReactNode } from 'react';
import { get, type QualificationResults } from '../base/api.ts';
import { timeOf } from '../base/format.ts';
import { Failure } from '../base/states.tsx';
import { useData } from '../base/use-data.ts';
import { percent } from './figures.ts';

type Result = NonNullable<QualificationResults['people']>[number];

const lookEveryMs = 10_000;
const states: Readonly<Record<Result['status'], { readonly text: string; readonly pill: string }>> = {
  passed: { text: 'passed', pill: 'good' },
  testing: { text: 'under way', pill: 'live' },
  waiting: { text: 'may try again', pill: 'wait' },
  failed: { text: 'not passed', pill: 'bad' },
};

/** @param address of the project's quality */
export function QualificationSection({ address }: { readonly address: string }): ReactNode {
  const path = `${address}/qualification`;
  const { data, error, reload } = useData(path, () => get<QualificationResults>(path), lookEveryMs);
  if (!data) return error ? <Failure error={error} onRetry={reload} /> : null;
  if (data.people === null) return null;
  return (
    <section>
      <h2>Qualification test</h2>
      {data.people.length === 0 ? (
        <p className="quiet">Nobody has answered a question yet.</p>
      ) : (
        <Results people={data.people} />
      )}
    </section>
  );
}

function Results({ people }: { readonly people: readonly Result[] }): ReactNode {
  return (
    <>
      <p className="quiet">
        Questions with known answers, which come before the tasks. {percent(people[0].pass)} of the pairs
        right is enough.
      </p>
      <section className="scroll" tabIndex={0} aria-label="Qualification test">
        <table>
          <thead>
            <tr>
              <th>Name</th>
              <th>State</th>
              <th data-align="right">Right</th>
              <th data-align="right">Attempt</th>
              <th data-align="right">Answered</th>
            </tr>
          </thead>
          <tbody>
            {people.map((one) => (
              <tr key={one.id}>
                <th scope="row">{one.name ?? <code>{one.id}</code>}</th>
                <td>
                  <span className={`pill ${states[one.status].pill}`}>{states[one.status].text}</span>
                  {one.retakeAt !== null && <div className="quiet">from {timeOf(one.retakeAt)}</div>}
                </td>
                <td data-align="right">{percent(one.score)}</td>
                <td data-align="right">
                  {one.attempt} of {one.attempts}
                </td>
                <td data-align="right">
                  {one.answered} of {one.questions}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
