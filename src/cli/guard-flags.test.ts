import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveCommand } from './commands/serve.ts';
import { evaluateCommand } from './guard/evaluate.ts';
import { addGuardFlags, type GuardFlags, guardsOf, modeNote, policyOf } from './guard-flags.ts';
import { storeOption } from './store-option.ts';

// What the flags load takes a while, and is not to take it from a test.
await import('../guard/index.ts');

let folder: string;
let policyFile: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-guard-flags-'));
  policyFile = join(folder, 'guard.yaml');
  const policy = [
    'defaults: { thresholds: { input: 0.6, principles: { theft: 0.3 } }, refusal: "No." }',
    'audit: { file: a.jsonl, content: full }',
    'cascade: [{ guard: keywords, harmful: 0.5 }]',
  ];
  await writeFile(policyFile, policy.join('\n'));
});
afterAll(() => rm(folder, { recursive: true }));

/** The policy and the guards that a command line asks for. */
async function read(...argv: string[]) {
  const command = addGuardFlags(new Command())
    .option('-g, --guard <name>')
    .option('--policy <file>')
    .addOption(storeOption())
    .parse(argv, { from: 'user' });
  const flags = command.opts<GuardFlags>();
  const policy = await policyOf(flags, command);
  return { policy, guards: () => guardsOf(flags, policy, command) };
}

it('puts flags in place of what the policy says by default, and leaves the rest of it', async () => {
  const argv = ['--threshold', '0.4', '--shadow', '--fail-open', '--audit', 'b.jsonl'];
  const { policy } = await read('--policy', policyFile, ...argv);
  expect(policy.defaults).toEqual({
    ...{ mode: 'shadow', failure: 'open', refusal: 'No.' },
    thresholds: { input: 0.4, output: 0.4, principles: { theft: 0.3 } },
  });
  expect(policy.audit).toEqual({ file: 'b.jsonl', content: 'full' });
  expect(modeNote(policy)).toMatch(/^Shadow mode/);
  expect(modeNote((await read()).policy)).toBe('');
});

it('has a ledger where a store is named', async () => {
  expect((await read()).policy.ledger).toBeUndefined();
  expect((await read('--store', 'cases.db')).policy.ledger).toMatchObject({ project: 'guard' });
});

it('says which guards are opened, and how', async () => {
  const { guards } = await read('--guard', 'guards/house', '--refusal-rate', '0.005', '--int8');
  expect(await guards()).toEqual({
    name: 'guards/house',
    options: { refusalRate: 0.005, threads: undefined, inThread: true, precision: 'int8' },
  });
  expect(await (await read()).guards()).toMatchObject({ name: 'keywords' });
  const both = await read('--policy', policyFile, '--guard', 'keywords');
  await expect(both.guards()).rejects.toThrow(/leave --guard out/);
});

it('refuses with the keywords what only trained guards follow', async () => {
  for (const argv of [
    ['--refusal-rate', '0.05'],
    ['--guard', 'keywords', '--int8'],
  ]) {
    const { guards } = await read(...argv);
    await expect(guards()).rejects.toThrow(
      `${argv.slice(-2).join(' ').replace('keywords ', '')} is for trained`,
    );
  }
  // Of a cascade, the trained ones follow.
  const cascade = await read('--policy', policyFile, '--refusal-rate', '0.05');
  expect(await cascade.guards()).toMatchObject({ options: { refusalRate: 0.05 } });
  const evaluating = evaluateCommand().parseAsync(['keywords', '--answers', 'output'], { from: 'user' });
  await expect(evaluating).rejects.toThrow(/--answers output is for trained guards/);
});

it('asks for the model that is to be guarded', async () => {
  const serving = serveCommand().parseAsync(['--guard', 'keywords'], { from: 'user' });
  await expect(serving).rejects.toThrow(/Name the model: --model <folder>/);
});
