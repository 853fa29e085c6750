/**
 * Names the labels that something was made of: which ledger, which events, by which judges and principles.
 *
 * A data file exported from a ledger carries this beside it, as `<file>.ledger.json`, so that a run that trains on the
 * file can record where its labels came from.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { hashFile, TenetError, writeFileAtomic } from '../base/index.ts';
import { type LedgerSummary, Summary } from './ledger/summarise.ts';
import type { EventFilter, LedgerDigest, LedgerHead } from './ledger.ts';
import type { LedgerEvent } from './ledger-event.ts';
import type { Store } from './store.ts';

/** A part of a ledger, named by its content. */
export interface LedgerSelection {
  /** Where the ledger is, without a password. */
  readonly url: string;
  /** Selects the same events again, whatever was appended since. */
  readonly filter: EventFilter;
  readonly digest: LedgerDigest;
  readonly summary: LedgerSummary;
}

/** The events that the filter selects now. */
export async function selectFromLedger(store: Store, filter: EventFilter = {}): Promise<LedgerSelection> {
  const { digest, summary } = await store.ledger.describe(filter);
  return { url: store.url, filter: { ...filter, until: digest.head.count }, digest, summary };
}

/**
 * Names a selection while its events are read for something else, so that they are read once. Give it every event that
 * `ledger.read(filter)` gives, in order.
 */
export class SelectionRecorder {
  private readonly url: string;
  private readonly filter: EventFilter;
  private readonly head: LedgerHead;
  private readonly hash = createHash('sha256');
  private readonly summary = new Summary();
  private first: string | null = null;
  private last: string | null = null;
  private events = 0;

  /** @param head of the ledger; the filter looks up to it */
  constructor(store: Store, filter: EventFilter, head: LedgerHead) {
    this.url = store.url;
    this.filter = { ...filter, until: head.count };
    this.head = head;
  }

  add(event: LedgerEvent): void {
    this.hash.update(`${event.hash}\n`);
    this.summary.addEvent(event);
    this.first ??= event.hash;
    this.last = event.hash;
    this.events++;
  }

  result(): LedgerSelection {
    const { url, filter, head, events } = this;
    const hash = `sha256:${this.hash.digest('hex')}`;
    const digest = { events, hash, firstEvent: this.first, lastEvent: this.last, head };
    return { url, filter, digest, summary: this.summary.result() };
  }
}

/** What a check of a selection against its ledger found. */
export type SelectionCheck = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** Checks the ledger's chain, and that the selection is still what it was. */
export async function checkSelection(
  store: Store,
  { filter, digest }: LedgerSelection,
): Promise<SelectionCheck> {
  const chain = await store.ledger.verify([digest.head]);
  if (!chain.ok) return { ok: false, reason: `the chain breaks at event ${chain.seq}: ${chain.reason}` };
  const now = await store.ledger.digest(filter);
  if (now.hash === digest.hash) return { ok: true };
  return { ok: false, reason: `it selects ${now.events} events that hash to ${now.hash}` };
}

const count = z.int().min(0);
const hash = z.string();
const filterSchema: z.ZodType<EventFilter> = z.looseObject({ until: count });
const summarySchema: z.ZodType<LedgerSummary> = z.object({
  kinds: z.record(z.string(), count),
  judges: z.array(z.object({ kind: z.enum(['human', 'ai', 'simulated']), judges: count, events: count })),
  principles: z.array(z.object({ id: z.string(), constitution: hash.nullable(), events: count })),
  constitutions: z.array(z.object({ hash, version: z.string().nullable(), events: count })),
});

/** Checks what a file says about a selection. */
export const ledgerSelectionSchema: z.ZodType<LedgerSelection> = z.object({
  url: z.string(),
  filter: filterSchema,
  digest: z.object({
    events: count,
    hash,
    firstEvent: hash.nullable(),
    lastEvent: hash.nullable(),
    head: z.object({ count, hash }),
  }),
  summary: summarySchema,
});

const fileSchema = z.object({ format: z.literal(1), file: hash, selection: ledgerSelectionSchema });

/** Writes beside a data file which labels it was made of. */
export async function writeSelectionFile(dataPath: string, selection: LedgerSelection): Promise<void> {
  const content = { format: 1, file: await hashFile(dataPath), selection };
  await writeFileAtomic(selectionPath(dataPath), `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Reads which labels a data file was made of; null where nothing beside it says so, or where the file has been
 * changed since.
 * @param fileHash `sha256:…` of the data file
 * @throws TenetError('data') for a damaged file
 */
export async function readSelectionFile(dataPath: string, fileHash: string): Promise<LedgerSelection | null> {
  const path = selectionPath(dataPath);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const parsed = fileSchema.safeParse(parseJson(text));
  if (!parsed.success) {
    throw new TenetError(
      'data',
      `${path} does not say which labels ${dataPath} was made of:\n${z.prettifyError(parsed.error)}\n` +
        'Export the labels again, or delete it.',
    );
  }
  return parsed.data.file === fileHash ? parsed.data.selection : null;
}

function selectionPath(dataPath: string): string {
  return `${dataPath}.ledger.json`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
