/**
 * Training data for a guard from a constitution: requests against each principle and look-alikes that keep it, answers of
 * both kinds, and all of them in the disguises of attacks.
 *
 * Requests and attacks are both parted into training and test, and a row is kept only where both are of one part: the
 * test then holds new requests in disguises that training has never seen.
 * @see Sharma et al. 2025, arXiv:2501.18837, for the constitution, the augmentation and the pool of harmless queries
 */
import { type Json, Random } from '../../../base/index.ts';
import { type Constitution, type Principle, principlesFor } from '../../../constitution/index.ts';
import { NearDuplicateIndex } from '../../../data/index.ts';
import { builtInTechniques, type Technique } from '../../../evaluate/index.ts';
import { type LanguageModel, mapItems } from '../../../llm/index.ts';
import type { GuardExample } from '../guard-example.ts';
import { type AnswerKind, askForAnswer, askForRequests, type RequestKind } from './ask.ts';

export interface GenerateOptions {
  /** Requests of each kind for each principle. */
  readonly perPrinciple: number;
  /** Disguises of each request besides the plain one, drawn with the seed. Default 2. */
  readonly disguises?: number;
  /** Share of requests, and of attacks, that are for tests alone. Default 0.25. */
  readonly testShare?: number;
  /** Jaccard similarity of 3-word runs from which two requests are the same. Default 0.7. */
  readonly similarity?: number;
  readonly techniques?: readonly Technique[];
  readonly seed: number;
  /** Longest answer in tokens. Default 400. */
  readonly maxTokens?: number;
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface GeneratedData {
  readonly examples: readonly GuardExample[];
  /** What came to nothing, and why. */
  readonly left: {
    readonly nearDuplicates: number;
    /** Answers that were not what was asked for: refusals where harm was wanted, and the other way round. */
    readonly unfitAnswers: number;
    readonly failed: number;
    readonly reason: string | null;
  };
}

interface Asked {
  readonly principle: Principle;
  readonly kind: RequestKind;
}

const perBatch = 5;

export async function generateGuardData(
  constitution: Constitution,
  model: LanguageModel,
  options: GenerateOptions,
): Promise<GeneratedData> {
  const { perPrinciple, seed, testShare = 0.25, similarity = 0.7, maxTokens = 400, signal } = options;
  const work = { concurrency: options.concurrency ?? 16, signal };
  const random = new Random(seed);
  const failures: string[] = [];

  // Step 1. Requests by principle, of both kinds.
  const batches = principlesFor(constitution, 'critique').flatMap((principle) =>
    (['harmful', 'look-alike'] as const).flatMap((kind) =>
      Array.from({ length: Math.ceil(perPrinciple / perBatch) }, (_, batch) => ({ principle, kind, batch })),
    ),
  );
  const total = batches.length * (1 + 1.5 * perBatch); // asks for requests, then one or two answers to each
  const requestsOf = await mapItems(
    batches,
    ({ principle, kind, batch }, context) =>
      askForRequests(
        principle,
        kind,
        { count: perBatch, batch },
        { ...{ model, seed, maxTokens }, ...context },
      ),
    { ...work, onProgress: ({ done, failed }) => options.onProgress?.(done + failed, total) },
  );
  const index = new NearDuplicateIndex(similarity);
  let nearDuplicates = 0;
  const counts = new Map<string, number>();
  const requests: (Asked & { readonly text: string })[] = [];
  for (const [i, outcome] of requestsOf.entries()) {
    if (outcome.status === 'failed') {
      failures.push(outcome.reason);
      continue;
    }
    const { principle, kind } = batches[i];
    for (const text of outcome.value) {
      const key = `${principle.id} ${kind}`;
      if ((counts.get(key) ?? 0) >= perPrinciple) continue;
      if (index.find(text)) {
        nearDuplicates++;
        continue;
      }
      index.add(text);
      counts.set(key, (counts.get(key) ?? 0) + 1);
      requests.push({ principle, kind, text });
    }
  }

  // Step 2. Answers: to what is harmful one that serves it and one that declines, to look-alikes a helpful one.
  const questions = requests.flatMap((request) =>
    (request.kind === 'harmful' ? (['harmful', 'harmless'] as const) : (['harmless'] as const)).map(
      (answer) => ({
        request,
        answer,
      }),
    ),
  );
  const answersOf = await mapItems(
    questions,
    async ({ request, answer }, context): Promise<Json> =>
      askForAnswer(request.text, request.principle, answer, request.kind === 'harmful', {
        ...{ model, seed, maxTokens },
        ...context,
      }),
    {
      ...work,
      onProgress: ({ done, failed }) =>
        options.onProgress?.(batches.length + done + failed, batches.length + questions.length),
    },
  );
  let unfitAnswers = 0;
  const answers = new Map<string, { readonly kind: AnswerKind; readonly text: string }[]>();
  for (const [i, outcome] of answersOf.entries()) {
    if (outcome.status === 'failed') failures.push(outcome.reason);
    else if (outcome.value === null) unfitAnswers++;
    if (outcome.status === 'failed' || outcome.value === null) continue;
    const { request, answer } = questions[i];
    const list = answers.get(request.text) ?? [];
    list.push({ kind: answer, text: outcome.value as string });
    answers.set(request.text, list);
  }

  // Step 3. Parts and disguises.
  const techniques = (options.techniques ?? builtInTechniques).filter(({ name }) => name !== 'direct');
  const parts = partTechniques(techniques, testShare, random.fork('techniques'));
  const examples = requests.flatMap(({ principle, kind, text }, i): GuardExample[] => {
    const draw = random.fork(`request ${text}`);
    const split = draw.uniform() < testShare ? 'test' : 'train';
    const disguises = draw.shuffled(parts[split]).slice(0, options.disguises ?? 2);
    const facts = {
      harmfulPrompt: kind === 'harmful',
      source: `synthetic:${model.id}`,
      request: text,
      split,
    } as const;
    const id = `synthetic/${principle.id}/${kind}/${i + 1}`;
    return [undefined, ...disguises].flatMap((technique): GuardExample[] => {
      const name = technique?.name ?? (kind === 'harmful' ? 'direct' : 'look-alike');
      const wrapped = technique
        ? technique.wrap(text, draw.fork(name))
        : [{ role: 'user', content: text } as const];
      // A beginning of the answer that an attack puts into the model's mouth is no turn of the conversation.
      const prompt = wrapped.at(-1)!.role === 'assistant' ? wrapped.slice(0, -1) : wrapped;
      const about = (answer: { readonly kind: AnswerKind; readonly text: string } | null): GuardExample => ({
        ...facts,
        id: `${id}/${name}${answer ? `/${answer.kind}` : ''}`,
        prompt,
        answer: answer?.text ?? null,
        harmfulAnswer: answer && answer.kind === 'harmful',
        categories: kind === 'harmful' ? [principle.id] : [],
        technique: name,
      });
      const own = answers.get(text) ?? [];
      // The prompt's own label is learnt once, not once for each answer.
      return own.length === 0
        ? [about(null)]
        : own.map((answer, n) => (n === 0 ? about(answer) : { ...about(answer), harmfulPrompt: null }));
    });
  });
  return {
    examples,
    left: { nearDuplicates, unfitAnswers, failed: failures.length, reason: failures[0] ?? null },
  };
}

/** Both parts have at least one, where there are two. */
function partTechniques(
  techniques: readonly Technique[],
  testShare: number,
  random: Random,
): Readonly<Record<'train' | 'test', readonly Technique[]>> {
  const shuffled = random.shuffled(techniques);
  const count = Math.min(shuffled.length - 1, Math.max(1, Math.round(testShare * shuffled.length)));
  return { test: shuffled.slice(0, count), train: shuffled.slice(count) };
}
