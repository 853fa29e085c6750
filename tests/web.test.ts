/** The web app from the first start on: accounts, annotating by keyboard alone, offline and back, a run as it happens. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { denseRanks, LabelQueue } from '../src/feedback/index.ts';
import { openRunFolder } from '../src/run/index.ts';
import { type RunningApp, serveApp } from '../src/server/index.ts';
import { type LedgerEvent, openStore, type Store } from '../src/store/index.ts';
import { hostileText, writeExampleRun } from './fixtures/example-run.ts';
import { barriers, buildPages, newPage, openBrowser, overhang, whyNoBrowser } from './fixtures/web-app.ts';

if (whyNoBrowser) console.warn(`web.test.ts is skipped: ${whyNoBrowser}.`);

const password = 'correct horse battery';
const taskCount = 24;
const qualities = ['good', 'fair', 'poor', 'wrong'];

describe.skipIf(whyNoBrowser)('the web app', () => {
  let folder: string;
  let pages: Awaited<ReturnType<typeof buildPages>>;
  let store: Store;
  let app: RunningApp;
  let browser: Browser;
  const failures: unknown[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-web-'));
    await writeExampleRun(join(folder, 'runs', 'stories'));
    pages = await buildPages();
    store = await openStore(join(folder, 'tenet.db'));
    await new LabelQueue(store, 'kindness').add(
      Array.from({ length: taskCount }, (_, i) => ({
        item: {
          prompt: i === 3 ? hostileText : `Question ${i}`,
          responses: qualities.map((quality) => ({
            text: `A **${quality}** answer to question ${i}.`,
            model: quality,
          })),
        },
      })),
    );
    app = await serveApp({
      ...{ store: join(folder, 'tenet.db'), runs: join(folder, 'runs'), recipeFolders: [], command: [] },
      constitutions: join(folder, 'constitutions'),
      ...{ port: 0, pages: pages.folder, onFailure: (error: unknown) => failures.push(error) },
    });
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await app?.close();
    await store?.close();
    await pages?.remove();
    await rm(folder, { recursive: true, force: true });
    expect(failures).toEqual([]);
  });

  /** Ranks by card, from what the cards say: the best answer first. */
  async function rightOrder(page: Page): Promise<number[]> {
    const texts = await page.locator('.card .markdown').allTextContents();
    return texts.map((text) => 1 + qualities.findIndex((quality) => text.includes(quality)));
  }

  async function labels(): Promise<LedgerEvent[]> {
    const events: LedgerEvent[] = [];
    for await (const event of store.ledger.read({ project: 'kindness' })) events.push(event);
    return events;
  }

  const saved = (page: Page, count: number) =>
    expect
      .poll(() => page.locator('.sent').textContent(), { timeout: 20_000 })
      .toContain(`${count} done, all saved`);

  let invitation: string;

  it('makes the first admin’s account from the link of the first start, and invites others', async () => {
    const context = await browser.newContext();
    const { page, complaints } = await newPage(context);
    await page.goto(app.adminLink!);
    await page.getByLabel('Name').fill('Ada');
    await page.getByLabel('E-mail address').fill('ada@example.org');
    await page.getByLabel('Password').fill(password);
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'Make my account' }).click();
    await page.getByRole('link', { name: 'People' }).click();
    await page.getByLabel('Note').fill('for Bea');
    await page.getByRole('button', { name: 'Make a link' }).click();
    invitation = (await page.locator('.secret').textContent())!;
    expect(await barriers(page)).toEqual([]);

    // A link works once.
    await page.goto('about:blank');
    await page.goto(app.adminLink!);
    await page.getByText('This invitation was used already').waitFor();
    expect(complaints.filter((text) => !text.includes('404'))).toEqual([]);
    await context.close();
  });

  it('takes twenty rankings by keyboard alone, and stores each once as it was meant', async () => {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const { page, complaints } = await newPage(context);
    await page.goto(invitation);
    await page.waitForSelector('input[name=name]');
    for (const text of ['Bea', 'bea@example.org', password]) {
      await page.keyboard.press('Tab');
      while (!(await page.evaluate('document.activeElement.matches("input")')))
        await page.keyboard.press('Tab');
      await page.keyboard.type(text);
    }
    await page.keyboard.press('Enter');
    await page.waitForSelector('.card');
    expect(await barriers(page)).toEqual([]);

    const meant: { prompt: string; texts: string[]; ranks: (number | null)[] }[] = [];
    for (let i = 0; i < 20; i++) {
      const prompt = (await page.locator('.conversation').textContent())!;
      const texts = await page.locator('.card .markdown').allTextContents();
      const ranks: (number | null)[] = await rightOrder(page);
      if (i % 4 === 1) ranks[0] = ranks[1]; // a tie
      if (i % 4 === 2) ranks[3] = null; // one that is not judged
      for (const [card, rank] of ranks.entries()) {
        await page.keyboard.press('abcd'[card]);
        if (rank !== null) await page.keyboard.press(String(rank));
      }
      if (i === 5) {
        // With arrows it comes to the same: down and up again.
        await page.keyboard.press('a');
        await page.keyboard.press('ArrowDown');
        await page.keyboard.press('ArrowUp');
        if (ranks[0] === 4) ranks[0] = 3;
      }
      meant.push({ prompt, texts, ranks });
      await page.keyboard.press('Enter');
      await expect.poll(() => page.locator('.conversation').textContent()).not.toBe(prompt);
    }
    await saved(page, 20);

    const events = await labels();
    expect(events).toHaveLength(20);
    for (const [i, { texts, ranks }] of meant.entries()) {
      const { item, shownOrder, ranks: stored, activeMs, judge } = events[i];
      expect(shownOrder!.map((response) => item!.responses[response].text.replaceAll('**', ''))).toEqual(
        texts.map((text) => text.trim()),
      );
      expect(shownOrder!.map((response) => stored![response])).toEqual(denseRanks(ranks));
      expect(activeMs).toBeGreaterThan(0);
      expect(judge).toMatchObject({ kind: 'human', id: expect.stringMatching(/^\w{20,}$/) });
    }
    expect(JSON.stringify(events)).not.toMatch(/Bea|bea@/);
    expect(complaints).toEqual([]);
    await page.context().storageState({ path: join(folder, 'bea.json') });
    await context.close();
  }, 180_000);

  const asBea = (options: object = {}) =>
    browser.newContext({ storageState: join(folder, 'bea.json'), ...options });

  it('undoes: the earlier answer comes back as it was, and a correction supersedes it', async () => {
    const context = await asBea();
    const { page } = await newPage(context);
    await page.goto(app.url);
    await page.waitForSelector('.card');
    const before = (await labels()).at(-1)!;
    const last = await page.locator('.conversation').textContent();
    await expect
      .poll(async () => {
        await page.keyboard.press('u');
        return page.getByText('correcting an answer').count();
      })
      .toBe(1);
    expect(await page.locator('.conversation').textContent()).toContain(before.item!.prompt);
    const shown = await page
      .locator('.card input:checked')
      .evaluateAll((inputs) => inputs.map((input) => Number((input as { value?: string }).value)));
    expect(shown).toEqual(
      before.shownOrder!.map((response) => before.ranks![response]).filter((rank) => rank !== null),
    );
    await page.keyboard.press('x');
    await page.keyboard.press('Enter');
    await expect.poll(() => page.locator('.conversation').textContent()).toBe(last);
    await saved(page, 1);
    const [old, correction] = (await labels()).slice(-2);
    expect(correction).toMatchObject({ supersedes: before.id, flags: ['all-bad'], ranks: before.ranks });
    expect(old.supersededBy).toBe(correction.id);
    await context.close();
  });

  it('keeps drafts, works offline and sends each answer once when it is back, also after the page was closed', async () => {
    const context = await asBea();
    const { page } = await newPage(context);
    await page.goto(app.url);
    await page.waitForSelector('.card');
    const stored = (await labels()).length;

    // A draft comes back on another page.
    const prompt = await page.locator('.conversation').textContent();
    await page.keyboard.press('b');
    await page.keyboard.press('1');
    await page.keyboard.press('r');
    await page.keyboard.type('because');
    await page.keyboard.press('Escape');
    await page.waitForResponse((response) => response.url().includes('/drafts/') && response.ok());
    const { page: other } = await newPage(context);
    await other.goto(app.url);
    await other.waitForSelector('.card');
    expect(await other.locator('.conversation').textContent()).toBe(prompt);
    expect(await other.locator('.card').nth(1).locator('input:checked').inputValue()).toBe('1');
    expect(await other.locator('.rationale textarea').inputValue()).toBe('because');
    await other.close();

    await context.setOffline(true);
    for (let i = 0; i < 3; i++) {
      const before = await page.locator('.conversation').textContent();
      for (const key of ['a', '1', 'b', '2', 'c', '3', 'd', '4', 'Enter']) await page.keyboard.press(key);
      await expect
        .poll(() => page.locator('.conversation, .empty, .failure').first().textContent())
        .not.toBe(before);
    }
    await page.getByText('offline, 3 answers kept here').waitFor();
    expect((await labels()).length).toBe(stored);
    await page.close();

    await context.setOffline(false);
    const { page: again } = await newPage(context);
    await again.goto(app.url);
    await expect.poll(async () => (await labels()).length, { timeout: 20_000 }).toBe(stored + 3);
    await again.waitForTimeout(500);
    const events = await labels();
    expect(events.length).toBe(stored + 3);
    expect(new Set(events.slice(-3).map(({ taskId }) => taskId)).size).toBe(3);
    await context.close();
  }, 60_000);

  it('skips with a reason, shows strangers’ text as text, and ends kindly', async () => {
    const context = await asBea();
    const { page, complaints } = await newPage(context);
    await page.goto(app.url);
    await page.waitForSelector('.card');
    const left = taskCount - new Set((await labels()).map(({ taskId }) => taskId)).size;
    expect(left).toBe(1);
    // Two at a time, always the better one: the ranking is the right one.
    const right = await rightOrder(page);
    await page.keyboard.press('p');
    for (let i = 0; i < 5 && (await page.getByRole('dialog').count()) > 0; i++) {
      const texts = await page.getByRole('dialog').locator('.markdown').allTextContents();
      const [a, b] = texts.map((text) => qualities.findIndex((quality) => text.includes(quality)));
      await page.keyboard.press(a < b ? 'ArrowLeft' : 'ArrowRight');
    }
    const chosen = page.locator('.card input:checked');
    expect(
      await chosen.evaluateAll((inputs) =>
        inputs.map((input) => Number((input as { value?: string }).value)),
      ),
    ).toEqual(right);
    await page.keyboard.press('w');
    expect(await page.getByRole('dialog').locator('mark').allTextContents()).toHaveLength(2);
    await page.keyboard.press('Escape');

    await page.keyboard.press('s');
    await page.keyboard.press('ArrowDown');
    expect(await barriers(page)).toEqual([]);
    await page.keyboard.press('Tab');
    await page.keyboard.type('I never studied this.');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('That was the last one. Thank you.').waitFor();
    await saved(page, 1);
    expect((await labels()).at(-1)).toMatchObject({
      kind: 'skip',
      rationale: 'I never studied this.',
      extra: { reason: 'expertise' },
    });

    // Back through one's own answers to the one with hostile text.
    for (let i = 0; i < taskCount && !(await page.getByText('broken in').count()); i++)
      await page.keyboard.press('u');
    expect(await page.locator('.conversation').textContent()).toContain(
      '<script>document.title = "broken in"</script>',
    );
    expect(await page.title()).not.toContain('broken in');
    expect(await page.locator('.conversation img, .conversation script').count()).toBe(0);
    expect(await overhang(page)).toBe(0);
    expect(complaints).toEqual([]);
    await context.close();
  });

  /** A page of the admin's. */
  async function signedIn({
    width,
    colorScheme,
  }: {
    readonly width: number;
    readonly colorScheme: 'light' | 'dark';
  }): Promise<Page> {
    const context = await browser.newContext({ viewport: { width, height: 800 }, colorScheme });
    const { page } = await newPage(context);
    await page.goto(app.url);
    await page.getByLabel('E-mail address').fill('ada@example.org');
    await page.getByLabel('Password').fill(password);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.waitForSelector('.top');
    return page;
  }

  it('takes a constitution with the linter at one’s side, and refuses one that is none', async () => {
    const page = await signedIn({ width: 1280, colorScheme: 'light' });
    const questions: string[] = [];
    page.on('dialog', (dialog) => {
      questions.push(dialog.type());
      void dialog.accept();
    });
    await page.goto(`${app.url}/constitution`);
    await page.getByRole('button', { name: 'Edit a copy' }).click();
    const text = page.getByRole('textbox', { name: 'Text of' });
    const original = await text.inputValue();
    await text.fill(original.replace('### `no-mass-harm`', '### `no-injury`'));
    await page.getByRole('list', { name: 'Problems' }).getByText('no-injury').first().waitFor();
    expect(await page.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
    await text.fill(original.replace('Never help to harm many', 'Never help to harm people'));
    await page.getByText('Labels made before still hold').waitFor();
    expect(await page.locator('.words ins').allTextContents()).toEqual(['people']);
    await page.getByLabel('Save as').fill('ours.md');
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'Never help to harm people' }).waitFor();
    expect(await readFile(join(folder, 'constitutions', 'ours.md'), 'utf8')).toContain(
      'Never help to harm people',
    );
    // Whoever has saved is not asked whether to leave without saving.
    expect(questions).toEqual([]);
    await page.context().close();
  });

  describe('pages', () => {
    const all = [
      ...[
        '/annotate',
        '/adjudicate',
        '/progress',
        '/constitution',
        '/constitution/default.md?edit',
        '/runs',
        '/runs/compare?run=stories',
        '/people',
        '/account',
      ],
      ...['curves', 'samples', 'evaluation', 'warnings', 'recipe'].map((tab) => `/runs/stories?tab=${tab}`),
    ];
    // Every rule at both widths; in the dark what colours decide.
    const views = [
      { width: 1280, colorScheme: 'light', rules: undefined },
      { width: 1280, colorScheme: 'dark', rules: ['color-contrast', 'link-in-text-block'] },
      { width: 390, colorScheme: 'light', rules: undefined },
    ] as const;

    it.each(views)(
      'have no barriers and fit: $width px, $colorScheme',
      async (view) => {
        const page = await signedIn(view);
        const found: Record<string, unknown> = {};
        for (const path of all) {
          await page.goto(`${app.url}${path}`);
          await page.waitForSelector('main h1');
          await expect.poll(() => page.locator('.loading').count(), { timeout: 20_000 }).toBe(0);
          const problems = await barriers(page, view.rules);
          const over = await overhang(page);
          if (problems.length > 0 || over > 0) found[path] = { problems, over };
        }
        expect(found).toEqual({});
        await page.context().close();
      },
      120_000,
    );

    it('show a run as it happens', async () => {
      const page = await signedIn(views[0]);
      const run = await openRunFolder({
        path: join(folder, 'runs', 'live'),
        recipe: 'x: 1\n',
        stages: ['sft'],
        seeds: {},
      });
      await run.beginStage('sft');
      run.events.append({ stage: 'sft', step: 1, time: Date.now(), metrics: { loss: 2 } });
      // What stands before a server says this while the server is started again.
      const isAway = { times: 1 };
      await page.route('**/runs/live/stream', (route) => route.fulfill({ status: 502 }), isAway);
      await page.goto(`${app.url}/runs/live`);
      await expect
        .poll(() => page.locator('.readout').first().textContent(), { timeout: 10_000 })
        .toBe('step 1  ·  loss 2');
      expect(await page.locator('h1 .pill').textContent()).toBe('running');
      run.events.append({ stage: 'sft', step: 2, time: Date.now(), metrics: { loss: 0.5 } });
      run.warnings.append({ stage: 'sft', time: Date.now(), message: 'look here' });
      await expect
        .poll(() => page.locator('.readout').first().textContent(), { timeout: 10_000 })
        .toBe('step 2  ·  loss 0.5');
      await page.getByRole('link', { name: 'Warnings (1)' }).waitFor();
      await run.finishStage('sft', {});
      await run.finish('All went well.');
      run.close();
      await expect.poll(() => page.locator('h1 .pill').textContent(), { timeout: 10_000 }).toBe('finished');
      await page.getByText('All went well.').waitFor();
      await page.context().close();
    }, 60_000);
  });
});
