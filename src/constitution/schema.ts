/** What a constitution file may say, in YAML and JSON as it stands and in Markdown once it is parsed. */
import { z } from 'zod';

const id = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'must begin with a letter or digit and have only these, "-", "_" and "."',
  );

/** https://semver.org, without build metadata. */
const version = z
  .string('must be a semantic version such as 1.2.0; in YAML with quotes where it looks like a number')
  .regex(
    /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?$/,
    'must be a semantic version such as 1.2.0',
  );

const text = z.string().refine((value) => value.trim() !== '', 'must not be empty');

const message = z.strictObject({
  role: z.enum(['system', 'user', 'assistant']),
  content: text,
});

const prompt = z
  .union([text, z.array(message).min(1)])
  .describe('One request, an HH-RLHF transcript, or a list of messages; ends with the user.');

const critiqueExample = z.strictObject({
  prompt,
  response: text.describe('The response that is looked at.'),
  critique: text.nullish().describe('What is wrong with it; "No violation." where nothing is.'),
  revision: text.nullish().describe('A response that keeps the principle.'),
  critiqueRequest: text.nullish().describe("The request it answers. Default: the principle's."),
  revisionRequest: text.nullish(),
});

const comparisonExample = z.strictObject({
  prompt,
  a: text.describe('Option A.'),
  b: text.describe('Option B.'),
  better: z.enum(['a', 'b']),
  reasoning: text.nullish().describe('A chain of thought that ends in the choice.'),
});

const principle = z.strictObject({
  id: id.describe('Names the principle in labels and reports; unique.'),
  title: text.nullish(),
  text: text.describe('What the principle says.'),
  critiqueRequest: text.nullish().describe('Asks what is wrong with the last response.'),
  revisionRequest: text.nullish().describe('Asks for a better response.'),
  comparisonQuestion: text.nullish().describe('Asks which of two responses is better.'),
  weight: z
    .number()
    .min(0)
    .default(1)
    .describe('Relative chance of being drawn, and weight in an ensemble; 0 = never used.'),
  tags: z.array(text).default([]).describe('What it is about, such as harm or honesty.'),
  hard: z.boolean().default(false).describe('True: a limit that nothing outweighs.'),
  uses: z
    .array(z.enum(['critique', 'comparison']))
    .min(1)
    .default(['critique', 'comparison']),
  section: z.string().nullish().describe('Id of the section it belongs to.'),
  examples: z.array(critiqueExample).default([]),
});

const section = z.strictObject({
  id,
  title: text,
  level: z.number().int().min(1).max(6).default(1),
  text: z.string().default(''),
});

export const constitutionSchema = z.strictObject({
  name: text.nullish().describe('Default: the file name.'),
  version: version.nullish(),
  description: text.nullish(),
  language: z
    .string()
    .regex(/^[a-z]{2,3}(-[A-Za-z0-9]+)*$/, 'must be a language tag such as en')
    .default('en'),
  preamble: text.nullish().describe('Shown to judges before each question.'),
  priorities: z
    .array(text)
    .default([])
    .describe('Tags or section ids, the one that outweighs the others first.'),
  sections: z.array(section).default([]),
  principles: z.array(principle).default([]),
  critiqueExamples: z.array(critiqueExample).default([]),
  comparisonExamples: z.array(comparisonExample).default([]),
});

/** A document as written, with defaults filled in. */
export type WrittenConstitution = z.infer<typeof constitutionSchema>;
export type WrittenExample = z.infer<typeof critiqueExample>;

/** Something wrong between parts that are each right. */
export interface CrossProblem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

/**
 * What no part shows by itself: repeated ids, names of nothing, an empty document. Looks at data that may have other
 * problems, so that all are reported at once.
 */
export function crossProblems(document: unknown): CrossProblem[] {
  const sections = entriesOf(document, 'sections');
  const principles = entriesOf(document, 'principles');
  const priorities = entriesOf(document, 'priorities');
  const sectionIds = sections.map((part) => textAt(part, 'id'));
  const known = new Set([...sectionIds, ...principles.flatMap((part) => entriesOf(part, 'tags'))]);
  const problems = [...repeatedIds(sections, 'sections'), ...repeatedIds(principles, 'principles')];
  for (const [i, part] of principles.entries()) {
    const name = textAt(part, 'section');
    if (name === undefined || sectionIds.includes(name)) continue;
    const there = sectionIds.join(', ') || 'it has none';
    const message = `"${name}" names no section of the document (${there})`;
    problems.push({ path: ['principles', i, 'section'], message });
  }
  for (const [i, name] of priorities.entries()) {
    if (typeof name !== 'string') continue;
    const path = ['priorities', i];
    if (priorities.indexOf(name) < i) problems.push({ path, message: `"${name}" stands in the list twice` });
    else if (!known.has(name)) {
      const there = [...known].join(', ') || 'there are none';
      const message = `"${name}" is neither a section nor a tag of any principle (${there})`;
      problems.push({ path, message });
    }
  }
  if (principles.length === 0 && sections.every((part) => (textAt(part, 'text') ?? '').trim() === '')) {
    problems.push({ path: [], message: 'holds no principle and no section with text' });
  }
  return problems;
}

function repeatedIds(parts: readonly unknown[], list: string): CrossProblem[] {
  const ids = parts.map((part) => textAt(part, 'id'));
  return ids.flatMap((id, i) => {
    const first = ids.indexOf(id);
    if (id === undefined || first === i) return [];
    const message = `"${id}" is also the id of ${list}[${first}]; every id may occur once`;
    return { path: [list, i, 'id'], message };
  });
}

function entriesOf(value: unknown, key: string): readonly unknown[] {
  const list = (value as Record<string, unknown> | null | undefined)?.[key];
  return Array.isArray(list) ? list : [];
}

function textAt(value: unknown, key: string): string | undefined {
  const text = (value as Record<string, unknown> | null | undefined)?.[key];
  return typeof text === 'string' ? text : undefined;
}
