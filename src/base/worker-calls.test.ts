import { Worker } from 'node:worker_threads';
import { afterEach, describe, expect, it } from 'vitest';
import { WorkerCalls } from './worker-calls.ts';

type Message =
  | { readonly kind: 'hold' | 'release' | 'fail' | 'die'; readonly id: number }
  | { readonly kind: 'close' };
type News = { readonly kind: 'heard'; readonly id: number };

/** Answers what it holds back, the newest first, when it is told to release. */
const source = `
const { parentPort } = require('node:worker_threads');
let held = [];
parentPort.on('message', ({ kind, id }) => {
  if (kind === 'close') return parentPort.close();
  if (kind === 'die') throw new Error('dead');
  if (kind === 'fail') {
    const error = { code: 'usage', message: 'No ' + id, stack: undefined, details: {} };
    return parentPort.postMessage({ kind: 'failed', id, error });
  }
  parentPort.postMessage({ kind: 'heard', id });
  held.unshift(id);
  if (kind === 'hold') return;
  for (const one of held) parentPort.postMessage({ kind: 'done', id: one, result: 10 * one });
  held = [];
});`;

let calls: WorkerCalls<Message, News>;
const started = () =>
  new WorkerCalls<Message, News>(new Worker(source, { eval: true }), () => new Error('closed'));
const ask = (kind: 'hold' | 'release' | 'fail' | 'die', id: number, heard: number[] = []) =>
  calls.ask<number>({ kind, id }, (news) => heard.push(news.id));
afterEach(() => calls.close({ kind: 'close' }));

describe('WorkerCalls', () => {
  it('gives each question its own answer and its own news, in whatever order they come', async () => {
    calls = started();
    const [first, second, third]: number[][] = [[], [], []];
    const answers = Promise.all([ask('hold', 4, first), ask('hold', 7, second), ask('release', 5, third)]);
    expect(calls.waiting).toBe(3);
    expect(await answers).toEqual([40, 70, 50]);
    expect([first, second, third]).toEqual([[4], [7], [5]]);
    expect(calls.waiting).toBe(0);
  });

  it('fails what the thread could not do, and what is dropped, alone', async () => {
    calls = started();
    const [held, dropped] = [ask('hold', 1), ask('hold', 2)];
    calls.drop(2, new Error('no longer wanted'));
    await expect(dropped).rejects.toThrow('no longer wanted');
    await expect(ask('fail', 3)).rejects.toThrow('No 3');
    expect(await ask('release', 5)).toBe(50);
    expect(await held).toBe(10);
  });

  it('fails all that waits when the thread dies, and whatever comes after', async () => {
    calls = started();
    const held = ask('hold', 1);
    await expect(ask('die', 2)).rejects.toThrow('dead');
    await expect(held).rejects.toThrow('dead');
    expect(calls.isClosed).toBe(true);
    await expect(ask('hold', 3)).rejects.toThrow('closed');
  });

  it('fails what waits when it is closed', async () => {
    calls = started();
    const held = ask('hold', 1);
    const closed = calls.close({ kind: 'close' });
    await expect(held).rejects.toThrow('closed');
    await closed;
    await expect(ask('hold', 2)).rejects.toThrow('closed');
  });
});
