import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  type CreateProgressOptions,
  createProgress,
  formatDuration,
  formatMetric,
  formatNumber,
} from './index.ts';
import { TimeLeft } from './progress-format.ts';

/** A stream that keeps what is written, and a clock that moves only when told. */
function recorder(options: {
  isTTY?: boolean;
  columns?: number;
  env?: CreateProgressOptions['env'];
  json?: boolean;
}) {
  const written: string[] = [];
  const stream = {
    write: (text: string) => written.push(text),
    isTTY: options.isTTY,
    columns: options.columns,
  };
  const clock = { time: 0 };
  const display = createProgress({
    json: options.json,
    stdout: stream,
    stderr: stream,
    env: options.env ?? {},
    now: () => clock.time,
  });
  const stage = (status: 'running' | 'finished' | 'failed') =>
    display.stage({ stage: 'ppo', index: 2, count: 3, status });
  return { written, clock, display, stage, text: () => written.join('') };
}

/** What a terminal shows after the text: the last thing written on each line. */
function screen(text: string): string[] {
  return stripVTControlCharacters(text.replaceAll('\x1b[2K', '\u0000'))
    .split('\n')
    .map((line) => line.split('\u0000').at(-1)?.replaceAll('\r', '') ?? '');
}

describe('on a terminal', () => {
  it('draws one bar with metrics, speed and time left, and leaves a line when done', () => {
    const { display, clock, stage, text } = recorder({ isTTY: true, columns: 100 });
    stage('running');
    for (let step = 1; step <= 50; step++) {
      clock.time = step * 1000;
      display.progress({
        stage: 'ppo',
        done: step,
        total: 200,
        metrics: { reward: 0.5, kl: 0.012, tokensPerSecond: 2100 },
      });
    }
    expect(screen(text())).toEqual([
      expect.stringMatching(
        /^ {2}3\/3 ppo +━+─+ +25 % {2}reward 0\.500 {2}kl 0\.0120 {2}2,100 tokens\/s {2}2:30 left$/,
      ),
    ]);
    stage('finished');
    const lines = screen(text());
    expect(lines[0]).toBe('✓ 3/3 ppo       finished after 50 s  reward 0.500  kl 0.0120  2,100 tokens/s');
    expect(lines[1]).toBe('');
  });

  it.each([20, 30, 40, 60, 200])('fits %i columns', (columns) => {
    const { display, clock, stage, text } = recorder({ isTTY: true, columns });
    stage('running');
    clock.time = 1000;
    display.progress({
      stage: 'ppo',
      done: 1,
      total: 9,
      metrics: { reward: 1.25, kl: 0.5, length: 20, tokensPerSecond: 123456 },
    });
    clock.time = 2000;
    display.progress({
      stage: 'ppo',
      done: 2,
      total: 9,
      metrics: { reward: 1.25, kl: 0.5, length: 20, tokensPerSecond: 123456 },
    });
    for (const frame of stripVTControlCharacters(text()).split('\r'))
      expect(frame.length).toBeLessThan(columns);
  });

  it('hides the cursor while it draws and shows it again, also when the process ends in between', () => {
    const before = process.listenerCount('exit');
    const { stage, text, display } = recorder({ isTTY: true, columns: 80 });
    stage('running');
    expect(text()).toContain('\x1b[?25l');
    expect(process.listenerCount('exit')).toBe(before + 1);
    display.close();
    expect(text().endsWith('\x1b[?25h')).toBe(true);
    expect(process.listenerCount('exit')).toBe(before);
  });

  it('redraws at most every 80 ms', () => {
    const { display, clock, stage, written } = recorder({ isTTY: true, columns: 80 });
    stage('running');
    const drawn = written.length;
    for (let i = 1; i <= 1000; i++) {
      clock.time = i;
      display.progress({ stage: 'ppo', done: i, total: 2000, metrics: {} });
    }
    expect(written.length - drawn).toBe(12); // at 80, 160 … 960 ms
  });

  it('keeps warnings above the bar and takes control characters out of them', () => {
    const { display, stage, text } = recorder({ isTTY: true, columns: 80 });
    stage('running');
    display.warn({ stage: 'ppo', time: 0, message: 'odd \x1b[31mrow\x07' });
    expect(text()).toContain('odd [31mrow\n');
    expect(screen(text())[0]).toBe('! ppo: odd [31mrow');
  });

  it('uses colour only where it is wanted', () => {
    const colored = recorder({ isTTY: true, columns: 80 });
    const plain = recorder({ isTTY: true, columns: 80, env: { NO_COLOR: '1' } });
    for (const { stage } of [colored, plain]) {
      stage('running');
      stage('failed');
    }
    expect(colored.text()).toContain('\x1b[31m✗');
    expect(
      plain
        .text()
        .split('\x1b[')
        .filter((piece) => /^\d+m/.test(piece)),
    ).toEqual([]);
    expect(screen(plain.text())[0]).toMatch(/^✗ 3\/3 ppo +failed after 0 s$/);
  });
});

