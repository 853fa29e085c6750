/** Writes a constitution in any of its file formats. */
import { stringify } from 'yaml';
import { TenetError } from '../base/index.ts';
import type { Message } from '../llm/index.ts';
import type { ComparisonExample, Constitution, CritiqueExample, Principle } from './constitution.ts';
import { parseConstitution } from './load-constitution.ts';

export type ConstitutionFormat = 'markdown' | 'yaml' | 'json';

/**
 * The text of a constitution file with the same content, name and version.
 * @throws TenetError('data') when Markdown cannot hold the content as it is, such as a text with headings of its own
 */
export function formatConstitution(constitution: Constitution, format: ConstitutionFormat): string {
  if (format === 'markdown') return checkedMarkdown(constitution);
  const written = toWritten(constitution);
  return format === 'json' ? `${JSON.stringify(written, null, 2)}\n` : stringify(written, { lineWidth: 110 });
}

/** The document as its schema has it, without what is empty or a default. */
function toWritten(constitution: Constitution): object {
  const { name, version, description, language, preamble, priorities, sections } = constitution;
  return stated({
    ...{
      name,
      version,
      description,
      language: language === 'en' ? null : language,
      preamble,
      priorities,
      sections,
    },
    principles: constitution.principles.map((principle) => ({
      ...principle,
      weight: principle.weight === 1 ? null : principle.weight,
      hard: principle.hard || null,
      uses: principle.uses.length === 2 ? null : principle.uses,
      examples: principle.examples.map(writtenExample),
    })),
    critiqueExamples: constitution.critiqueExamples.map(writtenExample),
    comparisonExamples: constitution.comparisonExamples.map(({ prompt, responses, better, reasoning }) => ({
      ...{ prompt: writtenPrompt(prompt), a: responses[0], b: responses[1], better: 'ab'[better], reasoning },
    })),
  });
}

function writtenExample(example: CritiqueExample): object {
  return { ...example, prompt: writtenPrompt(example.prompt) };
}

function writtenPrompt(prompt: readonly Message[]): string | readonly Message[] {
  const [only] = prompt;
  return prompt.length === 1 && only.role === 'user' && !/^\s*Human:/.test(only.content)
    ? only.content
    : prompt;
}

function stated(value: object): object {
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => {
      if (part === null || part === undefined || (Array.isArray(part) && part.length === 0)) return [];
      const items = Array.isArray(part) && typeof part[0] === 'object' && !('role' in part[0]);
      return [[key, items ? part.map(stated) : part]];
    }),
  );
}

function checkedMarkdown(constitution: Constitution): string {
  const text = markdownOf(constitution);
  let isSame = false;
  try {
    isSame = parseConstitution(text, 'written.md').hash === constitution.hash;
  } catch (error) {
    if (!TenetError.is(error)) throw error;
  }
  if (isSame) return text;
  throw new TenetError(
    'data',
    `constitution ${constitution.name} holds text that Markdown would read as something else (headings, quotes or lists ` +
      'inside a principle or example); write it as YAML.',
  );
}

function markdownOf(constitution: Constitution): string {
  const { name, version, description, language, priorities, preamble, sections, principles } = constitution;
  const front = stated({
    name,
    version,
    description,
    language: language === 'en' ? null : language,
    priorities,
  });
  const parts = [`---\n${stringify(front, { lineWidth: 110 })}---`, `# ${name}`, preamble ?? ''];
  const placed = new Set<Principle>();
  const add = (principle: Principle, level: number): void => {
    placed.add(principle);
    parts.push(principleMarkdown(principle, level));
  };
  const loose = principles.filter(({ section }) => section === null);
  for (const principle of loose) add(principle, 2);
  for (const section of sections) {
    const level = section.level + 1;
    parts.push(`${'#'.repeat(level)} ${section.title}`);
    const own = principles.filter((principle) => principle.section === section.id);
    // A section that is a principle itself: a long document.
    if (own.some(({ id, text }) => id === section.id && text === section.text)) parts.push(section.text);
    else {
      if (section.text !== '') parts.push(section.text);
      for (const principle of own) add(principle, Math.min(6, level + 1));
    }
  }
  const examples = [
    ...constitution.critiqueExamples.map(critiqueMarkdown),
    ...constitution.comparisonExamples.map(comparisonMarkdown),
  ];
  if (examples.length > 0) {
    // Examples belong to the document wherever they stand; the first place after a heading is the preamble's end.
    parts.splice(3, 0, ...examples);
  }
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function principleMarkdown(principle: Principle, level: number): string {
  const { id, title, text, weight, tags, hard, uses, examples } = principle;
  const fields: [string, string | null][] = [
    ['Critique request', principle.critiqueRequest],
    ['Revision request', principle.revisionRequest],
    ['Comparison question', principle.comparisonQuestion],
    ['Weight', weight === 1 ? null : String(weight)],
    ['Tags', tags.length === 0 ? null : tags.join(', ')],
    ['Hard', hard ? 'yes' : null],
    ['Uses', uses.length === 2 ? null : uses.join(', ')],
  ];
  const list = fields
    .filter(([, value]) => value !== null)
    .map(([field, value]) => `- ${field}: ${value!.replaceAll('\n', '\n  ')}`);
  const heading = `${'#'.repeat(level)} \`${id}\`${title === null ? '' : ` ${title}`}`;
  return [heading, text === title ? '' : text, list.join('\n'), ...examples.map(critiqueMarkdown)]
    .filter((part) => part !== '')
    .join('\n\n');
}

function critiqueMarkdown(example: CritiqueExample): string {
  return quote([
    ...turns(example.prompt),
    ['Assistant', example.response],
    ['Critique request', example.critiqueRequest],
    ['Critique', example.critique],
    ['Revision request', example.revisionRequest],
    ['Revision', example.revision],
  ]);
}

function comparisonMarkdown({ prompt, responses, better, reasoning }: ComparisonExample): string {
  return quote([
    ...turns(prompt),
    ['Option A', responses[0]],
    ['Option B', responses[1]],
    ['Reasoning', reasoning],
    ['Better', 'AB'[better]],
  ]);
}

type Labelled = readonly [string, string | null];

function turns(messages: readonly Message[]): Labelled[] {
  return messages.map(({ role, content }) => [role === 'user' ? 'Human' : 'Assistant', content]);
}

/** Labelled parts as a quote; single line ends are kept with a backslash. */
function quote(parts: readonly Labelled[]): string {
  const texts = parts
    .filter(([, text]) => text !== null)
    .map(([label, text]) => `${label}: ${text!.replace(/([^\n])\n(?!\n)/g, '$1\\\n')}`);
  return texts
    .join('\n\n')
    .split('\n')
    .map((line) => (line === '' ? '>' : `> ${line}`))
    .join('\n');
}
