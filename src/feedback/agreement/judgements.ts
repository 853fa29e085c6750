/** What several people made of the same tasks, as agreement and quality are measured on. Shape: K = number of responses. */
import type { Store } from '../../store/index.ts';
import { LabelQueue } from '../tasks/label-queue.ts';
import type { LabelTask } from '../tasks/label-task.ts';

/** One label that stands. */
export interface Judgement {
  readonly eventId: string;
  readonly annotator: string;
  readonly group: string | null;
  /** [K] 1 = best, equal = tie, null = not judged. */
  readonly ranks: readonly (number | null)[];
  /** [K] `shownOrder[position]` is the index of the response that stood there; null = not recorded. */
  readonly shownOrder: readonly number[] | null;
  readonly activeMs: number | null;
  /** Milliseconds since 1970. */
  readonly judgedAt: number;
  readonly guidelineVersion: string | null;
  /** How many labels the annotator made in the same session before this one. */
  readonly placeInSession: number;
}

/** A task with the labels of people that rank something. */
export interface JudgedTask {
  readonly id: string;
  /** Equal for all tasks about the same prompt and responses. */
  readonly itemHash: string;
  /** What the data said that the task is about; null = nothing. */
  readonly category: string | null;
  readonly audiences: readonly string[];
  readonly gold: readonly (number | null)[] | null;
  /** [K] characters of each response. */
  readonly lengths: readonly number[];
  /** Words of prompt and responses together. */
  readonly words: number;
  readonly judgements: readonly Judgement[];
}

/** Without a label for so long, an annotator has had a break. */
const sessionBreakMs = 30 * 60_000;

/**
 * All tasks of a project that somebody has ranked; labels of AI judges and decisions of adjudicators are left out.
 * @param options.until as the ledger stood at this event. Default: now
 */
export async function judgedTasks(
  store: Store,
  project: string,
  { until }: { readonly until?: number } = {},
): Promise<JudgedTask[]> {
  const byTask = new Map<string, { itemHash: string; judgements: Judgement[] }>();
  const events = store.ledger.read({ project, kinds: ['label'], current: true, until, items: false });
  for await (const event of events) {
    const { taskId, ranks, judge, itemHash, shownOrder, activeMs, guidelineVersion } = event;
    if (taskId === undefined || ranks === undefined || itemHash === null || judge.kind === 'ai') continue;
    const judgement: Judgement = {
      ...{ eventId: event.id, annotator: judge.id, group: judge.group ?? null, ranks },
      ...{ shownOrder: shownOrder ?? null, activeMs: activeMs ?? null },
      ...{ judgedAt: event.judgedAt ?? event.recordedAt, guidelineVersion: guidelineVersion ?? null },
      placeInSession: 0,
    };
    const known = byTask.get(taskId);
    if (known) known.judgements.push(judgement);
    else byTask.set(taskId, { itemHash, judgements: [judgement] });
  }
  const places = placesInSessions([...byTask.values()].flatMap(({ judgements }) => judgements));
  const tasks: JudgedTask[] = [];
  for await (const task of new LabelQueue(store, project).read()) {
    const found = byTask.get(task.id);
    if (!found) continue;
    const judgements = found.judgements.map((judgement) => ({
      ...judgement,
      placeInSession: places.get(judgement.eventId)!,
    }));
    tasks.push({ ...describe(task), itemHash: found.itemHash, judgements });
  }
  return tasks;
}

function describe({
  id,
  item,
  audiences = [],
  gold,
  extra,
}: LabelTask): Omit<JudgedTask, 'itemHash' | 'judgements'> {
  const { prompt, responses } = item;
  const texts = responses.map(({ text }) => text);
  const read = typeof prompt === 'string' ? [prompt] : prompt.map(({ content }) => content);
  return {
    ...{ id, audiences, gold: gold?.ranks ?? null },
    category: typeof extra?.category === 'string' ? extra.category : null,
    lengths: texts.map((text) => text.length),
    words: [...read, ...texts].reduce((sum, text) => sum + (text.match(/\S+/g)?.length ?? 0), 0),
  };
}

/** By event: how many labels of the same annotator came before it without a break. */
export function placesInSessions(
  judgements: readonly Pick<Judgement, 'eventId' | 'annotator' | 'judgedAt'>[],
): Map<string, number> {
  const places = new Map<string, number>();
  const last = new Map<string, { at: number; place: number }>();
  for (const { eventId, annotator, judgedAt } of [...judgements].sort((a, b) => a.judgedAt - b.judgedAt)) {
    const before = last.get(annotator);
    const place = before && judgedAt - before.at < sessionBreakMs ? before.place + 1 : 0;
    last.set(annotator, { at: judgedAt, place });
    places.set(eventId, place);
  }
  return places;
}
