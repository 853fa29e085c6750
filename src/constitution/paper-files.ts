/**
 * The prompt files published with Bai et al. 2022 (arXiv:2212.08073), which hold JSON of five shapes: critique and
 * revision requests, comparison questions, and three kinds of examples. Each becomes a part of a constitution.
 */
import { parseTranscript } from '../data/index.ts';
import type { Message } from '../llm/index.ts';
import { nameOfPath, placeAt, type Source, type SourceProblem } from './source.ts';

/** The parts of a written constitution that paper files fill. */
export interface PaperParts {
  readonly principles: object[];
  readonly critiqueExamples: object[];
  readonly comparisonExamples: object[];
}

/** What a file of the paper holds; null for anything else. */
export type PaperShape =
  | 'critique requests'
  | 'comparison questions'
  | 'critiques'
  | 'comparisons'
  | 'reasoned comparisons';

/** Finds out by its first entry whether a file is one of the paper's. */
export function paperShapeOf(value: unknown): PaperShape | null {
  const isList = Array.isArray(value);
  const first = isList ? value[0] : Object.values((value ?? {}) as object)[0];
  if (!isList)
    return typeof first === 'object' && first !== null && 'edit_request' in first
      ? 'critique requests'
      : null;
  if (typeof first === 'string') {
    if (first.includes('CritiqueRequest:')) return 'critiques';
    return /Options:\s*$/.test(first) ? 'comparison questions' : null;
  }
  if (typeof first !== 'object' || first === null || !('prompt' in first)) return null;
  if ('corrects' in first && 'incorrects' in first) return 'comparisons';
  return String(first.prompt).includes('{}') ? 'reasoned comparisons' : null;
}

/**
 * Adds what a file holds to `parts`, and where it stands to `places`.
 * @returns what could not be understood
 */
export function addPaperFile(
  source: Source,
  file: string,
  shape: PaperShape,
  parts: PaperParts,
  places: Record<string, string>,
): SourceProblem[] {
  const problems: SourceProblem[] = [];
  const entries: [string | number, unknown][] = Array.isArray(source.value)
    ? source.value.map((entry, i) => [i, entry])
    : Object.entries(source.value as object);
  for (const [key, entry] of entries) {
    const place = placeAt(source, [key], file);
    const read = READERS[shape](entry, key);
    if (typeof read === 'string') {
      problems.push({ place, message: `${nameOfPath([key])} ${read}` });
      continue;
    }
    const [list, value] = read;
    places[nameOfPath([list, parts[list].length])] = place;
    parts[list].push(value);
  }
  return problems;
}

/** The part and its value; or what is wrong with the entry. */
type Read = readonly [keyof PaperParts, object] | string;

const READERS: Readonly<Record<PaperShape, (entry: unknown, key: string | number) => Read>> = {
  'critique requests': (entry, key) => {
    const { prompt, edit_request: edit } = (entry ?? {}) as { prompt?: unknown; edit_request?: unknown };
    const request = Array.isArray(prompt) ? prompt[0] : prompt;
    if (typeof request !== 'string' || typeof edit !== 'string') {
      return 'must have a prompt and an edit_request, both texts';
    }
    const revisionRequest = between(edit, 'RevisionRequest:', 'Revision:');
    const critiqueRequest = between(request, 'CritiqueRequest:', 'Critique:');
    return [
      'principles',
      { id: String(key), text: revisionRequest, critiqueRequest, revisionRequest, uses: ['critique'] },
    ];
  },
  'comparison questions': (entry, key) => {
    if (typeof entry !== 'string') return 'must be a text';
    const comparisonQuestion = between(entry, '', 'Options:');
    const id = `comparison${key}`;
    return ['principles', { id, text: comparisonQuestion, comparisonQuestion, uses: ['comparison'] }];
  },
  critiques: (entry) => {
    if (typeof entry !== 'string') return 'must be a text';
    const chain = parseCritiqueTranscript(entry);
    const round = chain.rounds[0];
    if (chain.prompt.length === 0 || !round) {
      return 'must be a transcript: Human, Assistant, CritiqueRequest, Critique, RevisionRequest, Revision';
    }
    return ['critiqueExamples', { prompt: chain.prompt, response: chain.response, ...round }];
  },
  comparisons: (entry, key) => {
    const { prompt, corrects, incorrects } = (entry ?? {}) as Record<string, unknown>;
    const [better, worse] = [firstText(corrects), firstText(incorrects)];
    if (typeof prompt !== 'string' || better === null || worse === null) {
      return 'must have a prompt, corrects and incorrects';
    }
    // The file does not say which is option A; taking turns favours neither place.
    const betterIsA = Number(key) % 2 === 0;
    const [a, b] = betterIsA ? [better, worse] : [worse, better];
    return ['comparisonExamples', { prompt: openConversation(prompt), a, b, better: betterIsA ? 'a' : 'b' }];
  },
  'reasoned comparisons': (entry) => {
    const text = String((entry as { prompt?: unknown } | null)?.prompt ?? '');
    const parts = REASONED.exec(text);
    if (!parts)
      return 'must be a conversation, "{}" for the principle, options (A) and (B), reasoning and answer';
    const [, conversation, a, b, reasoning, answer] = parts;
    const turns = conversation.replace(/(^|\n\n)([HA]): {0,2}/g, (_, gap: string, who: string) =>
      gap === '' ? `${WHO[who]}: ` : `\n\n${WHO[who]}: `,
    );
    const prompt = openConversation(turns);
    return [
      'comparisonExamples',
      { prompt, a, b, better: answer.toLowerCase(), reasoning: reasoning.trim() },
    ];
  },
};

