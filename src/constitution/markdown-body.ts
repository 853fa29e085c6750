/**
 * Reads what stands under a heading: text, fields (`- Critique request: …`), and examples, which are quotes:
 *
 *     > Human: How do I get into my neighbour's Wi-Fi?
 *     > Assistant: Try the default passwords first.
 *     > Critique: It helps to break into a network of someone else.
 *     > Revision: I would ask the neighbour …
 *
 * Instead of critique and revision there may be `Option A`, `Option B`, `Better` and `Reasoning`.
 */
import { nearest } from '../base/index.ts';
import type { Message } from '../llm/index.ts';
import type { Line } from './markdown-blocks.ts';
import { reflow } from './normal-text.ts';

/** A value and the line where it begins. */
export interface Placed<T> {
  readonly value: T;
  readonly line: number;
}

export interface Body {
  readonly text: Placed<string>;
  /** By the schema's name of the field. */
  readonly fields: Readonly<Record<string, Placed<unknown>>>;
  /** As the schema wants them; still unchecked. */
  readonly critiqueExamples: readonly Placed<object>[];
  readonly comparisonExamples: readonly Placed<object>[];
}

/** What authors write → the schema's field, and how its value is read. */
const FIELDS: Readonly<Record<string, readonly [string, (text: string) => unknown]>> = {
  'critique request': ['critiqueRequest', reflow],
  critique: ['critiqueRequest', reflow],
  'revision request': ['revisionRequest', reflow],
  revision: ['revisionRequest', reflow],
  'comparison question': ['comparisonQuestion', reflow],
  comparison: ['comparisonQuestion', reflow],
  weight: ['weight', (text) => (Number.isNaN(Number(text)) ? text : Number(text))],
  tags: ['tags', toList],
  uses: ['uses', toList],
  hard: ['hard', toBoolean],
  'hard constraint': ['hard', toBoolean],
};

const FIELD = /^ {0,3}[-*+]\s+(?:\*\*|__)?([A-Za-z][A-Za-z ]{2,24}?)(?:\*\*|__)?\s*:(?:\*\*|__)?\s*(.*)$/;
const STARTS_SOMETHING = /^\s*([-*+]\s|\d+[.)]\s|>)/;

/** @param takesFields true under a principle; elsewhere lists are text like any other */
export function parseBody(
  lines: readonly Line[],
  takesFields: boolean,
  report: (problem: { line: number; message: string }) => void,
): Body {
  const text: Line[] = [];
  const fields: Record<string, Placed<unknown>> = {};
  const critiqueExamples: Placed<object>[] = [];
  const comparisonExamples: Placed<object>[] = [];
  for (let i = 0; i < lines.length; ) {
    const line = lines[i];
    const field = takesFields ? FIELD.exec(line.text) : null;
    if (field) {
      const name = field[1].trim().toLowerCase();
      const known = Object.hasOwn(FIELDS, name) ? FIELDS[name] : null;
      const end = endOf(lines, i + 1, ({ text: next }) => next.trim() !== '' && !STARTS_SOMETHING.test(next));
      if (known) {
        const value = [field[2], ...lines.slice(i + 1, end).map((next) => next.text.trim())]
          .join('\n')
          .trim();
        if (fields[known[0]]) {
          report({ line: line.number, message: `"${field[1]}" stands twice in this principle` });
        } else fields[known[0]] = { value: known[1](value), line: line.number };
        i = end;
        continue;
      }
      const guess = nearest(name, Object.keys(FIELDS));
      if (guess) {
        report({
          line: line.number,
          message: `unknown field "${field[1]}"; did you mean "${title(guess)}"?`,
        });
      }
    }
    if (/^ {0,3}>/.test(line.text)) {
      const end = endOf(lines, i, ({ text: next }) => /^ {0,3}>/.test(next));
      const quote = lines.slice(i, end).map(({ text: quoted, number }) => ({
        text: quoted.replace(/^ {0,3}> ?/, ''),
        number,
      }));
      const parts = partsOfQuote(quote);
      if (parts === null) text.push(...lines.slice(i, end));
      else {
        const example = exampleOf(parts, report);
        if (example) (example.isComparison ? comparisonExamples : critiqueExamples).push(example.placed);
      }
      i = end;
      continue;
    }
    text.push(line);
    i++;
  }
  const first = text.find((line) => line.text.trim() !== '');
  return {
    text: {
      value: reflow(text.map((line) => line.text).join('\n')),
      line: first?.number ?? lines[0]?.number ?? 1,
    },
    fields,
    critiqueExamples,
    comparisonExamples,
  };
}

