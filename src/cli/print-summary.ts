/** The end of a run on the terminal: what was measured, a few answers before and after, where the report is. */
import { join } from 'node:path';
import { styleText } from 'node:util';
import type { EvaluationCell, EvaluationTable } from '../run/evaluation.ts';
import type { StageRecord } from '../run/manifest.ts';
import { formatNumber } from '../run/progress-format.ts';

/** Answers shown side by side at the end. */
const samplesShown = 3;

export async function printSummary(runFolder: string, options: { readonly json: boolean }): Promise<void> {
  const [{ readEvaluation }, { readSamples }, { readManifest }] = await Promise.all([
    import('../run/evaluation.ts'),
    import('../run/records.ts'),
    import('../run/manifest.ts'),
  ]);
  const manifest = await readManifest(runFolder);
  const { tables } = await readEvaluation(runFolder);
  const report = join(runFolder, 'report.html');
  const models = manifest.stages.flatMap(({ name, results }) => {
    const model = (results as { model?: { folder: string } } | undefined)?.model;
    return model ? [{ stage: name, folder: join(runFolder, model.folder) }] : [];
  });
  if (options.json) {
    process.stdout.write(
      `${JSON.stringify({ type: 'finished', runFolder, report, outcome: manifest.outcome, models, tables })}\n`,
    );
    return;
  }
  const lines: string[] = [''];
  // Without an evaluation, what the stages say of themselves.
  if (tables.length === 0) lines.push(...manifest.stages.map(describeResults), '');
  for (const table of tables) lines.push(...renderTable(table), '');
  const answers = (await readSamples(runFolder)).filter(({ model }) => model !== undefined);
  const prompts = [...new Set(answers.map(({ prompt }) => prompt))].slice(0, samplesShown);
  for (const prompt of prompts) {
    lines.push(`${bold('Prompt')}  ${oneLine(prompt)}`);
    for (const { model, response } of answers.filter((answer) => answer.prompt === prompt)) {
      lines.push(`  ${(model ?? '').padEnd(10)} ${oneLine(response) || '(empty)'}`);
    }
    lines.push('');
  }
  const newest = models.at(-1);
  if (newest) lines.push(`${bold('Model')}   ${newest.folder}`);
  lines.push(`${bold('Report')}  ${report}`);
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** The end of runs with several seeds: the mean of what they measured. */
export async function printSeeds(
  runFolders: readonly string[],
  seeds: readonly number[],
  options: { readonly json: boolean },
): Promise<void> {
  const [{ readEvaluation }, { acrossSeeds }] = await Promise.all([
    import('../run/evaluation.ts'),
    import('../run/across-seeds.ts'),
  ]);
  const { tables } = acrossSeeds(await Promise.all(runFolders.map(readEvaluation)), seeds);
  const reports = runFolders.map((runFolder) => join(runFolder, 'report.html'));
  if (options.json) {
    process.stdout.write(`${JSON.stringify({ type: 'seeds', seeds, runFolders, reports, tables })}\n`);
    return;
  }
  const lines = ['', ...tables.flatMap((table) => [...renderTable(table), ''])];
  if (tables.length === 0) lines.push('Nothing to compare: the recipe has no evaluate stage.', '');
  lines.push(...reports.map((report, i) => `${bold('Report')}  seed ${seeds[i]}: ${report}`));
  process.stdout.write(`${lines.join('\n')}\n`);
}

/** `sft  steps 90, loss 1.234, heldOutLoss 1.301` */
function describeResults({ name, results }: StageRecord): string {
  const numbers = Object.entries((results ?? {}) as Record<string, unknown>).filter(
    (entry): entry is [string, number] => typeof entry[1] === 'number',
  );
  return `${bold(name)}  ${numbers.map(([key, value]) => `${key} ${formatNumber(value)}`).join(', ')}`;
}

/** A table in aligned text. */
export function renderTable({ title, columns, rows, note }: EvaluationTable): string[] {
  const head = ['', ...columns.map(({ name, unit }) => (unit ? `${name} (${unit})` : name))];
  const body = rows.map(({ name, cells }) => [name, ...cells.map(formatCell)]);
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((row) => row[i].length)));
  const line = (row: readonly string[]): string =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  return [bold(title), line(head), ...body.map(line), ...(note ? [dim(note)] : [])];
}

function formatCell({ value, low, high }: EvaluationCell): string {
  if (value === null) return '–';
  const digits = Math.abs(value) >= 10 ? 1 : 3;
  const text = value.toFixed(digits);
  return low === undefined || high === undefined
    ? text
    : `${text} [${low.toFixed(digits)}, ${high.toFixed(digits)}]`;
}

/** One line of at most `limit` characters, without control characters (a model's text is not to be trusted). */
function oneLine(text: string, limit = 160): string {
  const flat = text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return flat.length > limit ? `${flat.slice(0, limit - 1)}…` : flat;
}

function styled(style: 'bold' | 'dim', text: string): string {
  const color = process.stdout.isTTY && !process.env.NO_COLOR;
  return color ? styleText(style, text, { validateStream: false }) : text;
}

const bold = (text: string): string => styled('bold', text);
const dim = (text: string): string => styled('dim', text);
