/** Follows what one choice of an answer says, through all its fields: content, reasoning, refusals, tools' arguments. */
import { isJsonText, JsonTextReader, textsOf } from './texts.ts';

export class AnswerText {
  private readonly json = new Map<string, JsonTextReader>();
  private lastPlace: string | null = null;

  /**
   * @param choice a choice, or a piece of one
   * @returns `text`: what it adds; `ahead`: true when it shows something of what comes next: half an escape, or
   *   log-probabilities of tokens that spell nothing yet
   */
  read({ logprobs = null, ...said }: Readonly<Record<string, unknown>>): {
    readonly text: string;
    readonly ahead: boolean;
  } {
    let text = '';
    let ahead = false;
    for (const [place, piece] of textsOf(said)) {
      if (this.lastPlace !== null && this.lastPlace !== place) text += '\n';
      this.lastPlace = place;
      if (isJsonText(place)) {
        const reader = this.json.get(place) ?? new JsonTextReader();
        this.json.set(place, reader);
        text += reader.read(piece);
        ahead ||= reader.isWithinEscape;
      } else text += piece;
    }
    // Log-probabilities spell what the rest says once more.
    return { text, ahead: ahead || (logprobs !== null && text === '') };
  }
}
