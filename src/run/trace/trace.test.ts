import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { hashOf, Random } from '../../base/index.ts';
import { loadConstitution } from '../../constitution/index.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
} from '../../model/index.ts';
import { openStore, selectFromLedger, writeSelectionFile } from '../../store/index.ts';
import { exportModel } from '../export-model.ts';
import { ledgerInput } from '../ledger-input.ts';
import { loadData } from '../load-data.ts';
import { openRunFolder, type RunFolder } from '../run-folder.ts';
import {
  type Check,
  checkProvenance,
  collectProvenance,
  formatProvenance,
  type ProvenanceNode,
  summariseChecks,
} from './index.ts';

const config = makeLlamaConfig({
  vocabSize: 20,
  width: 8,
  layers: 1,
  heads: 2,
  innerWidth: 16,
  maxPositions: 32,
});

let folder: string;
let ledger: string;
let labels: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-trace-'));
  ledger = join(folder, 'labels.db');
  labels = join(folder, 'labels.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

/** Two people and a judge label one item; the labels become a data file, and another label comes later. */
async function writeLabels(): Promise<void> {
  const { hash } = await loadConstitution('default');
  const store = await openStore(ledger);
  const item = { prompt: 'p', responses: [{ text: 'good' }, { text: 'bad' }] };
  const label = { kind: 'label', item, ranks: [1, 2] } as const;
  await store.ledger.append([
    { ...label, judge: { kind: 'human', id: 'ann' } },
    { ...label, judge: { kind: 'human', id: 'bob' } },
    {
      ...label,
      judge: { kind: 'ai', id: 'm' },
      principles: ['no-harm'],
      constitution: { hash, version: '1.0.0' },
    },
  ]);
  const record = { prompt: 'p', responses: ['good', 'bad'], ranks: [1, 2] };
  await writeFile(labels, `${JSON.stringify(record)}\n`);
  await writeSelectionFile(labels, await selectFromLedger(store, { kinds: ['label'], current: true }));
  await store.ledger.append({ ...label, judge: { kind: 'human', id: 'late' } });
  await store.close();
}

/** Runs a stage that saves a model. */
async function makeModel(
  run: RunFolder,
  stage: string,
  seed: number,
  before: () => Promise<void>,
): Promise<void> {
  await run.beginStage(stage);
  await before();
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(seed));
  const place = join(run.stage(stage).folder, 'model');
  await saveModelFolder(join(run.path, place), {
    config,
    parameters,
    card: { name: stage, summary: '', stages: [] },
  });
  await run.finishStage(stage, { model: { folder: place, head: 'causal', weights: parameters.hash() } });
}

/** A run that makes a base model, and one that aligns it with the labels. */
async function writeRuns(): Promise<string> {
  await writeLabels();
  const first = await openRunFolder({ path: join(folder, 'first'), recipe: 'a: 1\n', stages: ['sft'] });
  await makeModel(first, 'sft', 1, async () => undefined);
  first.close();
  const { model } = first.stage('sft').results as { model: { folder: string; weights: string } };

  const run = await openRunFolder({
    path: join(folder, 'second'),
    recipe: 'b: 2\n',
    stages: ['dpo', 'ppo'],
    seeds: { run: 7 },
  });
  await makeModel(run, 'dpo', 2, async () => {
    const base = {
      kind: 'model',
      role: 'policy',
      path: join(first.path, model.folder),
      hash: model.weights,
    } as const;
    await run.recordUse('dpo', base);
    const source = { path: labels, onBadRow: 'error', split: 'train' } as const;
    await run.recordInputs(
      (await loadData(source, { purpose: 'dpo data', folder: run.path, seed: 1 })).inputs,
    );
    const { hash, version } = await loadConstitution('default');
    await run.recordInputs([
      { kind: 'constitution', name: 'constitution', path: 'default', hash, version: version! },
    ]);
  });
  await makeModel(run, 'ppo', 3, async () => {
    const { model } = run.stage('dpo').results as { model: { folder: string; weights: string } };
    for (const role of ['policy', 'reference']) {
      await run.recordUse('ppo', {
        kind: 'model',
        role,
        stage: 'dpo',
        path: model.folder,
        hash: model.weights,
      });
    }
  });
  run.close();
  return run.path;
}

