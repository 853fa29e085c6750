/** Reads a constitution from a file or folder and checks it, naming everything that is wrong at once. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TenetError } from '../base/index.ts';
import { parseTranscript } from '../data/index.ts';
import type { Message } from '../llm/index.ts';
import type { Constitution, CritiqueExample, Principle } from './constitution.ts';
import { contentHash } from './content-hash.ts';
import { reflow, trimText } from './normal-text.ts';
import { addPaperFile, type PaperParts, paperShapeOf } from './paper-files.ts';
import { parseMarkdown } from './parse-markdown.ts';
import {
  constitutionSchema,
  crossProblems,
  type WrittenConstitution,
  type WrittenExample,
} from './schema.ts';
import { type SchemaWords, schemaProblems } from './schema-problems.ts';
import { nameOfPath, parseYaml, placeAt, type Source, type SourceProblem } from './source.ts';

/** The path of the constitution that comes with Tenet. */
export const DEFAULT_CONSTITUTION: string = fileURLToPath(
  new URL('../../constitutions/default.md', import.meta.url),
);

/**
 * Reads a constitution.
 * @param path a file (.md, .yaml, .yml, .json), a folder with prompt files of Bai et al. 2022, or `default`
 * @throws TenetError('usage') when it cannot be read; TenetError('data') naming every problem with file and line
 */
export async function loadConstitution(path: string): Promise<Constitution> {
  if (path === 'default') return loadConstitution(DEFAULT_CONSTITUTION);
  const source = await readSource(path);
  return fromSource(source, path);
}

/** Reads a constitution from its text. @param file its name, for messages; the ending says which format it is */
export function parseConstitution(text: string, file: string): Constitution {
  return fromSource(sourceOf(text, file), file);
}

async function readSource(path: string): Promise<Source> {
  let isFolder: boolean;
  try {
    isFolder = (await stat(path)).isDirectory();
    if (!isFolder) return sourceOf(await readFile(path, 'utf8'), path);
  } catch (error) {
    if (TenetError.is(error)) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw new TenetError(
      'usage',
      `constitution ${path} cannot be read: ${code === 'ENOENT' ? 'there is no such file' : message}. ` +
        'Give a .md, .yaml or .json file, or "default" for the one that comes with Tenet.',
      { cause: error },
    );
  }
  return readPaperFolder(path);
}

function sourceOf(text: string, file: string): Source {
  const ending = extname(file).toLowerCase();
  if (ending === '.md' || ending === '.markdown') return parseMarkdown(text, file);
  if (!['.yaml', '.yml', '.json'].includes(ending)) {
    throw new TenetError(
      'usage',
      `${file}: a constitution is a .md, .yaml, .yml or .json file, or a folder with the JSON files of Bai et al. 2022.`,
    );
  }
  const source = parseYaml(text, file);
  const shape = paperShapeOf(source.value);
  return shape === null ? source : mergePaperFiles([{ file, source }], basename(file, ending));
}

async function readPaperFolder(folder: string): Promise<Source> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
  const files = await Promise.all(
    names.map(async (name) => {
      const file = join(folder, name);
      return { file, source: parseYaml(await readFile(file, 'utf8'), file) };
    }),
  );
  const ours = files.filter(({ source }) => paperShapeOf(source.value) !== null);
  if (ours.length === 0) {
    throw new TenetError(
      'usage',
      `folder ${folder} holds no prompt file of Bai et al. 2022 (CritiqueRevisionInstructions.json and the like); ` +
        'give the path of a constitution file.',
    );
  }
  return mergePaperFiles(ours, basename(resolve(folder)));
}

function mergePaperFiles(
  files: readonly { readonly file: string; readonly source: Source }[],
  name: string,
): Source {
  const parts: PaperParts = { principles: [], critiqueExamples: [], comparisonExamples: [] };
  const places: Record<string, string> = {};
  const problems: SourceProblem[] = [];
  for (const { file, source } of files) {
    problems.push(...source.problems);
    const shape = paperShapeOf(source.value);
    if (shape) problems.push(...addPaperFile(source, file, shape, parts, places));
  }
  // Examples alone are no constitution, and the schema's words for it would not say which file is missing.
  if (parts.principles.length === 0 && problems.length === 0) {
    const message = 'holds examples only; the requests or questions that they belong to are in another file';
    problems.push({ place: files[0].file, message });
  }
  return { value: { name, ...parts }, places, problems };
}

const words: SchemaWords = {
  schema: constitutionSchema,
  whole: 'the constitution',
  kinds: { boolean: 'true or false (in Markdown yes or no)' },
  say: ({ code, message }, value, shown) => {
    if (code === 'custom') return value === '' || typeof value === 'object' ? message : `${shown} ${message}`;
    return code === 'invalid_union' ? `must be a text or a list of messages; it is ${shown}` : null;
  },
};

