/** What a provider turns out not to support, so that it is asked without it from then on. */
import { refusedFor } from './provider-error.ts';

/** The most alternatives that OpenAI and vLLM tell; others allow fewer. */
const alternativesTried = [20, 5];

/** What one request asks for beyond the common ground. */
export interface Wishes {
  /** To go on from a last message of the assistant. */
  readonly goOn: boolean;
  /** Structured output. */
  readonly json: boolean;
  /** Log-probabilities of so many alternatives to each token; 0 asks for none. */
  readonly alternatives: number;
}

export class Concessions {
  private goOn = true;
  private json = true;
  private alternatives: number = alternativesTried[0];

  /** True: log-probabilities were not refused so far. */
  get tellsLogProbs(): boolean {
    return this.alternatives > 0;
  }

  /** What is left of the wishes. */
  possible({ goOn, json, alternatives }: Wishes): Wishes {
    return {
      goOn: goOn && this.goOn,
      json: json && this.json,
      alternatives: Math.min(alternatives, this.alternatives),
    };
  }

  /** Notes that log-probabilities were asked for and not told. */
  giveUpLogProbs(): void {
    this.alternatives = 0;
  }

  /**
   * Gives up what a refusal is about, if the request asked for it. Other requests may have been refused for the same
   * reason at the same time, and may be asked again just as well.
   * @returns true when the request can be made again with less
   */
  make(error: unknown, asked: Wishes): boolean {
    if (asked.goOn && refusedFor(error, /prefill|continue_final|add_generation|assistant/i)) {
      this.goOn = false;
      return true;
    }
    if (asked.json && refusedFor(error, /response_format|json_schema|structured|schema|output_format/i)) {
      this.json = false;
      return true;
    }
    if (asked.alternatives > 0 && refusedFor(error, /logprobs/i)) {
      const fewer = alternativesTried.find((count) => count < asked.alternatives) ?? 0;
      this.alternatives = Math.min(this.alternatives, fewer);
      return true;
    }
    return false;
  }
}
