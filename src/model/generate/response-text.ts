/** Turns one response's tokens into text while they are sampled. */
import { StreamDecoder, type Tokenizer } from '../../text/index.ts';
import { StopStrings } from './stop-strings.ts';

export interface ResponseTextOptions {
  /** The prompt's ids: the text of a first token depends on what it follows. */
  readonly prompt: readonly number[];
  /** Texts that end the response and do not belong to it. */
  readonly stop: readonly string[];
  /** Where white space is left out. */
  readonly trim: 'both' | 'end' | 'none';
}

/** Tokens of the prompt that are decoded together with the first of the response. */
const contextTokens = 8;

export class ResponseText {
  private readonly decoder: StreamDecoder;
  private readonly stops: StopStrings;
  private readonly known: number;
  private readonly trim: ResponseTextOptions['trim'];
  private readonly emit: (piece: string) => void;
  private spaces = '';
  private shown = '';

  /** @param emit is given each piece of text as soon as it is certain; all pieces joined are `text` */
  constructor(tokenizer: Tokenizer, options: ResponseTextOptions, emit: (piece: string) => void = () => {}) {
    this.decoder = new StreamDecoder(tokenizer);
    this.stops = new StopStrings(options.stop);
    this.known = tokenizer.vocabSize;
    this.trim = options.trim;
    this.emit = emit;
    for (const id of options.prompt.slice(-contextTokens)) this.decoder.push(id);
    this.decoder.flush();
  }

  /** The text so far: of whole characters, before the stop string, without control tokens. */
  get text(): string {
    return this.shown;
  }

  /** The stop string that ended the text, or null. */
  get stopString(): string | null {
    return this.stops.found;
  }

  /** Adds a token that was given, and in which no stop string ends the text. */
  echo(id: number): void {
    if (id < this.known) this.show(this.decoder.push(id));
  }

  /** Adds a token. @returns true when a stop string is complete */
  push(id: number): boolean {
    // A model may have more rows in its embedding than the tokenizer has tokens.
    if (id < this.known) this.show(this.stops.push(this.decoder.push(id)));
    return this.stops.found !== null;
  }

  /** Adds what was held back, when no more tokens come. */
  finish(): void {
    this.show(this.stops.push(this.decoder.flush()));
    this.show(this.stops.flush());
  }

  private show(piece: string): void {
    let ready = piece;
    if (this.trim !== 'none' && piece !== '') {
      ready = this.spaces + piece;
      if (this.shown === '' && this.trim === 'both') ready = ready.trimStart();
      const end = ready.trimEnd().length;
      this.spaces = ready.slice(end);
      ready = ready.slice(0, end);
    }
    if (ready === '') return;
    this.shown += ready;
    this.emit(ready);
  }
}
