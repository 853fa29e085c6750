/**
 * Where a job writes down each step as soon as it is done, and finds it again when it is resumed.
 *
 * A step's id names the job, the item and the step. The job's name is a hash of all that decides its answers, and the
 * item's of its content, so that a resumed job asks nothing again and a job over other items or with other settings
 * takes nothing that is not its own, whatever the order of the items.
 */
import { canonicalJson, hashOf, TenetError } from '../base/index.ts';
import type { EventContent, Item, Ledger, LedgerEvent } from '../store/index.ts';

/** The part of the ledger that jobs need. */
export type Journal = Pick<Ledger, 'get' | 'append'>;

/** `critique-3f9a0c1d2e4b`: the job's kind, and a hash of what decides its answers. */
export function jobName(kind: string, decides: object): string {
  return `${kind}-${hashOf(canonicalJson(decides)).slice('sha256:'.length, 'sha256:'.length + 12)}`;
}

/** Names items by their content; equal ones are numbered. Shape: N items in, N keys out. */
export function itemKeys(items: readonly unknown[]): string[] {
  const seen = new Map<string, number>();
  return items.map((item) => {
    const hash = hashOf(canonicalJson(item)).slice('sha256:'.length, 'sha256:'.length + 16);
    const number = (seen.get(hash) ?? 0) + 1;
    seen.set(hash, number);
    return number === 1 ? hash : `${hash}.${number}`;
  });
}

/** A step that is kept in the ledger. */
export interface JournaledStep<T> {
  /** Of the event. */
  readonly id: string;
  /** What the step is about; an event about anything else is not taken for it. */
  readonly item: Item;
  /** Does the work. */
  readonly make: () => Promise<T>;
  /** What of it goes into the ledger. */
  readonly write: (step: T) => Omit<EventContent, 'item'>;
  /** The step as `make` gave it, from its event. */
  readonly read: (event: LedgerEvent) => T;
}

/**
 * The step as recorded, or made now and recorded.
 * @throws TenetError('store') when the event of this id is about another item, which cannot happen by itself
 */
export async function journaled<T>(journal: Journal | null, step: JournaledStep<T>): Promise<T> {
  const { id, item, make, write, read } = step;
  if (journal === null) return make();
  const known = await journal.get(id);
  if (known) {
    if (canonicalJson(known.item) === canonicalJson(item)) return read(known);
    throw new TenetError(
      'store',
      `the ledger's event ${id} is about another prompt or response than this job's; it was not written by this job. ` +
        'Use another ledger.',
    );
  }
  const made = await make();
  await journal.append({ id, item, ...write(made) });
  return made;
}
