/**
 * Labels that were made elsewhere become labels of a project: tasks with their places done, and events of the ledger.
 *
 * An event is named by a hash of what it says, so that the same file imported twice is stored once. Shape: K = number of
 * responses.
 */
import { z } from 'zod';
import { canonicalJson, hashOf, type Json, TenetError } from '../../base/index.ts';
import { examplesOf, type RankingExample, type Row } from '../../data/index.ts';
import type { Judge, NewEvent, Store } from '../../store/index.ts';
import { chunksOf } from '../tasks/add-tasks.ts';
import { type LabelTask, toTask } from '../tasks/label-task.ts';
import { type PlaceResult, queueName } from '../tasks/places.ts';
import { denseRanks } from '../tasks/submission.ts';
import { insertTasks } from '../tasks/task-table.ts';
import { fieldsOf, itemOf, placeOf } from '../tasks/tasks-from-records.ts';

export interface ImportOptions {
  /** Who made the labels of rows that do not say. */
  readonly annotator?: string;
  /** What the judges of rows are that do not say. Default `human`. */
  readonly judge?: Judge['kind'];
  /** The guideline of rows that name none. */
  readonly guidelineVersion?: string;
}

/** What an import came to. */
export interface LabelsImported {
  rows: number;
  /** New in the ledger. */
  labels: number;
  /** There already: the same row was imported before. */
  known: number;
  /** Rows left out: an annotator's second, other label of the same responses. */
  repeated: number;
  /** Rows left out: nothing in them is judged. */
  unjudged: number;
}

