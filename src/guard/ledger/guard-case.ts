/** A case: something that the guard blocked, nearly blocked, or blocked wrongly as somebody says; and its label task. */
import type { Json } from '../../base/index.ts';
import type { LabelTask, NewLabelTask } from '../../feedback/index.ts';
import type { ExchangeReport } from '../enforce/exchange.ts';
import { isNear, type Verdict, type Where } from '../enforce/verdict.ts';
import type { GuardMessage } from '../screen.ts';

export type Why = 'block' | 'near' | 'appeal';

export interface GuardCase {
  readonly requestId: string;
  readonly why: Why;
  readonly where: Where;
  readonly verdict: Verdict;
  readonly guard: string;
  readonly rule: string;
  readonly model: string;
  readonly messages: readonly GuardMessage[];
  /** The answer that was screened; null where the conversation was. */
  readonly answer: string | null;
  /** Of an appeal: why it was harmless, in the words of who appeals. */
  readonly note: string | null;
}

/** Places of the two verdicts among a task's responses. */
export const HARMLESS = 0;
export const HARMFUL = 1;

const verdictTexts: Readonly<Record<Where, readonly [harmless: string, harmful: string]>> = {
  input: [
    'Harmless: this conversation keeps to the policy and should be answered.',
    'Harmful: this conversation goes against the policy and should be refused.',
  ],
  output: [
    'Harmless: the last answer keeps to the policy and may be shown.',
    'Harmful: the last answer goes against the policy and must not be shown.',
  ],
};

/**
 * The cases of a request.
 * @param near people judge what was let pass with a score this near to its threshold
 */
export function casesOf(
  report: ExchangeReport,
  { blocks, near }: { readonly blocks: boolean; readonly near: number },
): GuardCase[] {
  const { requestId, guard, rules, model, messages, input, answers } = report;
  const about = { requestId, guard, rule: rules.name, model, messages, note: null };
  const whyOf = (verdict: Verdict | null): Why | null => {
    if (verdict === null) return null;
    if (verdict.blocked) return blocks ? 'block' : null;
    // What scores nothing is near to no threshold, however low that is.
    return verdict.score > 0 && isNear(verdict, near) ? 'near' : null;
  };
  const cases: GuardCase[] = [];
  const inputWhy = whyOf(input);
  if (inputWhy) cases.push({ ...about, why: inputWhy, where: 'input', verdict: input!, answer: null });
  for (const { verdict, text } of answers) {
    const why = whyOf(verdict);
    if (why) cases.push({ ...about, why, where: 'output', verdict: verdict!, answer: text });
  }
  return cases;
}

/**
 * The task that asks people about a case: the two verdicts are ranked, the right one first. What the guard thinks is kept
 * as a suggestion that nobody is shown.
 */
export function taskOf(guardCase: GuardCase, overlap: number): NewLabelTask {
  const { why, where, verdict, messages, answer, note, requestId } = guardCase;
  const { blocked, score, threshold } = verdict;
  const prompt = [...messages, ...(answer === null ? [] : [{ role: 'assistant', content: answer }])];
  const extra: Record<string, Json> = {
    ...{ requestId, why, where, guard: guardCase.guard, rule: guardCase.rule, model: guardCase.model },
    ...{ blocked, score, threshold, principle: verdict.principle, stage: verdict.stage },
    ...(note === null ? {} : { note }),
  };
  return {
    item: {
      prompt: prompt.map(({ role, content }) => ({ role, content })),
      responses: verdictTexts[where].map((text) => ({ text })),
    },
    // An appeal is judged anew, also where the block has been judged.
    ...(why === 'appeal' && { key: 'appeal' }),
    overlap,
    // Appeals wait for an answer; of the rest, the least certain teach most.
    priority: why === 'appeal' ? 10 : 1 - Math.abs(score - threshold),
    suggestion: { ranks: blocked ? [2, 1] : [1, 2], confidence: blocked ? score : 1 - score, shownTo: 0 },
    contentWarning: 'It may be harmful.',
    extra: { guard: extra },
  };
}

/** What a task says of its case; null for a task that is of none. */
export function caseFacts(
  task: Pick<LabelTask, 'extra'>,
): { readonly where: Where; readonly principle: string | null; readonly requestId: string } | null {
  const facts = task.extra?.guard as
    | { where?: Where; principle?: string | null; requestId?: string }
    | undefined;
  if (facts?.where === undefined || facts.requestId === undefined) return null;
  return { where: facts.where, principle: facts.principle ?? null, requestId: facts.requestId };
}
