/** Curves over steps, with a readout for pointer and arrow keys. */
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { cursorMove, smoothed, stepIncrements } from '../../../src/run/report/assets/curve-values.js';
import { onColorScheme } from '../base/color-scheme.ts';
import { readable } from '../base/format.ts';

export interface Curve {
  readonly name: string;
  readonly steps: readonly number[];
  readonly values: readonly (number | null)[];
}

interface ChartProps {
  readonly title: string;
  readonly curves: readonly Curve[];
}

const height = 190;

export function Chart({ title, curves }: ChartProps): ReactNode {
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const readout = useRef<HTMLParagraphElement>(null);
  const id = useId();
  const [theme, setTheme] = useState(0);
  const names = curves.map(({ name }) => name);
  const { steps, columns } = aligned(curves);
  const latest = useRef({ steps, columns, names });
  latest.current = { steps, columns, names };
  const shape = JSON.stringify(names);

  useEffect(() => onColorScheme(() => setTheme((before) => before + 1)), []);

  // The plot is made once for its curves, and fed as they grow.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` and `theme` stand for what it is made from
  useEffect(() => {
    const element = holder.current!;
    const chart = new uPlot(optionsOf(element, latest, readout), dataOf(latest.current), element);
    plot.current = chart;
    const watch = new ResizeObserver(() => {
      if (element.clientWidth > 0 && element.clientWidth !== chart.width) {
        chart.setSize({ width: element.clientWidth, height });
      }
    });
    watch.observe(element);
    return () => {
      watch.disconnect();
      chart.destroy();
      plot.current = null;
    };
  }, [shape, theme]);

  const last = steps.at(-1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the columns are new arrays each time; these tell whether they grew
  useEffect(() => {
    plot.current?.setData(dataOf(latest.current) as uPlot.AlignedData);
  }, [steps.length, last, columns.map((column) => column.at(-1)).join(' ')]);

  const move = (by: number): void => {
    const chart = plot.current;
    if (!chart || steps.length === 0) return;
    const from = chart.cursor.idx ?? (by > 0 ? -1 : steps.length);
    const to = Math.max(0, Math.min(steps.length - 1, from + by));
    chart.setCursor({ left: chart.valToPos(steps[to], 'x'), top: 0 });
  };
  return (
    <figure className="chart" aria-labelledby={id}>
      <figcaption id={id}>
        {title}
        <span className="legend">
          {names.map((name, i) => (
            <span key={name} data-series={i}>
              {name}
            </span>
          ))}
        </span>
      </figcaption>
      <div
        ref={holder}
        className="plot"
        role="slider"
        tabIndex={0}
        aria-label={`${title} by step`}
        aria-valuemin={steps[0] ?? 0}
        aria-valuemax={last ?? 0}
        aria-valuenow={last ?? 0}
        aria-valuetext={textAt(latest.current, steps.length - 1)}
        onKeyDown={(event) => {
          const by = cursorMove(event.key, steps.length);
          if (by === undefined) return;
          event.preventDefault();
          move(by);
        }}
      />
      <p ref={readout} className="readout" aria-live="off">
        {textAt(latest.current, steps.length - 1)}
      </p>
    </figure>
  );
}

interface ChartData {
  readonly steps: number[];
  readonly columns: (number | null)[][];
  readonly names: readonly string[];
}

function textAt({ steps, columns, names }: ChartData, index: number): string {
  if (index < 0 || index >= steps.length) return '';
  return [`step ${steps[index]}`, ...names.map((name, i) => `${name} ${readable(columns[i][index])}`)].join(
    '  ·  ',
  );
}

/** All curves on the steps that any of them has. */
function aligned(curves: readonly Curve[]): { steps: number[]; columns: (number | null)[][] } {
  const steps = [...new Set(curves.flatMap((curve) => curve.steps))].sort((a, b) => a - b);
  const place = new Map(steps.map((step, i) => [step, i]));
  const columns = curves.map((curve) => {
    const column = new Array<number | null>(steps.length).fill(null);
    curve.steps.forEach((step, i) => {
      column[place.get(step)!] = curve.values[i];
    });
    return column;
  });
  return { steps, columns };
}

/** Each curve, and behind long ones its smoothed form. */
function dataOf({ steps, columns }: ChartData): uPlot.AlignedData {
  return [
    steps,
    ...columns.flatMap((column) => [column, smoothed(column) ?? column.map(() => null)]),
  ] as uPlot.AlignedData;
}

function optionsOf(
  element: HTMLElement,
  latest: { readonly current: ChartData },
  readout: { readonly current: HTMLElement | null },
): uPlot.Options {
  const color = (name: string): string => resolved(element, name);
  const axis = {
    stroke: color('--quiet'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: color('--rule'), width: 1 },
    ticks: { show: false },
  };
  const series = latest.current.names.flatMap((name, i): uPlot.Series[] => {
    const stroke = color(`--s${i % 8}`);
    const isLong = (): boolean => smoothed(latest.current.columns[i] ?? []) !== null;
    return [
      {
        label: name,
        stroke: () => (isLong() ? stroke.replace('rgb(', 'rgba(').replace(')', ', 0.35)') : stroke),
        width: 1.5,
        spanGaps: true,
        points: { show: () => latest.current.steps.length <= 24, size: 5, fill: stroke },
      },
      { stroke, width: 2, spanGaps: true, points: { show: false } },
    ];
  });
  return {
    width: element.clientWidth || 320,
    height,
    padding: [10, 14, 0, 0],
    legend: { show: false },
    scales: { x: { time: false } },
    cursor: { y: false, drag: { x: true, y: false }, points: { size: 6 } },
    series: [{}, ...series],
    axes: [
      { ...axis, size: 24, gap: 4, grid: { show: false }, space: 60, incrs: stepIncrements },
      { ...axis, size: 52, gap: 6, space: 34, values: (_, ticks) => ticks.map((tick) => readable(tick)) },
    ],
    hooks: {
      setCursor: [
        ({ cursor }) => {
          const { steps } = latest.current;
          if (readout.current)
            readout.current.textContent = textAt(latest.current, cursor.idx ?? steps.length - 1);
        },
      ],
    },
  };
}

/** A colour of the page as `rgb(…)`, whichever scheme is on: a canvas knows no variables. */
function resolved(element: HTMLElement, variable: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${variable})`;
  element.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}
