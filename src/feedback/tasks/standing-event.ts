/** What became of something that was sent in. */
import type { Ledger, LedgerEvent } from '../../store/index.ts';

/** The event, or what it was corrected to; null where it was withdrawn, or there is none of this id. */
export async function standingEvent(ledger: Pick<Ledger, 'get'>, id: string): Promise<LedgerEvent | null> {
  let event = await ledger.get(id);
  while (event?.supersededBy != null) event = await ledger.get(event.supersededBy);
  return event === null || event.kind === 'withdrawal' ? null : event;
}
