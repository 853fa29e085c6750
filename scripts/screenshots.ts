/**
 * Pictures of every page of the web app, for the docs: `npx tsx scripts/screenshots.ts --runs runs`.
 *
 * Serves the app on a store of its own with a demonstration project, and the given folder of runs, whose models are talked
 * with. Pictures go to docs/images; with --all also those that nobody publishes: each page in the dark and on a phone, as PNG.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Browser, Page } from 'playwright-core';
import { Random } from '../src/base/index.ts';
import { LabelQueue } from '../src/feedback/index.ts';
import { everyPrompt, writeResponse } from '../src/sandbox/index.ts';
import { Accounts } from '../src/server/accounts/accounts.ts';
import { serveApp } from '../src/server/index.ts';
import { openStore } from '../src/store/index.ts';
import { buildPages, openBrowser } from '../tests/fixtures/web-app.ts';
import { demoPassword, demoProject, makeDemoLabels } from './demo-labels.ts';

const { values: flags } = parseArgs({
  options: {
    runs: { type: 'string', default: 'runs' },
    out: { type: 'string', default: 'docs/images' },
    constitutions: { type: 'string', default: 'constitutions' },
    /** A model that has learnt to criticise under the sandbox's constitution, such as sandbox-cai/sl-cai. */
    critic: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
});

interface Shot {
  readonly name: string;
  readonly path: string;
  /** Whose page. Default Ada, the admin. */
  readonly as?: string;
  /** What is done before the picture is taken. */
  readonly act?: (page: Page) => Promise<void>;
}

interface Look {
  readonly suffix: string;
  readonly width: number;
  readonly height: number;
  readonly colorScheme: 'light' | 'dark';
}

const harmful = new Random(8).shuffled([...everyPrompt('test')]).find(({ kind }) => kind === 'unsafe')!;

const light: Look = { suffix: '', width: 1280, height: 800, colorScheme: 'light' };
const dark: Look = { suffix: '-dark', width: 1280, height: 800, colorScheme: 'dark' };
const phone: Look = { suffix: '-phone', width: 390, height: 844, colorScheme: 'light' };

const folder = await mkdtemp(join(tmpdir(), 'tenet-pictures-'));
const pages = await buildPages();
const address = join(folder, 'tenet.db');
const app = await serveApp({
  ...{ store: address, runs: resolve(flags.runs), command: [] },
  ...{ constitutions: flags.constitutions, recipeFolders: ['recipes'] },
  ...{ port: 0, pages: pages.folder, onFailure: (error: unknown) => console.error(error) },
});
const store = await openStore(address);
const browser = await openBrowser();
try {
  const accounts = await Accounts.open(store.database, { baseUrl: app.url });
  const admin = new URL(app.adminLink!).hash.slice(1);
  await accounts.accept(admin, { name: 'Ada', email: 'ada@example.org', password: demoPassword });
  await makeDemoLabels(store, accounts);
  const shots = await shotsOf();
  await mkdir(flags.out, { recursive: true });
  const extra = flags.all ? [dark, phone] : [];
  let bytes = 0;
  for (const look of [light, ...extra]) bytes += await takeAll(browser, shots, look);
  if (!flags.all) {
    bytes += await takeAll(
      browser,
      shots.filter(({ name }) => name === 'annotate'),
      phone,
    );
    bytes += await takeAll(
      browser,
      shots.filter(({ name }) => name === 'run'),
      dark,
    );
  }
  console.log(`${(bytes / 1024).toFixed(0)} KiB in ${flags.out}`);
} finally {
  await browser.close();
  await app.close({ graceMs: 0 });
  await store.close();
  await pages.remove();
  await rm(folder, { recursive: true, force: true });
}

async function takeAll(from: Browser, shots: readonly Shot[], look: Look): Promise<number> {
  const { width, height, colorScheme, suffix } = look;
  const signedIn = new Map<string, Page>();
  let bytes = 0;
  for (const { name, path, as = 'Ada', act } of shots) {
    let page = signedIn.get(as);
    if (!page) {
      const context = await from.newContext({ viewport: { width, height }, colorScheme });
      page = await context.newPage();
      signedIn.set(as, page);
      if (as !== '') await signIn(page, as);
    }
    await page.goto(`${app.url}${path}`);
    await page.waitForSelector('h1, .gate');
    await page.waitForSelector('.loading', { state: 'detached' });
    await act?.(page);
    await page.waitForTimeout(250); // curves are drawn in the next frames
    const file = join(flags.out, `${name}${suffix}.${flags.all ? 'png' : 'webp'}`);
    bytes += await picture(page, file);
    console.log(file);
  }
  for (const page of signedIn.values()) await page.context().close();
  return bytes;
}

