import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../base/index.ts';
import { type NewEvent, openStore, type Store } from '../../store/index.ts';
import {
  advanceHybrid,
  contentKey,
  type HybridOptions,
  type HybridState,
  hybridOptions,
  type JudgedItem,
  judgedItems,
  LabelQueue,
  type LabelTask,
  mixedLabel,
  planLabels,
  reportHybrid,
} from '../index.ts';

/**
 * A world in which response 0 of item i is better with probability q(i), known to a judge who states it, but too sure of
 * it, and drawn anew by every person.
 */
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const count = 260;
const chance = new Random(9);
const truths = Array.from({ length: count }, () => sigmoid(2.5 * chance.normal()));
const stated = truths.map((q) => sigmoid(3 * Math.log(q / (1 - q))));
const promptOf = (i: number): string => `question ${i}`;

let store: Store;
let items: JudgedItem[];
beforeAll(async () => {
  store = await openStore(':memory:');
  await store.ledger.append(
    stated.flatMap((p, i): NewEvent[] => {
      const item = {
        prompt: [{ role: 'user', content: promptOf(i) }],
        responses: [{ text: 'one' }, { text: 'two' }],
      };
      const common = { project: 'job', judge: { kind: 'ai', id: 'judge' }, item } as const;
      const usage = { costUsd: 0.001 };
      return [
        {
          ...common,
          ...{ id: `job/${i}/0-1`, kind: 'comparison' as const, usage, extra: { item: `k${i}` } },
          ...{ probabilities: [p, 1 - p], probabilityMethod: 'log-probs' as const },
        },
        {
          ...common,
          ...{ id: `job/${i}/label`, kind: 'label' as const, ranks: p > 0.5 ? [1, 2] : [2, 1] },
          extra: { item: `k${i}`, pairs: [{ unclamped: p }] },
        },
      ];
    }),
  );
  items = await judgedItems(store, 'job');
});
afterAll(() => store.close());

let project: string;
let projects = 0;
beforeEach(() => {
  project = `hybrid ${++projects}`;
});

const optionsOf = (rest: Partial<HybridOptions> = {}): HybridOptions =>
  hybridOptions.parse({ calibration: 100, auditRate: 0.3, ...rest });
const advance = (options = optionsOf(), given = items): Promise<HybridState> =>
  advanceHybrid({ store, project, items: given, options, seed: 5 });

/** Whoever is asked says what chance says for them. */
const says = (task: LabelTask, person: string): number[] => {
  const i = Number(
    (task.item.prompt as readonly { readonly content: string }[])[0].content.replace('question ', ''),
  );
  const random = new Random(i * 31 + person.length * 1009 + person.charCodeAt(0));
  return random.uniform() < truths[i] ? [1, 2] : [2, 1];
};
/** They take turns with what is open. @returns how many they did */
async function people(
  names: readonly string[],
  purpose: 'label' | 'adjudication' = 'label',
  except?: string,
): Promise<number> {
  const queue = new LabelQueue(store, project);
  const open = await queue.open(purpose);
  let done = 0;
  for await (const task of queue.read()) {
    if (!open.has(task.id) || task.id === except) continue;
    const id = names[done++ % names.length];
    const submission = { id: `${purpose}/${task.id}/${id}`, taskId: task.id, annotator: { id } };
    const label = { ...submission, ranks: says(task, id), activeMs: 20_000 };
    await (purpose === 'label' ? queue.submit(label) : queue.adjudicate(label));
  }
  return done;
}
async function toEnd(
  options = optionsOf(),
  given = items,
): Promise<Extract<HybridState, { status: 'done' }>> {
  for (let state = await advance(options, given); ; state = await advance(options, given)) {
    if (state.status === 'done') return state;
    if (state.step === 'adjudication') await people(['rrr'], 'adjudication');
    else await people(['p', 'qq']);
  }
}

let done: ReturnType<typeof toEnd> | undefined;
/** With the usual options, once for all who want to look at it. */
const whole = () => (done ??= toEnd());

