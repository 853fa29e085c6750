/** What kinds of records a stage can use, and the words to say so. */
import { TenetError } from '../../base/index.ts';
import type { Encoder, Example } from '../../data/index.ts';
import { describeLosses } from './encode-texts.ts';
import type { StageRun } from './stage-run.ts';

/** How a kind of record is called in messages. */
const kindNames: Readonly<Record<Example['kind'], string>> = {
  text: 'plain texts',
  chat: 'conversations',
  prompt: 'prompts alone',
  completion: 'prompts with completions',
  ranking: 'preferences or rankings',
  steps: 'step-by-step judgements',
};

/** @throws TenetError('data') when there is an example of another kind than those wanted */
export function expectKinds(
  stage: Pick<StageRun, 'name'>,
  examples: readonly Example[],
  kinds: readonly Example['kind'][],
): void {
  const wrong = examples.find(({ kind }) => !kinds.includes(kind));
  if (!wrong) return;
  const wanted = kinds.map((kind) => kindNames[kind]).join(', ');
  throw new TenetError(
    'data',
    `stage "${stage.name}" can use ${wanted}, but its data holds ${kindNames[wrong.kind]}; ` +
      '"tenet data check FILE" says what a file is, and "tenet data convert" makes one format from another.',
  );
}

/** Checks that examples have a prompt to answer. */
export function expectPrompts(stage: Pick<StageRun, 'name'>, examples: readonly Example[]): void {
  expectKinds(stage, examples, ['prompt', 'completion', 'ranking', 'steps']);
}

/**
 * Training texts: of comparisons the preferred response; without what is marked as undesirable.
 * @param warn told when examples are left out
 */
export function demonstrationsOf(
  stage: Pick<StageRun, 'name'>,
  examples: readonly Example[],
  warn: (message: string) => void,
): Example[] {
  expectKinds(stage, examples, ['text', 'chat', 'completion', 'ranking']);
  const wanted = examples.flatMap((example) => preferredSide(example) ?? []);
  const left = examples.length - wanted.length;
  if (left > 0) {
    warn(
      `${left} of ${examples.length} examples are marked as undesirable, or not judged, and are left out.`,
    );
  }
  return wanted;
}

function preferredSide(example: Example): Example | null {
  if (example.kind === 'completion' && example.label === false) return null;
  if (example.kind !== 'ranking') return example;
  const judged = example.ranks.map((rank, i) => ({ rank: rank ?? Number.POSITIVE_INFINITY, i }));
  const best = judged.reduce((a, b) => (b.rank < a.rank ? b : a));
  if (best.rank === Number.POSITIVE_INFINITY) return null;
  const { prompt, responses, tools, chat_template_kwargs } = example;
  return { kind: 'completion', prompt, completion: responses[best.i], tools, chat_template_kwargs };
}

/**
 * Tells the user what did not fit.
 * @param kept what is left to train on
 * @throws TenetError('preflight') when that is nothing
 */
export function reportLosses(
  stage: StageRun,
  encoder: Encoder,
  kept: readonly unknown[],
  maxLength: number,
): void {
  const losses = describeLosses(encoder);
  if (kept.length === 0) {
    throw new TenetError(
      'preflight',
      `stage "${stage.name}" has nothing to train on. ${losses ?? 'Its data is empty.'} ` +
        `An example may have ${maxLength} tokens: raise maxLength if the model's positions allow it, or give shorter examples.`,
    );
  }
  if (losses) stage.context.warn(losses);
}
