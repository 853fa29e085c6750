/** An estimate with its interval, as a mark on a line: many of them below each other can be compared at a glance. */
import type { ReactNode } from 'react';
import type { Interval } from '../base/api.ts';

interface IntervalBarProps {
  readonly interval: Interval;
  /** Ends of the line. */
  readonly from: number;
  readonly to: number;
  /** Where a thin line stands for comparison, such as chance. */
  readonly mark?: number;
}

const width = 120;
const height = 16;

/** The numbers stand beside it, so that screen readers pass over it. */
export function IntervalBar({ interval, from, to, mark }: IntervalBarProps): ReactNode {
  const x = (value: number): number => {
    const share = (value - from) / (to - from);
    return 4 + (width - 8) * Math.min(1, Math.max(0, share));
  };
  const middle = height / 2;
  return (
    <svg className="interval-bar" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
      <line className="scale" x1={x(from)} x2={x(to)} y1={middle} y2={middle} />
      {mark !== undefined && <line className="scale" x1={x(mark)} x2={x(mark)} y1={2} y2={height - 2} />}
      <line className="range" x1={x(interval.low)} x2={x(interval.high)} y1={middle} y2={middle} />
      <circle cx={x(interval.estimate)} cy={middle} r={3.5} />
    </svg>
  );
}
