/** How a label project stands: progress, agreement and its slices, who has labelled how, judges beside people, costs. */
import {
  AGREEMENT_SLICES,
  type Agreement,
  type AnnotatorQuality,
  agreementBy,
  annotatorQuality,
  type Comparison,
  inOrder,
  type JudgedTask,
  judgedTasks,
  type LabelProgress,
  LabelQueue,
  measureAgreement,
  outcomeOf,
  type SliceName,
} from '../../feedback/index.ts';
import type { LedgerEvent, Prompt, Store } from '../../store/index.ts';
import { type JudgeQuality, judgesOf } from './judges.ts';
import { type TimeSpentByDay, timeSpent } from './time-spent.ts';

export interface AnnotatorRow extends AnnotatorQuality {
  readonly id: string;
  readonly skips: number;
  /** With all others; null for who has labelled nothing that others have. */
  readonly agreement: Agreement | null;
}

export interface Disagreement {
  readonly taskId: string;
  readonly prompt: Prompt;
  readonly labels: number;
  readonly category: string | null;
  /** Share of comparisons of two people in which both say the same, a tie against a decision counting ½. */
  readonly agreement: number;
}

export interface ProjectOverview {
  /** When it was counted, in milliseconds since 1970. */
  readonly asOf: number;
  readonly progress: Omit<LabelProgress, 'annotators'>;
  readonly agreement: Agreement | null;
  readonly annotators: readonly AnnotatorRow[];
  readonly judges: readonly JudgeQuality[];
  /** Labels of AI judges that people were asked about too. */
  readonly audits: { readonly judged: number; readonly checked: number; readonly waiting: number };
  readonly days: readonly TimeSpentByDay[];
  /** US dollars for AI labels about the project's items; null where a price is not known. */
  readonly judgesUsd: number | null;
}

export interface AgreementSlice {
  readonly name: string;
  readonly agreement: Agreement;
}

/** Where a list of disagreements is to be looked for. */
export interface SliceChoice {
  readonly by: SliceName;
  readonly slice: string;
}

export interface TaskOpinions {
  readonly taskId: string;
  readonly prompt: Prompt;
  readonly responses: readonly { readonly text: string; readonly model: string | null }[];
  readonly labels: readonly LedgerEvent[];
  readonly decision: LedgerEvent | null;
  readonly gold: readonly (number | null)[] | null;
}

const mostDisagreements = 50;
/** Draws for intervals are so many that this many rows are added up, so that large projects do not take minutes. */
const rowsDrawn = 2e7;
const fewestDraws = 200;
const mostDraws = 1000;

export class ProjectQuality {
  private readonly store: Store;
  /** The labels of the project that was asked about last, as of a place in the ledger. */
  private judged: {
    readonly project: string;
    readonly head: number;
    readonly tasks: Promise<JudgedTask[]>;
  } | null = null;

  constructor(store: Store) {
    this.store = store;
  }

  async overview(project: string): Promise<ProjectOverview> {
    const [{ annotators, ...progress }, tasks, days] = await Promise.all([
      new LabelQueue(this.store, project).progress(),
      this.tasksOf(project),
      timeSpent(this.store, project),
    ]);
    const options = { resamples: drawsFor(tasks) };
    const withOthers = agreementBy(tasks, AGREEMENT_SLICES.annotator.by, options);
    const quality = new Map(annotatorQuality(tasks).map((one) => [one.annotator, one]));
    return {
      ...{ asOf: Date.now(), progress, days },
      ...(await judgesOf(this.store, project, tasks, options)),
      agreement: measureAgreement(tasks, options),
      annotators: annotators.map(({ id, labels, skips }) => ({
        ...(quality.get(id) ?? nothingKnown(id)),
        ...{ id, labels, skips, agreement: withOthers.get(id) ?? null },
      })),
    };
  }

  async slices(project: string, by: SliceName): Promise<AgreementSlice[]> {
    const tasks = await this.tasksOf(project);
    const slices = agreementBy(tasks, AGREEMENT_SLICES[by].by, { resamples: drawsFor(tasks) });
    return inOrder(by, slices).map(([name, agreement]) => ({ name, agreement }));
  }

