/** Draws a task as lines of text that fit a terminal. */
import { letterOf, SKIP_REASONS, type TaskView } from '../../../feedback/index.ts';
import type { AnnotateState } from './annotate-state.ts';
import { columnsOf, cut, harmless, linesOf } from './text-layout.ts';

export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

/** How parts are set off; plain where the terminal has no colours. */
export interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly marked: (text: string) => string;
  readonly warning: (text: string) => string;
}

export const plainStyle: Style = {
  bold: (text) => text,
  dim: (text) => text,
  marked: (text) => text,
  warning: (text) => text,
};

/** What is said above a task. */
export interface Header {
  readonly project: string;
  readonly labels: number;
  readonly wanted: number;
  /** Labels sent since the start. */
  readonly mine: number;
}

/** A drawn screen. */
export interface Screen {
  /** [rows] */
  readonly lines: readonly string[];
  /** First line of the body that is shown. */
  readonly top: number;
}

/** Widest text that is pleasant to read. */
const mostColumns = 100;

/**
 * @param top first line of the body that was shown before; the state says where to go from there
 */
export function drawScreen(
  state: AnnotateState,
  header: Header,
  size: ScreenSize,
  top: number,
  style: Style = plainStyle,
): Screen {
  const width = Math.max(8, Math.min(size.columns, mostColumns));
  const head = size.rows < 12 ? [] : [style.dim(cut(headerLine(header, state), width)), ''];
  const foot = footer(state, width, style);
  const room = Math.max(1, size.rows - head.length - foot.length);
  const body = bodyOf(state, width, style);
  const at = scrolled(state, body, room, top);
  const shown = body.lines.slice(at, at + room);
  while (shown.length < room) shown.push('');
  const below = body.lines.length - at - room;
  if (below > 0) foot[0] = style.dim(cut(`↓ ${below} more lines: Space`, width));
  // A terminal lower than head and foot shows the end of them, where the keys are.
  return { lines: [...head, ...shown, ...foot].slice(-size.rows), top: at };
}

interface Body {
  readonly lines: readonly string[];
  /** First line and line after the last of each card. */
  readonly cards: readonly (readonly [number, number])[];
}

function bodyOf(state: AnnotateState, width: number, style: Style): Body {
  const { mode, view, covered } = state;
  if (mode === 'help') return plain(helpLines(view, width, style));
  if (mode === 'skip') return plain(reasonLines(width, style));
  if (mode === 'guideline') return plain(linesOf(harmless(state.guideline ?? ''), width));
  if (covered) {
    return plain([
      ...linesOf(`This task may contain: ${harmless(view.contentWarning ?? '')}`, width).map(style.warning),
      '',
      ...linesOf('Enter shows it, s skips it.', width),
    ]);
  }
  const lines: string[] = [...promptLines(view, width, style), ''];
  const cards: [number, number][] = [];
  for (const [i, { letter, text }] of view.cards.entries()) {
    const isMarked = state.cursor === i && mode === 'rank';
    const rank = state.ranks[i];
    const suggested = view.suggestion?.ranks[i] ?? null;
    const notes = [
      rank === null ? '·' : `rank ${rank}`,
      ...(suggested === null ? [] : [`AI: ${suggested}`]),
    ].join('  ');
    const start = lines.length;
    const title = cut(`${isMarked ? '▶' : ' '} ${letter}  ${notes}`, width);
    lines.push(isMarked ? style.marked(title) : style.bold(title));
    lines.push(
      ...linesOf(harmless(text), width - 2).map((line) => `${isMarked ? '┃' : ' '} ${line}`.trimEnd()),
    );
    cards.push([start, lines.length]);
    lines.push('');
  }
  if (view.suggestion?.rationale !== undefined) {
    lines.push(style.bold(cut('Why the AI judge ranks so', width)));
    lines.push(...linesOf(harmless(view.suggestion.rationale), width).map(style.dim));
  }
  return { lines, cards };
}

function plain(lines: readonly string[]): Body {
  return { lines, cards: [] };
}

const speakers: Readonly<Record<string, string>> = {
  user: 'Human',
  assistant: 'Assistant',
  system: 'System',
};

function promptLines({ prompt }: TaskView, width: number, style: Style): string[] {
  if (typeof prompt === 'string') return [style.bold('Prompt'), ...linesOf(harmless(prompt), width)];
  return prompt.flatMap(({ role, content }, i) => [
    ...(i > 0 ? [''] : []),
    style.bold(cut(speakers[role] ?? harmless(role), width)),
    ...linesOf(harmless(content), width),
  ]);
}

