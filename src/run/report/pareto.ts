/** Two objectives against each other: a small drawing of where the models stand, and which of them none beats in both. */

import { escapeHtml, Html } from '../../base/index.ts';
import type { EvaluationCell, EvaluationColumn } from '../evaluation.ts';

export interface ParetoPoint {
  readonly name: string;
  readonly x: EvaluationCell;
  readonly y: EvaluationCell;
}

interface Placed extends ParetoPoint {
  readonly at: readonly [number, number];
}

const [width, height] = [340, 260];
const plot = { left: 46, right: 14, top: 16, bottom: 44 } as const;
/** Room beside the outermost intervals, as a share of the range. */
const air = 0.12;

/** The points that no other one beats: none is better in one objective and at least as good in the other. */
export function frontOf(
  points: readonly ParetoPoint[],
  [first, second]: readonly [EvaluationColumn, EvaluationColumn],
): ParetoPoint[] {
  const gain = ({ better }: EvaluationColumn, value: number | null): number =>
    (better === 'lower' ? -1 : 1) * (value ?? Number.NaN);
  const known = points.filter(({ x, y }) => x.value !== null && y.value !== null);
  return known.filter((point) => {
    const [a, b] = [gain(first, point.x.value), gain(second, point.y.value)];
    return !known.some((other) => {
      const [c, d] = [gain(first, other.x.value), gain(second, other.y.value)];
      return c >= a && d >= b && (c > a || d > b);
    });
  });
}

/** SVG that grows with its place and takes its colours from the page. Words for those who do not see it stand beside it. */
export function paretoDrawing(
  points: readonly ParetoPoint[],
  columns: readonly [EvaluationColumn, EvaluationColumn],
): Html {
  const known = points.filter(({ x, y }) => x.value !== null && y.value !== null);
  const [across, up] = columns;
  const xs = scaleOf(
    known.map(({ x }) => x),
    across,
    [plot.left, width - plot.right],
  );
  const ys = scaleOf(
    known.map(({ y }) => y),
    up,
    [height - plot.bottom, plot.top],
  );
  const placed = known.map((point) => ({
    ...point,
    at: [xs.at(point.x.value ?? 0), ys.at(point.y.value ?? 0)] as const,
  }));
  const front = frontOf(placed, columns) as Placed[];
  const parts = [
    axis(xs, across, 'x'),
    axis(ys, up, 'y'),
    ...boundLines(xs, ys, columns),
    frontLine(front),
    ...placed.map((point, i) => mark(point, i, { xs, ys })),
    ...labels(placed, front),
  ];
  return new Html(
    `<svg class="pareto" viewBox="0 0 ${width} ${height}" aria-hidden="true" focusable="false">${parts.join('')}</svg>`,
  );
}

interface Scale {
  readonly at: (value: number) => number;
  readonly ticks: readonly { readonly value: number; readonly text: string }[];
}

function scaleOf(
  cells: readonly EvaluationCell[],
  { atLeast, atMost }: EvaluationColumn,
  ends: readonly [number, number],
): Scale {
  const values = [
    ...cells.flatMap(({ value, low, high }) => [value, low, high]),
    ...[atLeast, atMost],
  ].filter((value) => typeof value === 'number');
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = (most - least || Math.abs(most) || 1) * air;
  const [from, to] = [least - room, most + room];
  const at = (value: number): number => ends[0] + ((value - from) / (to - from)) * (ends[1] - ends[0]);
  return { at, ticks: ticksOf(from, to) };
}

/** Three to six round numbers between two. */
function ticksOf(from: number, to: number): Scale['ticks'] {
  const rough = (to - from) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10) * power;
  const first = Math.ceil(from / step);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Array.from({ length: Math.floor(to / step) - first + 1 }, (_, i) => {
    const value = (first + i) * step;
    return {
      value,
      text: value
        .toFixed(decimals)
        .replace(/^-(?=0(\.0*)?$)/, '')
        .replace('-', '−'),
    };
  });
}

function axis(scale: Scale, column: EvaluationColumn, which: 'x' | 'y'): string {
  const bottom = height - plot.bottom;
  const ticks = scale.ticks.map(({ value, text }) => {
    const at = scale.at(value).toFixed(1);
    return which === 'x'
      ? `<line class="grid" x1="${at}" y1="${plot.top}" x2="${at}" y2="${bottom}"/><text x="${at}" y="${bottom + 14}" text-anchor="middle">${text}</text>`
      : `<line class="grid" x1="${plot.left}" y1="${at}" x2="${width - plot.right}" y2="${at}"/><text x="${plot.left - 5}" y="${Number(at) + 3.5}" text-anchor="end">${text}</text>`;
  });
  const arrow = column.better === 'lower' ? '←' : '→';
  const title = escapeHtml(column.better ? `${column.name} ${arrow} better` : column.name);
  const name =
    which === 'x'
      ? `<text class="axis" x="${(plot.left + width - plot.right) / 2}" y="${height - 8}" text-anchor="middle">${title}</text>`
      : `<text class="axis" transform="rotate(-90)" x="${-(plot.top + bottom) / 2}" y="11" text-anchor="middle">${title}</text>`;
  return ticks.join('') + name;
}

