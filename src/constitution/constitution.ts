/**
 * A constitution: the principles that critique, comparison, guard and evaluation all work from.
 *
 * Three kinds of document become one form: short principles (Bai et al. 2022, arXiv:2212.08073), long documents whose
 * sections argue and rank what matters, and the prompt files published with the paper.
 */
import { nearest, TenetError } from '../base/index.ts';
import type { Message } from '../llm/index.ts';

/** What a principle can be used for. */
export type Use = 'critique' | 'comparison';

/** How one response goes wrong and what a better one is; shown to models as an example, and to people. */
export interface CritiqueExample {
  /** The conversation up to the response; ends with a user's turn. */
  readonly prompt: readonly Message[];
  readonly response: string;
  /** What is wrong with the response; "No violation." where nothing is. */
  readonly critique: string | null;
  /** A response that keeps the principle; null where the response already does. */
  readonly revision: string | null;
  /** The request that the critique answers, where it is not the principle's own. */
  readonly critiqueRequest: string | null;
  readonly revisionRequest: string | null;
}

/** Two responses and which of them is better. */
export interface ComparisonExample {
  readonly prompt: readonly Message[];
  /** [2] as shown: option A, option B. */
  readonly responses: readonly [string, string];
  /** Index of the better one. */
  readonly better: 0 | 1;
  /** A chain of thought that ends in the choice. */
  readonly reasoning: string | null;
}

export interface Principle {
  /** Unique in the document; letters, digits, hyphens, underscores and dots. */
  readonly id: string;
  readonly title: string | null;
  /** What the principle says. */
  readonly text: string;
  /** Asks for a critique of the last response under this principle. Null: made from the text. */
  readonly critiqueRequest: string | null;
  /** Asks for a response that keeps the principle. Null: made from the text. */
  readonly revisionRequest: string | null;
  /** Asks which of two responses keeps the principle better. Null: made from the text. */
  readonly comparisonQuestion: string | null;
  /** Relative chance of being drawn, and weight in an ensemble. Default 1; 0 = never used. */
  readonly weight: number;
  /** What it is about: `harm`, `honesty`, … Priorities name tags. */
  readonly tags: readonly string[];
  /** True: a limit that nothing outweighs. Comes before every priority. Default false. */
  readonly hard: boolean;
  /** Default both. */
  readonly uses: readonly Use[];
  /** Id of the section that it stands in. */
  readonly section: string | null;
  readonly examples: readonly CritiqueExample[];
}

/** A part of a long document. */
export interface Section {
  readonly id: string;
  readonly title: string;
  /** Depth of the heading: 1 = a chapter. */
  readonly level: number;
  /** What stands under the heading itself, without the sections and principles below it. */
  readonly text: string;
}

export interface Constitution {
  readonly name: string;
  /** Semantic version; null where the document has none. */
  readonly version: string | null;
  readonly description: string | null;
  /** Language of the document, as in `en`. */
  readonly language: string;
  /** What stands before the first section; shown to judges before a question. */
  readonly preamble: string | null;
  /** Tags or section ids, the one that outweighs the others first. */
  readonly priorities: readonly string[];
  readonly sections: readonly Section[];
  /** At least one. In a document without marked principles every section with text is one. */
  readonly principles: readonly Principle[];
  /** Examples that belong to no principle. */
  readonly critiqueExamples: readonly CritiqueExample[];
  readonly comparisonExamples: readonly ComparisonExample[];
  /** `sha256:…` of the content: the same for the same principles in any file format. Name and version do not count. */
  readonly hash: string;
  /** Where its parts stand, for messages. */
  readonly origin: Origin;
}

/** Where the parts of a document stand. */
export interface Origin {
  /** The file, or the folder of the paper's files. */
  readonly file: string;
  /** Path in the document (`principles[3].critiqueRequest`) → `file:line`. */
  readonly places: Readonly<Record<string, string>>;
}

/** The principle with an id. @throws TenetError('usage') naming those that there are */
export function principleOf({ name, principles }: Constitution, id: string): Principle {
  const found = principles.find((principle) => principle.id === id);
  if (found) return found;
  const ids = principles.map((principle) => principle.id);
  const guess = nearest(id, ids);
  throw new TenetError(
    'usage',
    `constitution ${name} has no principle "${id}"; ${guess ? `did you mean "${guess}"?` : `it has: ${ids.join(', ')}.`}`,
  );
}

/** {@link principlesFor}, at least one. @throws TenetError('usage') where there is none */
export function usablePrinciples(constitution: Constitution, use: Use): readonly Principle[] {
  const principles = principlesFor(constitution, use);
  if (principles.length > 0) return principles;
  throw new TenetError(
    'usage',
    `constitution ${constitution.name} (${constitution.origin.file}) has no principle for ${use}: each has another use ` +
      'or weight 0. Of the files of Bai et al. 2022 give the folder, which holds the requests and the questions.',
  );
}

/** The principles that serve a use, with a weight above 0. */
export function principlesFor(constitution: Constitution, use: Use): readonly Principle[] {
  return constitution.principles.filter(({ uses, weight }) => uses.includes(use) && weight > 0);
}

/**
 * The rank of a principle: 0 for hard constraints, then 1 for the first priority and so on; what no priority names
 * comes last. Without priorities all but hard constraints share one tier.
 */
export function tierOf(constitution: Constitution, principle: Principle): number {
  if (principle.hard) return 0;
  const { priorities } = constitution;
  const place = priorities.findIndex((name) => principle.tags.includes(name) || principle.section === name);
  return 1 + (place < 0 ? priorities.length : place);
}

/** `file:line` of a principle or one of its fields; of the nearest part that has a place. */
export function placeOfPrinciple(constitution: Constitution, id: string, field?: keyof Principle): string {
  const index = constitution.principles.findIndex((principle) => principle.id === id);
  const { file, places } = constitution.origin;
  const path = `principles[${index}]`;
  return (field && places[`${path}.${field}`]) ?? places[path] ?? file;
}
