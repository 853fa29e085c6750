/** Server-sent events, as they come in pieces. */

/**
 * Reads the data of each event.
 * @param mostCharacters of one event; more is refused, so that a stream without line ends cannot fill the memory
 * @see https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation
 */
export class EventReader {
  private readonly decoder = new TextDecoder();
  private readonly mostCharacters: number;
  private rest = '';
  private data: string[] = [];
  private size = 0;

  constructor(mostCharacters: number) {
    this.mostCharacters = mostCharacters;
  }

  /** @returns data of the events that have ended */
  read(piece: Uint8Array): string[] {
    return this.lines(this.decoder.decode(piece, { stream: true }));
  }

  /** @returns an event that the stream ended in the middle of; by the letter it would not count, but many servers end so */
  end(): string[] {
    const events = this.lines(`${this.decoder.decode()}\n\n`);
    return events;
  }

  private lines(text: string): string[] {
    const events: string[] = [];
    const all = this.rest + text;
    let start = 0;
    for (;;) {
      const end = all.indexOf('\n', start);
      if (end < 0) break;
      const line = all.slice(start, all[end - 1] === '\r' ? end - 1 : end);
      start = end + 1;
      if (line === '') {
        if (this.data.length > 0) events.push(this.data.join('\n'));
        this.data = [];
        this.size = 0;
      } else if (line.startsWith('data:')) {
        const data = line.slice(line[5] === ' ' ? 6 : 5);
        this.size += data.length;
        this.data.push(data);
      }
    }
    this.rest = all.slice(start);
    if (this.rest.length + this.size > this.mostCharacters) {
      throw new Error(`it sent an event of more than ${this.mostCharacters} characters`);
    }
    return events;
  }
}