/** One labelled part of a quoted example. */
interface Part {
  readonly label: string;
  readonly text: string;
  readonly line: number;
}

const LABELS =
  /^(?:\*\*|__)?(Human|Assistant|Critique request|Critique|Revision request|Revision|Option A|Option B|Reasoning|Better)(?:\*\*|__)?\s*:(?:\*\*|__)?\s*(.*)$/;

/** The labelled parts of a quote; null where it is an ordinary quote. */
function partsOfQuote(lines: readonly Line[]): Part[] | null {
  const parts: { label: string; lines: string[]; line: number }[] = [];
  for (const { text, number } of lines) {
    const label = LABELS.exec(text);
    if (label) parts.push({ label: label[1], lines: [label[2]], line: number });
    else if (parts.length > 0) parts[parts.length - 1].lines.push(text);
    else if (text.trim() !== '') return null;
  }
  if (parts[0]?.label !== 'Human') return null;
  return parts.map(({ label, lines: words, line }) => ({
    label,
    text: reflow(words.join('\n'), true),
    line,
  }));
}

function exampleOf(
  parts: readonly Part[],
  report: (problem: { line: number; message: string }) => void,
): { isComparison: boolean; placed: Placed<object> } | null {
  const { line } = parts[0];
  const turns = parts.slice(
    0,
    endOf(parts, 0, ({ label }) => label === 'Human' || label === 'Assistant'),
  );
  const rest = parts.slice(turns.length);
  const named = (label: string): string | undefined => rest.find((part) => part.label === label)?.text;
  const repeated = rest.find((part, i) => rest.findIndex(({ label }) => label === part.label) < i);
  const stray = rest.find(({ label }) => label === 'Human' || label === 'Assistant');
  const wrong = repeated ?? stray;
  if (wrong) {
    const why = wrong === stray ? 'stands after the judgement of the example' : 'stands twice in the example';
    report({ line: wrong.line, message: `"${wrong.label}" ${why}; give each example a quote of its own` });
    return null;
  }
  const messages: Message[] = turns.map(({ label, text }) => ({
    role: label === 'Human' ? 'user' : 'assistant',
    content: text,
  }));
  const isComparison = rest.some(({ label }) => /^(Option|Better|Reasoning)/.test(label));
  if (isComparison) {
    const value = {
      prompt: messages,
      a: named('Option A'),
      b: named('Option B'),
      better: named('Better')
        ?.replace(/^option\s+|[().]/gi, '')
        .toLowerCase(),
      reasoning: named('Reasoning'),
    };
    return { isComparison, placed: { value, line } };
  }
  const response = messages.at(-1)?.role === 'assistant' ? messages.at(-1)!.content : undefined;
  const value = {
    prompt: response === undefined ? messages : messages.slice(0, -1),
    response,
    critique: named('Critique'),
    revision: named('Revision'),
    critiqueRequest: named('Critique request'),
    revisionRequest: named('Revision request'),
  };
  return { isComparison, placed: { value, line } };
}

/** The first index from `start` at which the condition fails. */
function endOf<T>(items: readonly T[], start: number, holds: (item: T) => boolean): number {
  let end = start;
  while (end < items.length && holds(items[end])) end++;
  return end;
}

function toList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

function toBoolean(text: string): unknown {
  if (/^(yes|true)$/i.test(text)) return true;
  return /^(no|false)$/i.test(text) ? false : text;
}

function title(name: string): string {
  return name.charAt(0).toUpperCase() + name.slice(1);
}
