/** `guard.json`: what a model folder needs besides to be a guard. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { TenetError } from '../../base/index.ts';
import { type GuardKind, guardKinds } from './heads.ts';

export const guardFileName = 'guard.json';
/** Examples that training kept for the test, as `readGuardData` reads them. */
export const testFileName = 'test.jsonl';

const interval = z.object({ estimate: z.number(), low: z.number(), high: z.number() });
const scaling = z.object({ slope: z.number(), intercept: z.number() });
const calibration = z.object({
  scaling,
  thresholds: z.array(
    z.object({
      refusalRate: z.number(),
      threshold: z.number(),
      benign: z.number(),
      refused: interval,
    }),
  ),
  calibrationError: z.number().nullable(),
  texts: z.object({ harmful: z.number(), harmless: z.number() }),
});

export const guardFileSchema = z.object({
  version: z.literal(1),
  /** Rows of the head in order: these, then `category/…`. */
  kinds: z.array(z.enum(guardKinds)).min(1),
  categories: z.array(z.string()),
  /** Of linear probes, which have no model of their own: what they read. Absent of classifiers. */
  probe: z
    .object({
      /** Folder of the model, as seen from the guard's. */
      model: z.string(),
      modelHash: z.string(),
      /** Hash of the chat template that conversations were written with; null: as a plain transcript. */
      chatTemplate: z.string().nullable(),
      layers: z.array(z.number().int().min(0)).min(1),
      window: z.number().int().min(1),
      rows: z.array(z.array(z.number())).min(1),
    })
    .optional(),
  /** Most tokens that are read at once. */
  maxLength: z.number().int().positive(),
  calibration: z.object({
    kinds: z.partialRecord(z.enum(guardKinds), calibration),
    categories: z.record(z.string(), scaling),
  }),
  constitution: z.object({ name: z.string(), hash: z.string() }).nullable(),
  /** What it was made from. */
  data: z.array(z.object({ path: z.string(), hash: z.string(), examples: z.number(), use: z.string() })),
  parts: z.object({
    train: z.number(),
    calibration: z.number(),
    test: z.number(),
    duplicates: z.object({ within: z.number(), acrossTest: z.number() }),
    testFamilies: z.array(z.string()),
  }),
  options: z.record(z.string(), z.unknown()),
  result: z.object({
    steps: z.number(),
    /** Of the last steps; null where it is not kept. */
    loss: z.number().nullable(),
    auc: z.record(z.string(), interval.nullable()),
  }),
  weightsHash: z.string(),
});
export type GuardFile = z.infer<typeof guardFileSchema>;

/** @throws TenetError('model') when the folder holds no guard, or one of another version */
export async function readGuardFile(folder: string): Promise<GuardFile> {
  const path = join(folder, guardFileName);
  let content: string;
  try {
    content = await readFile(path, 'utf8');
  } catch (cause) {
    throw new TenetError(
      'model',
      `${folder} holds no guard: ${path} cannot be read. "tenet guard train" makes such a folder.`,
      { cause },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch (cause) {
    throw new TenetError('model', `${path} is not valid JSON: ${(cause as Error).message}.`, { cause });
  }
  const parsed = guardFileSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TenetError(
    'model',
    `${path} is not a guard's file of this version:\n${z.prettifyError(parsed.error)}`,
  );
}

/**
 * A kind's threshold for a wanted share of refused harmless traffic.
 * @param name the guard, for messages
 * @throws TenetError('usage') for a share that it was not calibrated for
 */
export function thresholdOf(
  { calibration: { kinds } }: GuardFile,
  name: string,
  kind: GuardKind,
  refusalRate: number,
): number {
  const thresholds = kinds[kind]?.thresholds ?? [];
  const found = thresholds.find((one) => Math.abs(one.refusalRate - refusalRate) < 1e-9);
  if (found) return found.threshold;
  throw new TenetError(
    'usage',
    `${name} has no threshold of ${kind} for refusing ${100 * refusalRate} % of harmless traffic; it has ` +
      `${thresholds.map((one) => `${100 * one.refusalRate} %`).join(', ') || 'none'}.`,
  );
}
