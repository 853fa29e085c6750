/** A measured value in a table, with its interval where it has one. */
import type { ReactNode } from 'react';
import { readable } from '../base/format.ts';

interface MeasuredCellProps {
  readonly value?: number | null;
  readonly low?: number;
  readonly high?: number;
}

export function MeasuredCell({ value, low, high }: MeasuredCellProps): ReactNode {
  return (
    <td data-align="right">
      {readable(value)}
      {low !== undefined && (
        <span className="quiet">
          {' '}
          [{readable(low)}, {readable(high)}]
        </span>
      )}
    </td>
  );
}
