/**
 * What the ledger records: one event for everything that a person or a model said about an item.
 *
 * An item is a prompt with the responses that are judged; responses are named by their index in it, whatever
 * order they were shown in. Shapes: K = number of responses of the item.
 */
import type { Json } from '../base/index.ts';

/**
 * - `response`: a model answered the prompt; `text` is the answer
 * - `critique`: what is wrong with the item's only response; `text` is the critique
 * - `revision`: a better response; `text` is the revised response
 * - `comparison`: one question to an AI judge, such as a pair under one principle
 * - `score`: numbers for responses
 * - `label`: one judgement by one judge, with nothing left to combine: what people submit, or what the comparisons
 *   of an AI judge come to
 * - `adjudication`: the decision where labels disagreed
 * - `skip`: a judge gave no judgement; `rationale` says why
 * - `withdrawal`: takes back the event that it supersedes
 */
export type EventKind =
  | 'response'
  | 'critique'
  | 'revision'
  | 'comparison'
  | 'score'
  | 'label'
  | 'adjudication'
  | 'skip'
  | 'withdrawal';

/** Who or what judged. Give people ids that do not name them: what is in the ledger stays there. */
export interface Judge {
  readonly kind: 'human' | 'ai' | 'simulated';
  /** Unique among judges of the kind: an account's id, or a model's `LanguageModel.id`. */
  readonly id: string;
  /** What agreement is compared by, e.g. `crowd`, `expert`, `team-b`. */
  readonly group?: string;
}

/** A text, or the turns of a conversation. */
export type Prompt = string | readonly { readonly role: string; readonly content: string }[];

export interface ItemResponse {
  readonly text: string;
  /** The model that wrote it, where known; never shown to people. */
  readonly model?: string;
}

/** What is judged. Stored once, however many events are about it. */
export interface Item {
  readonly prompt: Prompt;
  /** [K] */
  readonly responses: readonly ItemResponse[];
}

/** `all-bad`: no response is acceptable; `unsafe`: harmful content; `cannot-judge`: outside the judge's knowledge. */
export type Flag = 'all-bad' | 'unsafe' | 'cannot-judge';

/** What an event cost. */
export interface EventUsage {
  /** US dollars; 0 for local models, null when the price is not known. */
  readonly costUsd: number | null;
  readonly inputTokens?: number;
  readonly outputTokens?: number;
  readonly latencyMs?: number;
  /** True: answered from the cache, so nothing was paid for it now. */
  readonly cached?: boolean;
}

/** The content of an event, as given by whoever appends it. Everything in it is covered by the hash chain. */
export interface EventContent {
  readonly kind: EventKind;
  readonly judge: Judge;

  // What was judged.
  /** The label project or job that the event belongs to. */
  readonly project?: string;
  /** The label task that it answers. */
  readonly taskId?: string;
  readonly item?: Item;
  /** The run that asked for it. */
  readonly runId?: string;
  /** Ids of the events that this one builds on: the critique of a revision, the labels of an adjudication. */
  readonly basedOn?: readonly string[];
  /** The event that this one corrects. An event can be superseded once; a later correction supersedes the last. */
  readonly supersedes?: string;

  // The judgement.
  /** [K] ranks by response: 1 = best, equal = tie, null = not judged. */
  readonly ranks?: readonly (number | null)[];
  /** [K] scores by response, higher is better; null = not scored. */
  readonly scores?: readonly (number | null)[];
  /** [K] probability by response that it is the best; they sum to 1. */
  readonly probabilities?: readonly number[];
  /**
   * [K, K] soft labels of pairs: `preferences[i][j]` is the probability that response i is better than j, and
   * `preferences[j][i]` the rest to 1; null = pair not judged.
   */
  readonly preferences?: readonly (readonly (number | null)[])[];
  /** `log-probs`: from the model's own distribution; `votes`: share of sampled answers; `stated`: as the judge said. */
  readonly probabilityMethod?: 'log-probs' | 'votes' | 'stated';
  /** Probability that the judge gave to the options together, before they were scaled to sum to 1. */
  readonly probabilityMass?: number;
  readonly flags?: readonly Flag[];
  /** A critique's or a revision's own words. */
  readonly text?: string;
  /** Why the judge decided so; a chain of thought. */
  readonly rationale?: string;

  // How it came about.
  /** [K] the order shown, a permutation: `shownOrder[position]` is the index of the response that stood there. */
  readonly shownOrder?: readonly number[];
  /** Milliseconds with the task in view and the judge at work on it. */
  readonly activeMs?: number;
  /** Milliseconds with the task in view and nothing happening. */
  readonly idleMs?: number;
  /** Ids of the principles judged under. */
  readonly principles?: readonly string[];
  readonly constitution?: { readonly hash: string; readonly version?: string };
  /** Version of the annotators' guideline. */
  readonly guidelineVersion?: string;
  /** `LanguageModel.id` of the model that was called. */
  readonly modelId?: string;
  /** The prompt template that the model was asked with; its hash is of the template's text. */
  readonly template?: { readonly id: string; readonly hash: string };
  readonly seed?: number;
  readonly usage?: EventUsage;
  /** Whether a suggestion was shown before judging, and which event it was. */
  readonly suggestion?: { readonly shown: boolean; readonly eventId?: string };
  /** When the judgement was made, in milliseconds since 1970, where that is not when it was recorded. */
  readonly judgedAt?: number;
  /** Anything else worth keeping. */
  readonly extra?: { readonly [key: string]: Json };
}

/** An event to append. */
export interface NewEvent extends EventContent {
  /**
   * Unique in the ledger. The same event appended twice under one id is stored once and answered alike, so a client
   * that got no answer may simply send it again. Default: a new random UUID.
   */
  readonly id?: string;
}

/** An event as stored. */
export interface LedgerEvent extends EventContent {
  readonly id: string;
  /** Place in the ledger, from 1 without gaps. */
  readonly seq: number;
  /** Milliseconds since 1970, by the clock of the process that appended it. */
  readonly recordedAt: number;
  /** `sha256:…` over this event and the hash of the one before. */
  readonly hash: string;
  /** `sha256:…` of the item's content; equal for all events about the same prompt and responses. */
  readonly itemHash: string | null;
  /** `sha256:…` of the prompt alone. */
  readonly promptHash: string | null;
  /** Id of the event that corrected or withdrew this one; null while it stands. */
  readonly supersededBy: string | null;
}
