/** Writes an example as records of a chosen format. */
import { TenetError } from '../base/index.ts';
import type { ChatMessage } from '../text/index.ts';
import { type Example, type RankingExample, splitLastTurn } from './example.ts';
import { formatTranscript, parseTranscript, textOf } from './hh-transcript.ts';
import { probabilitiesOfPair, ranksByObjective } from './objective-labels.ts';
import type { Content } from './record.ts';

/** Formats that can be written: TRL's, rankings, and HH-RLHF transcripts. */
export type TargetFormat =
  | 'language-modeling'
  | 'prompt-only'
  | 'prompt-completion'
  | 'preference'
  | 'implicit-preference'
  | 'unpaired-preference'
  | 'ranking'
  | 'hh-transcript';

/**
 * 'keep': texts stay texts and messages stay messages. 'conversational': texts become messages; a prompt that is an
 * HH transcript becomes its turns, any other one user message. 'standard': messages become an HH transcript.
 */
export type Style = 'keep' | 'conversational' | 'standard';

/** The records an example becomes; or why it becomes none. */
export interface Converted {
  records: object[];
  /** Set when there are no records: a reason to count and report. */
  dropped?: string;
}

/**
 * Converts one example.
 *
 * Rankings become all pairs of which one is better, K(K−1)/2 less the ties (InstructGPT, Ouyang et al. 2022); as a
 * prompt-completion, their best response (the first of several). Judged completions become prompt-completions only
 * where they are desirable. A conversation's completion is the last turn of the assistant, its prompt what comes before.
 *
 * Labels by objective go with pairs and rankings; of a pair's probabilities a ranking keeps which response is better.
 *
 * @throws TenetError('usage') where the target asks for what the example does not have, such as pairs from a text.
 */
export function convertExample(example: Example, target: TargetFormat, style: Style = 'keep'): Converted {
  const { tools, chat_template_kwargs } = example;
  const extras = { ...(tools && { tools }), ...(chat_template_kwargs && { chat_template_kwargs }) };
  const { records, dropped } = WRITERS[target](
    styled(example, target === 'hh-transcript' ? 'conversational' : style),
  );
  return { records: records.map((record) => ({ ...record, ...extras })), ...(dropped && { dropped }) };
}

const WRITERS: { [F in TargetFormat]: (example: Example) => Converted } = {
  'language-modeling': (e) => {
    if (e.kind === 'text') return one({ text: e.text });
    if (e.kind === 'chat') return one({ messages: e.messages });
    return fromCompletion(e, 'language-modeling', (prompt, completion) => {
      const whole = joined(prompt, completion);
      return typeof whole === 'string' ? { text: whole } : { messages: whole };
    });
  },
  'prompt-only': (e) => {
    if (e.kind === 'text') throw impossible(e, 'prompt-only');
    const prompt = e.kind === 'chat' ? splitLastTurn(e.messages).prompt : e.prompt;
    return prompt.length === 0 ? none('no prompt') : one({ prompt });
  },
  'prompt-completion': (e) =>
    fromCompletion(e, 'prompt-completion', (prompt, completion) => ({ prompt, completion })),
  preference: (e) => fromPairs(e, 'preference', (prompt, chosen, rejected) => ({ prompt, chosen, rejected })),
  'implicit-preference': (e) =>
    fromPairs(e, 'implicit-preference', (prompt, chosen, rejected) => ({
      chosen: joined(prompt, chosen),
      rejected: joined(prompt, rejected),
    })),
  'hh-transcript': (e) =>
    fromPairs(e, 'hh-transcript', (prompt, chosen, rejected) => ({
      chosen: formatTranscript(joined(prompt, chosen) as ChatMessage[]),
      rejected: formatTranscript(joined(prompt, rejected) as ChatMessage[]),
    })),
  'unpaired-preference': (e) => {
    if (e.kind === 'completion' && e.label !== undefined) {
      return one({ prompt: e.prompt, completion: e.completion, label: e.label });
    }
    if (e.kind !== 'ranking') throw impossible(e, 'unpaired-preference');
    if (e.responses.length !== 2) {
      throw new TenetError('usage', 'Rankings of more than two become unpaired by way of preference pairs.');
    }
    const [pair] = pairsOf(e);
    if (!pair) return none('tie or not judged');
    const { prompt } = e;
    return {
      records: [
        { prompt, completion: pair.chosen, label: true },
        { prompt, completion: pair.rejected, label: false },
      ],
    };
  },
  ranking: (e) => {
    if (e.kind !== 'ranking') throw impossible(e, 'ranking');
    const { prompt, responses, ranks, preferences, objectives } = e;
    return one({
      prompt,
      responses,
      ranks,
      ...(preferences && { preferences }),
      ...(objectives && { objectives: ranksByObjective(objectives) }),
    });
  },
};

/** The formats that {@link convertExample} writes. */
export const TARGET_FORMATS: readonly TargetFormat[] = Object.keys(WRITERS) as TargetFormat[];

/** Two responses of which the first is ranked better. */
export interface RankedPair {
  chosen: Content;
  rejected: Content;
  /** Soft label: probability that it is, where the data has one. */
  probability?: number;
  /** By objective: probability that it is; those that say nothing of the two are left out. */
  objectives?: Readonly<Record<string, number>>;
}