function fromSource(source: Source, file: string): Constitution {
  const parsed = source.value === undefined ? null : constitutionSchema.safeParse(source.value);
  const problems = [
    ...source.problems,
    ...(parsed?.success === false ? schemaProblems(parsed.error.issues, source, file, words) : []),
    ...(parsed ? crossProblems(source.value) : []).map(({ path, message }) => ({
      place: placeAt(source, path, file),
      message: `${nameOfPath(path) || 'the constitution'} ${message}`,
    })),
  ];
  if (!parsed?.success || problems.length > 0) throw constitutionError(file, problems);
  const written = parsed.data;
  const sections = written.sections.map((section) => ({ ...section, text: reflow(section.text) }));
  const marked = written.principles.map(toPrinciple);
  const principles = marked.length > 0 ? marked : principlesOfSections(sections);
  const places = marked.length > 0 ? source.places : placesOfSections(source.places, written.sections);
  const content = {
    language: written.language,
    preamble: written.preamble ? reflow(written.preamble) : null,
    priorities: written.priorities,
    sections,
    principles,
    critiqueExamples: written.critiqueExamples.map(toExample),
    comparisonExamples: written.comparisonExamples.map(({ prompt, a, b, better, reasoning }) => ({
      prompt: toMessages(prompt),
      responses: [trimText(a), trimText(b)] as const,
      better: better === 'a' ? (0 as const) : (1 as const),
      reasoning: reasoning ? trimText(reasoning) : null,
    })),
  };
  return {
    name: written.name ?? basename(file, extname(file)),
    version: written.version ?? null,
    description: written.description ? reflow(written.description) : null,
    ...content,
    hash: contentHash(content),
    origin: { file, places },
  };
}

function toPrinciple(written: WrittenConstitution['principles'][number]): Principle {
  const prose = (text: string | null | undefined): string | null => (text ? reflow(text) : null);
  return {
    id: written.id,
    title: prose(written.title),
    text: reflow(written.text),
    critiqueRequest: prose(written.critiqueRequest),
    revisionRequest: prose(written.revisionRequest),
    comparisonQuestion: prose(written.comparisonQuestion),
    weight: written.weight,
    tags: written.tags,
    hard: written.hard,
    uses: (['critique', 'comparison'] as const).filter((use) => written.uses.includes(use)),
    section: written.section ?? null,
    examples: written.examples.map(toExample),
  };
}

function toExample(written: WrittenExample): CritiqueExample {
  const { prompt, response, critique, revision, critiqueRequest, revisionRequest } = written;
  return {
    prompt: toMessages(prompt),
    response: trimText(response),
    critique: critique ? trimText(critique) : null,
    revision: revision ? trimText(revision) : null,
    critiqueRequest: critiqueRequest ? reflow(critiqueRequest) : null,
    revisionRequest: revisionRequest ? reflow(revisionRequest) : null,
  };
}

function toMessages(prompt: WrittenExample['prompt']): Message[] {
  const turns: Message[] =
    typeof prompt !== 'string'
      ? prompt
      : /^\s*Human:/.test(prompt)
        ? (parseTranscript(prompt) as Message[])
        : [{ role: 'user', content: prompt }];
  return turns
    .map(({ role, content }) => ({ role, content: trimText(content).trim() }))
    .filter(({ content }, i) => content !== '' || i < turns.length - 1);
}

/** In a long document without marked principles every section that says something is one. */
function principlesOfSections(sections: Constitution['sections']): Principle[] {
  return sections
    .filter(({ text }) => text !== '')
    .map(({ id, title, text }) => ({
      id,
      title,
      text,
      critiqueRequest: null,
      revisionRequest: null,
      comparisonQuestion: null,
      weight: 1,
      tags: [],
      hard: false,
      uses: ['critique', 'comparison'],
      section: id,
      examples: [],
    }));
}

function placesOfSections(
  places: Readonly<Record<string, string>>,
  sections: readonly { readonly text: string }[],
): Record<string, string> {
  const kept = sections.flatMap(({ text }, i) => (text.trim() === '' ? [] : [i]));
  const moved = kept.map((from, to) => [`principles[${to}]`, places[`sections[${from}]`]] as const);
  return { ...places, ...Object.fromEntries(moved.filter(([, place]) => place !== undefined)) };
}

function constitutionError(file: string, problems: readonly SourceProblem[]): TenetError {
  const sorted = problems.toSorted((a, b) => lineOf(a.place) - lineOf(b.place));
  const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  const list = sorted.map(({ place, message }) => `  ${place}: ${message}`).join('\n');
  return new TenetError('data', `constitution ${file} has ${count}:\n${list}`, {
    details: { file, problems: sorted },
  });
}

function lineOf(place: string): number {
  return Number(/:(\d+)$/.exec(place)?.[1] ?? 0);
}
