/**
 * Labels items by a judge and by people, as far as it goes: makes the label tasks that are wanted, says how many are open,
 * and goes on from there when they are done. Everything follows from the ledger, so it may be stopped and called again at
 * any time.
 *
 * 1. People label a random sample. 2. The judge is calibrated on it, and thresholds are found. 3. Items are routed: to the
 * judge, to people, to both; some of the judge's are audited. 4. An adjudicator decides where both disagree, and what everybody
 * has skipped. 5. Labels are mixed.
 */
import { hashOf } from '../../base/index.ts';
import type { Store } from '../../store/index.ts';
import { isAudited, type Route, routeOf } from '../routing/route.ts';
import { LabelQueue } from '../tasks/label-queue.ts';
import { toTask } from '../tasks/label-task.ts';
import { type HumanLabel, humanLabels } from './human-labels.ts';
import type { HybridOptions } from './hybrid-options.ts';
import { agreementWith, type JudgedItem } from './judged-item.ts';
import { type Measured, measureJudge } from './measure-judge.ts';

/** Why an item went where it went: as a route, or to people because it is in the sample. */
export type Placing = Route | 'sample';

/** An item with all that was said of it. */
export interface RoutedItem {
  readonly judged: JudgedItem;
  readonly taskId: string;
  readonly placing: Placing;
  readonly audited: boolean;
  /** By different people. */
  readonly labels: readonly HumanLabel[];
  /** Both labelled, and disagree. */
  readonly disagreement: boolean;
  readonly decision: HumanLabel | null;
}

export type HybridState =
  | {
      readonly status: 'waiting';
      /** What people are to do. */
      readonly step: 'sample' | 'labels' | 'adjudication';
      /** Tasks that are open, of all that this step asks for. */
      readonly open: number;
      readonly tasks: number;
      /** Null before the sample is labelled. */
      readonly measured: Measured | null;
    }
  | { readonly status: 'done'; readonly measured: Measured; readonly items: readonly RoutedItem[] };

export interface HybridInput {
  readonly store: Store;
  /** Of the label tasks. */
  readonly project: string;
  readonly items: readonly JudgedItem[];
  readonly options: HybridOptions;
  /** Of the sample and the audits. */
  readonly seed: number;
  readonly guidelineVersion?: string;
}

/** @throws TenetError('usage') for a judge that has labelled nothing */
export async function advanceHybrid(input: HybridInput): Promise<HybridState> {
  const { store, project, items, options, seed } = input;
  const queue = new LabelQueue(store, project);
  const taskOf = (judged: JudgedItem) => {
    const { guidelineVersion } = input;
    return { item: judged.item, overlap: options.overlap, ...(guidelineVersion && { guidelineVersion }) };
  };
  const idOf = (judged: JudgedItem): string => toTask(project, taskOf(judged)).id;

  // Step 1. The sample. In an order that hangs on seed and content alone, so that more items do not draw others.
  const order = new Map(items.map(({ key }) => [key, hashOf(`sample\n${seed}\n${key}`)]));
  const byChance = [...items].sort((a, b) => (order.get(a.key)! < order.get(b.key)! ? -1 : 1));
  const sample = byChance.slice(0, options.calibration);
  const rest = byChance.slice(options.calibration);
  await queue.add(sample.map((judged) => ({ ...taskOf(judged), priority: 3 })));
  // What all have skipped who label here must not hold up the rest.
  const openFor = async () => {
    const [open, passedOver] = await Promise.all([queue.open(), queue.passedOver()]);
    return new Set([...open].filter((id) => !passedOver.has(id)));
  };
  const open = await openFor();
  const openSample = sample.filter((judged) => open.has(idOf(judged)));
  if (openSample.length > 0) {
    return {
      status: 'waiting',
      step: 'sample',
      open: openSample.length,
      tasks: sample.length,
      measured: null,
    };
  }

  // Step 2. How good the judge is.
  const said = await humanLabels(store, project);
  const labelsOf = (judged: JudgedItem): readonly HumanLabel[] => said.labels.get(idOf(judged)) ?? [];
  const measured = measureJudge(
    sample.map((judged) => ({ judged, labels: labelsOf(judged) })),
    items.map(({ confidence }) => confidence),
    options,
    seed,
  );

  // Step 3. Who labels what. People never see the judge's label before they have given theirs.
  const placed = rest.map((judged) => {
    const placing = routeOf(judged.confidence, measured.thresholds);
    return { judged, placing, audited: placing === 'ai' && isAudited(judged.key, options.auditRate, seed) };
  });
  const forPeople = placed.filter(({ placing, audited }) => placing !== 'ai' || audited);
  await queue.add(
    forPeople.map(({ judged, placing }) => ({ ...taskOf(judged), priority: placing === 'ai' ? 1 : 2 })),
  );
  const openNow = await openFor();
  const openLabels = forPeople.filter(({ judged }) => openNow.has(idOf(judged))).length;
  if (openLabels > 0) {
    return { status: 'waiting', step: 'labels', open: openLabels, tasks: forPeople.length, measured };
  }

  // Step 4. Where both disagree, and what was for people and nobody has labelled.
  const now = await humanLabels(store, project);
  const routed = [
    ...sample.map((judged) => ({ judged, placing: 'sample' as const, audited: false })),
    ...placed,
  ].map(({ judged, placing, audited }): RoutedItem => {
    const taskId = idOf(judged);
    const labels = now.labels.get(taskId) ?? [];
    return {
      ...{ judged, taskId, placing, audited, labels },
      disagreement: placing === 'both' && labels.length > 0 && disagrees(judged, labels),
      decision: now.decisions.get(taskId) ?? null,
    };
  });
  const disputed = options.adjudicate ? routed.filter(({ disagreement }) => disagreement) : [];
  for (const { taskId, labels, judged } of disputed) {
    await queue.escalate(taskId, [...labels.map(({ eventId }) => eventId), judged.eventId]);
  }
  const skipped = options.adjudicate
    ? routed.filter(
        ({ taskId, placing, labels }) => placing !== 'ai' && labels.length === 0 && now.skips.has(taskId),
      )
    : [];
  for (const { taskId } of skipped) {
    if (!(await queue.isEscalated(taskId))) await queue.escalate(taskId, now.skips.get(taskId)!);
  }
  // What an adjudicator has passed on too is left without a label.
  const undecided = await queue.open('adjudication');
  const asked = [...disputed, ...skipped];
  const left = asked.filter(({ taskId, decision }) => decision === null && undecided.has(taskId)).length;
  if (left > 0) return { status: 'waiting', step: 'adjudication', open: left, tasks: asked.length, measured };
  return { status: 'done', measured, items: routed };
}

/** True: the judge contradicts people in more than half of the pairs that they judged. */
function disagrees({ probabilities }: JudgedItem, labels: readonly HumanLabel[]): boolean {
  const agreements = labels.flatMap(({ ranks }) => agreementWith(probabilities, ranks) ?? []);
  if (agreements.length === 0) return false;
  return agreements.reduce((sum, agreement) => sum + agreement, 0) / agreements.length < 0.5;
}
