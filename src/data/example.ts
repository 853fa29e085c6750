/** What a record of any format means, in one small set of forms that encoders and converters work on. */
import type { ChatMessage } from '../text/index.ts';
import { parseTranscript } from './hh-transcript.ts';
import { labelsOfPair, labelsOfRanking, type ObjectivesLabels } from './objective-labels.ts';
import type { Content, RecordFormat, RecordOf } from './record.ts';

/** Fields that TRL knows beside the content; they go with every form. */
export interface ExampleExtras {
  /** JSON schemas of callable tools. */
  tools?: object[];
  /** Variables for the chat template. */
  chat_template_kwargs?: Record<string, unknown>;
}

export interface TextExample extends ExampleExtras {
  kind: 'text';
  text: string;
}

export interface ChatExample extends ExampleExtras {
  kind: 'chat';
  messages: ChatMessage[];
}

export interface PromptExample extends ExampleExtras {
  kind: 'prompt';
  prompt: Content;
}

export interface CompletionExample extends ExampleExtras {
  kind: 'completion';
  prompt: Content;
  completion: Content;
  /** True: desirable, false: undesirable; absent: not judged. */
  label?: boolean;
}

export interface RankingExample extends ExampleExtras {
  kind: 'ranking';
  prompt: Content;
  /** [K] */
  responses: Content[];
  /** [K] 1 = best, equal = tie, null = not judged. A pair is a ranking [1, 2]. */
  ranks: (number | null)[];
  /** How much better the first is than the second, where the data says so (pairs only). */
  margin?: number;
  /** Soft labels, [K][K]: probability that response i is better than response j; null = not judged. */
  preferences?: (number | null)[][];
  /** Judgements by one objective each. */
  objectives?: ObjectivesLabels;
}

export interface StepsExample extends ExampleExtras {
  kind: 'steps';
  prompt: string;
  /** [steps] */
  completions: string[];
  /** [steps] true: the step is right. */
  labels: boolean[];
}

export type Example =
  | TextExample
  | ChatExample
  | PromptExample
  | CompletionExample
  | RankingExample
  | StepsExample;

/** The examples that a valid record holds: one, or several for seed tasks. */
export function examplesOf(record: object, format: RecordFormat): Example[] {
  const extras: ExampleExtras = {};
  const { tools, chat_template_kwargs } = record as ExampleExtras;
  if (tools) extras.tools = tools;
  if (chat_template_kwargs) extras.chat_template_kwargs = chat_template_kwargs;
  const read = READERS[format] as (record: object) => Example[];
  return read(record).map((example) => ({ ...example, ...extras }));
}

const READERS: { [F in RecordFormat]: (record: RecordOf<F>) => Example[] } = {
  ranking: ({ prompt, responses, ranks, preferences, objectives, scores }) => [
    {
      kind: 'ranking',
      prompt,
      responses,
      ranks,
      ...(preferences && { preferences }),
      ...withObjectives(labelsOfRanking(objectives, scores)),
    },
  ],
  'stepwise-supervision': (r) => [
    { kind: 'steps', prompt: r.prompt, completions: r.completions, labels: r.labels },
  ],
  'unpaired-preference': (r) => [
    { kind: 'completion', prompt: r.prompt, completion: r.completion, label: r.label },
  ],
  preference: (r) => [pair(r.prompt, r.chosen, r.rejected, r)],
  'sharegpt-preference': (r) => [
    pair(fromShareGpt(r.conversations), fromShareGpt([r.chosen]), fromShareGpt([r.rejected])),
  ],
  'hh-transcript': (r) => [pairFromWholes(parseTranscript(r.chosen), parseTranscript(r.rejected), r)],
  'implicit-preference': (r) => [pairFromWholes(r.chosen, r.rejected, r)],
  'labelled-messages': (r) => {
    const { prompt, completion } = splitLastTurn(r.messages);
    return [{ kind: 'completion', prompt, completion, label: r.label }];
  },
  'prompt-responses': ({ prompt, responses }) => [
    { kind: 'ranking', prompt, responses, ranks: responses.map(() => null) },
  ],
  'prompt-completion': (r) => [{ kind: 'completion', prompt: r.prompt, completion: r.completion }],
  alpaca: (r) => [
    {
      kind: 'completion',
      prompt: [
        ...(r.system ? [{ role: 'system', content: r.system }] : []),
        ...(r.history ?? []).flatMap(([question, answer]) => [user(question), assistant(answer)]),
        user(withInput(r.instruction, r.input)),
      ],
      completion: [assistant(r.output)],
    },
  ],
  'output-pair': (r) => [
    {
      kind: 'ranking',
      prompt: [user(r.input)],
      responses: [[assistant(r.output_1)], [assistant(r.output_2)]],
      ranks: r.label === 1 ? [1, 2] : [2, 1],
    },
  ],
  'seed-task': (r) =>
    r.instances.map((instance) => ({
      kind: 'completion',
      prompt: [user(withInput(r.instruction, instance.input))],
      completion: [assistant(instance.output)],
    })),
  sharegpt: (r) => [{ kind: 'chat', messages: fromShareGpt(r.conversations) }],
  'language-modeling': (r) => [
    r.messages !== undefined
      ? { kind: 'chat', messages: r.messages }
      : { kind: 'text', text: (r as { text: string }).text },
  ],
  'prompt-only': (r) => [{ kind: 'prompt', prompt: r.prompt }],
};

