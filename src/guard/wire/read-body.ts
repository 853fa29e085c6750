/** Reads what an upstream sends, within limits. */
import type { ReadLimits } from './guarded-call.ts';
import { badUpstream, brokenOff } from './wire-error.ts';

export class BodyReader {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly limits: ReadLimits;

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
      if (bytes > this.limits.answerBytes) {
        throw badUpstream(`it is larger than ${this.limits.answerBytes} bytes`);
      }
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
