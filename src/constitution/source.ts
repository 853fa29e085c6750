/** A constitution file as read, before it is checked: its data, and where each part of it stands. */
import { isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';

export interface Source {
  /** The data, still unchecked; undefined when the file cannot be parsed. */
  readonly value: unknown;
  /** Path (`principles[3].text`) → `file:line`. */
  readonly places: Record<string, string>;
  readonly problems: SourceProblem[];
}

export interface SourceProblem {
  /** `file:line`. */
  readonly place: string;
  readonly message: string;
}

/**
 * Reads YAML, and JSON, which is YAML.
 * @param file      for messages
 * @param firstLine number of the text's first line in the file. Default 1
 */
export function parseYaml(text: string, file: string, firstLine = 1): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => `${file}:${lines.linePos(offset).line + firstLine - 1}`;
  const problems = [...document.errors, ...document.warnings].map((error) => ({
    place: at(error.pos[0]),
    message: error.message.split('\n')[0],
  }));
  if (problems.length > 0) return { value: undefined, places: {}, problems };
  try {
    const places: Record<string, string> = {};
    const visit = (node: unknown, path: string, offset: number | undefined): void => {
      if (offset !== undefined) places[path] = at(offset);
      if (isMap(node)) {
        for (const { key, value } of node.items) {
          const name = String((key as { value?: unknown }).value ?? key);
          visit(value, path === '' ? name : `${path}.${name}`, (key as Node).range?.[0]);
        }
      } else if (isSeq(node)) {
        for (const [i, item] of node.items.entries()) visit(item, `${path}[${i}]`, (item as Node).range?.[0]);
      }
    };
    visit(document.contents, '', (document.contents as Node | null)?.range?.[0] ?? 0);
    return { value: document.toJS() ?? {}, places, problems };
  } catch (error) {
    // Aliases that multiply without end, for example.
    const message = `cannot be resolved: ${(error as Error).message.split('\n')[0]}`;
    return { value: undefined, places: {}, problems: [{ place: at(0), message }] };
  }
}

/** `principles[3].text`; the empty path is ''. */
export function nameOfPath(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (name, step) =>
      typeof step === 'number' ? `${name}[${step}]` : name === '' ? String(step) : `${name}.${String(step)}`,
    '',
  );
}

/** The place of a path, or of the nearest part around it that has one. */
export function placeAt(source: Pick<Source, 'places'>, path: readonly PropertyKey[], file: string): string {
  for (let length = path.length; length >= 0; length--) {
    const place = source.places[nameOfPath(path.slice(0, length))];
    if (place !== undefined) return place;
  }
  return file;
}
