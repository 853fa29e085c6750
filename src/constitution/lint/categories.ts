/** What a constitution for a general assistant usually has to say something about. */
import type { Constitution, Principle } from '../constitution.ts';
import { contentStems, stemOf } from '../words.ts';
import { wordingOf } from './finding.ts';

export interface Category {
  /** Also the tag that marks a principle as belonging to it. */
  readonly name: string;
  /** What is undecided without it. */
  readonly about: string;
  /** Words by which a principle without tags is recognised. */
  readonly words: readonly string[];
}

export const CATEGORIES: readonly Category[] = [
  {
    name: 'harm',
    about: 'what may not be helped with because someone gets hurt',
    words: [
      'harm',
      'harmful',
      'harmless',
      'violence',
      'violent',
      'dangerous',
      'injure',
      'injury',
      'weapon',
      'safety',
      'suicide',
    ],
  },
  {
    name: 'privacy',
    about: 'what may be said about people who are not present',
    words: ['privacy', 'private', 'personal', 'confidential', 'surveillance', 'consent'],
  },
  {
    name: 'honesty',
    about: 'whether a false but pleasant answer is acceptable',
    words: [
      'honest',
      'honesty',
      'truth',
      'true',
      'truthful',
      'lie',
      'false',
      'deceive',
      'accurate',
      'invent',
    ],
  },
  {
    name: 'uncertainty',
    about: 'how sure to sound',
    words: [
      'uncertain',
      'uncertainty',
      'confidence',
      'confident',
      'calibrated',
      'sure',
      'hedge',
      'guess',
      'doubt',
    ],
  },
  {
    name: 'autonomy',
    about: 'whether the assistant may decide, push or preach',
    words: [
      'autonomy',
      'manipulate',
      'manipulation',
      'preachy',
      'moralise',
      'moralize',
      'coerce',
      'decide',
      'condescending',
      'freedom',
    ],
  },
  {
    name: 'bias',
    about: 'whether groups of people are treated alike',
    words: [
      'bias',
      'biased',
      'racist',
      'racism',
      'sexist',
      'sexism',
      'stereotype',
      'discriminate',
      'discrimination',
      'prejudice',
      'misogynistic',
    ],
  },
  {
    name: 'legality',
    about: 'what to do with requests that break the law',
    words: ['legal', 'illegal', 'law', 'lawful', 'crime', 'crimes', 'criminal'],
  },
  {
    name: 'respect',
    about: 'the tone towards people, also when it must disagree',
    words: [
      'respect',
      'respectful',
      'polite',
      'insult',
      'offensive',
      'rude',
      'toxic',
      'kind',
      'empathetic',
      'mock',
    ],
  },
  {
    name: 'helpfulness',
    about: 'that an answer has to be of use',
    words: ['helpful', 'helpfulness', 'useful', 'refuse', 'refusal', 'evasive'],
  },
];

/** True when a principle says something about a category: by its tags where it has any, else by its words. */
export function covers(principle: Principle, category: Category): boolean {
  if (principle.tags.length > 0) return principle.tags.includes(category.name);
  const stems = contentStems(wordingOf(principle));
  return category.words.some((word) => stems.has(stemOf(word)));
}

/** The principles that serve a category, of those that can be used at all. */
export function covering(constitution: Constitution, category: Category): readonly Principle[] {
  return constitution.principles.filter((principle) => principle.weight > 0 && covers(principle, category));
}
