/** Refuses events that contradict themselves, before they are in the ledger for good. */
import { z } from 'zod';
import { TenetError } from '../../base/index.ts';
import type { Item, NewEvent } from '../ledger-event.ts';

// Visible characters without line ends: ids stand in messages, file names and between spaces in columns.
const id: z.ZodString = z
  .string()
  .regex(/^[^\p{C}\p{Z}]{1,200}$/u, 'must be 1 to 200 characters without spaces');
const name: z.ZodString = z
  .string()
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,200}$/u, 'must be 1 to 200 characters on one line');
const hash: z.ZodString = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'must be sha256: and 64 hexadecimal digits');
/** What the ledger takes as an id, a name and a hash, for those who check earlier. */
export const ledgerFields: Readonly<Record<'id' | 'name' | 'hash', z.ZodString>> = { id, name, hash };
const milliseconds = z.number().min(0, 'must not be negative');
const count = z.int().min(0, 'must not be negative');
const time = z
  .int()
  .min(Date.parse('0000-01-01T00:00Z'), 'is before the year 0')
  .max(Date.parse('9999-12-31T23:59:59.999Z'), 'is after the year 9999: give milliseconds since 1970');
const index = z.int().min(0, 'indexes start at 0');

const itemSchema: z.ZodType<Item> = z.strictObject({
  prompt: z.union([
    z.string(),
    z.array(z.strictObject({ role: z.string(), content: z.string() })).min(1, 'has no messages'),
  ]),
  responses: z.array(z.strictObject({ text: z.string(), model: name.optional() })),
});

const eventSchema: z.ZodType<NewEvent> = z.strictObject({
  id: id.optional(),
  kind: z.enum([
    ...(['response', 'critique', 'revision', 'comparison', 'score', 'label', 'adjudication'] as const),
    ...(['skip', 'withdrawal'] as const),
  ]),
  judge: z.strictObject({ kind: z.enum(['human', 'ai', 'simulated']), id: name, group: name.optional() }),
  project: name.optional(),
  taskId: id.optional(),
  item: itemSchema.optional(),
  runId: id.optional(),
  basedOn: z.array(id).optional(),
  supersedes: id.optional(),
  ranks: z.array(z.int().min(1, 'ranks start at 1 = best').nullable()).optional(),
  scores: z.array(z.number().nullable()).optional(),
  probabilities: z.array(z.number().min(0, 'must be in [0, 1]').max(1, 'must be in [0, 1]')).optional(),
  preferences: z.array(z.array(z.number().nullable())).optional(),
  probabilityMethod: z.enum(['log-probs', 'votes', 'stated']).optional(),
  probabilityMass: z.number().min(0).max(1.000001).optional(),
  flags: z.array(z.enum(['all-bad', 'unsafe', 'cannot-judge'])).optional(),
  text: z.string().optional(),
  rationale: z.string().optional(),
  shownOrder: z.array(index).optional(),
  activeMs: milliseconds.optional(),
  idleMs: milliseconds.optional(),
  principles: z.array(id).optional(),
  constitution: z.strictObject({ hash, version: name.optional() }).optional(),
  guidelineVersion: name.optional(),
  modelId: name.optional(),
  template: z.strictObject({ id: name, hash }).optional(),
  seed: z.int().optional(),
  usage: z
    .strictObject({
      costUsd: z.number().min(0, 'must not be negative').nullable(),
      inputTokens: count.optional(),
      outputTokens: count.optional(),
      latencyMs: milliseconds.optional(),
      cached: z.boolean().optional(),
    })
    .optional(),
  suggestion: z.strictObject({ shown: z.boolean(), eventId: id.optional() }).optional(),
  judgedAt: time.optional(),
  extra: z.record(z.string(), z.json()).optional(),
});

/**
 * Checks events before they are appended.
 * @throws TenetError('data') that names the problems of every event
 */
