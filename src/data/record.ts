/**
 * The record formats Tenet reads.
 *
 * The first group is TRL's, exactly (TRL 1.13 "Dataset formats and types"): each is "standard" (texts) or
 * "conversational" (lists of messages). The second group is found in the wild and converts to the first.
 * Further fields of a row (`tools`, `margin`, ids …) are allowed everywhere.
 */
import type { ChatMessage } from '../text/index.ts';

/** A text, or a list of messages. A text continues the text before it; messages go through a chat template. */
export type Content = string | ChatMessage[];

/** One turn as ShareGPT and LLaMA-Factory write it; `from` is human, gpt, system, … */
export interface ShareGptMessage {
  from: string;
  value: string;
}

/** What a pair may say besides. */
interface PairExtras {
  /** How much better chosen is, in the data's units. */
  margin?: number | null;
  /** Soft label: probability that chosen is better, in [0, 1]. */
  probability?: number | null;
  /** By objective: probability that chosen is better by it, in [0, 1]; null = not judged. */
  objectives?: Record<string, number | null> | null;
}

/** What a valid row of each format holds. */
export interface Records {
  /** TRL language modelling: a text, or a conversation. */
  'language-modeling': { text: string; messages?: undefined } | { messages: ChatMessage[] };
  /** TRL prompt-only. */
  'prompt-only': { prompt: Content };
  /** TRL prompt-completion. */
  'prompt-completion': { prompt: Content; completion: Content };
  /** TRL preference with explicit prompt. */
  preference: { prompt: Content; chosen: Content; rejected: Content } & PairExtras;
  /** TRL preference with implicit prompt: both begin with it. */
  'implicit-preference': { chosen: Content; rejected: Content } & PairExtras;
  /** TRL unpaired preference; label true = desirable. */
  'unpaired-preference': { prompt: Content; completion: Content; label: boolean };
  /** TRL stepwise supervision; a label per step, true = right. */
  'stepwise-supervision': { prompt: string; completions: string[]; labels: boolean[] };

  /** K responses with ranks: 1 = best, equal = tie, null = not judged. */
  ranking: {
    prompt: Content;
    responses: Content[];
    ranks: (number | null)[];
    /** Soft labels, [K][K]: probability that response i is better than response j; null = not judged. */
    preferences?: (number | null)[][] | null;
    /** By objective: ranks of the responses by it alone; null = not judged. */
    objectives?: Record<string, (number | null)[] | null> | null;
    /** By objective: numbers of which higher is better; only their order within the record counts. */
    scores?: Record<string, (number | null)[] | null> | null;
  };
  /** Responses that nobody has judged yet. */
  'prompt-responses': { prompt: Content; responses: Content[] };
  /** HH-RLHF: whole transcripts "\n\nHuman: … \n\nAssistant: …". */
  'hh-transcript': { chosen: string; rejected: string } & PairExtras;
  /** Stanford Alpaca, with LLaMA-Factory's system and history. */
  alpaca: {
    instruction: string;
    output: string;
    input?: string | null;
    system?: string | null;
    history?: [string, string][] | null;
  };
  /** ShareGPT conversations. */
  sharegpt: { conversations: ShareGptMessage[] };
  /** LLaMA-Factory preference. */
  'sharegpt-preference': {
    conversations: ShareGptMessage[];
    chosen: ShareGptMessage;
    rejected: ShareGptMessage;
  };
  /** LLaMA-Factory KTO: the label judges the last answer. */
  'labelled-messages': { messages: ChatMessage[]; label: boolean };
  /** LLMBar: label 1 or 2 = the better output. */
  'output-pair': { input: string; output_1: string; output_2: string; label: 1 | 2 };
  /** Self-instruct seed tasks. */
  'seed-task': { instruction: string; instances: { input: string; output: string }[] };
}

/** Name of a record format. */
export type RecordFormat = keyof Records;

/** A valid record of a format. */
export type RecordOf<F extends RecordFormat> = Records[F];

/** What each format is, for messages and help; in the order of detection: the most demanding first. */
export const FORMAT_TITLES: Readonly<Record<RecordFormat, string>> = {
  ranking: 'K-way ranking {prompt, responses[], ranks[]}',
  'stepwise-supervision': 'TRL stepwise supervision {prompt, completions[], labels[]}',
  'unpaired-preference': 'TRL unpaired preference {prompt, completion, label}',
  preference: 'TRL preference, explicit prompt {prompt, chosen, rejected}',
  'sharegpt-preference': 'LLaMA-Factory preference {conversations, chosen, rejected}',
  'hh-transcript': 'HH-RLHF transcripts {chosen, rejected}',
  'implicit-preference': 'TRL preference, implicit prompt {chosen, rejected}',
  'labelled-messages': 'LLaMA-Factory KTO {messages, label}',
  'prompt-responses': 'responses to be judged {prompt, responses[]}',
  'prompt-completion': 'TRL prompt-completion {prompt, completion}',
  alpaca: 'Alpaca instructions {instruction, input, output}',
  'output-pair': 'LLMBar pairs {input, output_1, output_2, label}',
  'seed-task': 'self-instruct seed tasks {instruction, instances[]}',
  sharegpt: 'ShareGPT conversations {conversations}',
  'language-modeling': 'TRL language modelling {text} or {messages}',
  'prompt-only': 'TRL prompt-only {prompt}',
};

/** All format names, in the order of detection. */
export const RECORD_FORMATS: readonly RecordFormat[] = Object.keys(FORMAT_TITLES) as RecordFormat[];
