/**
 * Parts the examples into those that are trained on, those that calibrate, and those that measure, so that the test
 * holds attacks and sources that training has never seen.
 */
import { Random, TenetError } from '../../base/index.ts';
import { NearDuplicateIndex } from '../../data/index.ts';
import type { GuardExample } from './guard-example.ts';

export interface PartOptions {
  /**
   * Sources or techniques that are for tests alone, besides what the data mark as `split: test`. Default: without such
   * marks, families drawn with the seed until `testShare` of the examples is reached.
   */
  readonly holdOut?: readonly string[];
  /** Share of the examples that drawn families should make up. Default 0.2. */
  readonly testShare?: number;
  /** Share of what is left that calibrates scores and thresholds. Default 0.2. */
  readonly calibrationShare?: number;
  /** Jaccard similarity of 3-word runs from which texts are the same. Default 0.8. */
  readonly similarity?: number;
  /** True: families are drawn although there are tests, which come besides. Default false. */
  readonly drawBesides?: boolean;
  readonly seed: number;
}

export interface GuardParts {
  readonly train: readonly GuardExample[];
  readonly calibration: readonly GuardExample[];
  readonly test: readonly GuardExample[];
  /** Left out: nearly the same as an example before it, or as one of the test. */
  readonly duplicates: { readonly within: number; readonly acrossTest: number };
  /** Families that only the test has. */
  readonly testFamilies: readonly string[];
}

/** How examples are grouped that must not be torn apart: by attack where there is one, else by source. */
export function familyOf({ source, technique }: Pick<GuardExample, 'source' | 'technique'>): string {
  return technique === 'direct' ? source : `${source}/${technique}`;
}

/**
 * @param given examples for training, of which some may be held out
 * @param tests further examples that are for tests whatever their family
 * @throws TenetError('usage') for a name in `holdOut` that nothing has
 */
export function partExamples(
  given: readonly GuardExample[],
  tests: readonly GuardExample[],
  options: PartOptions,
): GuardParts {
  const { calibrationShare = 0.2, similarity = 0.8, seed } = options;
  const isTest = testRule(given, tests.length > 0 && !options.drawBesides, options);
  const test = withoutDuplicates([...tests, ...given.filter(isTest)], similarity);
  const candidates = withoutDuplicates(
    given.filter((example) => !isTest(example)),
    similarity,
  );
  const apart = notIn(candidates.kept, test.kept, similarity);
  // Examples of one request stay together, or calibration would know what training has seen.
  const draw = (request: string): number => new Random(seed).fork(`calibration ${request}`).uniform();
  const calibrates = (example: GuardExample): boolean => draw(example.request) < calibrationShare;
  return {
    train: apart.filter((example) => !calibrates(example)),
    calibration: apart.filter(calibrates),
    test: test.kept,
    duplicates: {
      within: test.left + candidates.left,
      acrossTest: candidates.kept.length - apart.length,
    },
    testFamilies: [...new Set(test.kept.map(familyOf))].sort(),
  };
}

function testRule(
  given: readonly GuardExample[],
  hasTests: boolean,
  { holdOut, testShare = 0.2, seed }: PartOptions,
): (example: GuardExample) => boolean {
  if (holdOut) {
    const known = new Set(given.flatMap((example) => [example.source, example.technique, familyOf(example)]));
    const unknown = holdOut.filter((name) => !known.has(name));
    if (unknown.length > 0) {
      throw new TenetError(
        'usage',
        `Nothing to hold out is called ${unknown.join(', ')}; the data have ${[...known].sort().join(', ')}.`,
      );
    }
    return (example) =>
      example.split === 'test' ||
      [example.source, example.technique, familyOf(example)].some((name) => holdOut.includes(name));
  }
  if (hasTests || given.some(({ split }) => split === 'test')) return ({ split }) => split === 'test';
  // What is marked for training is never drawn.
  const free = given.filter(({ split }) => split === undefined);
  const sizes = new Map<string, number>();
  for (const example of free) sizes.set(familyOf(example), (sizes.get(familyOf(example)) ?? 0) + 1);
  const drawn = new Set<string>();
  let count = 0;
  for (const family of new Random(seed).fork('test families').shuffled([...sizes.keys()].sort())) {
    // One family at least is trained on, and none that would make the test the larger part.
    const size = sizes.get(family)!;
    if (count >= testShare * free.length) break;
    if (drawn.size + 1 === sizes.size || count + size > free.length / 2) continue;
    drawn.add(family);
    count += size;
  }
  return (example) => example.split === undefined && drawn.has(familyOf(example));
}

/** Prompt and answer, by which two examples are the same. */
function wholeText({ prompt, answer }: GuardExample): string {
  return [...prompt.map(({ content }) => content), answer ?? ''].join('\n');
}

/** Keeps the first of those that are nearly the same and have the same labels: a contradiction is kept to be seen. */
function withoutDuplicates(
  examples: readonly GuardExample[],
  similarity: number,
): { readonly kept: readonly GuardExample[]; readonly left: number } {
  const indexes = new Map<string, NearDuplicateIndex>();
  const kept = examples.filter((example) => {
    const { harmfulPrompt, harmfulAnswer, technique } = example;
    const key = `${harmfulPrompt} ${harmfulAnswer} ${technique}`;
    const index = indexes.get(key) ?? new NearDuplicateIndex(similarity);
    indexes.set(key, index);
    const text = wholeText(example);
    if (index.find(text)) return false;
    index.add(text);
    return true;
  });
  return { kept, left: examples.length - kept.length };
}

/** Without those whose request or answer is nearly one of the test's. */
function notIn(
  examples: readonly GuardExample[],
  test: readonly GuardExample[],
  similarity: number,
): readonly GuardExample[] {
  const requests = new NearDuplicateIndex(similarity);
  const answers = new NearDuplicateIndex(similarity);
  for (const { request, answer } of test) {
    requests.add(request);
    if (answer) answers.add(answer);
  }
  return examples.filter(
    ({ request, answer }) => !requests.find(request) && !(answer && answers.find(answer)),
  );
}