describe('labels of a judge', () => {
  it('are read from the ledger with what they cost', () => {
    expect(items).toHaveLength(count);
    expect(items[3]).toMatchObject({ probabilities: [stated[3]], costUsd: 0.001, eventId: 'job/3/label' });
    expect(items[3].confidence).toBeCloseTo(Math.max(stated[3], 1 - stated[3]), 12);
  });

  it('are found again by content, whoever wrote the prompt as a text', () => {
    const responses = [{ text: 'one', model: 'm' }, { text: ' two' }];
    expect(contentKey({ prompt: promptOf(3), responses })).toBe(items[3].key);
    expect(contentKey({ prompt: promptOf(4), responses })).not.toBe(items[3].key);
  });
});

describe('labelling by a judge and people', () => {
  it('asks people step by step, and ends with a label for each item', async () => {
    expect(await advance()).toMatchObject({ status: 'waiting', step: 'sample', open: 100, tasks: 100 });
    expect(await advance()).toMatchObject({ step: 'sample', open: 100 });
    expect(await people(['p'])).toBe(100);

    const routed = await advance();
    expect(routed).toMatchObject({ status: 'waiting', step: 'labels' });
    const { measured, tasks } = routed as Extract<HybridState, { status: 'waiting' }>;
    const { high, low } = measured!.thresholds;
    expect(high).not.toBeNull();
    expect(low).toBeLessThan(high!);
    // The judge states p³ / (p³ + (1 − p)³): calibration takes a third of each logit.
    expect(measured!.calibration.after.ece).toBeLessThan(measured!.calibration.before.ece);
    expect(tasks).toBeLessThan(160);
    expect(await people(['p'])).toBe(tasks);

    const disputed = await advance();
    expect(disputed).toMatchObject({ status: 'waiting', step: 'adjudication' });
    expect(await people(['rrr'], 'adjudication')).toBe((disputed as { tasks: number }).tasks);

    const end = await advance();
    if (end.status !== 'done') throw new Error('not done');
    const { report, labels } = reportHybrid(end.items, end.measured, optionsOf());
    const { placings, sources, audits, cost } = report;
    expect(placings.sample).toBe(100);
    expect(placings.ai + placings.both + placings.people).toBe(160);
    expect(labels).toHaveLength(260);
    expect(sources.adjudicator).toBe((disputed as { tasks: number }).tasks);
    expect(sources.ai).toBe(placings.ai - audits.audited);
    // Three tenths of them, within four deviations.
    expect(Math.abs(audits.audited / placings.ai - 0.3)).toBeLessThan(4 * Math.sqrt(0.21 / placings.ai));
    expect(audits.agreement!.high).toBeGreaterThan(0.85);
    expect(cost).toMatchObject({ secondsPerLabel: 20, measured: true, judgeUsd: expect.closeTo(0.26, 9) });
    expect(cost.labelsByPeople).toBe(100 + tasks + sources.adjudicator);
    expect(cost.peopleUsd).toBeCloseTo((cost.labelsByPeople * 20 * 30) / 3600, 9);
    expect(cost.peopleAloneUsd).toBeCloseTo((260 * 20 * 30) / 3600, 9);
    for (const { ranks, preferences, labels: events } of labels) {
      expect(ranks).toHaveLength(2);
      expect(preferences[0][1]! + preferences[1][0]!).toBeCloseTo(1, 12);
      for (const id of events) expect(await store.ledger.get(id)).not.toBeNull();
    }
  });

  it('keeps its promise: people agree with the judge as often as was asked for', async () => {
    const { items: routed, measured } = await whole();
    const alone = routed.filter(({ placing }) => placing === 'ai');
    // The chance that one more person agrees is known in this world.
    const agrees = alone.map(({ judged }) => {
      const q = truths[items.indexOf(judged)];
      return judged.ranks[0] === 1 ? q : 1 - q;
    });
    expect(agrees.reduce((sum, p) => sum + p, 0) / agrees.length).toBeGreaterThan(0.85);
    expect(measured.chosen!.lowest).toBeGreaterThanOrEqual(0.85);
    // And people did not have to label most of it.
    expect(alone.length).toBeGreaterThan(30);
  });

  it('sends everything to people where the judge cannot be trusted, or where it is told to', async () => {
    const all = optionsOf({ high: 1, low: 1, adjudicate: false });
    const { items: routed } = await toEnd(all, items.slice(0, 140));
    expect(routed.filter(({ placing }) => placing === 'ai' || placing === 'both')).toEqual([]);
    expect(routed.every(({ labels }) => labels.length === 1)).toBe(true);
  });

  it('draws the same sample from more items, as far as it can', async () => {
    await advance(optionsOf(), items.slice(0, 200));
    const first = await new LabelQueue(store, project).progress();
    await advance(optionsOf(), items);
    const second = await new LabelQueue(store, project).progress();
    expect(first.tasks).toBe(100);
    // Each of the sixty new items is drawn with probability 100 / 260, in the place of an old one.
    expect(second.tasks - first.tasks).toBeLessThan(45);
  });

  /** Of thirty items, one that these have skipped; the others are labelled. @returns what is asked for next */
  async function withOneSkipped(ids: readonly string[], options: HybridOptions): Promise<HybridState> {
    await advance(options, few());
    const queue = new LabelQueue(store, project);
    const [{ task }] = await queue.claim({ id: 'p' });
    for (const id of ids) {
      await queue.skip({
        id: `${project}/${id}/skip`.replace(' ', '-'),
        taskId: task.id,
        annotator: { id },
        reason: 'unclear',
      });
    }
    for (let round = 0; round < 9; round++) {
      const state = await advance(options, few());
      if (state.status === 'done' || state.step === 'adjudication') return state;
      await people(ids, 'label', task.id);
    }
    throw new Error('it does not come to an end');
  }
  const few = (): JudgedItem[] => items.slice(0, 30);

  it('does not wait for what everybody has skipped: an adjudicator decides, or it is left out and counted', async () => {
    const options = optionsOf({ calibration: 20, high: 0, low: 0 });
    // Two who label here: no third skip will ever come.
    expect(await withOneSkipped(['p', 'qq'], options)).toMatchObject({
      step: 'adjudication',
      open: 1,
      tasks: 1,
    });
    const queue = new LabelQueue(store, project);
    const [{ task, basedOn }] = await queue.claim({ id: 'judge' }, { purpose: 'adjudication' });
    expect(basedOn).toHaveLength(2);
    const decision = {
      id: `${project.replace(' ', '-')}/decision`,
      taskId: task.id,
      annotator: { id: 'judge' },
    };
    await queue.adjudicate({ ...decision, ranks: [2, 1] });
    const decided = await advance(options, few());
    if (decided.status !== 'done') throw new Error('not done');
    const { report, labels } = reportHybrid(decided.items, decided.measured, options);
    expect(report).toMatchObject({ items: 30, unlabelled: 0, sources: { adjudicator: 1 } });
    expect(labels.find(({ source }) => source === 'adjudicator')).toMatchObject({ ranks: [2, 1] });
    // Nobody is asked for it any more.
    expect((await queue.open()).size).toBe(0);
  });

  it.each([
    ['an adjudicator skips it too', true],
    ['nobody adjudicates', false],
  ])('leaves it out and counts it where %s', async (_, adjudicate) => {
    const options = optionsOf({ calibration: 20, high: 0, low: 0, adjudicate });
    // Three skips: nobody else is asked.
    const state = await withOneSkipped(['p', 'qq', 'rrr'], options);
    if (adjudicate) {
      expect(state).toMatchObject({ step: 'adjudication', open: 1 });
      const queue = new LabelQueue(store, project);
      const [{ task }] = await queue.claim({ id: 'judge' }, { purpose: 'adjudication' });
      const skip = { id: `${project.replace(' ', '-')}/pass`, taskId: task.id, annotator: { id: 'judge' } };
      await queue.skip({ ...skip, reason: 'unclear' }, 'adjudication');
    }
    const end = await advance(options, few());
    if (end.status !== 'done') throw new Error('not done');
    const { report, labels } = reportHybrid(end.items, end.measured, options);
    expect(report).toMatchObject({ items: 30, unlabelled: 1 });
    expect(labels).toHaveLength(29);
  });
});

