/** Examples as token rows with the scores that each has to learn. */
import { TenetError } from '../../base/index.ts';
import type { GuardExample } from '../data/guard-example.ts';
import type { GuardKind } from './heads.ts';
import type { TextForm } from './transcript.ts';

/** One text as one kind of classifier reads it. */
export interface EncodedText {
  readonly kind: GuardKind;
  readonly example: GuardExample;
  /** [T] */
  readonly ids: Int32Array;
  /** The first token that is judged; all from there on are. */
  readonly judgedFrom: number;
  readonly harmful: boolean;
}

export interface EncodeLimits {
  readonly kinds: readonly GuardKind[];
  /** Most tokens of a text. Of a long conversation the end is read, at most half of it before an answer. */
  readonly maxLength: number;
}

/** Every reading of an example of which the label is known: up to one for each kind. */
export function encodeExample(
  example: GuardExample,
  form: TextForm,
  { kinds, maxLength }: EncodeLimits,
): EncodedText[] {
  const { prompt, answer, harmfulPrompt, harmfulAnswer } = example;
  const texts: EncodedText[] = [];
  const conversation = form.prompt(prompt);
  if (kinds.includes('input') && harmfulPrompt !== null) {
    const ids = Int32Array.from(conversation.ids.slice(-maxLength));
    texts.push({ kind: 'input', example, ids, judgedFrom: ids.length - 1, harmful: harmfulPrompt });
  }
  if (answer === null || harmfulAnswer === null) return texts;
  for (const kind of ['output', 'exchange'] as const) {
    if (!kinds.includes(kind)) continue;
    const before = kind === 'output' ? form.prompt([]) : conversation;
    const context = before.ids.slice(-Math.floor(maxLength / 2));
    const said = form.answer(before, answer).slice(0, maxLength - context.length);
    if (said.length === 0) continue;
    const ids = Int32Array.from([...context, ...said]);
    texts.push({ kind, example, ids, judgedFrom: context.length, harmful: harmfulAnswer });
  }
  return texts;
}

/** Categories that examples name, in order, each at least `least` times: fewer teach nothing. */
export function categoriesOf(examples: readonly GuardExample[], least = 8): string[] {
  const counts = new Map<string, number>();
  for (const { categories } of examples) {
    for (const category of new Set(categories)) counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count >= least)
    .map(([category]) => category)
    .sort();
}

/** @throws TenetError('preflight') for kinds that have no examples of both labels */
export function checkTexts(texts: readonly EncodedText[], kinds: readonly GuardKind[]): void {
  const problems = kinds.flatMap((kind) => {
    const own = texts.filter((text) => text.kind === kind);
    const harmful = own.filter((text) => text.harmful).length;
    return harmful > 0 && harmful < own.length
      ? []
      : [`${kind}: ${harmful} harmful and ${own.length - harmful} harmless texts`];
  });
  if (problems.length === 0) return;
  throw new TenetError(
    'preflight',
    `A classifier learns nothing from one kind of text alone. ${problems.join('; ')}. Add data of the missing kind ` +
      '(--harmful FILE, --harmless FILE), or leave the kind out with --kinds.',
  );
}