export function checkEvents(events: readonly NewEvent[]): void {
  const problems = events.flatMap((event, i) => {
    const where = events.length === 1 ? 'the event' : `event ${i + 1} of ${events.length}`;
    return problemsOf(event).map(([field, problem]) => `  ${where}: ${field ? `${field}: ` : ''}${problem}`);
  });
  if (problems.length === 0) return;
  const shown = problems.slice(0, 20);
  if (problems.length > shown.length) shown.push(`  … and ${problems.length - shown.length} more`);
  throw new TenetError('data', `Nothing was appended to the ledger, because\n${shown.join('\n')}`, {
    details: { problems: problems.length },
  });
}

/** [field, problem] */
type Problem = readonly [string, string];

/** Problems of single fields; where there are none, contradictions between them. */
function problemsOf(event: NewEvent): readonly Problem[] {
  const result = eventSchema.safeParse(event);
  if (result.success) return [...contradictions(event)];
  return result.error.issues.map(({ path, message }) => [path.join('.'), message]);
}

/** What no single field can show. */
function* contradictions(event: NewEvent): Generator<Problem> {
  const K = event.item?.responses.length ?? 0;
  for (const field of ['ranks', 'scores', 'probabilities'] as const) {
    const given = event[field]?.length ?? K;
    if (given !== K) yield [field, `has ${given} entries for ${K} responses; give one each`];
  }
  const { shownOrder = [], probabilities, preferences } = event;
  if (new Set(shownOrder).size < shownOrder.length || shownOrder.some((i) => i >= K)) {
    yield ['shownOrder', `[${shownOrder}] must name responses 0 to ${K - 1}, each at most once`];
  }
  if (probabilities !== undefined) {
    const sum = probabilities.reduce((total, p) => total + p, 0);
    if (Math.abs(sum - 1) > 1e-6) yield ['probabilities', `sum to ${sum}, and must sum to 1`];
  }
  if (preferences !== undefined) yield* contradictoryPairs(preferences, K);
  if ((probabilities ?? preferences) !== undefined && event.probabilityMethod === undefined) {
    yield ['probabilityMethod', 'is missing: say how the probabilities were found'];
  }
  switch (event.kind) {
    case 'response':
    case 'critique':
    case 'revision':
      if (event.text === undefined) yield ['text', `is missing, and is what a ${event.kind} consists of`];
      if (!event.item) yield ['item', `is missing: say what the ${event.kind} is about`];
      return;
    case 'comparison':
    case 'score':
    case 'label':
    case 'adjudication': {
      if (!event.item) yield ['item', `is missing: say what the ${event.kind} is about`];
      const { ranks = [], scores = [], probabilities: best = [], preferences: pairs = [] } = event;
      const judged = [...ranks, ...scores, ...best, ...pairs.flat()];
      if (judged.every((value) => value === null) && !event.flags?.length) {
        yield [
          'kind',
          `is ${event.kind}, but nothing is judged: give ranks, scores, probabilities or flags; else it is a skip`,
        ];
      }
      return;
    }
    case 'withdrawal':
      if (event.supersedes === undefined) yield ['supersedes', 'is missing: say what is withdrawn'];
  }
}

/** Both halves of a matrix of soft labels must say the same. */
function* contradictoryPairs(
  preferences: readonly (readonly (number | null)[])[],
  K: number,
): Generator<Problem> {
  if (preferences.length !== K || preferences.some((row) => row.length !== K)) {
    yield ['preferences', `must be ${K} lists of ${K} entries for ${K} responses`];
    return;
  }
  for (let i = 0; i < K; i++) {
    for (let j = i + 1; j < K; j++) {
      const [p, q] = [preferences[i][j], preferences[j][i]];
      const fits = p === null || q === null ? p === q : p >= 0 && q >= 0 && Math.abs(p + q - 1) <= 1e-6;
      if (!fits) {
        yield [
          'preferences',
          `[${i}][${j}] and [${j}][${i}] are ${p} and ${q}; both must be null, or probabilities that sum to 1`,
        ];
      }
    }
  }
}
