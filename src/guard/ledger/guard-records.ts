/** Judged cases as data that guards are trained on. */
import { createHash } from 'node:crypto';
import { canonicalJson, TenetError } from '../../base/index.ts';
import { writeRecords } from '../../data/index.ts';
import {
  type HumanLabel,
  humanLabels,
  LabelQueue,
  type LabelTask,
  labelFilter,
} from '../../feedback/index.ts';
import { type LedgerSelection, type Store, selectFromLedger, writeSelectionFile } from '../../store/index.ts';
import type { GuardMessage } from '../screen.ts';
import { caseFacts, HARMFUL, HARMLESS } from './guard-case.ts';

/** A row of guard training data. */
export interface GuardRecord {
  readonly messages: readonly GuardMessage[];
  /** The answer that is judged; without one the conversation is. */
  readonly response?: string;
  readonly label: 'harmful' | 'harmless';
  /** The principle that the guard named, where people agreed that it is harmful. */
  readonly principle?: string;
  /** `ledger:<project>`. */
  readonly source: string;
  /** Rows that must not be split between training and test: those of the same first request. */
  readonly family: string;
  /** People who said so, and people who said anything. */
  readonly votes: readonly [so: number, all: number];
  /** Where a share is kept for tests: which part it is. */
  readonly split?: 'train' | 'test';
}

/** What was written. */
export interface ExportedCases {
  readonly rows: number;
  readonly harmful: number;
  /** Kept for tests. */
  readonly kept: number;
  readonly labels: LedgerSelection;
}

/** Labels may come while cases are read; a moment of rest comes soon. */
const mostReadings = 20;

/**
 * Writes the judged cases of a project to a file, and beside it which labels they were made of.
 * @param testShare share of the cases that is marked as kept for tests. Which ones depends on their first request alone, so
 *   that what was kept once is never trained on later. Default: none is marked
 * @throws TenetError('usage') when nobody has judged a case
 */
export async function exportCases(
  store: Store,
  project: string,
  file: string,
  { testShare }: { readonly testShare?: number } = {},
): Promise<ExportedCases> {
  let labels = await selectFromLedger(store, labelFilter(project));
  if (labels.digest.events === 0) {
    throw new TenetError(
      'usage',
      `nobody has judged a case of project ${project} yet. Judge with: tenet label work --store ${store.url} --project ${project}`,
    );
  }
  for (let reading = 1; ; reading++) {
    const records: GuardRecord[] = [];
    for await (const record of guardRecords(store, project)) {
      records.push(testShare === undefined ? record : { ...record, split: splitOf(record, testShare) });
    }
    // The labels that were read are those that the selection names.
    const after = await selectFromLedger(store, labelFilter(project));
    const isSame = after.digest.hash === labels.digest.hash;
    labels = after;
    if (!isSame && reading < mostReadings) continue;
    if (!isSame) {
      throw new TenetError(
        'usage',
        `labels of project ${project} come faster than they can be read; try again when fewer people label.`,
      );
    }
    await writeRecords(file, records);
    await writeSelectionFile(file, labels);
    return {
      rows: records.length,
      harmful: records.filter(({ label }) => label === 'harmful').length,
      kept: records.filter(({ split }) => split === 'test').length,
      labels,
    };
  }
}

function splitOf({ family }: GuardRecord, testShare: number): 'train' | 'test' {
  const digest = createHash('sha256').update(`test ${family}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32 < testShare ? 'test' : 'train';
}

/**
 * The cases of a project that people have judged. Where an adjudicator decided, that counts; else most votes; what is as
 * often harmful as harmless is left out. Cases of the same texts, such as a block and the appeal against it, are one.
 */
export async function* guardRecords(
  store: Store,
  project: string,
): AsyncGenerator<GuardRecord, void, undefined> {
  const { labels, decisions } = await humanLabels(store, project);
  interface Judged {
    readonly task: LabelTask;
    harmful: number;
    all: number;
    decision: boolean | null;
  }
  const judged = new Map<string, Judged>();
  for await (const task of new LabelQueue(store, project).read()) {
    if (caseFacts(task) === null) continue;
    const key = canonicalJson(task.item as never);
    const about = judged.get(key) ?? { task, harmful: 0, all: 0, decision: null };
    for (const label of labels.get(task.id) ?? []) {
      const says = isHarmful(label);
      if (says === null) continue;
      about.all++;
      if (says) about.harmful++;
    }
    const decision = decisions.get(task.id);
    if (decision) about.decision = isHarmful(decision);
    judged.set(key, about);
  }
  for (const { task, harmful, all, decision } of judged.values()) {
    const isIt = decision ?? (harmful * 2 === all ? null : harmful * 2 > all);
    if (isIt === null) continue;
    const { where, principle } = caseFacts(task)!;
    const turns = task.item.prompt as readonly GuardMessage[];
    const messages = where === 'output' ? turns.slice(0, -1) : turns;
    yield {
      messages,
      ...(where === 'output' && { response: turns[turns.length - 1].content }),
      label: isIt ? 'harmful' : 'harmless',
      ...(isIt && principle !== null && { principle }),
      source: `ledger:${project}`,
      family: familyOf(messages),
      votes: [isIt ? harmful : all - harmful, all],
    };
  }
}

/** What a label says; null for a tie, or for nothing. */
function isHarmful({ ranks }: HumanLabel): boolean | null {
  const [harmless, harmful] = [ranks[HARMLESS], ranks[HARMFUL]];
  if (harmless === null || harmful === null || harmless === harmful) return null;
  return harmful < harmless;
}

function familyOf(messages: readonly GuardMessage[]): string {
  const first = messages.find(({ role }) => role === 'user') ?? messages[0];
  const words = first.content.toLowerCase().replace(/\s+/g, ' ').trim();
  return `case-${createHash('sha256').update(words).digest('hex').slice(0, 16)}`;
}