/** What a pair may say besides its texts; see `record.ts`. */
interface PairFields {
  readonly margin?: number | null;
  readonly probability?: number | null;
  readonly objectives?: Readonly<Record<string, number | null>> | null;
}

function withObjectives(objectives: ObjectivesLabels | undefined): Pick<RankingExample, 'objectives'> {
  return objectives ? { objectives } : {};
}

function pair(prompt: Content, chosen: Content, rejected: Content, fields: PairFields = {}): RankingExample {
  const { margin, probability: p } = fields;
  return {
    kind: 'ranking',
    prompt,
    responses: [chosen, rejected],
    ranks: [1, 2],
    ...(typeof margin === 'number' && { margin }),
    ...(typeof p === 'number' && { preferences: [[null, p], [1 - p, null]] }), // biome-ignore format: a matrix
    ...withObjectives(labelsOfPair(fields.objectives)),
  };
}

/**
 * Splits two whole texts or conversations into the prompt they share and what follows. For conversations the
 * prompt is all messages that are equal; for texts all equal characters, without a final space, so that the
 * responses begin with it (TRL's `extract_prompt`). At least the last message or character is a response.
 */
export function pairFromWholes(chosen: Content, rejected: Content, fields: PairFields = {}): RankingExample {
  const last = Math.min(chosen.length, rejected.length) - 1;
  let shared = 0;
  if (typeof chosen === 'string' || typeof rejected === 'string') {
    while (shared < last && chosen[shared] === rejected[shared]) shared++;
    if ([chosen, rejected].some((text) => splitsPair(text as string, shared))) shared--;
    if (shared > 0 && chosen[shared - 1] === ' ') shared--;
  } else {
    while (shared < last && sameMessage(chosen[shared], rejected[shared])) shared++;
  }
  return pair(
    chosen.slice(0, shared) as Content,
    chosen.slice(shared) as Content,
    rejected.slice(shared) as Content,
    fields,
  );
}

/** True where a cut would part the two halves of a character outside the basic plane, such as an emoji. */
function splitsPair(text: string, at: number): boolean {
  return at > 0 && /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(at - 1, at + 1));
}

/** The last turn of the assistant and what comes before it; what others say after it is no part of either. */
export function splitLastTurn(messages: readonly ChatMessage[]): {
  prompt: ChatMessage[];
  completion: ChatMessage[];
} {
  const last = messages.findLastIndex((message) => message.role === 'assistant');
  const at = last < 0 ? messages.length : last;
  return { prompt: messages.slice(0, at), completion: messages.slice(at, at + 1) };
}

function sameMessage(a: ChatMessage, b: ChatMessage): boolean {
  return a.role === b.role && (a.content === b.content || JSON.stringify(a) === JSON.stringify(b));
}

const SHARE_GPT_ROLES: Readonly<Record<string, string>> = {
  human: 'user',
  gpt: 'assistant',
  observation: 'tool',
  function_call: 'assistant',
};

function fromShareGpt(turns: readonly { from: string; value: string }[]): ChatMessage[] {
  return turns.map((turn) => ({ role: SHARE_GPT_ROLES[turn.from] ?? turn.from, content: turn.value }));
}

function withInput(instruction: string, input: string | null | undefined): string {
  return input ? `${instruction}\n\n${input}` : instruction;
}

function user(content: string): ChatMessage {
  return { role: 'user', content };
}

function assistant(content: string): ChatMessage {
  return { role: 'assistant', content };
}
