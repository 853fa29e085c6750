/** The columns of a table that say how far people, or a judge and people, agree. */
import type { ReactNode } from 'react';
import type { Agreement } from '../base/api.ts';
import { coefficient, coefficientInterval, percentInterval } from './figures.ts';
import { IntervalBar } from './interval-bar.tsx';

export function AgreementHeads(): ReactNode {
  return (
    <>
      <th data-align="right">Pairs ordered alike</th>
      <th>
        <span className="unseen">Drawn</span>
      </th>
      <th data-align="right">α ordinal</th>
      <th data-align="right">κ</th>
    </>
  );
}

export function AgreementCells({ agreement }: { readonly agreement: Agreement | null }): ReactNode {
  return (
    <>
      <td data-align="right">{percentInterval(agreement?.agree)}</td>
      <td>{agreement && <IntervalBar interval={agreement.agree} from={0} to={1} mark={0.5} />}</td>
      <td data-align="right">{coefficientInterval(agreement?.alphaOrdinal)}</td>
      <td data-align="right">{coefficient(agreement?.cohenKappa)}</td>
    </>
  );
}