/** Where the body begins now. */
function scrolled(
  { scroll, cursor }: AnnotateState,
  { lines, cards }: Body,
  room: number,
  top: number,
): number {
  const last = Math.max(0, lines.length - room);
  const within = (line: number): number => Math.max(0, Math.min(last, line));
  if (typeof scroll === 'number') return within(top + scroll * Math.max(1, room - 2));
  if (scroll === 'to-card' && cards[cursor] !== undefined) {
    const [start, end] = cards[cursor];
    if (start < top) return within(start);
    if (end > top + room) return within(Math.min(start, end - room));
  }
  return within(top);
}

function headerLine({ project, labels, wanted, mine }: Header, { correcting, view }: AnnotateState): string {
  const what = correcting
    ? 'correcting the last one'
    : view.purpose === 'adjudication'
      ? 'deciding where labels disagree'
      : `${labels.toLocaleString('en-US')} of ${wanted.toLocaleString('en-US')} labels`;
  return `${project} · ${what} · ${mine} by you now`;
}

/** An empty line or what lies below, what is judged so far or being asked, and the keys. */
function footer(state: AnnotateState, width: number, style: Style): string[] {
  const { mode, notice, input, order, flags, rationale } = state;
  if (mode === 'rationale' || mode === 'note') {
    const label = mode === 'rationale' ? 'Why: ' : 'Reason: ';
    const room = Math.max(4, width - columnsOf(label) - 1);
    const shown = lastColumns(harmless(input), room);
    return [
      '',
      `${style.bold(label)}${shown}█`,
      style.dim(fitted(width, ['Enter keeps it', 'Esc leaves it'])),
    ];
  }
  const judged = [order, ...flags, ...(rationale === '' ? [] : [`“${harmless(rationale)}”`])].filter(
    (part) => part !== '',
  );
  return [
    '',
    ...(notice === null ? [] : linesOf(notice, width).map(style.warning)),
    style.bold(cut(judged.join('  '), width)),
    style.dim(fitted(width, hints(state))),
  ];
}

function hints({ mode, covered, correcting, guideline }: AnnotateState): string[] {
  if (mode === 'help' || mode === 'guideline') return ['any key goes back', 'Space scrolls'];
  if (mode === 'skip') return ['Esc goes back'];
  if (covered) return ['Enter shows', 's skip', 'q quit'];
  return [
    '? keys',
    '1-9 rank',
    'Enter send',
    ...(correcting ? ['Esc leave it'] : ['s skip']),
    'u undo',
    '↑↓ card',
    't why',
    ...(guideline !== null ? ['g guideline'] : []),
    'q quit',
  ];
}

/** As many of the parts as fit, the first ones first. */
function fitted(width: number, parts: readonly string[]): string {
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : `${line} · ${part}`;
    if (columnsOf(longer) > width) break;
    line = longer;
  }
  return line;
}

function lastColumns(text: string, width: number): string {
  let shown = text;
  while (columnsOf(shown) > width) shown = [...shown].slice(1).join('');
  return shown;
}

function helpLines({ cards }: TaskView, width: number, style: Style): string[] {
  const last = letterOf(cards.length - 1);
  const keys: readonly (readonly [string, string])[] = [
    ['1 … 9', `rank of the marked response, 1 = best; equal numbers are a tie`],
    ['0', 'the marked response is not judged'],
    ['↑ ↓ Tab', `mark another response, A to ${last}`],
    ['Space, ← →', 'scroll'],
    ['Enter', 'send the label, and on to the next task'],
    ['b', 'all responses are bad'],
    ['x', 'something in it is unsafe'],
    ['c', 'cannot be judged'],
    ['t', 'say why'],
    ['s', 'skip the task, with a reason; somebody else gets it'],
    ['u', 'undo; with nothing to undo, back to the task before, to correct it'],
    ['g', 'the guideline'],
    ['q', 'quit; what you have of this task is kept'],
  ];
  const room = Math.max(...keys.map(([key]) => columnsOf(key))) + 2;
  if (width < 2 * room) {
    return keys.flatMap(([key, what]) => [
      style.bold(key),
      ...linesOf(what, width - 2).map((line) => `  ${line}`),
    ]);
  }
  return [
    style.bold('Keys'),
    ...keys.flatMap(([key, what]) =>
      linesOf(what, width - room).map((line, i) => `${i === 0 ? key.padEnd(room) : ' '.repeat(room)}${line}`),
    ),
  ];
}

function reasonLines(width: number, style: Style): string[] {
  return [
    style.bold(cut('Why do you skip this task?', width)),
    ...Object.values(SKIP_REASONS).flatMap((reason, i) =>
      linesOf(reason, width - 4).map((line, n) => `${n === 0 ? `${i + 1}   ` : '    '}${line}`),
    ),
  ];
}
