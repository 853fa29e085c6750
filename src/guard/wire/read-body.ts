/** Reads what an upstream sends, within limits. */
import type { ReadLimits } from './guarded-call.ts';
import { badUpstream, brokenOff, tooLarge } from './wire-error.ts';

const mostFinishMs = 1000;
const mostFinishBytes = 64 * 1024;

export class BodyReader {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly limits: ReadLimits;
  private isFinishing = false;

  constructor(body: ReadableStream<Uint8Array>, limits: ReadLimits) {
    this.reader = body.getReader();
    this.limits = limits;
  }

  /** @throws WireError for more than is allowed, silence for too long, or an end too early */
  async *pieces(): AsyncGenerator<Uint8Array, void, undefined> {
    let bytes = 0;
    for (;;) {
      const { done, value } = await this.read();
      if (done) return;
      bytes += value.byteLength;
      if (bytes > this.limits.answerBytes) throw tooLarge(this.limits.answerBytes);
      yield value;
    }
  }

  async text(): Promise<string> {
    const decoder = new TextDecoder();
    let text = '';
    for await (const piece of this.pieces()) text += decoder.decode(piece, { stream: true });
    return text + decoder.decode();
  }

  /** No more is wanted; a read under way ends. */
  cancel(): void {
    this.reader.cancel().catch(() => {});
  }

  /** All that matters has come: reads to the end, so that the connection can be used again, but not for long. */
  finish(): void {
    if (this.isFinishing) return;
    this.isFinishing = true;
    const timer = setTimeout(() => this.cancel(), mostFinishMs);
    const rest = async (): Promise<void> => {
      for (let bytes = 0; bytes < mostFinishBytes; ) {
        const { done, value } = await this.reader.read();
        if (done) return;
        bytes += value.byteLength;
      }
      this.cancel();
    };
    rest()
      .catch(() => {})
      .finally(() => clearTimeout(timer));
  }

  private async read(): ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']> {
    const { silenceMs } = this.limits;
    const next = this.reader.read().catch(() => {
      throw brokenOff();
    });
    if (silenceMs === undefined) return next;
    let timer: NodeJS.Timeout | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(badUpstream(`it sent nothing for ${silenceMs} ms`)), silenceMs);
    });
    try {
      return await Promise.race([next, silence]);
    } finally {
      clearTimeout(timer);
    }
  }
}