/** All pairs of which one response is ranked better, the better first. */
export function pairsOf(example: RankingExample): RankedPair[] {
  const { responses, ranks, preferences, objectives: labels } = example;
  const pairs: RankedPair[] = [];
  for (let i = 0; i < ranks.length; i++) {
    for (let j = i + 1; j < ranks.length; j++) {
      const [a, b] = [ranks[i], ranks[j]];
      if (a === null || b === null || a === b) continue;
      const [better, worse] = a < b ? [i, j] : [j, i];
      const probability = preferences?.[better][worse] ?? undefined;
      const objectives = probabilitiesOfPair(labels, better, worse);
      pairs.push({
        chosen: responses[better],
        rejected: responses[worse],
        ...(probability !== undefined && { probability }),
        ...(objectives && { objectives }),
      });
    }
  }
  return pairs;
}

function fromPairs(
  example: Example,
  target: TargetFormat,
  write: (prompt: Content, chosen: Content, rejected: Content) => object,
): Converted {
  if (example.kind !== 'ranking') throw impossible(example, target);
  const { prompt, margin } = example;
  const pairs = pairsOf(example);
  if (pairs.length === 0) return none('all tied or not judged');
  const records = pairs.map(({ chosen, rejected, ...labels }) => ({
    ...write(prompt, chosen, rejected),
    ...labels,
    ...(margin !== undefined && { margin }),
  }));
  return { records };
}

function fromCompletion(
  example: Example,
  target: TargetFormat,
  write: (prompt: Content, completion: Content) => object,
): Converted {
  if (example.kind === 'completion') {
    return example.label === false ? none('undesirable') : one(write(example.prompt, example.completion));
  }
  if (example.kind === 'chat') {
    const { prompt, completion } = splitLastTurn(example.messages);
    return completion.length === 0 ? none('no assistant turn') : one(write(prompt, completion));
  }
  if (example.kind !== 'ranking') throw impossible(example, target);
  const judged = example.ranks.filter((rank) => rank !== null);
  if (judged.length === 0) return none('not judged');
  return one(write(example.prompt, example.responses[example.ranks.indexOf(Math.min(...judged))]));
}

function styled(example: Example, style: Style): Example {
  if (style === 'keep' || example.kind === 'steps') return example;
  if (example.kind === 'text') {
    const isTranscript = style === 'conversational' && /^\s*Human:/.test(example.text);
    return isTranscript ? { ...example, kind: 'chat', messages: parseTranscript(example.text) } : example;
  }
  if (example.kind === 'chat') {
    return style === 'standard'
      ? { ...example, kind: 'text', text: formatTranscript(example.messages) }
      : example;
  }
  const prompt = style === 'standard' ? promptText(example.prompt) : promptMessages(example.prompt);
  const answer = (content: Content) =>
    style === 'standard' ? answerText(content, example.prompt) : answerMessages(content);
  if (example.kind === 'prompt') return { ...example, prompt };
  if (example.kind === 'completion') return { ...example, prompt, completion: answer(example.completion) };
  return { ...example, prompt, responses: example.responses.map(answer) };
}

function promptMessages(content: Content): ChatMessage[] {
  if (typeof content !== 'string') return content;
  if (!/^\s*Human:/.test(content)) return [{ role: 'user', content: content.trim() }];
  const turns = parseTranscript(content);
  // A transcript prompt ends with the header of the answer, which is no turn yet.
  return turns.at(-1)?.role === 'assistant' && textOf(turns.at(-1)!) === '' ? turns.slice(0, -1) : turns;
}

function answerMessages(content: Content): ChatMessage[] {
  return typeof content === 'string' ? [{ role: 'assistant', content: content.trim() }] : content;
}

function promptText(content: Content): string {
  if (typeof content === 'string') return content;
  return formatTranscript(content, content.at(-1)?.role !== 'assistant');
}

function answerText(content: Content, prompt: Content): string {
  if (typeof content === 'string') return content;
  const [first, ...rest] = content;
  // The prompt ends with the header of an answer, unless the assistant spoke last.
  const isAnswer =
    first?.role === 'assistant' && typeof prompt !== 'string' && prompt.at(-1)?.role !== 'assistant';
  return isAnswer ? ` ${textOf(first)}${formatTranscript(rest)}` : formatTranscript(content);
}

function joined(prompt: Content, completion: Content): Content {
  if (typeof prompt === 'string') return prompt + (completion as string);
  return [...prompt, ...(completion as ChatMessage[])];
}

function one(record: object): Converted {
  return { records: [record] };
}

function none(reason: string): Converted {
  return { records: [], dropped: reason };
}

function impossible(example: Example, target: TargetFormat): TenetError {
  const has: Record<Example['kind'], string> = {
    text: 'plain texts',
    chat: 'conversations',
    prompt: 'prompts without responses',
    completion: 'prompts with one completion',
    ranking: 'comparisons',
    steps: 'steps of a solution',
  };
  return new TenetError('usage', `${target} cannot be made from ${has[example.kind]}.`);
}