  /** Tasks about which people agree least, over all their comparisons or those of a slice; without what is decided. */
  async disagreements(project: string, choice?: SliceChoice): Promise<Disagreement[]> {
    const [tasks, decided] = await Promise.all([this.tasksOf(project), this.decided(project)]);
    const sliceBy = choice && AGREEMENT_SLICES[choice.by].by;
    const counts = (comparison: Comparison): boolean =>
      !sliceBy || sliceBy(comparison).includes(choice.slice);
    const found = tasks
      .filter(({ id }) => !decided.has(id))
      .flatMap((task) => {
        const agreement = agreementOn(task, counts);
        return agreement === null || agreement === 1 ? [] : [{ task, agreement }];
      })
      .sort((a, b) => a.agreement - b.agreement)
      .slice(0, mostDisagreements);
    const queue = new LabelQueue(this.store, project);
    return Promise.all(
      found.map(async ({ task, agreement }) => ({
        ...{ taskId: task.id, labels: task.judgements.length, category: task.category, agreement },
        prompt: (await queue.get(task.id)).item.prompt,
      })),
    );
  }

  /** One task with all that people said of it. @throws TenetError('usage') when the project has no such task */
  async task(project: string, taskId: string): Promise<TaskOpinions> {
    const { item, gold } = await new LabelQueue(this.store, project).get(taskId);
    const events: LedgerEvent[] = [];
    const filter = { project, taskId, kinds: ['label', 'adjudication'], current: true } as const;
    for await (const event of this.store.ledger.read({ ...filter, items: false })) {
      if (event.judge.kind !== 'ai') events.push(event);
    }
    return {
      ...{ taskId, prompt: item.prompt, gold: gold?.ranks ?? null },
      responses: item.responses.map(({ text, model }) => ({ text, model: model ?? null })),
      labels: events.filter(({ kind }) => kind === 'label'),
      decision: events.findLast(({ kind }) => kind === 'adjudication') ?? null,
    };
  }

  private async tasksOf(project: string): Promise<JudgedTask[]> {
    const { count: head } = await this.store.ledger.head();
    if (this.judged?.project !== project || this.judged.head !== head) {
      const tasks = judgedTasks(this.store, project, { until: head });
      this.judged = { project, head, tasks };
      tasks.catch(() => {
        this.judged = null;
      });
    }
    return this.judged.tasks;
  }

  private async decided(project: string): Promise<Set<string>> {
    const decided = new Set<string>();
    const filter = { project, kinds: ['adjudication'], current: true } as const;
    for await (const { taskId } of this.store.ledger.read({ ...filter, items: false })) {
      if (taskId !== undefined) decided.add(taskId);
    }
    return decided;
  }
}

function drawsFor(tasks: readonly unknown[]): number {
  return Math.min(mostDraws, Math.max(fewestDraws, Math.round(rowsDrawn / Math.max(1, tasks.length))));
}

/** Mean over the comparisons of two people that count; null for none. */
function agreementOn(task: JudgedTask, counts: (comparison: Comparison) => boolean): number | null {
  const { judgements, lengths } = task;
  let [sum, comparisons] = [0, 0];
  for (const [a, first] of judgements.entries()) {
    for (const second of judgements.slice(a + 1)) {
      for (let i = 0; i < lengths.length; i++) {
        for (let j = i + 1; j < lengths.length; j++) {
          const [x, y] = [outcomeOf(first.ranks, i, j), outcomeOf(second.ranks, i, j)];
          if (x === null || y === null || !counts({ task, first, second, pair: [i, j] })) continue;
          sum += 1 - Math.abs(x - y) / 2;
          comparisons++;
        }
      }
    }
  }
  return comparisons === 0 ? null : sum / comparisons;
}

/** Of who has skipped only, or labelled nothing that ranks. */
function nothingKnown(annotator: string): AnnotatorQuality {
  return {
    ...{ annotator, labels: 0, tooFast: null, medianMs: null, allTies: 0, earlierPreferred: null },
    ...{ longerPreferred: null, usualOrder: null, suspicions: [], gold: null, reliability: null, self: null },
  };
}
