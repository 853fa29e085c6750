/** AI judges beside people: how often they say the same, and how much of what judges labelled people have checked. */
import {
  type Agreement,
  agreementBy,
  type Comparison,
  contentKey,
  type JudgedTask,
  type Judgement,
  LabelQueue,
} from '../../feedback/index.ts';
import type { LedgerEvent, Store } from '../../store/index.ts';

export interface JudgeQuality {
  /** `LanguageModel.id`; `suggestions` for those that tasks came with. */
  readonly judge: string;
  /** Tasks of the project whose responses it has labelled. */
  readonly labels: number;
  /** With people, each comparison being one of its label and one of theirs; null where they have no task in common. */
  readonly agreement: Agreement | null;
}

export interface JudgesAndAudits {
  readonly judges: readonly JudgeQuality[];
  readonly audits: { readonly judged: number; readonly checked: number; readonly waiting: number };
  readonly judgesUsd: number | null;
}

const suggestions = 'suggestions';

/** @param tasks those that people have labelled */
export async function judgesOf(
  store: Store,
  project: string,
  tasks: readonly JudgedTask[],
  options: { readonly resamples: number },
): Promise<JudgesAndAudits> {
  const byContent = await aiLabels(store);
  const labels = new Map<string, { count: number; readonly judgements: Map<string, Judgement> }>();
  const add = (judge: string, taskId: string, judgement: Judgement): void => {
    const own = labels.get(judge) ?? { count: 0, judgements: new Map() };
    labels.set(judge, own);
    own.count++;
    own.judgements.set(taskId, judgement);
  };
  const queue = new LabelQueue(store, project);
  const judgedTaskIds = new Set<string>();
  const jobs = new Set<string>();
  for await (const { id, item, suggestion } of queue.read()) {
    if (suggestion)
      add(suggestions, id, judgementOf(suggestions, suggestion.ranks, suggestion.eventId ?? id));
    const events = byContent.size === 0 ? undefined : byContent.get(contentKey(item));
    for (const event of events ?? []) {
      add(event.judge.id, id, judgementOf(event.judge.id, event.ranks!, event.id));
      jobs.add(jobKey(event));
    }
    if (suggestion || events) judgedTaskIds.add(id);
  }
  const open = judgedTaskIds.size === 0 ? new Set<string>() : await queue.open();
  const byPeople = new Set(tasks.map(({ id }) => id));
  return {
    judges: [...labels].map(([judge, { count, judgements }]) => ({
      ...{ judge, labels: count },
      agreement: withPeople(judge, judgements, tasks, options),
    })),
    audits: {
      judged: judgedTaskIds.size,
      checked: [...judgedTaskIds].filter((id) => byPeople.has(id)).length,
      waiting: [...judgedTaskIds].filter((id) => open.has(id)).length,
    },
    judgesUsd: await costOf(store, jobs),
  };
}

/** The judge counts as one more annotator, of whose comparisons only those with people are looked at. */
function withPeople(
  judge: string,
  judgements: ReadonlyMap<string, Judgement>,
  tasks: readonly JudgedTask[],
  options: { readonly resamples: number },
): Agreement | null {
  const both = tasks.flatMap((task) => {
    const own = judgements.get(task.id);
    return own?.ranks.length === task.lengths.length
      ? [{ ...task, judgements: [...task.judgements, own] }]
      : [];
  });
  const isOfJudge = ({ first, second }: Comparison): boolean =>
    first.annotator === judge || second.annotator === judge;
  return agreementBy(both, (one) => [isOfJudge(one) ? judge : null], options).get(judge) ?? null;
}

function judgementOf(judge: string, ranks: Judgement['ranks'], eventId: string): Judgement {
  return {
    ...{ eventId, annotator: judge, group: null, ranks, shownOrder: null, activeMs: null },
    ...{ judgedAt: 0, guidelineVersion: null, placeInSession: 0 },
  };
}

/** Labels of AI judges that stand, by what they are about; of each judge the newest. */
async function aiLabels(store: Store): Promise<Map<string, readonly LedgerEvent[]>> {
  const byContent = new Map<string, LedgerEvent[]>();
  for await (const event of store.ledger.read({ judgeKind: 'ai', kinds: ['label'], current: true })) {
    if (!event.item || !event.ranks) continue;
    const key = contentKey(event.item);
    const others = (byContent.get(key) ?? []).filter(({ judge }) => judge.id !== event.judge.id);
    byContent.set(key, [...others, event]);
  }
  return byContent;
}

/** The item of a job that an event is about, of which a project may hold some; a label of no job stands for itself. */
function jobKey({ project, extra, id }: LedgerEvent): string {
  return JSON.stringify([project, extra?.item ?? id]);
}

/** What the comparisons cost that labels were made of. */
async function costOf(store: Store, jobs: ReadonlySet<string>): Promise<number | null> {
  if (jobs.size === 0) return 0;
  let sum: number | null = 0;
  const filter = { judgeKind: 'ai', kinds: ['comparison', 'label'], current: true } as const;
  for await (const event of store.ledger.read({ ...filter, items: false })) {
    if (!event.usage || !jobs.has(jobKey(event))) continue;
    sum = sum === null || event.usage.costUsd === null ? null : sum + event.usage.costUsd;
  }
  return sum;
}
