/** The report in a real browser: no accessibility violations, no errors, nothing loaded, text stays text. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeReport } from '../src/run/index.ts';
import { hostileText, writeExampleRun } from './fixtures/example-run.ts';

const executablePath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);
if (!executablePath) console.warn('report.test.ts is skipped: install chromium to run it.');

describe.skipIf(!executablePath)('report.html in a browser', () => {
  let folder: string;
  let address: string;
  let browser: Browser;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tenet-report-'));
    await writeExampleRun(join(folder, 'run'));
    address = `file://${await writeReport(join(folder, 'run'))}`;
    browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  });
  afterAll(async () => {
    await browser?.close();
    await rm(folder, { recursive: true, force: true });
  });

  interface View {
    readonly width: number;
    readonly colorScheme: 'light' | 'dark';
  }

  async function open({ width, colorScheme }: View): Promise<{ page: Page; complaints: string[] }> {
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on('console', (message) => complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== address) complaints.push(`request: ${request.url()}`);
    });
    await page.goto(address);
    return { page, complaints };
  }

  const views: View[] = [
    { width: 1200, colorScheme: 'light' },
    { width: 1200, colorScheme: 'dark' },
    { width: 390, colorScheme: 'light' },
  ];

  it.each(views)('is accessible, quiet and fits: $width px, $colorScheme', async (view) => {
    const { page, complaints } = await open(view);
    for (const summary of await page.locator('summary').all()) await summary.click();
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n')}`)).toEqual(
      [],
    );
    expect(complaints).toEqual([]);
    const [content, window] = (await page.evaluate(
      '[document.documentElement.scrollWidth, innerWidth]' as string,
    )) as number[];
    expect(content).toBeLessThanOrEqual(window);
    await page.context().close();
  });

  it('draws every chart, also those that were folded', async () => {
    const { page } = await open(views[0]);
    for (const summary of await page.locator('summary').all()) await summary.click();
    const plots = await page.locator('.plot').count();
    expect(plots).toBeGreaterThan(15);
    expect(await page.locator('.plot canvas').count()).toBe(plots);
    await page.context().close();
  });

  it('reads values under the pointer and with the arrow keys', async () => {
    const { page } = await open(views[0]);
    const plot = page.locator('.plot').first();
    await plot.scrollIntoViewIfNeeded();
    await plot.hover({ position: { x: 150, y: 80 } });
    const readout = page.locator('.readout').first();
    await expect.poll(() => readout.textContent()).toMatch(/^step \d+ {2}· {2}loss \d/);
    await plot.focus();
    await page.keyboard.press('Home');
    await expect.poll(() => readout.textContent()).toMatch(/^step 1 /);
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => readout.textContent()).toMatch(/^step 2 /);
    await page.context().close();
  });

  it('shows hostile text word for word and runs none of it', async () => {
    const { page } = await open(views[0]);
    expect(await page.title()).toBe('stories-hh · Tenet run report');
    const shown = await page.locator('.sample h3 .text').allTextContents();
    expect(shown).toContain(hostileText.replaceAll('\u0000', '\u2400'));
    expect(await page.locator('img, b').count()).toBe(0);
    await page.context().close();
  });
});