/** A dashed line where a bound is; its forbidden side is shaded. */
function boundLines(
  xs: Scale,
  ys: Scale,
  [across, up]: readonly [EvaluationColumn, EvaluationColumn],
): string[] {
  const [left, right, top, bottom] = [plot.left, width - plot.right, plot.top, height - plot.bottom];
  const lines: string[] = [];
  const xBound = across.atLeast ?? across.atMost;
  if (xBound !== undefined) {
    const at = xs.at(xBound);
    const [from, to] = across.atLeast === undefined ? [at, right] : [left, at];
    lines.push(
      `<rect class="forbidden" x="${from.toFixed(1)}" y="${top}" width="${Math.max(0, to - from).toFixed(1)}" height="${bottom - top}"/>`,
      `<line class="bound" x1="${at.toFixed(1)}" y1="${top}" x2="${at.toFixed(1)}" y2="${bottom}"/>`,
    );
  }
  const yBound = up.atLeast ?? up.atMost;
  if (yBound !== undefined) {
    const at = ys.at(yBound);
    const [from, to] = up.atLeast === undefined ? [top, at] : [at, bottom];
    lines.push(
      `<rect class="forbidden" x="${left}" y="${from.toFixed(1)}" width="${right - left}" height="${Math.max(0, to - from).toFixed(1)}"/>`,
      `<line class="bound" x1="${left}" y1="${at.toFixed(1)}" x2="${right}" y2="${at.toFixed(1)}"/>`,
    );
  }
  return lines;
}

function frontLine(front: readonly Placed[]): string {
  if (front.length < 2) return '';
  const ordered = front.toSorted((a, b) => a.at[0] - b.at[0]);
  return `<polyline class="front" points="${ordered.map(({ at }) => at.map((v) => v.toFixed(1)).join(',')).join(' ')}"/>`;
}

/** A dot, with its intervals as a cross. */
function mark(
  { x, y, at: [cx, cy] }: Placed,
  index: number,
  { xs, ys }: { readonly xs: Scale; readonly ys: Scale },
): string {
  const cross = [
    ...(x.low !== undefined && x.high !== undefined
      ? [
          `<line x1="${xs.at(x.low).toFixed(1)}" y1="${cy.toFixed(1)}" x2="${xs.at(x.high).toFixed(1)}" y2="${cy.toFixed(1)}"/>`,
        ]
      : []),
    ...(y.low !== undefined && y.high !== undefined
      ? [
          `<line x1="${cx.toFixed(1)}" y1="${ys.at(y.low).toFixed(1)}" x2="${cx.toFixed(1)}" y2="${ys.at(y.high).toFixed(1)}"/>`,
        ]
      : []),
  ];
  return `<g class="point p${index % 4}">${cross.join('')}<circle cx="${cx.toFixed(1)}" cy="${cy.toFixed(1)}" r="4"/></g>`;
}

/** Names beside their dots: to the right where there is room, and never over the name of another. */
function labels(placed: readonly Placed[], front: readonly ParetoPoint[]): string[] {
  const taken: { readonly x: number; readonly y: number; readonly width: number }[] = [];
  return placed.map((point) => {
    const [x, y] = point.at;
    const size = 6.2 * point.name.length;
    const places = [-7, 13, -19, 25].flatMap((dy) => [
      { x: x + 7, y: y + dy, anchor: 'start', from: x + 7 },
      { x: x - 7, y: y + dy, anchor: 'end', from: x - 7 - size },
    ]);
    const fits = ({ from, y: line }: (typeof places)[number]): boolean =>
      from > plot.left &&
      from + size < width &&
      line > plot.top - 6 &&
      line < height - plot.bottom &&
      !taken.some(
        (other) => Math.abs(other.y - line) < 12 && from < other.x + other.width && other.x < from + size,
      );
    const place = places.find(fits) ?? places[0];
    taken.push({ x: place.from, y: place.y, width: size });
    const isFront = front.some(({ name }) => name === point.name);
    return `<text class="name${isFront ? ' best' : ''}" x="${place.x.toFixed(1)}" y="${place.y.toFixed(1)}" text-anchor="${place.anchor}">${escapeHtml(point.name)}</text>`;
  });
}
