/** Reads files of harmful and harmless requests and answers, in Tenet's own form and those of published data sets. */
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { z } from 'zod';
import { exists, hashFile, TenetError } from '../../base/index.ts';
import {
  type Content,
  type Example,
  examplesOf,
  openRows,
  readRecords,
  splitLastTurn,
  textOf,
} from '../../data/index.ts';
import type { GuardMessage } from '../screen.ts';
import type { GuardExample } from './guard-example.ts';
import {
  asUser,
  jailbreakArtifact,
  type RowFacts,
  type RowForm,
  readJailbreak,
  rowForms,
} from './row-forms.ts';

export interface ReadGuardOptions {
  /**
   * What data without labels are: any record format of `tenet data check`, or lines of prompts. Of preferences the chosen
   * response counts as harmless and the rejected one as harmful. Default: data must say it themselves.
   */
  readonly as?: 'harmful' | 'harmless';
  /** With `as`: true = that holds for the answers, and of the prompts nothing is known. Default false. */
  readonly answersOnly?: boolean;
}

export interface GuardData {
  readonly path: string;
  readonly hash: string;
  /** What kind of file it was. */
  readonly form: string;
  readonly examples: readonly GuardExample[];
  /** Rows left out on purpose: copyright requests of HarmBench, attempts without a prompt. */
  readonly leftOut: number;
}

/**
 * @throws TenetError('data') naming up to five rows by file, line and field; TenetError('usage') for data that do not
 *   say what is harmful, when `as` does not either
 */
export async function readGuardData(path: string, options: ReadGuardOptions = {}): Promise<GuardData> {
  const source = basename(path).replace(/\.(gz|jsonl|json|csv|tsv|txt|parquet)(?=\.|$).*/i, '');
  if (!(await exists(path))) throw new TenetError('usage', `There is no file ${path}.`);
  const hash = await hashFile(path);
  const { form, facts } = options.as
    ? await readAs(path, options.as, options.answersOnly ?? false)
    : await readLabelled(path);
  const kept = facts.filter((row) => row !== null);
  const examples = kept.map((row, i): GuardExample => {
    const own = row.source ?? (form === 'JailbreakBench' ? 'jailbreakbench' : source);
    return { ...row, source: own, id: `${source}/${row.id ?? i + 1}` };
  });
  return { path, hash, form, examples: withUniqueIds(examples), leftOut: facts.length - kept.length };
}

interface ReadRows {
  readonly form: string;
  readonly facts: readonly (RowFacts | null)[];
}

async function readLabelled(path: string): Promise<ReadRows> {
  const artifact = await readArtifact(path);
  if (artifact) return artifact;
  const { rows } = await openRows(path);
  let form: RowForm | undefined;
  const facts: (RowFacts | null)[] = [];
  const problems: string[] = [];
  for await (const { line, value, error } of rows) {
    if (error !== undefined) {
      problems.push(`${path}:${line}: ${error}`);
      continue;
    }
    form ??= recognise(path, value);
    try {
      facts.push(form.read(value));
    } catch (failure) {
      if (!(failure instanceof z.ZodError)) throw failure;
      const [first] = failure.issues;
      problems.push(`${path}:${line}: ${first.path.join('.') || 'row'}: ${first.message}`);
    }
  }
  if (problems.length > 0) {
    const shown = problems.slice(0, 5).join('\n  ');
    const more = problems.length > 5 ? `\n  and ${problems.length - 5} more` : '';
    throw new TenetError(
      'data',
      `${path}: ${problems.length} of ${problems.length + facts.length} rows cannot be used${form ? ` as ${form.name}` : ''}:\n  ${shown}${more}`,
      { details: { path, problems } },
    );
  }
  if (!form) throw new TenetError('data', `${path} has no rows.`);
  return { form: form.name, facts };
}

function recognise(path: string, row: unknown): RowForm {
  const fields = Object.keys((row as object | null) ?? {});
  const form = rowForms.find(({ has }) => has.every((field) => fields.includes(field)));
  if (form) return form;
  const known = rowForms.map(({ name, has }) => `${name} (${has.join(', ')})`).join('; ');
  throw new TenetError(
    'usage',
    `${path} does not say what is harmful: its rows have ${fields.join(', ') || 'no fields'}. Known are ${known}. ` +
      'For data without labels say what they are: --harmful FILE or --harmless FILE.',
  );
}

