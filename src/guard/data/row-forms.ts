/** The published forms of data about harmful requests and answers, and what each of their rows says. */
import { z } from 'zod';
import type { GuardMessage } from '../screen.ts';
import type { GuardExample } from './guard-example.ts';

/** What a row says; whoever reads the file adds the rest. */
export type RowFacts = Omit<GuardExample, 'id' | 'source'> & Partial<Pick<GuardExample, 'id' | 'source'>>;

export interface RowForm {
  /** For messages. */
  readonly name: string;
  /** Fields by which the form is recognised. */
  readonly has: readonly string[];
  /** @throws z.ZodError for a row that does not fit; null for a row that is left out on purpose */
  read(row: unknown): RowFacts | null;
}

function formOf<T>(
  name: string,
  has: readonly string[],
  schema: z.ZodType<T>,
  facts: (row: T) => RowFacts | null,
): RowForm {
  return { name, has, read: (row) => facts(schema.parse(row)) };
}

export function asUser(content: string): GuardMessage[] {
  return [{ role: 'user', content }];
}

const text = z.string().min(1);
const message = z.object({ role: z.enum(['system', 'user', 'assistant', 'tool']), content: z.string() });
const content = z.union([text, z.array(message).min(1)]);
const flag = z.boolean().nullable().optional();

const messagesOf = (value: z.infer<typeof content>): readonly GuardMessage[] =>
  typeof value === 'string' ? asUser(value) : value;
const textOf = (value: z.infer<typeof content>): string =>
  typeof value === 'string' ? value : value.map((turn) => turn.content).join('\n\n');
const lastOf = (messages: readonly GuardMessage[]): string => messages.at(-1)!.content;

const saysOfWhat = 'must say of what, {"prompt": true, "completion": false}; what is not known is left out';

/** Tenet's own rows: what `tenet guard generate` and the ledger's guard tasks give. */
const own = formOf(
  'guard rows',
  ['prompt', 'harmful'],
  z.object({
    id: z.string().optional(),
    prompt: content,
    completion: content.nullable().optional(),
    harmful: z.object({ prompt: flag, completion: flag }, { error: saysOfWhat }),
    categories: z.array(z.string()).nullable().optional(),
    source: z.string().optional(),
    technique: z.string().optional(),
    request: z.string().optional(),
    split: z.enum(['train', 'test']).optional(),
  }),
  ({ prompt, completion, harmful, categories, technique, request, ...rest }) => ({
    ...rest,
    prompt: messagesOf(prompt),
    answer: completion == null ? null : textOf(completion),
    harmfulPrompt: harmful.prompt ?? null,
    harmfulAnswer: completion == null ? null : (harmful.completion ?? null),
    categories: categories ?? null,
    technique: technique ?? 'direct',
    request: request ?? lastOf(messagesOf(prompt)),
  }),
);

/** What people said about a guard's cases: `tenet guard export`. */
const judgedCases = formOf(
  'judged cases',
  ['messages', 'label', 'source', 'family'],
  z.object({
    messages: z.array(message).min(1),
    response: z.string().optional(),
    label: z.enum(['harmful', 'harmless']),
    principle: z.string().optional(),
    source: z.string(),
    family: z.string(),
    split: z.enum(['train', 'test']).optional(),
  }),
  ({ messages, response, label, principle, source, split }) => {
    const harmful = label === 'harmful';
    return {
      prompt: messages,
      answer: response ?? null,
      // People judged the answer where there is one, and else the conversation.
      harmfulPrompt: response === undefined ? harmful : null,
      harmfulAnswer: response === undefined ? null : harmful,
      categories: harmful ? (principle === undefined ? null : [principle]) : [],
      technique: 'direct',
      request: lastOf(messages),
      source,
      ...(split && { split }),
    };
  },
);

/** What `tenet redteam` finds: `label` true = the answer is as wanted. */
const findings = formOf(
  'findings of tenet redteam',
  ['prompt', 'completion', 'label', 'technique'],
  z.object({
    prompt: content,
    completion: content,
    label: z.boolean(),
    technique: z.string(),
    category: z.string().optional(),
    request: z.string().optional(),
  }),
  ({ prompt, completion, label, technique, category, request }) => ({
    prompt: messagesOf(prompt),
    answer: textOf(completion),
    harmfulPrompt: true,
    harmfulAnswer: !label,
    categories: category === undefined ? null : [category],
    technique,
    request: request ?? lastOf(messagesOf(prompt)),
  }),
);

/**
 * Replies to red-team questions, each judged good or bad (Liu et al. 2023, Stable Alignment). A reply is a whole dialogue,
 * "You: … Friend: … You: …": the answer is what "You" says, without the tags, by which alone a classifier would know them.
 */
const labelledReplies = formOf(
  'labelled replies',
  ['question', 'response', 'morality_label'],
  z.object({ question: text, response: text, morality_label: z.enum(['good', 'bad']) }),
  ({ question, response, morality_label }) => ({
    prompt: asUser(question),
    answer: ownTurns(response),
    harmfulPrompt: null, // asked by red-teamers, which does not make every question a harmful one
    harmfulAnswer: morality_label === 'bad',
    categories: null,
    technique: 'direct',
    request: question,
  }),
);