/** A third of the size of a PNG, which Playwright would make. @returns bytes */
async function picture(page: Page, file: string): Promise<number> {
  if (flags.all) return (await page.screenshot({ path: file })).length;
  const session = await page.context().newCDPSession(page);
  const { data } = await session.send('Page.captureScreenshot', { format: 'webp', quality: 85 });
  await session.detach();
  const bytes = Buffer.from(data, 'base64');
  await writeFile(file, bytes);
  return bytes.length;
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.goto(app.url);
  await page.getByLabel('E-mail address').fill(`${name.toLowerCase()}@example.org`);
  await page.getByLabel('Password').fill(demoPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.waitForSelector('.top');
}

async function shotsOf(): Promise<Shot[]> {
  const runs = await fetchRuns();
  // A task for an adjudicator: the first about which two people disagree.
  const queue = new LabelQueue(store, demoProject);
  const byTask = new Map<string, string[]>();
  const ranksOf = new Map<string, Set<string>>();
  for await (const event of store.ledger.read({ project: demoProject, kinds: ['label'] })) {
    const id = event.taskId!;
    byTask.set(id, [...(byTask.get(id) ?? []), event.id]);
    ranksOf.set(id, (ranksOf.get(id) ?? new Set()).add(JSON.stringify(event.ranks)));
  }
  const [disputed] = [...byTask].filter(([id, labels]) => labels.length > 1 && ranksOf.get(id)!.size > 1);
  await queue.escalate(disputed[0], disputed[1]);
  const progress = `/progress/${demoProject}`;
  return [
    { name: 'sign-in', path: '/', as: '' },
    { name: 'annotate', path: `/annotate/${demoProject}`, as: 'Bea', act: rankSome },
    { name: 'adjudicate', path: `/adjudicate/${demoProject}` },
    { name: 'progress', path: progress },
    { name: 'annotators', path: `${progress}?tab=annotators` },
    { name: 'disagreement', path: `${progress}?tab=disagreement&by=length` },
    { name: 'cost', path: `${progress}?tab=cost` },
    { name: 'playground-begin', path: '/playground' },
    { name: 'playground', path: '/playground', act: talk },
    { name: 'runs', path: '/runs' },
    ...(runs.length > 0
      ? [
          { name: 'run', path: `/runs/${runs[0]}` },
          { name: 'samples', path: `/runs/${runs[0]}?tab=samples` },
          { name: 'evaluation', path: `/runs/${runs[0]}?tab=evaluation` },
          // It names paths of this machine.
          ...(flags.all ? [{ name: 'recipe', path: `/runs/${runs[0]}?tab=recipe` }] : []),
        ]
      : []),
    ...(runs.length > 1 ? [{ name: 'compare', path: `/runs/compare?run=${runs[0]}&run=${runs[1]}` }] : []),
    { name: 'start-recipe', path: '/runs', act: openStart },
    { name: 'constitution', path: '/constitution' },
    { name: 'constitution-edit', path: '/constitution/default.md?edit', act: editSome },
    ...(flags.critic ? [{ name: 'constitution-try', path: '/constitution/sandbox.md', act: trySome }] : []),
    { name: 'people', path: '/people' },
    { name: 'account', path: '/account' },
  ];
}

async function fetchRuns(): Promise<string[]> {
  const { RunsFolder } = await import('../src/server/run-folders/runs-folder.ts');
  return (await new RunsFolder(resolve(flags.runs)).list()).map(({ name }) => name);
}

async function rankSome(page: Page): Promise<void> {
  await page.waitForSelector('.card');
  for (const key of ['b', '1', 'a', '2']) await page.keyboard.press(key);
  await page.evaluate('scrollTo(0, 0)');
}

async function talk(page: Page): Promise<void> {
  const begin = page.getByRole('button', { name: 'Begin' });
  if ((await begin.count()) === 0) return;
  await page.getByText('Sampling').click();
  await page.getByLabel('Seed').fill('3');
  await begin.click();
  await answered(page, harmful.text);
}

async function answered(page: Page, text: string): Promise<void> {
  await page.getByLabel('What to say to both models').fill(text);
  await page.keyboard.press('Enter');
  await page.waitForSelector('.pair[aria-busy=true]');
  await page.waitForSelector('.pair[aria-busy=false]', { timeout: 120_000 });
}

async function openStart(page: Page): Promise<void> {
  await page.getByRole('button', { name: 'Start a recipe' }).click();
  await page.getByLabel('Overrides').waitFor();
}

async function editSome(page: Page): Promise<void> {
  const box = page.getByRole('textbox', { name: 'Text of' });
  await box.fill((await box.inputValue()).replace('Never help to harm many', 'Never help to harm people'));
  await page.locator('.words ins').waitFor();
  await page.evaluate(
    "const box = document.querySelector('#constitution-text'); box.blur(); box.scrollTop = 0",
  );
}

async function trySome(page: Page): Promise<void> {
  await page
    .getByRole('button', { name: /^Try it/ })
    .first()
    .click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('combobox', { name: 'Model' }).selectOption(flags.critic!);
  await dialog.getByLabel('What somebody asks').fill(harmful.text);
  await dialog.getByLabel('The response').fill(writeResponse(harmful, 'harmful', new Random(1)));
  await dialog.getByLabel('Brief check').check();
  await dialog.getByRole('button', { name: 'Try it' }).click();
  await dialog.getByRole('heading', { name: 'Revision' }).waitFor({ timeout: 60_000 });
  await dialog.getByRole('button', { name: 'Try it' }).waitFor({ timeout: 60_000 });
}
