/** How each principle fared, from the ledger. */
import type { ReactNode } from 'react';
import type { PrincipleStats } from '../base/api.ts';
import { percentInterval } from '../quality/figures.ts';
import { IntervalBar } from '../quality/interval-bar.tsx';

interface PrincipleTableProps {
  readonly stats: readonly PrincipleStats[];
  readonly titles: ReadonlyMap<string, string>;
}

export function PrincipleTable({ stats, titles }: PrincipleTableProps): ReactNode {
  return (
    <section>
      <h2>How principles fared</h2>
      <p className="quiet">
        A principle decides a comparison where without it the other response would have been preferred.
        Brackets hold 95 %.
      </p>
      <section className="scroll" tabIndex={0} aria-label="How principles fared">
        <table className="stats-table">
          <thead>
            <tr>
              <th>Principle</th>
              <th data-align="right">Critiques, violations</th>
              <th data-align="right">Checks, violations</th>
              <th data-align="right">Comparisons, decided</th>
              <th data-align="right">Agrees with people</th>
              <th>
                <span className="unseen">Drawn</span>
              </th>
              <th data-align="right">Overruled</th>
              <th data-align="right">Same when asked again</th>
              <th data-align="right">In other words</th>
            </tr>
          </thead>
          <tbody>
            {stats.map(({ principle, critiques, checks, comparisons, people, repeated, reworded }) => (
              <tr key={principle}>
                <th scope="row">{titles.get(principle) ?? principle}</th>
                <td data-align="right">{of(critiques.violations, critiques.asked)}</td>
                <td data-align="right">{of(checks.violations, checks.asked)}</td>
                <td data-align="right">{of(comparisons.decisive, comparisons.drawn)}</td>
                <td data-align="right">{percentInterval(people.agreement)}</td>
                <td>
                  {people.agreement && <IntervalBar interval={people.agreement} from={0} to={1} mark={0.5} />}
                </td>
                <td data-align="right">{people.pairs === 0 ? '–' : people.overruled}</td>
                <td data-align="right">{percentInterval(repeated?.same)}</td>
                <td data-align="right">{percentInterval(reworded?.same)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </section>
  );
}

function of(some: number, all: number): string {
  return all === 0 ? '–' : `${some} of ${all}`;
}
