/**
 * Reads a constitution from Markdown:
 *
 * - front matter between `---` lines: name, version, description, language, priorities
 * - text before the first heading below the title: the preamble
 * - a heading that begins with an id in backticks: a principle, as in "### `no-injury` Nobody gets hurt"
 * - any other heading: a section
 *
 * What stands under a heading is read by `markdown-body.ts`.
 */
import { splitBlocks, splitFrontMatter } from './markdown-blocks.ts';
import { type Body, parseBody } from './markdown-body.ts';
import { trimText } from './normal-text.ts';
import { parseYaml, type Source, type SourceProblem } from './source.ts';

const PRINCIPLE = /^`([^`]*)`\s*(?:[:–—-]\s+)?(.*)$/;

/** @param file for messages */
export function parseMarkdown(text: string, file: string): Source {
  const { front, frontLine, body } = splitFrontMatter(text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n'));
  const yaml = parseYaml(front, file, frontLine);
  const problems: SourceProblem[] = [...yaml.problems];
  const places: Record<string, string> = { ...yaml.places, '': `${file}:1` };
  const at = (line: number): string => `${file}:${line}`;
  const report = ({ line, message }: { line: number; message: string }): void => {
    problems.push({ place: at(line), message });
  };

  const value = asObject(yaml.value);
  if (value === null) {
    report({ line: frontLine, message: 'the front matter must be `key: value` lines' });
    return { value: undefined, places, problems };
  }
  for (const key of ['sections', 'principles', 'critiqueExamples', 'comparisonExamples', 'preamble']) {
    if (!(key in value)) continue;
    report({
      line: Number(/\d+$/.exec(places[key])![0]),
      message: `"${key}" has its place in the text of a Markdown constitution, not in the front matter`,
    });
  }

  const sections: object[] = [];
  const principles: object[] = [];
  const lists: Record<'critiqueExamples' | 'comparisonExamples', object[]> = {
    critiqueExamples: [],
    comparisonExamples: [],
  };
  /** Puts a body's examples into a list of the document, or of a principle. */
  const keepExamples = (examples: Body['critiqueExamples'], list: object[], path: string): void => {
    for (const { value: example, line } of examples) {
      places[`${path}[${list.length}]`] = at(line);
      list.push(example);
    }
  };

  const blocks = splitBlocks(body);
  const headings = blocks.flatMap(({ heading }) => heading ?? []);
  const isTitle = headings[0]?.level === 1 && headings.filter(({ level }) => level === 1).length === 1;
  const sectionHeadings = headings.slice(isTitle ? 1 : 0).filter(({ text }) => !PRINCIPLE.test(text));
  const topLevel = Math.min(...sectionHeadings.map(({ level }) => level));
  const preamble: string[] = [];
  const usedIds = new Set<string>();
  let section: string | undefined;
  for (const { heading, body: lines } of blocks) {
    const marked = heading && PRINCIPLE.exec(heading.text);
    const part = parseBody(lines, Boolean(marked), report);
    if (!marked) keepExamples(part.critiqueExamples, lists.critiqueExamples, 'critiqueExamples');
    keepExamples(part.comparisonExamples, lists.comparisonExamples, 'comparisonExamples');
    if (heading === null || (isTitle && heading === headings[0])) {
      if (heading) value.name ??= heading.text;
      if (part.text.value !== '') preamble.push(part.text.value);
    } else if (marked) {
      const path = `principles[${principles.length}]`;
      places[path] = at(heading.line);
      places[`${path}.text`] = at(part.text.value === '' ? heading.line : part.text.line);
      const examples: object[] = [];
      keepExamples(part.critiqueExamples, examples, `${path}.examples`);
      const fields = Object.entries(part.fields).map(([name, field]) => {
        places[`${path}.${name}`] = at(field.line);
        return [name, field.value] as const;
      });
      principles.push({
        id: marked[1],
        title: marked[2] === '' ? undefined : marked[2],
        text: part.text.value === '' ? marked[2] : part.text.value,
        section,
        examples,
        ...Object.fromEntries(fields),
      });
    } else {
      section = uniqueId(slug(heading.text), usedIds);
      places[`sections[${sections.length}]`] = at(heading.line);
      const level = heading.level - topLevel + 1;
      sections.push({ id: section, title: heading.text, level, text: part.text.value });
    }
  }
  const document = { ...value, preamble: trimText(preamble.join('\n\n')) || undefined, sections, principles };
  return { value: { ...document, ...lists }, places, problems };
}

/** A heading as an id: `Being honest, and kind` → `being-honest-and-kind`. */
export function slug(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return plain === '' ? 'section' : plain;
}

function uniqueId(wanted: string, used: Set<string>): string {
  let id = wanted;
  for (let i = 2; used.has(id); i++) id = `${wanted}-${i}`;
  used.add(id);
  return id;
}

function asObject(value: unknown): Record<string, unknown> | null {
  if (value === undefined || value === null) return {};
  return typeof value === 'object' && !Array.isArray(value) ? { ...(value as object) } : null;
}
