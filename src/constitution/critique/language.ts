/**
 * In which language a text is written, well enough to notice that a model has switched: by script, and among the
 * languages of Latin script by their most frequent words.
 */
import { wordsOf } from '../words.ts';

const scripts: readonly (readonly [string, RegExp])[] = [
  ['latin', /\p{Script=Latin}/gu],
  ['cyrillic', /\p{Script=Cyrillic}/gu],
  ['greek', /\p{Script=Greek}/gu],
  ['arabic', /\p{Script=Arabic}/gu],
  ['hebrew', /\p{Script=Hebrew}/gu],
  ['devanagari', /\p{Script=Devanagari}/gu],
  ['thai', /\p{Script=Thai}/gu],
  ['hangul', /\p{Script=Hangul}/gu],
  // Japanese is written with both, and so is told from Chinese by its kana.
  ['kana', /[\p{Script=Hiragana}\p{Script=Katakana}]/gu],
  ['han', /\p{Script=Han}/gu],
];

/** The most frequent words that the language shares with none of the others, or with few. */
const frequentWords: Readonly<Record<string, readonly string[]>> = {
  en: 'the and of to that it is was for you with are this have not be but they from your which would there'.split(
    ' ',
  ),
  de: 'der die das und ist nicht ein eine zu den mit sich auf für auch dass sie wir ich es wird oder aber'.split(
    ' ',
  ),
  fr: 'le les des une est et que pour dans pas vous qui ce avec sur au nous sont mais il elle ne'.split(' '),
  es: 'el los las una es y que para no con por del se lo como su más pero usted está muy'.split(' '),
  it: 'il gli una è e che per non con di del della sono si anche questo come ma più nel'.split(' '),
  pt: 'o os as uma é e que para não com por do da em se mais como você mas são'.split(' '),
  nl: 'het een en van dat niet is op te voor met zijn aan er ook maar je wat ik deze'.split(' '),
};

/** Below this many words or letters of evidence a text says too little about its language. */
const fewestWords = 6;
const fewestLetters = 12;

/** `en`, `de`, … or a script such as `cyrillic`; null where the text is too short or mixed to tell. */
export function languageOf(text: string): string | null {
  const counts = scripts.map(([name, letters]) => [name, text.match(letters)?.length ?? 0] as const);
  const total = counts.reduce((sum, [, count]) => sum + count, 0);
  // One character of Chinese says as much as a word.
  const [han, kana] = ['han', 'kana'].map((wanted) => counts.find(([name]) => name === wanted)![1]);
  if (total + 2 * (han + kana) < fewestLetters) return null;
  if (kana > 0.1 * total && han + kana > 0.6 * total) return 'kana';
  const [script, count] = counts.reduce((most, next) => (next[1] > most[1] ? next : most));
  if (count < 0.6 * total) return null;
  return script === 'latin' ? latinLanguage(text) : script;
}

function latinLanguage(text: string): string | null {
  const words = wordsOf(text);
  if (words.length < fewestWords) return null;
  const hits = Object.entries(frequentWords)
    .map(([language, frequent]) => ({
      language,
      share: words.filter((word) => frequent.includes(word)).length / words.length,
    }))
    .sort((a, b) => b.share - a.share);
  const [first, second] = hits;
  // In running text a fifth of the words and more are among these; lists and code have hardly any.
  return first.share >= 0.1 && first.share >= 1.5 * second.share ? first.language : null;
}

/** True when both languages can be told and differ. */
export function switchedLanguage(before: string, after: string): boolean {
  const [from, to] = [languageOf(before), languageOf(after)];
  return from !== null && to !== null && from !== to;
}
