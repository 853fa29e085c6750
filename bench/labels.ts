/** The web app's server under the load of a large label project, and how long its labels take to export and import. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readRecords, writeRecords } from '../src/data/index.ts';
import { importLabels, type LabelForm, labelFilter, labelRecords } from '../src/feedback/index.ts';
import { openStore, SelectionRecorder, type Store, writeSelectionFile } from '../src/store/index.ts';
import {
  type Benchmark,
  type BenchmarkSettings,
  peakResidentMegabytes,
  type Row,
  timeOf,
} from './benchmark.ts';
import { labelLoad, quantile } from './label-load.ts';

/** 50 annotators, 100,000 tasks, 20 labels a second for two minutes. */
async function load({ quick }: BenchmarkSettings): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-load-'));
  try {
    const size = quick
      ? { annotators: 5, tasks: 500, labelsPerSecond: 20, seconds: 5 }
      : { annotators: 50, tasks: 100_000, labelsPerSecond: 20, seconds: 120 };
    const outcome = await labelLoad({ folder, responses: 4, ...size });
    const { acknowledged, lost, doubled, chainIsIntact, seconds, latencies } = outcome;
    const of = (name: keyof typeof latencies): Record<string, number> => ({
      'p50 ms': quantile(latencies[name], 0.5),
      'p95 ms': quantile(latencies[name], 0.95),
      'p99 ms': quantile(latencies[name], 0.99),
    });
    return [
      {
        what: `p95 of a label, ${size.annotators} annotators, ${size.tasks} tasks`,
        ...{ ratio: of('label')['p95 ms'] / 50, of: 'the 50 ms allowed', target: { below: 1 } },
        measured: of('label'),
      },
      {
        what: 'p95 of getting three tasks',
        ...{ ratio: of('claim')['p95 ms'] / 100, of: 'the 100 ms to a next task', target: { below: 1 } },
        measured: of('claim'),
      },
      {
        what: 'p95 of a draft',
        ...{ ratio: of('draft')['p95 ms'] / 50, of: 'the 50 ms allowed', target: { below: 1 } },
        measured: of('draft'),
      },
      {
        what: 'labels answered, of those due',
        ...{ ratio: acknowledged / (size.labelsPerSecond * size.seconds), of: 'those due' },
        target: { atLeast: 1 },
        measured: { acknowledged, 'labels a second': acknowledged / seconds },
      },
      {
        what: 'labels lost, doubled or outside an intact chain',
        ...{ ratio: (lost + doubled + (chainIsIntact ? 0 : 1)) / acknowledged, of: 'the labels' },
        target: { below: 1e-9 },
        measured: { lost, doubled },
      },
    ];
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** 50,000 labels, two of each of 25,000 tasks with four responses of 300 characters. */
async function transfer({ quick }: BenchmarkSettings): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tenet-transfer-'));
  const [from, to] = [await openStore(join(folder, 'from.db')), await openStore(join(folder, 'to.db'))];
  try {
    const labels = quick ? 2000 : 50_000;
    await importLabels(from, 'big', madeRows(labels));
    const rows: Row[] = [];
    for (const form of ['tasks', 'labels', 'pairs'] as const) {
      const ms = await timeOf(() => exportAll(from, form, join(folder, `${form}.jsonl`)));
      rows.push({
        what: `exporting ${labels} labels as ${form}`,
        ...{ ratio: (ms * 50_000) / labels / 5000, of: 'the 5 s allowed for 50,000', target: { below: 1 } },
        measured: { seconds: ms / 1000, 'peak MB': peakResidentMegabytes() },
      });
    }
    const parseMs = await timeOf(async () => {
      for await (const _ of readRecords(join(folder, 'labels.jsonl')));
    });
    const ms = await timeOf(() => importLabels(to, 'big', readRecords(join(folder, 'labels.jsonl'))));
    rows.push({
      what: `importing ${labels} labels`,
      ...{ ratio: ms / parseMs, of: 'reading and checking the same file' },
      measured: {
        seconds: ms / 1000,
        'labels a second': (labels * 1000) / ms,
        'peak MB': peakResidentMegabytes(),
      },
    });
    return rows;
  } finally {
    await Promise.all([from.close(), to.close()]);
    await rm(folder, { recursive: true });
  }
}

/** As `tenet label export` does it. */
async function exportAll(store: Store, form: LabelForm, file: string): Promise<void> {
  const head = await store.ledger.head();
  const recorder = new SelectionRecorder(store, labelFilter('big'), head);
  const onEvent = recorder.add.bind(recorder);
  await writeRecords(file, labelRecords(store, 'big', { form, until: head.count, onEvent }));
  await writeSelectionFile(file, recorder.result());
}

async function* madeRows(count: number) {
  const text = (name: string, length: number): string => `${name} ${'lorem ipsum '.repeat(length / 12)}`;
  for (let i = 0; i < count; i++) {
    const n = i >> 1;
    const record = {
      prompt: text(`question ${n}`, 200),
      responses: [0, 1, 2, 3].map((k) => text(`answer ${k} to ${n}`, 300)),
      ranks: i % 3 ? [1, 2, 3, 4] : [2, 1, 2, null],
      annotator: `annotator-${(n + 7 * (i % 2)) % 50}`,
      activeMs: 20_000,
    };
    yield { record, format: 'ranking', file: 'made', line: i + 1, unit: 'line' } as const;
  }
}

export const labels: Benchmark = {
  name: 'labels',
  title: 'Labels',
  note:
    'load: the server under the load of a large project, over HTTP on this machine; a label counts from when it was due. ' +
    'transfer: labels out of the store and into another one.',
  cases: { load, transfer },
};
