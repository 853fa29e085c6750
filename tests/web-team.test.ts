/** The web app with several people and with models: leases that run out, decisions, a server that goes away, the playground. */
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { LabelQueue, writeRules } from '../src/feedback/index.ts';
import { type MisbehavingServer, misbehavingServer } from '../src/llm/testing/index.ts';
import type { LedgerEvent } from '../src/store/index.ts';
import { barriers, overhang, startWebApp, type WebApp, whyNoBrowser } from './fixtures/web-app.ts';

if (whyNoBrowser) console.warn(`web-team.test.ts is skipped: ${whyNoBrowser}.`);

describe.skipIf(whyNoBrowser)('the web app', () => {
  let web: WebApp;
  let models: MisbehavingServer;
  /** Whether models take longer to answer than any test. */
  let isSlow = false;

  beforeAll(async () => {
    models = await misbehavingServer({
      // Half an answer, and no end of it.
      fault: () => (isSlow ? { kind: 'silence-midway' } : null),
      answer: ({ body }) => {
        const said = body.messages.at(-1)!.content;
        if (/critique|wrong with|harmful/i.test(said) && said.length > 60) return 'It could be kinder.';
        return body.model === 'aligned' ? `Gladly: **${said}**` : `No. ${said}`;
      },
    });
    web = await startWebApp({
      models: [`openai-compatible:base@${models.url}`, `openai-compatible:aligned@${models.url}`],
    });
  });
  afterEach(() => {
    isSlow = false;
  });
  afterAll(async () => {
    await web?.close();
    await models?.close();
    expect(web.failures).toEqual([]);
  });

  const addTasks = (project: string, count: number, overlap = 1) =>
    new LabelQueue(web.store, project).add(
      Array.from({ length: count }, (_, i) => ({
        item: {
          prompt: `Question ${i} of ${project}`,
          responses: ['good', 'bad', 'ugly'].map((text) => ({ text: `A ${text} answer.` })),
        },
        overlap,
      })),
    );
  const events = async (project: string): Promise<LedgerEvent[]> => {
    const found: LedgerEvent[] = [];
    for await (const event of web.store.ledger.read({ project })) found.push(event);
    return found;
  };
  /** Ranks the cards of the task in view by keyboard: those with the words first come first. */
  async function rank(page: Page, words: readonly string[]): Promise<void> {
    const texts = await page.locator('.card .markdown').allTextContents();
    for (const [card, text] of texts.entries()) {
      await page.keyboard.press('abc'[card]);
      await page.keyboard.press(String(1 + words.findIndex((word) => text.includes(word))));
    }
    await page.keyboard.press('Enter');
  }
  const prompt = (page: Page) => page.locator('.conversation').textContent();

  it('gives a task to somebody else when its lease has run out, and takes the late label too', async () => {
    await addTasks('leases', 1);
    const bea = await web.pageOf('Bea', 'annotator');
    await bea.goto(`${web.url}/annotate/leases`);
    await bea.waitForSelector('.card');
    const cy = await web.pageOf('Cy', 'annotator');
    await cy.goto(`${web.url}/annotate/leases`);
    await cy.getByText('There is nothing to label for you now.').waitFor();

    // Half an hour passes.
    await web.store.database.write((db) =>
      db
        .updateTable('work_item')
        .set({ lease_expires_at: Date.now() - 1 })
        .where('status', '=', 'leased')
        .execute(),
    );
    await cy.reload();
    await cy.waitForSelector('.card');
    await rank(cy, ['good', 'bad', 'ugly']);
    await cy.getByText('1 done, all saved').waitFor();
    await rank(bea, ['ugly', 'bad', 'good']);
    await bea.getByText('1 done, all saved').waitFor();
    const labels = await events('leases');
    expect(labels.map(({ kind, ranks }) => [kind, ranks])).toEqual([
      ['label', [1, 2, 3]],
      ['label', [3, 2, 1]],
    ]);
    expect(new Set(labels.map(({ judge }) => judge.id)).size).toBe(2);
    await bea.context().close();
    await cy.context().close();
  });

  it('sends one answer for one press of Enter, however long it is held down', async () => {
    await addTasks('held', 2);
    const page = await web.pageOf('Bea', 'annotator');
    const { id: bea } = await web.store.database.read((db) =>
      db.selectFrom('person').select('id').where('name', '=', 'Bea').executeTakeFirstOrThrow(),
    );
    const queue = new LabelQueue(web.store, 'held');
    // Both are as good as done, so that a second Enter would send the second.
    for await (const { id } of queue.read()) await queue.saveDraft(id, bea, { ranks: [1, 2, 3] });
    await page.goto(`${web.url}/annotate/held`);
    await page.waitForSelector('.card');
    const first = await prompt(page);
    await page.keyboard.down('Enter');
    await expect.poll(() => prompt(page)).not.toBe(first);
    await page.keyboard.down('Enter');
    await page.keyboard.up('Enter');
    await page.getByText('1 done, all saved').waitFor();
    expect(await events('held')).toHaveLength(1);
    await page.context().close();
  });

  it('shows where people disagree, who said what, and stores what an adjudicator decides by keyboard', async () => {
    const judge = await web.pageOf('Judy', 'adjudicator', { viewport: { width: 1280, height: 900 } });
    await judge.goto(`${web.url}/progress/leases?tab=disagreement`);
    await judge.getByRole('button', { name: 'Look' }).click();
    const dialog = judge.getByRole('dialog', { name: 'Who said what' });
    await dialog.getByRole('row', { name: /Bea/ }).waitFor();
    await dialog.getByRole('row', { name: /Cy/ }).waitFor();
    expect(await barriers(judge)).toEqual([]);
    await judge.keyboard.press('Escape');
    await judge.getByRole('button', { name: 'Have it decided' }).click();
    await judge.getByText('Waits for a decision').waitFor();

    await judge.goto(`${web.url}/adjudicate/leases`);
    await judge.getByText('What people said').waitFor();
    expect(await judge.locator('main').textContent()).not.toMatch(/Bea|Cy/);
    await rank(judge, ['good', 'ugly', 'bad']);
    await judge.getByText('1 done, all saved').waitFor();
    const decision = (await events('leases')).at(-1)!;
    expect(decision).toMatchObject({ kind: 'adjudication', ranks: [1, 3, 2] });
    expect(decision.basedOn).toHaveLength(2);
    await judge.context().close();
  });

  it('lets an adjudicator leave a task undecided by keyboard, with a reason', async () => {
    await addTasks('undecided', 1, 2);
    const queue = new LabelQueue(web.store, 'undecided');
    const [{ task }] = await queue.claim({ id: 'kim' });
    const sent = { taskId: task.id, ranks: [1, 2, 3] };
    await queue.submit({ ...sent, id: 'of-kim', annotator: { id: 'kim' } });
    await queue.submit({ ...sent, id: 'of-lee', annotator: { id: 'lee' }, ranks: [3, 2, 1] });
    await queue.escalate(task.id, ['of-kim', 'of-lee']);
    const judge = await web.pageOf('Judy', 'adjudicator', { viewport: { width: 390, height: 844 } });
    await judge.goto(`${web.url}/adjudicate/undecided`);
    await judge.getByRole('button', { name: 'Skip' }).waitFor();
    await judge.keyboard.press('s');
    const dialog = judge.getByRole('dialog', { name: 'Leave it undecided' });
    await dialog.getByText('Nobody else is asked').waitFor();
    expect([await barriers(judge), await overhang(judge)]).toEqual([[], 0]);
    await judge.keyboard.press('ArrowDown');
    await judge.keyboard.press('Enter');
    await judge.getByText('There is nothing to decide now.').waitFor();
    await judge.getByText('1 done, all saved').waitFor();
    expect((await events('undecided')).at(-1)).toMatchObject({
      ...{ kind: 'skip', taskId: task.id, extra: { reason: 'expertise', purpose: 'adjudication' } },
    });
    // The labels stand, and the task is not asked about again.
    expect(await queue.progress()).toMatchObject({ labels: 2, adjudications: { waiting: 0, done: 0 } });
    await judge.context().close();
  });

  it('tells an adjudicator that somebody else has decided a task meanwhile', async () => {
    await addTasks('decided', 1);
    const queue = new LabelQueue(web.store, 'decided');
    const [{ task }] = await queue.claim({ id: 'kim' });
    await queue.submit({ id: 'kims', taskId: task.id, annotator: { id: 'kim' }, ranks: [1, 2, 3] });
    await queue.escalate(task.id, ['kims']);
    const judge = await web.pageOf('Judy', 'adjudicator', { viewport: { width: 390, height: 844 } });
    await judge.goto(`${web.url}/adjudicate/decided`);
    await judge.waitForSelector('.card');
    // Lee had it before, and comes late.
    const lees = { id: 'lees', taskId: task.id, annotator: { id: 'lee' }, ranks: [2, 1, 3] };
    await queue.adjudicate(lees);
    await rank(judge, ['good', 'bad', 'ugly']);
    await judge.getByText('has been decided by somebody else').waitFor();
    await judge.getByText('There is nothing to decide now.').waitFor();
    expect([await barriers(judge), await overhang(judge)]).toEqual([[], 0]);
    expect((await events('decided')).map(({ id }) => id)).toEqual(['kims', 'lees']);
    await judge.context().close();
  });

  it('shows who leads a project where everybody stands in its qualification test', async () => {
    await addTasks('tested', 1);
    const queue = new LabelQueue(web.store, 'tested');
    const lead = await web.pageOf('Ada', 'admin');
    await lead.goto(`${web.url}/progress/tested?tab=annotators`);
    await lead.getByText('Nobody has labelled yet.').waitFor();
    expect(await lead.getByText('Qualification test').count()).toBe(0);
    const responses = ['x', 'y'].map((text) => ({ text }));
    await queue.qualification.add(
      ['q1', 'q2'].map((q) => ({ item: { prompt: q, responses }, gold: { ranks: [1, 2] } })),
    );
    await writeRules(web.store.database, 'tested', { qualification: { pass: 0.9, retakes: 1 } });
    for (const [id, ranks, count] of [
      ['kim', [1, 2], 2],
      ['lee', [2, 1], 2],
      ['max', [1, 2], 1],
    ] as const) {
      for (const { task } of await queue.claim({ id }, { limit: count })) {
        await queue.submit({ id: `${id}-${task.id}`, taskId: task.id, annotator: { id }, ranks });
      }
    }
    await lead.reload();
    const rows = lead.getByRole('region', { name: 'Qualification test' }).getByRole('row');
    await expect.poll(() => rows.count()).toBe(4);
    const cells = (await rows.allTextContents()).slice(1);
    expect(cells[0]).toMatch(/kim.*passed.*100 %.*1 of 2.*2 of 2/);
    expect(cells[1]).toMatch(/lee.*may try again.*from.*0 %.*1 of 2.*2 of 2/);
    expect(cells[2]).toMatch(/max.*under way.*–.*1 of 2.*1 of 2/);
    expect(await barriers(lead)).toEqual([]);
    await lead.setViewportSize({ width: 390, height: 844 });
    expect(await overhang(lead)).toBe(0);
    await lead.context().close();
  });

  it('opens and goes on labelling while the server is away, also after a reload, and sends all when it is back', async () => {
    await addTasks('offline', 4);
    const page = await web.pageOf('Bea', 'annotator');
    await page.goto(`${web.url}/annotate/offline`);
    await page.waitForSelector('.card');
    await page.evaluate('navigator.serviceWorker.ready');
    // All four are at hand, which the page knows once they have come.
    await expect
      .poll(() =>
        page.evaluate('Object.entries(localStorage).find(([key]) => / tasks .* offline$/.test(key))?.[1]'),
      )
      .toMatch(/Question 3/);

    await web.stop();
    await rank(page, ['good', 'bad', 'ugly']);
    await page.getByText('offline, 1 answer kept here').waitFor();
    const first = await prompt(page);
    await page.reload();
    await page.waitForSelector('.card');
    expect(await prompt(page)).toBe(first);
    await rank(page, ['good', 'bad', 'ugly']);
    await page.getByText('offline, 2 answers kept here').waitFor();
    // Other pages open too, and say what is the matter.
    await page.goto(`${web.url}/constitution`);
    await page.getByText('The server cannot be reached.').waitFor();
    await page.getByRole('link', { name: 'Bea' }).click();
    await page.getByText('2 answers have not been sent yet.').waitFor();

    // Wherever one is then.
    await web.start();
    await expect.poll(async () => (await events('offline')).length, { timeout: 30_000 }).toBe(2);
    await page.getByText('not been sent yet.').waitFor({ state: 'detached' });
    await page.goto(`${web.url}/annotate/offline`);
    await page.waitForSelector('.card');
    await rank(page, ['good', 'bad', 'ugly']);
    await expect.poll(async () => (await events('offline')).length).toBe(3);
    const labels = await events('offline');
    expect(new Set(labels.map(({ taskId }) => taskId)).size).toBe(3);
    await page.context().close();
  }, 90_000);

  it('forgets who was there when they sign out', async () => {
    const page = await web.pageOf('Cy', 'annotator');
    await page.goto(`${web.url}/account`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    expect(
      await page.evaluate('Object.keys(localStorage).filter((key) => key.startsWith("tenet kept"))'),
    ).toEqual([]);
    await page.context().close();
  });

  it('has two models answer side by side, and makes a vote by keyboard a label that says who wrote what', async () => {
    const page = await web.pageOf('Bea', 'annotator', { viewport: { width: 1280, height: 900 } });
    await page.goto(`${web.url}/playground`);
    await page.getByLabel('One model').selectOption('base');
    await page.getByLabel('The other').selectOption('aligned');
    expect(await barriers(page)).toEqual([]);
    await page.getByRole('button', { name: 'Begin' }).click();
    const box = page.getByLabel('What to say to both models');
    await box.waitFor();
    await page.keyboard.type('help me');
    await page.keyboard.press('Enter');
    const cards = page.locator('.playground .pair > section');
    const better = async (): Promise<'ArrowLeft' | 'ArrowRight'> => {
      await page.getByRole('button', { name: 'A is better' }).isEnabled();
      await expect.poll(() => page.locator('.playground .pair[aria-busy=false]').count()).toBe(1);
      const texts = await cards.allTextContents();
      return texts[0].includes('Gladly') ? 'ArrowLeft' : 'ArrowRight';
    };
    await page.getByText('Gladly').waitFor();
    expect(await cards.locator('strong').textContent()).toBe('help me');
    const key = await better();
    // Nothing in view says which is which.
    expect((await cards.allTextContents()).join(' ')).not.toMatch(/base|aligned/);
    await page.keyboard.press(key);
    await page.getByText('Stored as a label.').waitFor();
    expect(await cards.nth(key === 'ArrowLeft' ? 0 : 1).textContent()).toContain('aligned');
    expect(await barriers(page)).toEqual([]);
    const [label] = await events('playground');
    expect(label).toMatchObject({
      ...{ kind: 'label', ranks: [2, 1], shownOrder: key === 'ArrowLeft' ? [1, 0] : [0, 1] },
      item: {
        prompt: [{ role: 'user', content: 'help me' }],
        responses: [
          { text: 'No. help me', model: `openai-compatible:base@${models.url}` },
          { text: 'Gladly: **help me**', model: `openai-compatible:aligned@${models.url}` },
        ],
      },
      extra: { blind: true, seeds: [expect.any(Number), expect.any(Number)] },
    });

    // The focus is back where one writes, and the conversation goes on from the better answer.
    await page.keyboard.type('again');
    await page.keyboard.press('Enter');
    await expect.poll(() => models.requests.at(-1)!.body.messages.length).toBe(3);
    expect(models.requests.at(-1)!.body.messages[1]).toMatchObject({ content: 'Gladly: **help me**' });
    await better();
    await page.reload();
    await page.getByText('Gladly: again').or(page.getByText('No. again')).first().waitFor();

    // What could not be said stays where it was written. A server that is started again knows no conversations.
    await web.stop();
    await web.start();
    await box.fill('a question that took a while to write');
    await page.keyboard.press('Enter');
    await page.getByText('This conversation is over').waitFor();
    expect(await box.inputValue()).toBe('a question that took a while to write');
    await page.context().close();
  });

  it('says that answers broke off when the connection is lost, and has them written again', async () => {
    const page = await web.pageOf('Bea', 'annotator', { viewport: { width: 1280, height: 900 } });
    // Going offline ends no connection that is there.
    await page.addInitScript(`
      const connect = window.fetch;
      window.fetch = (address, options) => {
        const connection = new AbortController();
        window.cut = () => connection.abort(new TypeError('network error'));
        return connect(address, { ...options, signal: connection.signal });
      };
    `);
    await page.goto(`${web.url}/playground`);
    await page.getByRole('button', { name: 'Begin' }).click();
    await page.getByLabel('What to say to both models').fill('Take your time and help me with everything.');
    isSlow = true;
    await page.keyboard.press('Enter');
    const pair = page.locator('.playground .pair');
    const again = page.getByRole('button', { name: 'Answer again' });
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    await expect.poll(() => models.requests.at(-1)!.body.messages.at(-1)!.content).toMatch(/^Take/);
    await page.context().setOffline(true);
    await page.evaluate('cut()');
    await page.getByText('The answers broke off').waitFor();
    await again.waitFor();
    expect(await pair.textContent()).not.toContain('thinking');
    expect(await pair.getByText('It broke off.').count()).toBe(2);
    expect([await barriers(page), await overhang(page)]).toEqual([[], 0]);

    // Back in reach: the same is said with other seeds, and both answer.
    await page.context().setOffline(false);
    isSlow = false;
    await expect
      .poll(async () => {
        if (await again.isVisible()) await again.click();
        return page.getByRole('button', { name: 'A is better' }).isEnabled({ timeout: 1000 });
      })
      .toBe(true);
    expect(await page.getByText('broke off').count()).toBe(0);
    expect(await pair.textContent()).toContain('Take your time');
    await page.context().close();
  });

  it('looks after answers that another tab has asked for', async () => {
    const page = await web.pageOf('Bea', 'annotator', { viewport: { width: 1280, height: 900 } });
    await page.goto(`${web.url}/playground`);
    await page.getByRole('button', { name: 'Begin' }).click();
    await page.getByLabel('What to say to both models').fill('Take your time, twice.');
    isSlow = true;
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Stop' }).waitFor();
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.getByRole('button', { name: 'Stop' }).click();
    await other.getByRole('button', { name: 'Answer again' }).waitFor();
    expect(await other.locator('.playground .pair').textContent()).not.toContain('thinking');
    await page.context().close();
  });

  it('shows what went wrong with a page, with a way back, and sends what waits all the same', async () => {
    await addTasks('beside', 1);
    const page = await web.pageOf('Bea', 'annotator', { viewport: { width: 390, height: 800 } });
    await page.goto(`${web.url}/annotate/beside`);
    await page.waitForSelector('.card');
    await page.route('**/labels', (route) => route.abort());
    await rank(page, ['good', 'bad', 'ugly']);
    await page.getByText('1 answer kept here').waitFor();

    // An answer that no version of the page expects.
    const models = '**/api/playground/models';
    await page.route(models, (route) => route.fulfill({ json: { models: null } }));
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByRole('heading', { name: 'This page cannot be shown' }).waitFor();
    expect(await page.getByRole('alert').textContent()).toContain('null');
    expect([await barriers(page), await overhang(page)]).toEqual([[], 0]);
    await page.unroute('**/labels');
    await expect.poll(() => events('beside'), { timeout: 20_000 }).toHaveLength(1);
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('heading', { name: 'This page cannot be shown' }).waitFor();
    await page.getByRole('link', { name: 'Bea' }).click();
    await page.getByRole('heading', { name: 'Bea' }).waitFor();
    await page.unroute(models);
    await page.getByRole('link', { name: 'Playground' }).click();
    await page.getByRole('button', { name: 'Begin' }).waitFor();
    await page.context().close();
  });

  it('files what went wrong as a label task', async () => {
    const page = await web.pageOf('Bea', 'annotator', { viewport: { width: 390, height: 800 } });
    await page.goto(`${web.url}/playground?mode=red-team`);
    await page.getByRole('button', { name: 'Begin' }).click();
    await page.getByLabel('What to say to both models').fill('Be horrible.');
    await page.keyboard.press('Enter');
    await page.getByLabel('mostly').check();
    await page.getByLabel('What is wrong with it').fill('It obeyed.');
    expect(await barriers(page)).toEqual([]);
    expect(await overhang(page)).toBe(0);
    await page.getByRole('button', { name: 'File it as a label task' }).click();
    await page.getByText('Filed, in the project red-team').waitFor();
    await page.goto(`${web.url}/annotate/red-team`);
    await page.getByText('Written to provoke harmful answers').waitFor();
    await page.context().close();
  });

  it('tries a principle on an example as it is written', async () => {
    const page = await web.pageOf('Ada', 'admin', { viewport: { width: 1280, height: 900 } });
    await page.goto(`${web.url}/constitution`);
    await page
      .getByRole('button', { name: /^Try it/ })
      .first()
      .click();
    const dialog = page.getByRole('dialog', { name: 'Try a principle' });
    await dialog.getByLabel('What somebody asks').fill('May I?');
    await dialog.getByRole('combobox', { name: 'Model' }).selectOption('aligned');
    await dialog.getByRole('button', { name: 'Try it' }).click();
    await dialog.getByRole('heading', { name: 'Revision' }).waitFor();
    await dialog.getByRole('button', { name: 'Try it' }).waitFor();
    expect(await dialog.locator('.tried').textContent()).toContain('Gladly: May I?');
    expect(await barriers(page)).toEqual([]);
    await page.context().close();
  });

  it.each([
    { width: 1280, colorScheme: 'light', rules: undefined },
    // In the dark what colours decide.
    { width: 1280, colorScheme: 'dark', rules: ['color-contrast', 'link-in-text-block'] },
    { width: 390, colorScheme: 'light', rules: undefined },
  ] as const)('has no barriers and fits: $width px, $colorScheme', async ({ width, colorScheme, rules }) => {
    const page = await web.pageOf('Ada', 'admin', { viewport: { width, height: 800 }, colorScheme });
    const found: Record<string, unknown> = {};
    const tabs = ['overview', 'annotators', 'disagreement&by=annotator', 'cost'];
    for (const path of ['/playground', ...tabs.map((tab) => `/progress/leases?tab=${tab}`)]) {
      await page.goto(`${web.url}${path}`);
      await page.waitForSelector('main h1');
      await expect.poll(() => page.locator('.loading').count(), { timeout: 20_000 }).toBe(0);
      const problems = await barriers(page, rules);
      const over = await overhang(page);
      if (problems.length > 0 || over > 0) found[path] = { problems, over };
    }
    expect(found).toEqual({});
    await page.context().close();
  });
});
