/** How a label project stands: progress, who has labelled how, where labels disagree. */
import {
  agreementAmongPeople,
  type HumanLabel,
  humanLabels,
  type LabelProgress,
  LabelQueue,
  labelTimes,
} from '../feedback/index.ts';
import type { Prompt, Store } from '../store/index.ts';

export interface AnnotatorQuality {
  readonly id: string;
  readonly labels: number;
  readonly skips: number;
  /** Of a label, at work; null where no time was measured. */
  readonly medianMs: number | null;
  /** Share of pairs of responses that others who labelled the same task order alike; null where there are none. */
  readonly agreement: number | null;
}

export interface Disagreement {
  readonly taskId: string;
  readonly prompt: Prompt;
  readonly labels: number;
  /** Share of pairs of responses that two people order alike. */
  readonly agreement: number;
}

export interface ProjectQuality {
  readonly progress: Omit<LabelProgress, 'annotators'>;
  readonly agreement: number | null;
  readonly annotators: readonly AnnotatorQuality[];
  /** Where people agree least first; without those that are decided. */
  readonly disagreements: readonly Disagreement[];
}

const mostDisagreements = 50;

export class LabelQuality {
  private readonly store: Store;
  /** By project, as of a place in the ledger; counting anew reads all labels. */
  private readonly known = new Map<
    string,
    { readonly head: number; readonly quality: Promise<ProjectQuality> }
  >();

  constructor(store: Store) {
    this.store = store;
  }

  async of(project: string): Promise<ProjectQuality> {
    const [{ count: head }, { annotators: _, ...progress }] = await Promise.all([
      this.store.ledger.head(),
      new LabelQueue(this.store, project).progress(),
    ]);
    let found = this.known.get(project);
    if (found?.head !== head) {
      found = { head, quality: this.count(project) };
      this.known.set(project, found);
      found.quality.catch(() => this.known.delete(project));
    }
    return { ...(await found.quality), progress };
  }

  /** Ids of the labels of a task that stand, for an adjudicator to decide about. */
  async labelsOf(project: string, taskId: string): Promise<readonly HumanLabel[]> {
    return (await humanLabels(this.store, project)).labels.get(taskId) ?? [];
  }

  private async count(project: string): Promise<ProjectQuality> {
    const queue = new LabelQueue(this.store, project);
    const [{ annotators, ...progress }, times, { labels, decisions }] = await Promise.all([
      queue.progress(),
      labelTimes(this.store, project),
      humanLabels(this.store, project),
    ]);
    const several = [...labels].filter(([, own]) => own.length > 1);
    const open = several
      .map(([taskId, own]) => ({ taskId, labels: own.length, agreement: agreementAmongPeople([own]) }))
      .filter((task) => task.agreement !== null && task.agreement < 1 && !decisions.has(task.taskId))
      .sort((a, b) => a.agreement! - b.agreement!)
      .slice(0, mostDisagreements);
    return {
      progress,
      agreement: agreementAmongPeople(several.map(([, own]) => own)),
      annotators: annotators.map(({ id, labels: count, skips }) => ({
        ...{ id, labels: count, skips, medianMs: times.get(id) ?? null },
        agreement: agreementAmongPeople(
          pairsWith(
            several.map(([, own]) => own),
            id,
          ),
        ),
      })),
      disagreements: await Promise.all(
        open.map(async ({ taskId, labels: count, agreement }) => ({
          ...{ taskId, labels: count, agreement: agreement! },
          prompt: (await queue.get(taskId)).item.prompt,
        })),
      ),
    };
  }
}

/** A person's labels, each beside one of somebody else about the same task. */
function pairsWith(tasks: readonly (readonly HumanLabel[])[], id: string): HumanLabel[][] {
  return tasks.flatMap((labels) => {
    const own = labels.find(({ annotator }) => annotator === id);
    return own ? labels.filter((other) => other !== own).map((other) => [own, other]) : [];
  });
}