describe('elsewhere', () => {
  it('writes a line per tenth, without escapes', () => {
    const { display, clock, stage, text } = recorder({});
    stage('running');
    for (let step = 1; step <= 100; step++) {
      clock.time = step * 100;
      display.progress({ stage: 'ppo', done: step, total: 100, metrics: { reward: step } });
    }
    stage('finished');
    const lines = text().trimEnd().split('\n');
    expect(lines).toHaveLength(12);
    expect(lines[0]).toBe('[3/3] ppo: started');
    expect(lines[1]).toBe('ppo 10/100  reward 10  9 s left');
    expect(lines[10]).toBe('ppo 100/100  reward 100');
    expect(lines[11]).toBe('[3/3] ppo: finished after 10 s');
    expect(text()).not.toContain('\x1b');
  });

  it('writes a line every half minute when a tenth takes longer', () => {
    const { display, clock, stage, text } = recorder({ isTTY: true, env: { TERM: 'dumb' } });
    stage('running');
    for (let step = 1; step <= 9; step++) {
      clock.time = step * 10_000;
      display.progress({ stage: 'ppo', done: step, total: 1000, metrics: {} });
    }
    expect(text().trimEnd().split('\n').slice(1)).toEqual([
      'ppo 3/1000  2:46:10 left',
      'ppo 6/1000  2:45:40 left',
      'ppo 9/1000  2:45:10 left',
    ]);
  });
});

it('writes one JSON object per line for programs', () => {
  const { display, stage, text } = recorder({ json: true, isTTY: true });
  stage('running');
  display.progress({ stage: 'ppo', done: 1, total: 2, metrics: { kl: 0.5 } });
  display.event({ stage: 'ppo', step: 1, time: 5, metrics: { kl: 0.5 } });
  display.sample({ stage: 'ppo', step: 1, attempt: 1, prompt: 'a\nb', response: 'c', scores: {} });
  display.warn({ stage: 'ppo', time: 5, message: 'odd' });
  display.close();
  const records = text()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(records.map(({ type }) => type)).toEqual(['stage', 'progress', 'event', 'sample', 'warning']);
  expect(records[1]).toEqual({
    type: 'progress',
    stage: 'ppo',
    done: 1,
    total: 2,
    metrics: { kl: 0.5 },
    time: 0,
  });
});

describe('formats', () => {
  it.each([
    [0, '0'],
    [3, '3'],
    [0.012345, '0.0123'],
    [-0.5, '-0.500'],
    [2.34567, '2.346'],
    [45.678, '45.68'],
    [123.456, '123.5'],
    [12345.6, '12,346'],
    [2e-5, '2.00e-5'],
    [3e9, '3.00e+9'],
    [Number.NaN, 'NaN'],
  ])('number %d as %s', (value, text) => expect(formatNumber(value)).toBe(text));

  it.each([
    [0, '0 s'],
    [59_400, '59 s'],
    [65_000, '1:05'],
    [3_723_000, '1:02:03'],
  ])('duration %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  it('names speeds by their unit', () =>
    expect(formatMetric('tokensPerSecond', 1234)).toBe('1,234 tokens/s'));
});

describe('TimeLeft', () => {
  it('follows the speed of the last minute, from wherever a resumed stage starts', () => {
    const left = new TimeLeft();
    expect(left.estimateMs(100)).toBeUndefined();
    for (let i = 0; i <= 600; i++) left.update(i * 1000, 400 + (i <= 300 ? 0.1 * i : 30 + (i - 300)));
    expect(left.estimateMs(830)).toBeCloseTo(100_000, -3); // one unit per second lately, 100 to go
  });
});
