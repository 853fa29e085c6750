/** Reads any string as a response: sentences, their claims, and how well they are formed. */
import type { Claim } from './claim.ts';
import { bigramCoverage, parseClause } from './grammar.ts';

export interface ParsedSentence {
  /** Lower-cased words, single spaces, without end punctuation. */
  readonly text: string;
  readonly words: number;
  /** Empty when the grammar does not hold the sentence. */
  readonly claims: readonly Claim[];
  /** 1 = exactly as the grammar writes it; lower for odd spelling, missing full stop or broken grammar. */
  readonly quality: number;
}

export interface ParsedResponse {
  readonly sentences: readonly ParsedSentence[];
  readonly words: number;
}

/** Text beyond this many characters is not read: it only counts as badly formed. */
const readLimit = 4000;

/** Quality of a sentence with the right words but odd capitals, spaces or end mark. */
const oddSpelling = 0.9;
/** Quality of a sentence without end mark (usually cut off by a length limit). */
const unended = 0.7;
/** Quality of a sentence outside the grammar: this times the squared share of known word pairs. */
const broken = 0.5;

/** Parses any string, also empty, truncated, endless or meaningless ones; never throws. */
export function parseResponse(response: string): ParsedResponse {
  const sentences: ParsedSentence[] = [];
  // A sentence runs up to its end marks; line breaks end one too.
  for (const [raw] of response
    .trim()
    .slice(0, readLimit)
    .matchAll(/[^.!?\n]*[.!?]+|[^.!?\n]+/g)) {
    if (raw.trim() !== '') sentences.push(parseSentence(raw, sentences.length > 0));
  }
  if (response.length > readLimit) {
    sentences.push({ text: '', words: response.length - readLimit, claims: [], quality: 0 });
  }
  return { sentences, words: sentences.reduce((sum, sentence) => sum + sentence.words, 0) };
}

function parseSentence(raw: string, follows: boolean): ParsedSentence {
  const core = raw.replace(/[.!?]+$/, '');
  const text = core.trim().replace(/\s+/g, ' ').toLowerCase();
  const words = text === '' ? 0 : text.split(' ').length;
  const clause = text === '' ? null : parseClause(text);
  if (!clause) return { text, words, claims: [], quality: broken * bigramCoverage(text) ** 2 };
  const canonical = `${follows ? ' ' : ''}${clause.text[0].toUpperCase()}${clause.text.slice(1)}`;
  let quality = core === canonical ? 1 : oddSpelling;
  const mark = raw.slice(core.length);
  if (mark === '') quality *= unended;
  else if (mark !== '.') quality *= oddSpelling;
  return { text, words, claims: clause.claims, quality };
}
