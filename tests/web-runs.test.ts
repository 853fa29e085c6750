/** Recipes started, stopped and resumed over the web app's API and in a browser, as processes of their own. */
import { cp, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestServer, type TestServer } from '../src/server/testing/test-server.ts';
import { compiled } from './fixtures/compiled.ts';
import { startWebApp, whyNoBrowser } from './fixtures/web-app.ts';

if (whyNoBrowser) console.warn(`In web-runs.test.ts the browser is left out: ${whyNoBrowser}.`);

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
  await mkdir(join(server.folder, 'recipes'));
  await cp(join(import.meta.dirname, 'fixtures/tiny.yaml'), join(server.folder, 'recipes', 'tiny.yaml'));
});
afterAll(() => server.close());

const as = 'admin' as const;
const state = async (name: string): Promise<string> =>
  (await server.ask('GET', `/api/runs/${name}`, { as })).body.state;

describe('a recipe', () => {
  it('is started with overrides, stopped, and resumed', async () => {
    const { body: listed } = await server.ask('GET', '/api/recipes', { as });
    expect(listed.recipes.map(({ name }: { name: string }) => name)).toEqual(['tiny.yaml']);
    const set = ['pretrain.maxSteps=400', 'stages.1.maxSteps=1'];
    const started = await server.ask('POST', '/api/runs', {
      as,
      body: { recipe: 'tiny.yaml', name: 'first', set },
    });
    expect([started.status, started.body.state]).toEqual([200, 'running']);
    const again = await server.ask('POST', '/api/runs', { as, body: { recipe: 'tiny.yaml', name: 'first' } });
    expect(again.status).toBe(409);
    expect((await server.ask('POST', '/api/runs/first/resume', { as })).status).toBe(409);

    // Some steps are done before it is stopped.
    const steps = async (): Promise<number> =>
      (await server.ask('GET', '/api/runs/first/events', { as })).body.events.length;
    await expect.poll(steps, { timeout: 60_000 }).toBeGreaterThan(2);
    expect((await server.ask('POST', '/api/runs/first/stop', { as })).status).toBe(200);
    await expect.poll(() => state('first'), { timeout: 60_000 }).toBe('interrupted');
    const before = await steps();
    expect((await server.ask('POST', '/api/runs/first/stop', { as })).status).toBe(409);

    const resumed = await server.ask('POST', '/api/runs/first/resume', { as });
    expect([resumed.status, resumed.body.state]).toEqual([200, 'running']);
    await expect.poll(steps, { timeout: 60_000 }).toBeGreaterThan(before);
    await server.ask('POST', '/api/runs/first/stop', { as });
    await expect.poll(() => state('first'), { timeout: 60_000 }).toBe('interrupted');
    expect(await readFile(join(server.folder, 'runs/.logs/first.log'), 'utf8')).toContain('pretrain');
  }, 180_000);

  it('that the command line refuses is refused in its words', async () => {
    const body = { recipe: 'tiny.yaml', name: 'bad', set: ['pretrain.maxStep=3'] };
    const answer = await server.ask('POST', '/api/runs', { as, body });
    expect([answer.status, answer.body.error.message]).toEqual([400, expect.stringContaining('maxSteps')]);
    const elsewhere = await server.ask('POST', '/api/runs', {
      as,
      body: { recipe: '../../etc/passwd', name: 'x' },
    });
    expect(elsewhere.status).toBe(404);
    const name = await server.ask('POST', '/api/runs', { as, body: { recipe: 'tiny.yaml', name: '../x' } });
    expect(name.status).toBe(400);
  }, 60_000);
});

describe.skipIf(whyNoBrowser)('in the browser', () => {
  it('a recipe is started, watched, stopped and resumed, and what is wrong with one is said', async () => {
    const web = await startWebApp({
      recipeFolders: [join(import.meta.dirname, 'fixtures')],
      command: [process.execPath, compiled('src/cli/main.ts')],
    });
    try {
      const page = await web.pageOf('Ada', 'admin');
      await page.goto(`${web.url}/runs`);
      await page.getByRole('button', { name: 'Start a recipe' }).click();
      const dialog = page.getByRole('dialog', { name: 'Start a recipe' });
      await dialog.getByRole('combobox', { name: 'Recipe' }).selectOption('tiny.yaml');
      await dialog.getByLabel('Name of the run').fill('seen');
      await dialog.getByLabel('Overrides').fill('pretrain.maxStep=3');
      await dialog.getByRole('button', { name: 'Start' }).click();
      await dialog.getByRole('alert').getByText('maxSteps').waitFor({ timeout: 60_000 });
      await dialog.getByLabel('Overrides').fill('pretrain.maxSteps=2000\npretrain.loggingSteps=1');
      await dialog.getByRole('button', { name: 'Start' }).click();

      const pill = page.locator('h1 .pill');
      await page.getByRole('heading', { name: 'seen' }).waitFor({ timeout: 60_000 });
      // A curve is drawn while it runs.
      await page
        .locator('.readout', { hasText: /step \d/ })
        .first()
        .waitFor({ timeout: 60_000 });
      expect(await pill.textContent()).toBe('running');
      await page.getByRole('button', { name: 'Stop' }).click();
      await expect.poll(() => pill.textContent(), { timeout: 60_000 }).toBe('interrupted');
      await page.getByRole('button', { name: 'Resume' }).click();
      await expect.poll(() => pill.textContent(), { timeout: 60_000 }).toBe('running');
      await page.getByRole('button', { name: 'Stop' }).click();
      await expect.poll(() => pill.textContent(), { timeout: 60_000 }).toBe('interrupted');
      expect(web.failures).toEqual([]);
    } finally {
      await web.close();
    }
  }, 240_000);
});