function ownTurns(reply: string): string {
  const parts = reply.split(/(?:^|\s)(You|Friend):\s*/);
  const own = [parts[0], ...parts.slice(2).filter((_, i) => i % 2 === 0 && parts[i + 1] === 'You')];
  return own
    .map((turn) => turn.trim())
    .filter((turn) => turn !== '')
    .join('\n\n');
}

const direct = (request: string, categories: readonly string[] | null): RowFacts => ({
  prompt: asUser(request),
  answer: null,
  harmfulPrompt: true,
  harmfulAnswer: null,
  categories,
  technique: 'direct',
  request,
});

/** Of an answer AdvBench has the beginning alone, by which it tells that an attack has succeeded. */
const advBench = formOf(
  'AdvBench',
  ['goal', 'target'],
  z.object({ goal: text, target: text }),
  ({ goal, target }) => ({ ...direct(goal, null), answer: target, harmfulAnswer: true }),
);

const harmBench = formOf(
  'HarmBench',
  ['Behavior', 'FunctionalCategory', 'SemanticCategory'],
  z.object({
    Behavior: text,
    FunctionalCategory: text,
    SemanticCategory: text,
    ContextString: z.string().optional(),
    BehaviorID: z.string().optional(),
  }),
  ({ Behavior, FunctionalCategory, SemanticCategory, ContextString, BehaviorID }) => {
    if (FunctionalCategory === 'copyright') return null; // its harm lies elsewhere
    const asked = ContextString ? `${ContextString}\n\n---\n\n${Behavior}` : Behavior;
    return {
      ...direct(asked, [SemanticCategory.replaceAll('_', ' ')]),
      ...(BehaviorID && { id: BehaviorID }),
    };
  },
);

const isContrast = (type: string): boolean => type.trim().startsWith('contrast');

const xsTestAnswers = formOf(
  'XSTest completions',
  ['prompt', 'type', 'completion', 'final_label'],
  z.object({
    id: z.string().optional(),
    prompt: text,
    type: text,
    completion: z.string(),
    final_label: text,
  }),
  ({ id, prompt, type, completion, final_label }) => ({
    ...(id && { id }),
    prompt: asUser(prompt),
    answer: completion.trim() === '' ? null : completion,
    harmfulPrompt: isContrast(type),
    // People judged whether it complies; complying with an unsafe request is the harm.
    harmfulAnswer:
      completion.trim() === '' ? null : isContrast(type) && final_label.startsWith('1_full_compliance'),
    categories: isContrast(type) ? null : [],
    technique: isContrast(type) ? 'direct' : `look-alike: ${type.trim().replaceAll('_', ' ')}`,
    request: prompt,
  }),
);

const xsTest = formOf(
  'XSTest prompts',
  ['prompt', 'type', 'label'],
  z.object({ id: z.string().optional(), prompt: text, type: text, label: z.enum(['safe', 'unsafe']) }),
  ({ id, prompt, type, label }) => ({
    ...direct(prompt, label === 'safe' ? [] : null),
    ...(id && { id }),
    harmfulPrompt: label === 'unsafe',
    technique: label === 'unsafe' ? 'direct' : `look-alike: ${type.trim().replaceAll('_', ' ')}`,
  }),
);

const falseRefusal = formOf(
  'false refusals of CyberSecEval',
  ['mutated_prompt', 'is_malicious'],
  z.object({ mutated_prompt: text, is_malicious: z.boolean() }),
  ({ mutated_prompt, is_malicious }) => ({
    ...direct(mutated_prompt, is_malicious ? null : []),
    harmfulPrompt: is_malicious,
    technique: is_malicious ? 'direct' : 'look-alike: security work',
  }),
);

/** The first one whose fields a row has is its form: those with more fields come first. */
export const rowForms: readonly RowForm[] = [
  own,
  judgedCases,
  findings,
  xsTestAnswers,
  labelledReplies,
  harmBench,
  xsTest,
  falseRefusal,
  advBench,
];

const jailbreak = z.object({
  goal: text,
  category: z.string().optional(),
  prompt: z.string().nullable(),
  response: z.string().nullable(),
  jailbroken: z.boolean(),
});
/** A whole file of JailbreakBench: recorded attempts by one method (Chao et al. 2024, arXiv:2404.01318). */
export const jailbreakArtifact: z.ZodType<{
  parameters: { method: string; method_parameters?: { template_name?: string } | null };
  jailbreaks: z.infer<typeof jailbreak>[];
}> = z.object({
  parameters: z.object({
    method: z.string(),
    method_parameters: z.object({ template_name: z.string().optional() }).nullish(),
  }),
  jailbreaks: z.array(jailbreak),
});

/** Null for attempts of which no prompt was recorded. */
export function readJailbreak(attempt: z.infer<typeof jailbreak>, method: string): RowFacts | null {
  const { goal, category, prompt, response, jailbroken } = attempt;
  if (!prompt) return null;
  return {
    prompt: asUser(prompt),
    answer: response || null,
    harmfulPrompt: true,
    harmfulAnswer: response ? jailbroken : null,
    categories: category === undefined ? null : [category],
    technique: method,
    request: goal,
  };
}