describe('mixed labels', () => {
  const judged = (): JudgedItem => ({ ...items[0], probabilities: [0.8], ranks: [1, 2] });
  const human = (ranks: number[]) => ({ eventId: 'h', annotator: 'p', ranks, activeMs: null });
  const routed = { taskId: 't', audited: false, disagreement: false, decision: null, labels: [] };
  const none = { method: 'none' } as const;

  it('say who is behind them, by hand', () => {
    const ai = mixedLabel(
      { ...routed, judged: judged(), placing: 'ai' },
      { method: 'temperature', temperature: 2 },
    )!;
    // logit(0.8) / 2 = log 2, and σ(log 2) = 2/3.
    expect(ai).toMatchObject({ source: 'ai', ranks: [1, 2] });
    expect(ai.preferences[0][1]).toBeCloseTo(2 / 3, 12);
    const both = mixedLabel({ ...routed, judged: judged(), placing: 'both', labels: [human([1, 2])] }, none)!;
    expect(both).toMatchObject({
      source: 'both',
      preferences: [
        [null, 0.9],
        [expect.closeTo(0.1, 12), null],
      ],
    });
    const decision = human([1, 1]);
    const disputed = { ...routed, judged: judged(), placing: 'both', disagreement: true } as const;
    const decided = mixedLabel({ ...disputed, labels: [human([2, 1])], decision }, none)!;
    expect(decided).toMatchObject({
      source: 'adjudicator',
      ranks: [1, 1],
      preferences: [
        [null, 0.5],
        [0.5, null],
      ],
    });
    expect(mixedLabel({ ...disputed, labels: [human([2, 1])] }, none)).toMatchObject({
      source: 'people',
      ranks: [2, 1],
    });
    expect(mixedLabel({ ...routed, judged: judged(), placing: 'people' }, none)).toBeNull();
  });
});

