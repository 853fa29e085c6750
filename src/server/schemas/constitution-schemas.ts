/** Constitutions as they go over the wire. */
import { z } from 'zod';

const place = z.string().describe('file:line');
export const constitutionName = z.object({ name: z.string().max(120) });
const text = z.string().max(500_000);

export const fileSchema = z.object({
  name: z.string(),
  text: z.string(),
  textHash: z.string().describe('who saves says which text the change was made to'),
  readOnly: z.boolean(),
});
export const checkBody = z.object({
  name: z.string().max(120),
  text,
  before: text.optional().describe('to be told what changed'),
});
export const saveBody = z.object({
  text,
  before: z.string().max(100).nullable().describe('textHash; null for a new file'),
});

const change = z.object({ field: z.string(), before: z.string(), after: z.string() });
export const checkedSchema = z.object({
  constitution: z
    .object({
      name: z.string(),
      version: z.string().nullable(),
      hash: z.string(),
      preamble: z.string().nullable(),
      principles: z.array(
        z.object({
          id: z.string(),
          title: z.string().nullable(),
          text: z.string(),
          weight: z.number(),
          tags: z.array(z.string()),
          hard: z.boolean(),
        }),
      ),
    })
    .nullable(),
  problems: z.array(z.object({ place, message: z.string() })),
  findings: z.array(
    z.object({
      rule: z.string(),
      severity: z.enum(['warning', 'hint']),
      place,
      principles: z.array(z.string()),
      message: z.string(),
      suggestion: z.string(),
    }),
  ),
  diff: z
    .object({
      document: z.array(change),
      principles: z.array(
        z.object({
          id: z.string(),
          kind: z.enum(['added', 'removed', 'changed', 'moved']),
          fields: z.array(change),
        }),
      ),
      bump: z.enum(['none', 'patch', 'minor', 'major']),
      versionBump: z.enum(['none', 'patch', 'minor', 'major', 'lower']).nullable(),
    })
    .nullable(),
});

const interval = z.object({ estimate: z.number(), low: z.number(), high: z.number() });
const again = z.object({ pairs: z.number(), same: interval }).nullable();
export const statsSchema = z.object({
  principles: z.array(
    z.object({
      principle: z.string(),
      critiques: z.object({ asked: z.number(), violations: z.number(), unclear: z.number() }),
      checks: z.object({ asked: z.number(), violations: z.number() }),
      comparisons: z.object({ drawn: z.number(), decisive: z.number() }),
      people: z.object({ pairs: z.number(), agreement: interval.nullable(), overruled: z.number() }),
      repeated: again.describe('asked about again: how often it says the same'),
      reworded: again.describe('asked about in other words'),
    }),
  ),
});
