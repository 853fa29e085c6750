/** Labelling shared between a judge and people: as a stage of a recipe, and from the command line. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Random } from '../src/base/index.ts';
import { buildProgram } from '../src/cli/program.ts';
import { catchOutput } from '../src/cli/testing/catch-output.ts';
import { readRecords, validateRecord } from '../src/data/index.ts';
import { LabelQueue } from '../src/feedback/index.ts';
import {
  initialiseParameters,
  makeLlamaConfig,
  ParameterStore,
  parameterSpecs,
  saveModelFolder,
} from '../src/model/index.ts';
import { corpusTexts, prompts, sampleResponses } from '../src/sandbox/index.ts';
import { openStore } from '../src/store/index.ts';
import { trainBpe } from '../src/text/index.ts';
import { runTiny } from './fixtures/tiny-run.ts';

let folder: string;
let model: string;
let items: string;
const caught = catchOutput();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tenet-hybrid-'));
  const { tokenizer } = await trainBpe([...corpusTexts(40, { seed: 1 })], {
    vocabSize: 320,
    specialTokens: ['<|endoftext|>'],
  });
  const shape = { width: 16, layers: 1, heads: 2, innerWidth: 24, maxPositions: 512 };
  const config = makeLlamaConfig({ vocabSize: tokenizer.vocabSize, initializerRange: 0.4, ...shape });
  const parameters = new ParameterStore(parameterSpecs(config));
  initialiseParameters(parameters, new Random(6));
  model = join(folder, 'model');
  const card = { name: 'tiny', summary: 'Random weights for a test.', stages: [] };
  await saveModelFolder(model, { config, parameters, tokenizerFiles: tokenizer.files, card });
  items = join(folder, 'items.jsonl');
  const random = new Random(3);
  const rows = prompts(16, 'train', { seed: 2 }).map((prompt) => ({
    ...{ prompt: prompt.text, responses: sampleResponses(prompt, 2, { random }) },
  }));
  await writeFile(items, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
});
afterAll(() => rm(folder, { recursive: true }));

const recipe = (people: string): string => `
model: { path: ${model} }
seed: 5
threads: 1
stages:
  - type: compare
    prompts: { path: ${items} }
    constitution: ${resolve('constitutions/sandbox.md')}
    layout: brief
    recheck: 0
  - type: hybrid
    people: ${people}
    calibration: 8
    high: 0.6
    low: 0.52
    auditRate: 0.5
  - { type: reward, maxSteps: 1, batchSize: 4, heldOut: 0 }
`;

/** What a tenet command prints. */
async function tenet(...args: string[]): Promise<string> {
  caught.printed = '';
  await buildProgram().parseAsync(['node', 'tenet', ...args]);
  return caught.printed;
}