describe('a plan', () => {
  it('compares people, judge and both', async () => {
    const options = optionsOf({ calibration: 100, auditRate: 0.1, secondsPerLabel: 36, ratePerHour: 20 });
    const { measured } = await whole();
    const { rows, routes } = planLabels(items, measured, options, { humanAgreement: 0.8 });
    const [people_, judge, hybrid] = rows;
    // 260 labels of 36 s are 2.6 hours at 20 dollars.
    expect(people_).toMatchObject({ labelsByPeople: 260, hours: 2.6, costUsd: 52, agreement: 0.8 });
    expect(judge).toMatchObject({ labelsByPeople: 0, hours: 0, costUsd: expect.closeTo(0.26, 9) });
    expect(hybrid.hours).toBeLessThan(2.6);
    expect(hybrid.costUsd).toBeCloseTo(0.26 + hybrid.hours * 20, 9);
    expect(hybrid.agreement).toBeGreaterThan(judge.agreement!);
    expect(routes!.ai + routes!.both + routes!.people).toBeCloseTo(160, -1);
    const bigger = planLabels(items, measured, options, { humanAgreement: 0.8, size: 2600 });
    expect(bigger.rows[0]).toMatchObject({ labelsByPeople: 2600, hours: 26 });
    // A sample of a hundred, and of the rest the same parts as before.
    expect(bigger.routes!.ai).toBeCloseTo((routes!.ai * 2500) / 160, -2);
    const unknown = planLabels(items, null, options, { humanAgreement: 0.8 });
    expect(unknown.rows.map(({ by, agreement }) => [by, agreement])).toEqual([
      ['people', 0.8],
      ['judge', null],
    ]);
  });
});