/** Artifacts are one JSON object, not rows. */
async function readArtifact(path: string): Promise<ReadRows | null> {
  if (!path.toLowerCase().endsWith('.json')) return null;
  const content = await readFile(path, 'utf8');
  if (!content.trimStart().startsWith('{') || !content.includes('"jailbreaks"')) return null;
  let value: unknown;
  try {
    value = JSON.parse(content);
  } catch {
    return null; // JSON Lines under the name .json
  }
  const parsed = jailbreakArtifact.safeParse(value);
  if (!parsed.success) {
    throw new TenetError(
      'data',
      `${path} is no artifact of JailbreakBench:\n${z.prettifyError(parsed.error)}`,
    );
  }
  const { parameters, jailbreaks } = parsed.data;
  return {
    form: 'JailbreakBench',
    facts: jailbreaks.map((attempt) => readJailbreak(attempt, parameters.method)),
  };
}

async function readAs(path: string, as: 'harmful' | 'harmless', answersOnly: boolean): Promise<ReadRows> {
  const harmful = as === 'harmful';
  const facts: RowFacts[] = [];
  const isList = !answersOnly && /\.(txt|text)(\.gz)?$/i.test(path);
  if (isList) {
    const { rows } = await openRows(path, { linesArePrompts: true });
    for await (const { value } of rows) {
      facts.push(factsOf(asUser((value as { prompt: string }).prompt), null, harmful));
    }
    return { form: 'prompts', facts };
  }
  const stream = readRecords(path);
  for await (const { record, format } of stream) {
    for (const example of examplesOf(record as never, format)) {
      const found = pairOf(example, harmful);
      if (!found || (answersOnly && found.answer === null)) continue;
      const row = factsOf(found.prompt, found.answer, harmful);
      facts.push(answersOnly ? { ...row, harmfulPrompt: null } : row);
    }
  }
  if (facts.length === 0)
    throw new TenetError(
      'data',
      `${path} has no ${answersOnly ? 'answers' : 'prompts'} that a guard could read.`,
    );
  return { form: stream.summary.format ?? 'records', facts };
}

function factsOf(prompt: readonly GuardMessage[], answer: string | null, harmful: boolean): RowFacts {
  return {
    prompt,
    answer,
    harmfulPrompt: harmful,
    harmfulAnswer: answer === null ? null : harmful,
    categories: harmful ? null : [],
    technique: 'direct',
    request: prompt.at(-1)?.content ?? '',
  };
}

/** Prompt and answer of a record; of several answers the one that fits what the data are said to be. */
function pairOf(
  example: Example,
  harmful: boolean,
): { readonly prompt: readonly GuardMessage[]; readonly answer: string | null } | null {
  switch (example.kind) {
    case 'prompt':
      return { prompt: messagesOf(example.prompt), answer: null };
    case 'completion':
      if (example.label === harmful) return null; // label true = desirable
      return { prompt: messagesOf(example.prompt), answer: plainText(example.completion) };
    case 'ranking': {
      const judged = example.ranks.filter((rank) => rank !== null);
      if (judged.length < 2) return null;
      const wanted = harmful ? Math.max(...judged) : Math.min(...judged);
      const answer = example.responses[example.ranks.indexOf(wanted)];
      return { prompt: messagesOf(example.prompt), answer: plainText(answer) };
    }
    case 'chat': {
      const { prompt, completion } = splitLastTurn(example.messages);
      if (prompt.length === 0) return null;
      return { prompt: messagesOf(prompt), answer: completion.length > 0 ? plainText(completion) : null };
    }
    default:
      return null; // plain text and steps are neither asked nor answered
  }
}

function messagesOf(content: Content): GuardMessage[] {
  if (typeof content === 'string') return asUser(content.trim());
  return content.map((message) => {
    const { role } = message;
    const known = role === 'system' || role === 'assistant' || role === 'tool' ? role : 'user';
    return { role: known, content: textOf(message) };
  });
}

function plainText(content: Content): string {
  return (typeof content === 'string' ? content : content.map(textOf).join('\n\n')).trim();
}

/** Several answers to one prompt share its name in the data. */
function withUniqueIds(examples: readonly GuardExample[]): GuardExample[] {
  const seen = new Map<string, number>();
  return examples.map((example) => {
    const count = (seen.get(example.id) ?? 0) + 1;
    seen.set(example.id, count);
    return count === 1 ? example : { ...example, id: `${example.id}#${count}` };
  });
}