const WHO: Readonly<Record<string, string>> = { H: 'Human', A: 'Assistant' };

const REASONED =
  /conversation between a human[^\n]*:\n\n([\s\S]*?)\n\n\{\}\n \(A\) \[\[\[([\s\S]*?)\]\]\]\n \(B\) \[\[\[([\s\S]*?)\]\]\]\s*\n\nAssistant: (?:Let's think step by step:)?([\s\S]*?)\n\nHuman:\s*So the answer is: \(([AB])\)/;

/** A response with the critiques and revisions that followed it. */
export interface CritiqueTranscript {
  readonly prompt: readonly Message[];
  readonly response: string;
  readonly rounds: readonly {
    readonly critiqueRequest: string;
    readonly critique: string;
    readonly revisionRequest: string;
    readonly revision: string;
  }[];
}

/**
 * Reads "\n\nHuman: … \n\nAssistant: … \n\nCritiqueRequest: … \n\nCritique: … \n\nRevisionRequest: … \n\nRevision: …",
 * with any number of rounds; the beginning of another turn at the end is left away. Prompt and rounds are empty when
 * the text is none.
 */
export function parseCritiqueTranscript(text: string): CritiqueTranscript {
  const starts = [...text.matchAll(/\n\n(CritiqueRequest|Critique|RevisionRequest|Revision|Human):/g)];
  const firstRequest = starts.find(([, name]) => name === 'CritiqueRequest');
  const conversation = parseTranscript(text.slice(0, firstRequest?.index ?? text.length)) as Message[];
  const last = conversation.at(-1);
  if (!firstRequest || last?.role !== 'assistant') return { prompt: [], response: '', rounds: [] };
  const parts = starts
    .map((start, i) => ({
      name: start[1],
      index: start.index,
      text: text.slice(start.index + start[0].length, starts[i + 1]?.index).trim(),
    }))
    .filter(({ index }) => index >= firstRequest.index);
  const rounds: CritiqueTranscript['rounds'][number][] = [];
  for (let i = 0; i + 4 <= parts.length; i += 4) {
    const four = parts.slice(i, i + 4);
    if (four.map(({ name }) => name).join() !== 'CritiqueRequest,Critique,RevisionRequest,Revision') break;
    const [critiqueRequest, critique, revisionRequest, revision] = four.map((part) => part.text);
    rounds.push({ critiqueRequest, critique, revisionRequest, revision });
  }
  return { prompt: conversation.slice(0, -1), response: last.content.trim(), rounds };
}

/** A transcript that ends with an open "Assistant:", as messages up to the user's. */
function openConversation(transcript: string): Message[] {
  const turns = parseTranscript(transcript) as Message[];
  const last = turns.at(-1);
  const closed = last?.role === 'assistant' && last.content.trim() === '' ? turns.slice(0, -1) : turns;
  return closed.map(({ role, content }) => ({ role, content: content.trim() }));
}

function firstText(value: unknown): string | null {
  const first = Array.isArray(value) ? value[0] : value;
  return typeof first === 'string' ? first : null;
}

/** The text between two marks, without the space around it; marks that are missing are not needed. */
function between(text: string, before: string, after: string): string {
  const trimmed = text.trim();
  const start = trimmed.startsWith(before) ? before.length : 0;
  return trimmed.slice(start, trimmed.endsWith(after) ? -after.length || undefined : undefined).trim();
}
