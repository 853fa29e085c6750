/** The command line as users meet it, in processes of its own. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiled } from './fixtures/compiled.ts';
import { writeExampleRun } from './fixtures/example-run.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** What it died of, if it was a signal. */
  readonly signal?: NodeJS.Signals;
}

/** Runs a compiled script; `during` may write to the process while it runs. */
function start(
  args: string[],
  during?: (child: ReturnType<typeof spawn>, stderr: string) => void,
): Promise<Outcome> {
  const child = spawn(process.execPath, [...args], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1' },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data) => {
    stdout += data;
    during?.(child, stdout);
  });
  child.stderr.on('data', (data) => {
    stderr += data;
    during?.(child, stderr);
  });
  return new Promise((done) =>
    child.on('close', (code, signal) => done({ code, stdout, stderr, ...(signal && { signal }) })),
  );
}

const tenet = (...args: string[]): Promise<Outcome> => start([compiled('src/cli/main.ts'), ...args]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('tenet', () => {
  it('shows its commands in groups, also without arguments', async () => {
    const [help, bare] = [await tenet('--help'), await tenet()];
    expect(help.code).toBe(0);
    expect(help.stdout).toMatch(
      /Usage: tenet <command> \[options\].*Look at results:\n {2}report .*Your machine:\n {2}doctor/s,
    );
    expect(bare).toEqual(help);
  });

  it('prints its version', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(await tenet('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['docto'], "error: unknown command 'docto'\n(Did you mean doctor?)"],
    [['doctor', '--jsno'], "error: unknown option '--jsno'\n(Did you mean --json?)"],
    [['report'], "error: missing required argument 'run-folder'"],
  ])('answers wrong use with exit code 2 and a hint: %j', async (args, message) => {
    const { code, stdout, stderr } = await tenet(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });

  it('prints its own errors without a stack, and with one on --debug', async () => {
    const message = `error: ${folder} is not a run folder: it has no manifest.json.`;
    const short = await tenet('report', folder);
    expect(short.code).toBe(2);
    expect(short.stderr).toContain(message);
    expect(short.stderr).not.toContain(' at ');
    const long = await tenet('report', folder, '--debug');
    expect(long.stderr).toContain(message);
    expect(long.stderr).toMatch(/\n {4}at .*manifest\.js/);
  });

  it('says what is wrong with a place that cannot be written to', async () => {
    const file = join(folder, 'file.jsonl');
    await writeFile(file, '{"text":"a"}\n');
    const { code, stderr } = await tenet(
      'data',
      'convert',
      file,
      join(file, 'out.jsonl'),
      '--to',
      'language-modeling',
    );
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^error: .*file\.jsonl.*: .* is a file, and a folder is needed; choose another place\.\n$/,
    );
  });

  it('prints errors as JSON for programs', async () => {
    const { stdout } = await tenet('--json', 'report', folder);
    expect(JSON.parse(stdout)).toMatchObject({
      type: 'error',
      code: 'usage',
      message: expect.stringContaining(folder),
    });
  });

  it('writes the report of a run', async () => {
    const run = join(folder, 'run');
    await writeExampleRun(run);
    const path = join(run, 'report.html');
    expect(await tenet('report', run)).toEqual({ code: 0, stdout: `${path}\n`, stderr: '' });
    expect(await readFile(path, 'utf8')).toContain('<h1>stories-hh</h1>');
  });

  it('runs a recipe once for each seed and prints the means', async () => {
    const recipe = join(folder, 'small.yaml');
    await writeFile(
      recipe,
      `threads: 1
stages:
  - type: pretrain
    data: { sandbox: corpus, limit: 40 }
    tokenizer: { vocabSize: 300 }
    architecture: { width: 16, layers: 1, heads: 1, maxPositions: 160 }
    batchSize: 8
    maxSteps: 2
  - type: evaluate
    prompts: { sandbox: prompts, split: test, limit: 4 }
    responseLength: 8
`,
    );
    const output = join(folder, 'small');
    const { code, stdout } = await tenet('--json', 'run', recipe, '--output', output, '--seeds', '4,5');
    expect(code).toBe(0);
    const printed = stdout.split('\n').flatMap((line) => (line ? [JSON.parse(line)] : []));
    const runFolders = [`${output}-seed-4`, `${output}-seed-5`];
    const last = printed.at(-1);
    expect(last).toMatchObject({ type: 'seeds', seeds: [4, 5], runFolders });
    // The printed mean is that of what the two runs wrote.
    const golds = await Promise.all(
      runFolders.map(async (run) => {
        const { tables } = JSON.parse(await readFile(join(run, 'evaluation.json'), 'utf8'));
        return tables[0].rows[0].cells[0].value as number;
      }),
    );
    expect(last.tables[0].title).toBe('Models on held-out prompts, mean of 2 seeds');
    expect(last.tables[0].rows[0].cells[0].value).toBeCloseTo((golds[0] + golds[1]) / 2, 12);
    expect((await tenet('run', recipe, '--seeds', '4')).stderr).toContain(
      'Give two or more different seeds, such as 1,2,3.',
    );
  });

  it('finds this machine fit to compute', async () => {
    const { code, stdout } = await tenet('doctor', '--json');
    const checks = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(checks.slice(0, 5).map(({ name }) => name)).toEqual([
      'Node',
      'ONNX Runtime',
      'Processor',
      'Memory',
      'Disk',
    ]);
    expect(checks[1]).toMatchObject({ status: 'ok', value: expect.stringContaining('computes correctly') });
    expect(code).toBe(0);
  });
});

describe('Ctrl-C', () => {
  const script = compiled('tests/fixtures/interruptible.ts');

  it('once asks the command to stop, which saves and exits with 130', async () => {
    const { code, stdout, stderr } = await start([script, 'polite'], once('ready', 'SIGINT'));
    expect(stdout).toContain('saved');
    expect(stderr).toContain('Stopping: this step is finished and saved first. Once more to stop at once.');
    expect(code).toBe(130);
  });

  it('twice ends a command that does not stop', async () => {
    const first = once('ready', 'SIGINT');
    const second = once('Stopping', 'SIGINT', 700); // what follows at once is the same Ctrl-C, passed on
    const { signal, stdout } = await start([script, 'stubborn'], (child, text) => {
      first(child, text);
      second(child, text);
    });
    expect(stdout).not.toContain('saved');
    expect(signal).toBe('SIGINT'); // which shells report as 130
  });

  it('counts a signal that a launcher passes on as the same Ctrl-C', async () => {
    const first = once('ready', 'SIGINT');
    const again = once('Stopping', 'SIGINT');
    const { code, stdout } = await start([script, 'slow'], (child, text) => {
      first(child, text);
      again(child, text);
    });
    expect(stdout).toContain('saved');
    expect(code).toBe(130);
  });

  /** Sends a signal when the output first holds a text. */
  function once(
    text: string,
    signal: NodeJS.Signals,
    afterMs = 0,
  ): (child: ReturnType<typeof spawn>, output: string) => void {
    let sent = false;
    return (child, output) => {
      if (sent || !output.includes(text)) return;
      sent = true;
      setTimeout(() => child.kill(signal), afterMs);
    };
  }
});

it('loads nothing heavy to show help: command files import only commander, Node and small files', () => {
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const source = readFileSync(file, 'utf8');
    for (const [, what, from] of source.matchAll(
      /^(?:import|export)\s(?!type\b)([^;]*?)from '([^']+)';$/gms,
    )) {
      if (/^\{\s*(type [^,}]+,?\s*)+\}\s*$/.test(what)) continue;
      if (from.startsWith('.')) visit(resolve(dirname(file), from));
      else if (!from.startsWith('node:')) packages.add(from);
    }
  };
  visit(join(root, 'src/cli/main.ts'));
  expect([...packages]).toEqual(['commander']);
  expect(seen.size).toBeGreaterThan(5);
});