/** Every node as `role: kind name`, indented by depth. */
function outline({ kind, name, role, children }: ProvenanceNode, depth = 0): string[] {
  const what = kind === 'reference' ? 'reference' : `${kind} ${name}`;
  return [
    `${' '.repeat(depth)}${role ? `${role}: ` : ''}${what}`,
    ...children.flatMap((child) => outline(child, depth + 1)),
  ];
}

/** What is not as recorded: kind and name of the node, and what is the matter. */
async function problems(source: string): Promise<string[]> {
  const root = await collectProvenance(source);
  const checks = await checkProvenance(root);
  const flat = (node: ProvenanceNode): ProvenanceNode[] => [node, ...node.children.flatMap(flat)];
  return flat(root).flatMap((node) => {
    const check: Check | undefined = checks.get(node.id);
    return check === undefined || check.status === 'matches'
      ? []
      : [`${node.kind} ${node.name}: ${check.status}`];
  });
}

it('walks from a model to the labels, principles and models that made it', async () => {
  const run = await writeRuns();
  const root = await collectProvenance(run);
  const version = (await loadConstitution('default')).version;
  expect(outline(root)).toEqual([
    'model second/ppo',
    ' stage ppo',
    '  policy: model second/dpo',
    '   stage dpo',
    '    policy: model first/sft',
    '     stage sft',
    '      recipe recipe.yaml',
    '    dpo data: data labels.jsonl',
    '     labels: labels labels.db',
    '      judges 2 human',
    '      judges 1 ai',
    '      constitution version 1.0.0',
    '      principle no-harm',
    '    constitution: constitution default',
    '  reference: reference',
    '  recipe recipe.yaml',
  ]);
  const checks = await checkProvenance(root);
  expect(await problems(run)).toEqual([]);
  const text = formatProvenance(root, checks).join('\n');
  expect(text).toContain('├─ policy: model second/dpo  ');
  expect(text).toContain('│     │  └─ labels: labels labels.db · 3 × label · ledger of 3 events  ');
  expect(text).toContain('reference: model second/dpo, see there');
  expect(text).toContain(`constitution: constitution default · version ${version}`);
  expect(summariseChecks(checks)).toBe('8 hashes match.');
  // A model folder in a run is traced like the run.
  expect(outline(await collectProvenance(join(run, 'stages/02-ppo/model')))).toEqual(outline(root));
  expect(outline(await collectProvenance(run, 'dpo'))[0]).toBe('model second/dpo');
});

it('says what has changed since, and what is gone', async () => {
  const run = await writeRuns();
  await appendFile(labels, '\n');
  expect(await problems(run)).toEqual(['data labels.jsonl: differs']);
  await rm(labels);
  expect(await problems(run)).toEqual(['data labels.jsonl: missing']);

  const weights = join(folder, 'first/stages/01-sft/model/model.safetensors');
  const bytes = await readFile(weights);
  bytes[bytes.length - 3] ^= 1;
  await writeFile(weights, bytes);
  await appendFile(join(run, 'recipe.yaml'), '# and more\n');
  expect(await problems(run)).toEqual([
    'model first/sft: differs',
    'data labels.jsonl: missing',
    'recipe recipe.yaml: differs',
  ]);

  await rm(ledger);
  expect(await problems(run)).toContain('labels labels.db: missing');
});

it('finds labels that were changed in the ledger', async () => {
  const run = await writeRuns();
  const store = await openStore(ledger);
  await sql`drop trigger ledger_event_no_update`.execute(store.database.db);
  await sql`update ledger_event set content = replace(content, '[1,2]', '[2,1]') where seq = 2`.execute(
    store.database.db,
  );
  await store.close();
  const root = await collectProvenance(run);
  const lines = formatProvenance(root, await checkProvenance(root));
  expect(lines.find((line) => line.includes('✗ '))).toContain('the chain breaks at event 2');
});

