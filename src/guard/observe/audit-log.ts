/** A line for every request, appended to a file and never changed. */
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hashOf, TenetError } from '../../base/index.ts';
import type { ExchangeReport, GuardObserver } from '../enforce/exchange.ts';
import type { Verdict } from '../enforce/verdict.ts';
import type { GuardMessage } from '../screen.ts';

export interface AuditLogOptions {
  readonly file: string;
  /** Default `hash`. */
  readonly content?: 'hash' | 'full' | 'none';
  /** Told when a line cannot be written. */
  readonly onFailure?: (error: unknown) => void;
}

/** Texts by hash: whoever has a text can find its lines, and a line does not give its text away unless it is guessed. */
export class AuditLog implements GuardObserver {
  private readonly file: FileHandle;
  private readonly options: AuditLogOptions;
  private waiting: string[] = [];
  private writing: Promise<void> | null = null;

  private constructor(file: FileHandle, options: AuditLogOptions) {
    this.file = file;
    this.options = options;
  }

  /** @throws TenetError('usage') when the file cannot be written */
  static async open(options: AuditLogOptions): Promise<AuditLog> {
    try {
      await mkdir(dirname(options.file), { recursive: true });
      return new AuditLog(await open(options.file, 'a', 0o600), options);
    } catch (error) {
      const reason = (error as Error).message;
      throw new TenetError('usage', `The audit log ${options.file} cannot be written: ${reason}.`, {
        cause: error,
      });
    }
  }

  finished(report: ExchangeReport): void {
    this.waiting.push(`${JSON.stringify(lineOf(report, this.options.content ?? 'hash'))}\n`);
    this.writing ??= this.write();
  }

  /** Waits until every line is in the file. */
  async close(): Promise<void> {
    await this.writing;
    await this.file.close();
  }

  private async write(): Promise<void> {
    // Lines that come while others are written go together in the next write.
    while (this.waiting.length > 0) {
      const lines = this.waiting.join('');
      this.waiting = [];
      try {
        await this.file.appendFile(lines);
      } catch (error) {
        this.options.onFailure?.(error);
      }
    }
    this.writing = null;
  }
}

function lineOf(report: ExchangeReport, content: 'hash' | 'full' | 'none'): object {
  const { messages, answers, rules, failure } = report;
  return {
    time: new Date(report.startedAt).toISOString(),
    requestId: report.requestId,
    ...(report.clientRequestId !== undefined && { clientRequestId: report.clientRequestId }),
    route: report.route,
    model: report.model,
    stream: report.stream,
    guard: report.guard,
    rule: rules.name,
    mode: rules.mode,
    outcome: report.outcome,
    input: verdictLine(report.input),
    answers: answers.map(({ verdict, text }) => ({
      ...verdictLine(verdict),
      characters: text.length,
      ...shown(text, content),
    })),
    ...(failure && { failure: failure.message }),
    upstreamStatus: report.upstreamStatus,
    durationMs: Math.round(report.durationMs),
    screeningMs: Math.round(report.screeningMs * 10) / 10,
    conversation: { messages: messages.length, ...shownMessages(messages, content) },
  };
}

function verdictLine(verdict: Verdict | null): object | null {
  if (verdict === null) return null;
  const { blocked, score, threshold, principle, stage } = verdict;
  return { blocked, score: Math.round(score * 1e4) / 1e4, threshold, principle, stage };
}

function shownMessages(messages: readonly GuardMessage[], content: 'hash' | 'full' | 'none'): object {
  if (content === 'full') return { content: messages };
  return content === 'none' ? {} : { hash: hashOf(JSON.stringify(messages)) };
}

function shown(text: string, content: 'hash' | 'full' | 'none'): object {
  if (content === 'full') return { content: text };
  return content === 'none' ? {} : { hash: hashOf(text) };
}
