import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type Annotator,
  byCard,
  LabelQueue,
  type NewLabelTask,
  writeRules,
} from '../../../feedback/index.ts';
import { type LedgerEvent, openStore, type Store } from '../../../store/index.ts';
import { type AnnotateOptions, type AnnotateSummary, annotate } from './annotate.ts';
import { openTerminal } from './open-terminal.ts';
import { columnsOf } from './text-layout.ts';

const ann: Annotator = { id: 'ann' };
const [enter, up, down, leave] = ['\r', '\x1b[A', '\x1b[B', '\x1b'];

let store: Store;
let queue: LabelQueue;
beforeEach(async () => {
  store = await openStore(':memory:');
  queue = new LabelQueue(store, 'fish');
});
afterEach(() => store.close());

const taskOf = (name: string, rest: Partial<NewLabelTask> = {}): NewLabelTask => ({
  item: {
    prompt: [{ role: 'user', content: `question ${name}` }],
    responses: ['one', 'two', 'three'].map((text) => ({
      text: `${name} answer ${text}`,
      model: 'secret-model',
    })),
  },
  ...rest,
});

/** Screens as they come, from streams that stand for the terminal. */
interface Driven {
  readonly summary: AnnotateSummary;
  /** The last screen after each key, the first before any. */
  readonly screens: readonly string[];
}

/** Presses keys one after the other, each when the screen after the one before is there. */
async function drive(
  keys: readonly string[],
  {
    columns = 60,
    rows = 24,
    ...options
  }: Partial<AnnotateOptions> & { columns?: number; rows?: number } = {},
): Promise<Driven> {
  const input = new PassThrough();
  const output = Object.assign(new PassThrough(), { columns, rows });
  const screens: string[] = [];
  const left = [...keys];
  output.on('data', (data: Buffer) => {
    const text = data.toString();
    if (!text.startsWith('\x1b[H')) return;
    screens.push(text.slice(3).replaceAll('\x1b[K', '').replaceAll('\x1b[J', '').replaceAll('\r\n', '\n'));
    const key = left.shift();
    if (key === undefined) input.end();
    else setImmediate(() => input.write(key));
  });
  const { terminal, close } = openTerminal({ input, output }, { colours: false });
  const summary = await annotate({ queue, annotator: ann, terminal, ...options }).finally(close);
  return { summary, screens };
}

const labels = async (): Promise<LedgerEvent[]> => {
  const found: LedgerEvent[] = [];
  for await (const event of store.ledger.read({ project: 'fish' })) found.push(event);
  return found;
};
/** Ranks by card in the order that ann was shown. */
const ranksByCard = ({ ranks, shownOrder }: LedgerEvent) => byCard(ranks!, shownOrder!);