it('travels with an exported model, without the places it was made in', async () => {
  const run = await writeRuns();
  const output = join(folder, 'exported');
  await exportModel({ source: run, output });
  const text = await readFile(join(output, 'provenance.json'), 'utf8');
  for (const secret of [folder, 'ann', 'kinds":["label']) expect(text).not.toContain(secret);

  await rm(run, { recursive: true });
  const root = await collectProvenance(output);
  expect(outline(root).slice(1, 4)).toEqual([' stage ppo', '  policy: model second/dpo', '   stage dpo']);
  expect((await problems(output)).filter((problem) => !problem.endsWith('unchecked'))).toEqual([]);

  // What is made from it knows its whole past.
  const next = await openRunFolder({ path: join(folder, 'third'), recipe: '', stages: ['sft'] });
  await makeModel(next, 'sft', 4, () =>
    next.recordUse('sft', { kind: 'model', role: 'policy', path: output, hash: root.hash! }),
  );
  next.close();
  const longer = await collectProvenance(next.path);
  expect(outline(longer)).toContain('       labels: labels labels.db');
  const ids = formatProvenance(longer, null).filter((line) => line.includes('see there'));
  expect(ids).toEqual([expect.stringContaining('reference: model second/dpo, see there')]);

  const weights = join(output, 'model.safetensors');
  const bytes = await readFile(weights);
  bytes[bytes.length - 3] ^= 1;
  await writeFile(weights, bytes);
  expect(await problems(output)).toContain('model exported: differs');
});

it('knows labels that a stage took from the ledger itself', async () => {
  await writeLabels();
  const run = await openRunFolder({ path: join(folder, 'direct'), recipe: '', stages: ['dpo'] });
  await makeModel(run, 'dpo', 1, async () => {
    const store = await openStore(ledger);
    await run.recordInputs([
      ledgerInput('dpo labels', await selectFromLedger(store, { judgeKind: 'human' })),
    ]);
    await store.close();
  });
  run.close();
  expect(outline(await collectProvenance(run.path)).slice(2, 4)).toEqual([
    '  dpo labels: labels labels.db',
    '   judges 3 human',
  ]);
  expect(await problems(run.path)).toEqual([]);
});

it('says so where nothing is recorded', async () => {
  const parameters = new ParameterStore(parameterSpecs(config));
  const path = join(folder, 'foreign');
  await saveModelFolder(path, { config, parameters, card: { name: 'x', summary: '', stages: [] } });
  const root = await collectProvenance(path);
  expect(formatProvenance(root, null)).toEqual(['model foreign · nothing is recorded about how it was made']);
  await expect(collectProvenance(join(folder, 'nowhere'))).rejects.toThrow('does not exist');
});

it('leads from the pairs of a critique stage to that stage', async () => {
  const run = await openRunFolder({
    path: join(folder, 'pairs'),
    recipe: '',
    stages: ['critique', 'dpo'],
  });
  await run.beginStage('critique');
  const made = {
    data: join(run.stage('critique').folder, 'demonstrations.jsonl'),
    preferences: join(run.stage('critique').folder, 'preferences.jsonl'),
  };
  run.stageFolder('critique');
  for (const file of Object.values(made)) await writeFile(join(run.path, file), '{}\n');
  const { hash } = await loadConstitution('default');
  await run.recordInputs([{ kind: 'constitution', name: 'constitution', path: 'default', hash }]);
  await run.finishStage('critique', made);
  await makeModel(run, 'dpo', 2, () =>
    run.recordUse('dpo', {
      ...{ kind: 'data', role: 'critique', stage: 'critique', path: made.preferences },
      hash: hashOf('{}\n'),
    }),
  );
  run.close();
  expect(outline(await collectProvenance(run.path)).map((line) => line.trim())).toEqual([
    'model pairs/dpo',
    'stage dpo',
    'critique: data preferences.jsonl',
    'stage critique',
    'constitution: constitution default',
    'recipe recipe.yaml',
  ]);
});