describe('the hybrid stage', () => {
  it('has simulated people do what people do, feeds the reward stage, and can be traced to every label', async () => {
    const run = join(folder, 'sandbox');
    const { stages } = await runTiny(run, { text: recipe('sandbox') });
    const hybrid = stages.find(({ name }) => name === 'hybrid')!.result;
    const placings = hybrid.placings as Record<string, number>;
    expect(placings.sample).toBe(8);
    expect(placings.ai + placings.both + placings.people).toBe(8);
    expect(hybrid).toMatchObject({
      items: 16,
      rankings: 16,
      unlabelled: 0,
      thresholds: { high: 0.6, low: 0.52 },
    });
    const rows: object[] = [];
    for await (const { record, format } of readRecords(join(run, hybrid.data!))) {
      expect(validateRecord(record, format)).toEqual([]);
      rows.push(record);
    }
    expect(rows).toHaveLength(16);

    const store = await openStore(join(run, 'ledger.db'));
    const people = await store.ledger.count({ project: 'tiny/hybrid', judgeKind: 'simulated' });
    expect(people).toBe((hybrid.cost as { labelsByPeople: number }).labelsByPeople);
    await store.close();
    const trace = await tenet('trace', run, '--stage', 'reward');
    expect(trace).toMatch(/hybrid labels by people: .* ✓/);
    expect(trace).toMatch(/compare labels: .* ✓/);
    expect(trace).toContain('simulated');
    expect(trace).not.toContain('✗');

    // A second time, the same.
    const again = join(folder, 'again');
    await runTiny(again, { text: recipe('sandbox') });
    const data = (path: string) => readFile(join(path, hybrid.data!), 'utf8');
    expect(await data(again)).toBe(await data(run));
  });

  it('waits for real people, says what they are to do, and goes on when they have done it', async () => {
    const run = join(folder, 'queue');
    const start = (resume: boolean) => runTiny(run, { text: recipe('queue'), resume });
    await expect(start(false)).rejects.toMatchObject({
      code: 'interrupted',
      message: expect.stringMatching(
        /8 of 8 tasks are open[\s\S]*tenet label work --store .*ledger\.db --project "tiny\/hybrid"/,
      ),
    });
    const steps: string[] = [];
    for (let resumed = null; resumed === null; ) {
      const store = await openStore(join(run, 'ledger.db'));
      const queue = new LabelQueue(store, 'tiny/hybrid');
      for (const purpose of ['label', 'adjudication'] as const) {
        const annotator = { id: purpose === 'label' ? 'ann' : 'eve' };
        for (let n = 0; ; n++) {
          const [assignment] = await queue.claim(annotator, { purpose });
          if (!assignment) break;
          const { task } = assignment;
          const label = {
            id: `${purpose}-${task.id}`,
            taskId: task.id,
            annotator,
            ranks: n % 2 ? [1, 2] : [2, 1],
          };
          await (purpose === 'label' ? queue.submit(label) : queue.adjudicate(label));
        }
      }
      await store.close();
      resumed = await start(true).catch((error: { details: { step: string } }) => {
        steps.push(error.details.step);
        return null;
      });
      if (resumed) expect(resumed.stages.map(({ name }) => name)).toEqual(['compare', 'hybrid', 'reward']);
    }
    expect(steps[0]).toBe('labels');
  });

  it('is refused without a judge', async () => {
    const text = recipe('sandbox').replace(/ {2}- type: compare[\s\S]*?recheck: 0\n/, '');
    await expect(runTiny(join(folder, 'none'), { text })).rejects.toThrow('put a compare stage before it');
  });
});

describe('the rankings stage', () => {
  it('writes what its annotators say to the ledger of the run', async () => {
    const run = join(folder, 'rankings');
    const text = `
model: { path: ${model} }
seed: 5
threads: 1
stages:
  - { type: rankings, prompts: { sandbox: prompts, limit: 6 }, responses: 2, responseLength: 6, overlap: 2 }
  - { type: reward, maxSteps: 1, batchSize: 4, heldOut: 0 }
`;
    await runTiny(run, { text });
    const rankings = (await readFile(join(run, 'stages/01-rankings/rankings.jsonl'), 'utf8'))
      .trim()
      .split('\n');
    const store = await openStore(join(run, 'ledger.db'));
    const labels: unknown[] = [];
    for await (const { ranks, judge, item } of store.ledger.read({ kinds: ['label'] })) {
      const responses = item!.responses.map((response) => response.text);
      labels.push([item!.prompt, responses, ranks, judge.id]);
    }
    await store.close();
    expect(labels).toEqual(
      rankings.map((row) => {
        const { prompt, responses, ranks, annotator } = JSON.parse(row);
        return [prompt, responses, ranks, annotator];
      }),
    );
    expect(labels).toHaveLength(12);
    const trace = await tenet('trace', run, '--stage', 'reward');
    expect(trace).toMatch(/rankings labels: .*12 × label.* ✓/);
  });
});