/** Rows in which absent cells are empty or null, and lists are texts, as CSV and Parquet have them. */
const cell = <T extends z.ZodType>(schema: T) =>
  z.preprocess((value) => {
    if (value === null || value === '') return undefined;
    if (typeof value !== 'string' || !/^[[{\d-]|^(true|false)$/.test(value)) return value;
    try {
      return JSON.parse(value) as unknown;
    } catch {
      return value;
    }
  }, schema.optional());
/** A text may look like anything else. */
const text = z.preprocess(
  (value) => (value === null || value === '' ? undefined : value),
  z.string().optional(),
);

const rowFields = z.object({
  annotator: z.preprocess((value) => (typeof value === 'number' ? String(value) : value), text),
  judge: cell(z.enum(['human', 'ai', 'simulated'])),
  group: text,
  adjudicated: cell(z.boolean()),
  label: text,
  flags: cell(z.array(z.enum(['all-bad', 'unsafe', 'cannot-judge']))),
  rationale: text,
  shownOrder: cell(z.array(z.int().min(0))),
  activeMs: cell(z.number().min(0)),
  judgedAt: cell(z.int()),
  guidelineVersion: text,
  key: text,
  models: cell(z.array(z.string())),
  category: z.string().optional().catch(undefined),
});

/** A label that is about to be stored. */
interface ImportedLabel {
  readonly task: LabelTask;
  readonly event: NewEvent & { readonly id: string };
}

const labelsPerTransaction = 2000;

/**
 * Imports rows of rankings, preferences, or of any format that has pairs; where people labelled the same responses, they
 * are labels of one task. Streams: memory does not grow with the file.
 * @param onProgress told after each transaction
 * @throws TenetError('data') naming file and line of a row that is no label, or that nobody is named for; what stands before
 *   it is imported, and comes to nothing when the import is repeated
 */
export async function importLabels(
  store: Store,
  project: string,
  rows: AsyncIterable<Row>,
  options: ImportOptions = {},
  onProgress: (imported: LabelsImported) => void = () => {},
): Promise<LabelsImported> {
  const counts: LabelsImported = { rows: 0, labels: 0, known: 0, repeated: 0, unjudged: 0 };
  for await (const labels of chunksOf(labelsOf(project, rows, options, counts), labelsPerTransaction)) {
    const { known, repeated } = await storeLabels(store, project, labels);
    counts.known += known;
    counts.repeated += repeated;
    counts.labels += labels.length - known - repeated;
    onProgress(counts);
  }
  return counts;
}

function storeLabels(
  store: Store,
  project: string,
  labels: readonly ImportedLabel[],
): Promise<{ readonly known: number; readonly repeated: number }> {
  return store.write(async (within) => {
    await insertTasks(within.database, [...new Map(labels.map(({ task }) => [task.id, task])).values()]);
    const byPeople = labels.filter(({ event }) => event.kind === 'label' && event.judge.kind !== 'ai');
    const deliveries = await within.queue(queueName('label', project)).deliverAll(
      byPeople.map(({ task, event }) => ({
        ...{ group: task.id, owner: event.judge.id, payload: { task: task.id, basedOn: [] } },
        result: { event: event.id } satisfies PlaceResult,
      })),
    );
    const delivered = new Map(byPeople.map((label, i) => [label, deliveries[i]]));
    const fresh = new Map<string, NewEvent>();
    let [known, repeated] = [0, 0];
    for (const label of labels) {
      const { event } = label;
      const hadPlace = delivered.get(label) === null;
      const isKnown = async () => fresh.has(event.id) || (await within.ledger.get(event.id)) !== null;
      if (delivered.get(label)) fresh.set(event.id, event);
      else if (await isKnown()) known++;
      else if (hadPlace) repeated++;
      else fresh.set(event.id, event);
    }
    await within.ledger.append([...fresh.values()]);
    return { known, repeated };
  });
}

async function* labelsOf(
  project: string,
  rows: AsyncIterable<Row>,
  options: ImportOptions,
  counts: LabelsImported,
): AsyncGenerator<ImportedLabel, void, undefined> {
  for await (const row of rows) {
    const { record, format } = row;
    counts.rows++;
    const where = placeOf(row);
    const fields = fieldsOf(row, rowFields);
    for (const example of examplesOf(record, format)) {
      if (example.kind !== 'ranking') {
        throw new TenetError(
          'data',
          `${where} is no label; give rankings {prompt, responses[], ranks[]} or preferences {prompt, chosen, rejected}.`,
        );
      }
      const label = labelOf(project, format === 'ranking' ? example : inOrder(example), fields, {
        ...{ options, where },
      });
      if (label) yield label;
      else counts.unjudged++;
    }
  }
}

/** Null where nothing is judged. */
function labelOf(
  project: string,
  example: RankingExample,
  fields: z.infer<typeof rowFields>,
  { options, where }: { readonly options: ImportOptions; readonly where: string },
): ImportedLabel | null {
  const { group, adjudicated, label, flags, rationale, shownOrder, activeMs, judgedAt } = fields;
  const { annotator = options.annotator, judge = options.judge ?? 'human' } = fields;
  const { key, models, category, guidelineVersion = options.guidelineVersion } = fields;
  if (annotator === undefined) {
    throw new TenetError(
      'data',
      `${where} does not say who judged; add a field "annotator", or name whoever made all of them with --annotator.`,
    );
  }
  const isRanked = example.ranks.filter((rank) => rank !== null).length > 1;
  const item = itemOf(example, models);
  if (!isRanked && !flags?.length) return null;
  const guideline = guidelineVersion === undefined ? {} : { guidelineVersion };
  const task = toTask(
    project,
    {
      ...{ item, ...guideline, ...(key !== undefined && { key }) },
      ...(category !== undefined && { extra: { category } }),
    },
    where,
  );
  const said = {
    kind: adjudicated ? ('adjudication' as const) : ('label' as const),
    judge: { kind: judge, id: annotator, ...(group !== undefined && { group }) },
    ...{ project, taskId: task.id },
    ...(isRanked && { ranks: denseRanks(example.ranks) }),
    ...(flags?.length && { flags }),
    ...(rationale !== undefined && { rationale }),
    ...(shownOrder && { shownOrder }),
    ...(activeMs !== undefined && { activeMs }),
    ...(judgedAt !== undefined && { judgedAt }),
    ...guideline,
    extra: { imported: label ?? true },
  };
  // The task's id stands for prompt and responses, but not for who wrote them.
  const hash = hashOf(canonicalJson([said, models ?? null])).slice('sha256:'.length, 'sha256:'.length + 24);
  return { task, event: { ...said, item, id: `import-${hash}` } };
}

/** Which of a pair is first says who won; in the order of their texts, labels of the same pair are labels of one task. */
function inOrder(example: RankingExample): RankingExample {
  const [first, second] = example.responses.map((response) => canonicalJson(response as unknown as Json));
  if (first <= second) return example;
  const turned = { responses: [...example.responses].reverse(), ranks: [...example.ranks].reverse() };
  return { ...example, ...turned };
}
