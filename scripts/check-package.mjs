// Checks the package as users get it: packs it, installs it into an empty folder, runs the command and a
// small program against it. Run after `npm run build`: node scripts/check-package.mjs
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folder = mkdtempSync(join(tmpdir(), 'tenet-package-'));
// A user of the CPU build needs none of onnxruntime-node's install script, which fetches CUDA libraries: npm 11
// obeys allowScripts below, older ones this variable.
const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
const run = (command, args) =>
  execFileSync(command, args, { cwd: folder, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });

try {
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [archive] = readdirSync(folder);
  const manifest = {
    private: true,
    type: 'module',
    dependencies: { tenet: `file:./${archive}` },
    allowScripts: { 'onnxruntime-node': false },
  };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  run('npm', ['install', '--silent', '--no-audit', '--no-fund']);

  const help = run('npx', ['tenet', '--help']);
  if (!help.includes('Usage: tenet')) throw new Error(`tenet --help printed:\n${help}`);
  const doctor = run('npx', ['tenet', 'doctor']);
  if (!doctor.includes('computes correctly')) throw new Error(`tenet doctor printed:\n${doctor}`);

  writeFileSync(join(folder, 'program.mjs'), program());
  const printed = run('node', ['program.mjs']).trim();
  if (printed !== 'ok') throw new Error(`the program printed: ${printed}`);
  console.log(`${archive}: installs into an empty folder, runs, and computes.`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** A program such as a user would write: a recipe, a run, its report. */
function program() {
  return `
import { openRunFolder, parseRecipe, readEvents, runStage, writeReport } from 'tenet/run';
import { z } from 'zod';

const schema = z.object({ lr: z.number().default(0.1), steps: z.number().int().default(25) });
const { value, resolved } = parseRecipe('lr: 0.2', { schema, file: 'r.yaml', folder: '.' });
const run = await openRunFolder({ path: 'run', recipe: resolved, stages: ['descent'], seeds: {} });
const { signal } = new AbortController();
const { x } = await runStage(run, 'descent', { signal }, async (context) => {
  let x = 4;
  for (let step = 1; step <= value.steps; step++) {
    x -= value.lr * 2 * (x - 3); // the gradient of (x - 3) squared
    context.event(step, { loss: (x - 3) ** 2 });
  }
  return { x };
});
await run.finish();
run.close();
const events = await readEvents('run');
await writeReport('run');
console.log(Math.abs(x - 3) < 1e-5 && events.length === 25 ? 'ok' : [x, events.length]);
`;
}
