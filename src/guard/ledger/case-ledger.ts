/** Puts cases into a store as label tasks, and takes appeals. */
import type { Json } from '../../base/index.ts';
import { LabelQueue, type LabelTask, type NewLabelTask } from '../../feedback/index.ts';
import type { Store } from '../../store/index.ts';
import type { ExchangeReport, GuardObserver } from '../enforce/exchange.ts';
import type { GuardPolicy } from '../policy/policy.ts';
import { caseFacts, casesOf, type GuardCase, taskOf, type Why } from './guard-case.ts';

export interface CaseLedgerOptions {
  readonly store: Store;
  /** The policy's `ledger`. */
  readonly settings: NonNullable<GuardPolicy['ledger']>;
  readonly onAdded?: (why: Why) => void;
  readonly onFailure?: (error: unknown) => void;
  /** Milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
}

/** Characters of blocked conversations that are remembered for appeals; older ones are looked up in the store. */
const mostRemembered = 32 * 2 ** 20;
const hourMs = 3_600_000;

export class CaseLedger implements GuardObserver {
  private readonly options: CaseLedgerOptions;
  private readonly queue: LabelQueue;
  /** Blocked cases by request, oldest first. */
  private readonly blocked = new Map<string, GuardCase>();
  private remembered = 0;
  private waiting: GuardCase[] = [];
  private writing: Promise<void> | null = null;
  private hour = { startedAt: 0, cases: 0 };

  constructor(options: CaseLedgerOptions) {
    this.options = options;
    this.queue = new LabelQueue(options.store, options.settings.project);
  }

  finished(report: ExchangeReport): void {
    const { settings, now = Date.now } = this.options;
    for (const guardCase of casesOf(report, { blocks: true, near: settings.near })) {
      if (guardCase.why === 'block') this.remember(guardCase);
      if (guardCase.why === 'block' && !settings.blocks) continue;
      if (now() - this.hour.startedAt >= hourMs) this.hour = { startedAt: now(), cases: 0 };
      if (this.hour.cases >= settings.mostPerHour) continue;
      this.hour.cases++;
      this.waiting.push(guardCase);
    }
    if (this.waiting.length > 0) this.writing ??= this.write();
  }

  /** @returns once the appeal is on disk */
  async appeal(requestId: string, note: string | null): Promise<'queued' | 'known' | 'unknown'> {
    await this.writing;
    const { settings, onAdded } = this.options;
    const remembered = this.blocked.get(requestId);
    const appealed = remembered
      ? taskOf({ ...remembered, why: 'appeal', note }, settings.overlap)
      : await this.lookUp(requestId, note);
    if (appealed === null) return 'unknown';
    const { added } = await this.queue.add([appealed]);
    if (added > 0) onAdded?.('appeal');
    return added > 0 ? 'queued' : 'known';
  }

  /** Waits until every case is in the store. */
  async settled(): Promise<void> {
    await this.writing;
  }

  private async write(): Promise<void> {
    while (this.waiting.length > 0) {
      const cases = this.waiting;
      this.waiting = [];
      for (const guardCase of cases) {
        try {
          const { added } = await this.queue.add([taskOf(guardCase, this.options.settings.overlap)]);
          if (added > 0) this.options.onAdded?.(guardCase.why);
        } catch (error) {
          this.options.onFailure?.(error);
        }
      }
    }
    this.writing = null;
  }

  private remember(guardCase: GuardCase): void {
    if (this.blocked.has(guardCase.requestId)) return;
    this.blocked.set(guardCase.requestId, guardCase);
    this.remembered += sizeOf(guardCase);
    for (const [requestId, oldest] of this.blocked) {
      if (this.remembered <= mostRemembered) break;
      this.blocked.delete(requestId);
      this.remembered -= sizeOf(oldest);
    }
  }

  /** The task of a block that was made before this process began, as an appeal. */
  private async lookUp(requestId: string, note: string | null): Promise<NewLabelTask | null> {
    // As this server makes them; anything else is in no task, and would be a pattern.
    if (!/^[0-9a-f-]{36}$/.test(requestId)) return null;
    const rows = await this.options.store.database.read((db) =>
      db
        .selectFrom('label_task')
        .select('content')
        .where('project', '=', this.options.settings.project)
        .where('content', 'like', `%"requestId":"${requestId}"%`)
        .limit(10)
        .execute(),
    );
    for (const { content } of rows) {
      const task = JSON.parse(content) as LabelTask;
      if (caseFacts(task)?.requestId !== requestId) continue;
      const { item, overlap, suggestion, contentWarning, extra } = task;
      const facts = extra!.guard as { readonly [key: string]: Json };
      if (facts.blocked !== true) continue;
      const guard = { ...facts, why: 'appeal', ...(note !== null && { note }) };
      return { key: 'appeal', item, overlap, suggestion, contentWarning, priority: 10, extra: { guard } };
    }
    return null;
  }
}

function sizeOf({ messages, answer }: GuardCase): number {
  return messages.reduce((sum, { content }) => sum + content.length, answer?.length ?? 0) + 500;
}
