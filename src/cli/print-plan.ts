/** `--dry-run`: the plan of a run as text or JSON. */
import { styleText } from 'node:util';
import { memoryParts } from '../run/estimate/memory.ts';
import { formatCount } from '../run/estimate/planned-model.ts';
import { estimateRun, type FittedRun, type RunEstimate, type StageEstimate } from '../run/estimate.ts';
import { describeMachine } from '../run/machine.ts';
import type { RunRecipe } from '../run/run-recipe.ts';

export interface PrintPlanOptions {
  readonly recipe: RunRecipe;
  readonly name: string;
  readonly runFolder: string;
  readonly json: boolean;
}

/** Estimates the run and prints it on standard output; writes no file. */
export async function printPlan({ recipe, name, runFolder, json }: PrintPlanOptions): Promise<void> {
  const estimate = await estimateRun(recipe);
  if (json) {
    process.stdout.write(`${JSON.stringify({ type: 'plan', name, runFolder, recipe, ...estimate })}\n`);
    return;
  }
  process.stdout.write(`${renderPlan(estimate, { recipe, name, runFolder }).join('\n')}\n`);
}

/** What a memory limit makes of each stage, one line each. */
export function describeFit({ recipe, stages }: FittedRun): string[] {
  return stages.map(({ name, options, memoryBytes }) => {
    const chosen =
      'gradientCheckpointing' in options
        ? `, micro-batches of ${options.microBatchTokens.toLocaleString('en')} tokens${options.gradientCheckpointing ? ' with activation checkpointing' : ''}`
        : '';
    return `${name}: about ${formatBytes(memoryBytes)} of ${recipe.memory}${chosen}`;
  });
}

/** The plan as lines of text. */
export function renderPlan(
  estimate: RunEstimate,
  { recipe, name, runFolder }: Omit<PrintPlanOptions, 'json'>,
): string[] {
  const { cores, memoryBytes } = describeMachine();
  const threads = recipe.threads ?? cores;
  const lines = [
    `${bold(`Plan of ${name}`)}  seed ${recipe.seed}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`,
    ...(recipe.description ? [dim(recipe.description)] : []),
    field('run folder', runFolder),
    ...(recipe.model ? [field('base model', recipe.model.path)] : []),
  ];
  estimate.stages.forEach((stage, i) => {
    lines.push('', ...renderStage(stage, i + 1));
  });
  lines.push(
    '',
    bold('Whole run'),
    field('time', `about ${formatSeconds(estimate.seconds)}, without reading data and saving`),
    field(
      'memory',
      `about ${formatBytes(estimate.memoryBytes)} at the peak; this machine has ${formatBytes(memoryBytes)}`,
    ),
    field(
      'measured',
      `${(estimate.productsPerSecond / 1e9).toFixed(0)} GFLOP/s in float32 products at the model's sizes, just now`,
    ),
  );
  if (estimate.memoryBytes > 0.8 * memoryBytes) {
    lines.push('', 'This may not fit: lower microBatchTokens first, then maxLength or the batch size.');
  }
  return lines;
}

function renderStage(stage: StageEstimate, number: number): string[] {
  const { name, type, model, besides, data, training, sampling, notes } = stage;
  const head = name === type ? name : `${name} (${type})`;
  const start =
    type === 'pretrain' ? `a new model: ${model.description}` : `${model.from}: ${model.description}`;
  const lines = [bold(`${number} ${head}`), field('model', start), ...besides.map((text) => field('', text))];
  data.forEach(({ path, rows }, i) => {
    lines.push(field(i === 0 ? 'data' : '', `${path}: ${rows.toLocaleString('en')} rows`));
  });
  if (sampling) {
    const { prompts, responses, promptTokens, responseTokens } = sampling;
    lines.push(
      field(
        'samples',
        `${responses.toLocaleString('en')} responses to ${prompts.toLocaleString('en')} prompts; a prompt has about ${Math.round(promptTokens)} tokens, a response ${Math.round(responseTokens)}`,
      ),
    );
  }
  if (training) {
    const { steps, batchSize, unit, trainRows, heldOutRows, tokensPerRow, tokens } = training;
    const held = heldOutRows > 0 ? `, ${heldOutRows.toLocaleString('en')} held out` : '';
    lines.push(
      field(
        'steps',
        `${steps.toLocaleString('en')} of ${batchSize} ${unit} (${trainRows.toLocaleString('en')} to train on${held})`,
      ),
      field(
        'tokens',
        `about ${formatCount(tokens)} with padding, ${Math.round(tokensPerRow)} for each of the ${unit}`,
      ),
      field('rate', describeSchedule(training)),
    );
  }
  const parts = memoryParts(stage.memory).map(([what, bytes]) => `${what} ${formatBytes(bytes)}`);
  lines.push(
    field('memory', `about ${formatBytes(stage.memoryBytes)}: ${parts.join(', ')}`),
    field('time', `about ${formatSeconds(stage.seconds)}`),
    ...notes.map((note) => field('note', note)),
  );
  return lines;
}

function describeSchedule({
  schedule,
  learningRate,
  warmupSteps,
}: NonNullable<StageEstimate['training']>): string {
  const warmup = warmupSteps > 0 ? ` after ${warmupSteps} steps of warm-up` : '';
  const course = { constant: 'constant at', linear: 'linear to 0 from', cosine: 'cosine to 0 from' }[
    schedule
  ];
  return `${course} ${learningRate}${warmup}`;
}

/** A label and a text, on a terminal wrapped beside the label. */
function field(label: string, text: string): string {
  const indent = 13;
  const width = process.stdout.isTTY
    ? Math.max(40, process.stdout.columns - indent)
    : Number.POSITIVE_INFINITY;
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines[lines.length - 1];
    if (line === '') lines[lines.length - 1] = word;
    else if (line.length + 1 + word.length <= width) lines[lines.length - 1] = `${line} ${word}`;
    else lines.push(word);
  }
  return `  ${dim(label.padEnd(10))} ${lines.join(`\n${' '.repeat(indent)}`)}`;
}

/** `48 MB`, `1.3 GB` */
export function formatBytes(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  if (bytes >= 1e6) return `${Math.round(bytes / 1e6)} MB`;
  return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

/** `20 s`, `3 min`, `1 h 20 min` */
export function formatSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const rest = minutes % 60;
  return `${Math.floor(minutes / 60)} h${rest ? ` ${rest} min` : ''}`;
}

function styled(style: 'bold' | 'dim', text: string): string {
  const color = process.stdout.isTTY && !process.env.NO_COLOR;
  return color ? styleText(style, text, { validateStream: false }) : text;
}

const bold = (text: string): string => styled('bold', text);
const dim = (text: string): string => styled('dim', text);