describe('the command line', () => {
  it('goes from a comparison to a plan, tasks and labels', async () => {
    const store = join(folder, 'store.db');
    const at = ['--store', store];
    await tenet(
      'compare',
      '-j',
      `local:${model}`,
      '-d',
      items,
      '-c',
      'constitutions/sandbox.md',
      ...at,
      ...['--set', 'layout=brief', '--recheck', '0', '-o', join(folder, 'compared'), '--threads', '1'],
    );
    const plan = await tenet('label', 'plan', ...at);
    expect(plan).toContain('16 items like those of compare-');
    expect(plan).toMatch(/people alone +16 +0\.2 +\$4\.93 +72\.6 %/); // 16 · 37 s = 0.164 h, at 30 dollars 4.93
    expect(plan).toMatch(/judge alone +0 +0\.0 +\$0\.00 +\?/);
    expect(plan).toContain('"tenet label route"');

    const route = [...at, '--calibration', '8', '--high', '0.6', '--low', '0', '--audit-rate', '0'];
    const output = join(folder, 'shared.jsonl');
    expect(await tenet('label', 'route', ...route, '-o', output)).toMatch(
      /random sample.*8 of 8 tasks to go[\s\S]*tenet label work --store \S+\.db --project "hybrid"/,
    );
    const opened = await openStore(store);
    const queue = new LabelQueue(opened, 'hybrid');
    for (
      let said = '';
      !said.includes('shared.jsonl: 16 labels');
      said = await tenet('label', 'route', ...route, '-o', output)
    ) {
      for (const purpose of ['label', 'adjudication'] as const) {
        for (;;) {
          const annotator = { id: purpose };
          const [assignment] = await queue.claim(annotator, { purpose });
          if (!assignment) break;
          const { id: taskId } = assignment.task;
          const label = { id: `${purpose}-${taskId}`, taskId, annotator, ranks: [1, 2], activeMs: 18_000 };
          await (purpose === 'label' ? queue.submit(label) : queue.adjudicate(label));
        }
      }
    }
    await opened.close();
    expect(caught.printed).toContain('18 s a label, measured');
    expect(JSON.parse(await readFile(`${output}.ledger.json`, 'utf8')).selection.filter.project).toBe(
      'hybrid',
    );
    const after = await tenet('--json', 'label', 'plan', ...at, '--human-agreement', '0.8');
    expect(JSON.parse(after)).toMatchObject({
      ...{ type: 'label-plan', secondsPerLabel: 18, secondsMeasured: true, humanAgreement: 0.8 },
      rows: [{ by: 'people', labelsByPeople: 16 }, { by: 'judge' }, { by: 'hybrid' }],
    });
    await expect(tenet('label', 'plan', ...at, '--job', 'nowhere')).rejects.toThrow('has no job "nowhere"');
  });

  it('makes tasks from files, says how far they are, and exports labels', async () => {
    const at = ['--store', join(folder, 'tasks.db')];
    const created = await tenet(
      'label',
      'create',
      items,
      '-p',
      'fish',
      '--overlap',
      '2',
      '--limit',
      '4',
      ...at,
    );
    expect(created).toMatch(/4 new tasks in project fish[\s\S]*8 labels are wanted/);
    expect(
      await tenet('label', 'create', items, '-p', 'fish', '--overlap', '2', '--limit', '4', ...at),
    ).toMatch(/0 new tasks[\s\S]*4 tasks were there already/);
    expect(await tenet('label', 'status', ...at)).toContain(
      'fish: 0 of 8 labels (0.0 %), 0 of 4 tasks complete',
    );
    const file = join(folder, 'exported.jsonl');
    await expect(tenet('label', 'export', file, ...at)).rejects.toThrow('no labels to export yet');
    const store = await openStore(at[1]);
    const queue = new LabelQueue(store, 'fish');
    for (const [id, ranks] of Object.entries({ ann: [1, 2], bob: [1, 1] })) {
      for (const { task } of await queue.claim({ id }, { limit: 4 })) {
        await queue.submit({
          id: `${id}-${task.id}`,
          taskId: task.id,
          annotator: { id },
          ranks,
          activeMs: 9000,
        });
      }
    }
    await store.close();
    expect(await tenet('label', 'status', ...at)).toMatch(/8 of 8 labels[\s\S]*ann +4 +0 +9 s/);
    await tenet('label', 'export', file, ...at);
    const tasks = (await readFile(file, 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    // One prefers the first, the other neither: three quarters.
    for (const { ranks, preferences, labels } of tasks) {
      expect({ ranks, preferences, labels }).toEqual({
        ...{
          ranks: [1, 2],
          labels: 2,
          preferences: [
            [null, 0.75],
            [0.25, null],
          ],
        },
      });
    }
    expect(await tenet('label', 'export', file, '--as', 'labels', ...at)).toContain('8 rows of 8 labels');
    await tenet('label', 'export', join(folder, 'pairs.csv'), '--as', 'pairs', ...at);
    const pairs: object[] = [];
    for await (const { record, format } of readRecords(join(folder, 'pairs.csv'))) {
      expect(format).toBe('preference');
      pairs.push(record);
    }
    expect(pairs).toHaveLength(4);
    expect(pairs[0]).toMatchObject({ probability: 0.75 });
    await expect(tenet('label', 'status', '-p', 'fisch', ...at)).rejects.toThrow('did you mean fish?');
  });
});
