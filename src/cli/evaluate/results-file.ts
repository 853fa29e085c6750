/** Results of `tenet evaluate` as a file, to be compared with later ones. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { TenetError, writeFileAtomic } from '../../base/index.ts';
import type { SuiteResult } from '../../evaluate/index.ts';

export interface ModelResults {
  readonly model: string;
  /** What decides which items were asked. */
  readonly seed: number;
  readonly limit: number | null;
  readonly suites: readonly SuiteResult[];
}

const interval = z.object({ estimate: z.number(), low: z.number().nullable(), high: z.number().nullable() });
const schema = z.object({
  type: z.literal('evaluation'),
  models: z
    .array(
      z.object({
        model: z.string(),
        seed: z.number(),
        limit: z.number().nullable(),
        suites: z.array(
          z.object({
            suite: z.string(),
            title: z.string(),
            figures: z.array(
              z.object({
                name: z.string(),
                unit: z.string(),
                better: z.enum(['higher', 'lower']).nullable(),
                guards: z.boolean(),
                interval: interval.nullable(),
                landmarks: z.array(z.object({ name: z.string(), value: z.number() })),
                items: z.record(z.string(), z.number()),
              }),
            ),
            answers: z.array(
              z.object({ id: z.string(), prompt: z.string(), response: z.string(), verdict: z.string() }),
            ),
            failed: z.object({ count: z.number(), reason: z.string().nullable() }),
            note: z.string(),
          }),
        ),
      }),
    )
    .min(1),
});

export async function writeResults(path: string, models: readonly ModelResults[]): Promise<void> {
  await writeFileAtomic(path, `${JSON.stringify({ type: 'evaluation', models }, null, 1)}\n`);
}

/** @throws TenetError('usage') for a file that was not written by `tenet evaluate --output` */
export async function readResults(path: string): Promise<ModelResults> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw new TenetError('usage', `${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new TenetError(
      'usage',
      `${path} does not hold results of "tenet evaluate --output":\n${z.prettifyError(parsed.error)}`,
    );
  }
  const [first, ...more] = parsed.data.models;
  if (more.length > 0) {
    throw new TenetError(
      'usage',
      `${path} holds ${more.length + 1} models; a comparison takes one of each side.`,
    );
  }
  // JSON has no infinity: an open end of an interval comes back as null.
  return {
    ...first,
    suites: first.suites.map((suite) => ({
      ...suite,
      figures: suite.figures.map((figure) => ({
        ...figure,
        interval: figure.interval && {
          estimate: figure.interval.estimate,
          low: figure.interval.low ?? Number.NEGATIVE_INFINITY,
          high: figure.interval.high ?? Number.POSITIVE_INFINITY,
        },
      })),
    })),
  };
}