describe('the terminal annotator', () => {
  it('ranks with number keys, and sends with Enter', async () => {
    await queue.add([taskOf('a'), taskOf('b')]);
    const { summary, screens } = await drive(['2', '3', '1', enter, '1', '1', '2', enter]);
    expect(summary).toMatchObject({ labels: 2, skips: 0, corrections: 0, finished: true });
    const events = await labels();
    expect(events.map(ranksByCard)).toEqual([
      [2, 3, 1],
      [1, 1, 2],
    ]);
    expect(events.map(({ judge, kind }) => [kind, judge])).toEqual([
      ['label', { kind: 'human', id: 'ann' }],
      ['label', { kind: 'human', id: 'ann' }],
    ]);
    expect(screens[3]).toContain('C > A > B');
    expect(screens[7]).toContain('A = B > C');
    expect(screens.join('')).not.toContain('secret-model');
  });

  it('shows the responses in the order recorded', async () => {
    await queue.add([taskOf('a')]);
    const { screens } = await drive(['1', '2', '3', enter]);
    const [{ shownOrder, item }] = await labels();
    const places = shownOrder!.map((i) => screens[0].indexOf(item!.responses[i].text));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(Math.min(...places)).toBeGreaterThan(0);
  });

  it('moves the mark, clears a rank, and asks before it sends what is not all ranked', async () => {
    await queue.add([taskOf('a')]);
    const { screens, summary } = await drive([down, down, '1', '2', '3', up, down, '0', enter, enter]);
    expect(screens[9]).toMatch(/B has no rank and counts as not judged\.\s+Enter again to\s+send\s+it so\./);
    expect(summary.labels).toBe(1);
    expect((await labels()).map(ranksByCard)).toEqual([[2, null, 1]]);
  });

  it('sets flags, takes a reason, and tells what does not go', async () => {
    await queue.add([taskOf('a')]);
    const { screens } = await drive([
      enter,
      '9',
      'z',
      'b',
      'x',
      'x',
      't',
      'b',
      'a',
      'd',
      '\x7f',
      'D',
      '!',
      enter,
      enter,
    ]);
    expect(screens[1]).toContain('Rank at least two responses, set a flag (b x c), or skip the');
    expect(screens[2]).toContain('ranks go from 1 to 3');
    expect(screens[3]).toContain('This key does nothing here');
    expect(screens[12]).toContain('Why: baD');
    const [{ flags, rationale, ranks }] = await labels();
    expect({ flags, rationale, ranks }).toEqual({ flags: ['all-bad'], rationale: 'baD!', ranks: undefined });
  });

  it('undoes step by step, and then goes back to what was sent, which it corrects', async () => {
    await queue.add([taskOf('a'), taskOf('b')]);
    const keys = ['1', '2', 'u', '3', '2', enter, '1', 'u', 'u', '3', enter, '1', '2', '3', enter];
    const { summary, screens } = await drive(keys);
    expect(screens[9]).toMatch(/correcting the last one[\s\S]*question a[\s\S]*A > C > B/);
    expect(summary).toMatchObject({ labels: 2, corrections: 1, finished: true });
    const [first, corrected, second] = await labels();
    expect(ranksByCard(first)).toEqual([1, 3, 2]);
    expect(corrected).toMatchObject({ supersedes: first.id, taskId: first.taskId });
    expect(ranksByCard(corrected)).toEqual([2, 2, 1]);
    expect(second.supersededBy).toBeNull();
  });

  it('goes further back, leaves a correction as it was, and says when there is nothing before', async () => {
    await queue.add([taskOf('a'), taskOf('b'), taskOf('c')]);
    const keys = ['1', '2', '3', enter, '3', '2', '1', enter, 'u', 'u', 'u', leave, 'q'];
    const { summary, screens } = await drive(keys);
    expect(screens[9]).toContain('question b');
    expect(screens[10]).toContain('question a');
    expect(screens[11]).toContain('There is nothing before this.');
    expect(screens[12]).toContain('question c');
    expect(summary).toMatchObject({ labels: 2, corrections: 0, finished: false });
    expect(await labels()).toHaveLength(2);
  });

  it('skips with a reason, in words of its own too, and makes up its mind', async () => {
    await queue.add([taskOf('a'), taskOf('b')]);
    const keys = ['s', '1', 's', '6', 'n', 'o', enter];
    const first = await drive(keys);
    expect(first.screens[1]).toContain('1   the prompt or the task is unclear');
    expect(first.summary).toMatchObject({ labels: 0, skips: 2, finished: true });
    expect((await labels()).map(({ extra, rationale }) => [extra?.reason, rationale])).toEqual([
      ['unclear', 'the prompt or the task is unclear'],
      ['other', 'no'],
    ]);
    await queue.add([taskOf('c')]);
    await drive(['u', '1', '2', '2', enter, 'q']);
    expect(await queue.progress()).toMatchObject({ labels: 1, skips: 1 });
  });

  it('keeps what is not sent as a draft, and the time with it', async () => {
    await queue.add([taskOf('a')]);
    let time = 0;
    const now = (): number => (time += 10_000);
    const { summary } = await drive(['2', '1', 'q'], { now });
    expect(summary).toMatchObject({ labels: 0, finished: false });
    expect(await queue.progress()).toMatchObject({ leased: 0, labels: 0 });
    const { screens } = await drive(['3', enter], { now });
    expect(screens[0]).toMatch(/Your draft of this task is back[\s\S]*B > A/);
    const [label] = await labels();
    expect(ranksByCard(label)).toEqual([2, 1, 3]);
  });

  it('tells time at work from time away', async () => {
    await queue.add([taskOf('a')]);
    // Shown at 0; keys after 5 s, 5 s, 5 minutes and 5 s: a minute of the long gap counts as reading.
    const times = [0, 5000, 10_000, 310_000, 315_000];
    let call = 0;
    await drive(['1', '2', '3', enter], { now: () => times[call++] });
    const [{ activeMs, idleMs }] = await labels();
    expect({ activeMs, idleMs }).toEqual({ activeMs: 75_000, idleMs: 240_000 });
  });

  it('gives back what it holds when the terminal is closed', async () => {
    await queue.add([taskOf('a')]);
    expect((await drive(['1'])).summary).toMatchObject({ labels: 0, finished: false });
    expect(await queue.progress()).toMatchObject({ leased: 0 });
    expect((await queue.claim(ann))[0].draft?.ranks).toHaveLength(3);
    expect((await drive([], { annotator: { id: 'bob' } })).summary.finished).toBe(true);
  });

  it('covers what some do not want to read, and shows the guideline', async () => {
    await queue.add([taskOf('a', { contentWarning: 'violence' })]);
    const guideline = async (): Promise<string> => 'Prefer the true one.';
    const { screens } = await drive(['1', enter, 'g', 'z', 'q'], { guideline });
    for (const screen of screens.slice(0, 2)) {
      expect(screen).toContain('This task may contain: violence');
      expect(screen).not.toContain('answer');
    }
    expect(screens[2]).toContain('a answer one');
    expect(screens[3]).toContain('Prefer the true one.');
    expect(screens[4]).toContain('a answer one');
  });

  it('shows a suggestion where it is to be shown, and decides for others', async () => {
    const suggestion = { ranks: [1, 2, 3], rationale: 'It is true.', shownTo: 1 };
    await queue.add([taskOf('a', { suggestion })]);
    const { screens } = await drive(['1', '2', '3', enter]);
    expect(screens[0]).toMatch(/AI: 1/);
    expect(screens[0]).toContain('It is true.');
    const [label] = await labels();
    await queue.escalate(label.taskId!, [label.id]);
    const eve = { annotator: { id: 'eve' }, purpose: 'adjudication' as const };
    const decided = await drive(['1', '1', '1', enter], eve);
    expect(decided.screens[0]).toContain('deciding where labels disagree');
    expect((await labels())[1]).toMatchObject({
      kind: 'adjudication',
      basedOn: [label.id],
      ranks: [1, 1, 1],
    });
  });

  it.each([
    [12, 5, 140],
    [24, 10, 40],
    [33, 8, 40],
    [200, 60, 2],
  ])('fits %i columns and %i rows, and reaches everything by scrolling', async (columns, rows, spaces) => {
    const text = 'Ein langer Satz mit 魚 und einem Wort wie Donaudampfschifffahrtsgesellschaft. '.repeat(3);
    await queue.add([
      taskOf('a', {
        item: { prompt: text, responses: ['x', 'y', 'z'].map((end) => ({ text: `${text}${end}${end}` })) },
      }),
    ]);
    const keys = [...Array<string>(spaces).fill(' '), '?', 'z', 's', leave, '1', '2', enter];
    const { screens } = await drive(keys, { columns, rows });
    for (const screen of screens) {
      const lines = screen.split('\n');
      expect(lines).toHaveLength(rows);
      for (const line of lines) expect(columnsOf(line)).toBeLessThanOrEqual(columns);
    }
    for (const end of ['xx', 'yy', 'zz']) expect(screens.slice(0, spaces + 1).join('\n')).toContain(end);
  });
});

it('asks the questions of a qualification test first, and says so', async () => {
  await queue.add([taskOf('a')]);
  await queue.qualification.add([taskOf('q', { gold: { ranks: [1, 1, 1] } })]);
  await writeRules(store.database, 'fish', { qualification: {} });
  const { screens, summary } = await drive(['1', '1', '1', enter, '1', '2', '3', enter]);
  expect(screens[0]).toContain('fish, qualification test');
  expect(screens[0]).toContain('question q');
  expect(screens[4]).not.toContain('qualification test');
  expect(screens[4]).toContain('question a');
  expect(summary).toMatchObject({ answers: 1, labels: 1, finished: true });
  expect(await queue.progress()).toMatchObject({ labels: 1 });
});
