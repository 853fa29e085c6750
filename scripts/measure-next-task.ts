/**
 * How long an annotator waits for the next task, in a browser, with many tasks and labels in the store:
 * `npx tsx scripts/measure-next-task.ts --tasks 100000 --labels 20000`.
 *
 * The time from the key that submits until the next task is drawn. Tasks are fetched ahead, so the page alone decides it; how
 * long the server takes to give out a task, and to store a label, is told beside it.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Page } from 'playwright-core';
import { Random } from '../src/base/index.ts';
import { LabelQueue } from '../src/feedback/index.ts';
import { Accounts } from '../src/server/accounts/accounts.ts';
import { serveApp } from '../src/server/serve-app.ts';
import { openStore } from '../src/store/index.ts';
import { buildPages, openBrowser } from '../tests/fixtures/web-app.ts';

const { values: flags } = parseArgs({
  options: {
    tasks: { type: 'string', default: '100000' },
    labels: { type: 'string', default: '20000' },
    answers: { type: 'string', default: '200' },
  },
});
const project = 'many';
const password = 'correct horse battery';

const folder = await mkdtemp(join(tmpdir(), 'tenet-next-'));
const address = join(folder, 'tenet.db');
const store = await openStore(address);
const pages = await buildPages();
const app = await serveApp({
  ...{ store: address, runs: join(folder, 'runs'), recipeFolders: [], command: [] },
  ...{ port: 0, pages: pages.folder, onFailure: (error: unknown) => console.error(error) },
});
const browser = await openBrowser();
try {
  await fill(Number(flags.tasks), Number(flags.labels));
  const accounts = await Accounts.open(store.database, { baseUrl: app.url });
  const { token } = await accounts.invite({ role: 'annotator' });
  await accounts.accept(token, { name: 'Ann', email: 'ann@example.org', password });
  const page = await browser.newPage();
  const claims: number[] = [];
  const stored: number[] = [];
  page.on('requestfinished', (request) => {
    const { responseEnd, requestStart } = request.timing();
    if (request.url().endsWith('/claim')) claims.push(responseEnd - requestStart);
    if (request.url().endsWith('/labels')) stored.push(responseEnd - requestStart);
  });
  await page.goto(app.url);
  await page.getByLabel('E-mail address').fill('ann@example.org');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForSelector('.card');
  const waits = await answer(page, Number(flags.answers));
  console.log(`${flags.tasks} tasks, ${flags.labels} labels; milliseconds, median and 95th percentile`);
  for (const [what, values] of Object.entries({
    'next task drawn': waits,
    'label stored': stored,
    'tasks given out': claims,
  })) {
    const sorted = [...values].sort((a, b) => a - b);
    const at = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))].toFixed(1);
    console.log(`${what.padEnd(16)} ${at(0.5).padStart(7)} ${at(0.95).padStart(7)}  (${sorted.length})`);
  }
} finally {
  await browser.close();
  await app.close({ graceMs: 0 });
  await store.close();
  await pages.remove();
  await rm(folder, { recursive: true, force: true });
}

/** Tasks, and labels by fifty people. */
async function fill(tasks: number, labels: number): Promise<void> {
  const random = new Random(1);
  const queue = new LabelQueue(store, project);
  const words = (n: number): string =>
    Array.from({ length: n }, () => random.uint32().toString(36)).join(' ');
  await queue.add(
    (function* () {
      for (let i = 0; i < tasks; i++) {
        yield {
          item: { prompt: `${i} ${words(20)}`, responses: [0, 1, 2, 3].map(() => ({ text: words(60) })) },
          overlap: 2,
        };
      }
    })(),
  );
  const people = Array.from({ length: 50 }, (_, i) => `person-${i}`);
  for (let made = 0; made < labels; ) {
    const sent = await Promise.all(
      people.map(async (id) => {
        const some = await queue.claim({ id }, { limit: 20 });
        for (const { task } of some) {
          const ranks = random.shuffled([1, 2, 3, 4]);
          await queue.submit({
            id: randomUUID(),
            taskId: task.id,
            annotator: { id },
            ranks,
            activeMs: 20_000,
          });
        }
        return some.length;
      }),
    );
    made += sent.reduce((sum, n) => sum + n, 0);
  }
}

/** Answers tasks by keyboard. @returns milliseconds from Enter to the next task on the screen, of each */
async function answer(page: Page, count: number): Promise<number[]> {
  await page.evaluate(`
    window.waits = [];
    let since = null;
    addEventListener('keydown', ({ key }) => { if (key === 'Enter') since = performance.now(); }, true);
    const prompt = () => document.querySelector('.conversation')?.textContent;
    let shown = prompt();
    new MutationObserver(() => {
      const now = prompt();
      if (since === null || now === undefined || now === shown) return;
      shown = now;
      const begun = since;
      since = null;
      // Drawn with the next frame.
      requestAnimationFrame(() => setTimeout(() => waits.push(performance.now() - begun)));
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  `);
  for (let i = 0; i < count; i++) {
    for (const key of ['a', '1', 'b', '2', 'c', '3', 'd', '4']) await page.keyboard.press(key);
    await page.keyboard.press('Enter');
    await page.waitForSelector('.card input:not(:checked)');
    while (((await page.evaluate('waits.length')) as number) <= i) await page.waitForTimeout(5);
  }
  return (await page.evaluate('waits')) as number[];
}
