/**
 * Comparison of responses under a constitution: the labels of reinforcement learning from AI feedback
 * (Bai et al. 2022, arXiv:2212.08073, section 4; Lee et al. 2023, arXiv:2309.00267).
 */
import { TenetError } from '../../base/index.ts';
import type { LanguageModel, Usage } from '../../llm/index.ts';
import { type Constitution, type Principle, principleOf, tierOf, usablePrinciples } from '../constitution.ts';
import { type PromptInput, toMessages } from '../conversation.ts';
import { drawPrinciple, seedFor } from '../draw.ts';
import { sumUsage } from '../usage.ts';
import type { Answer, ResponsePair } from './ask-comparison.ts';
import { askPair } from './ask-pair.ts';
import {
  clampTo,
  decidedTier,
  decisivePrinciples,
  meanOfAnswers,
  type PairJudgement,
  type PrincipleJudgement,
  ranksOf,
  tieredProbability,
  weightedMean,
} from './judgement.ts';
import { type ComparisonOptions, comparisonOptions } from './options.ts';

export interface CompareOptions extends Partial<ComparisonOptions> {
  /** Id of the principle to judge under, or several. Default: as `principles` says. */
  readonly principle?: string | readonly string[];
  /** Same seed, same draw of principle and order. Default 0. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

/**
 * The probability that the first of two responses is better under the constitution.
 * @throws TenetError('usage') for other than two responses, or what there is not; what the model throws
 * @example
 * const { probability } = await compare(judge, { prompt, responses: [a, b] }, constitution, { principles: 'all' });
 */
export async function compare(
  model: LanguageModel,
  input: { readonly prompt: PromptInput; readonly responses: readonly string[] },
  constitution: Constitution,
  options: CompareOptions = {},
): Promise<PairJudgement> {
  const { principle, seed = 0, signal, ...rest } = options;
  const { responses } = input;
  if (responses.length !== 2) {
    throw new TenetError(
      'usage',
      `compare takes two responses, and got ${responses.length}; for more use rank.`,
    );
  }
  const pair: ResponsePair = { prompt: toMessages(input.prompt), responses: [responses[0], responses[1]] };
  const parsed = comparisonOptions.parse(rest);
  checkJudging(parsed);
  return judgePair({
    constitution,
    options: parsed,
    principles: chosenPrinciples(constitution, principle),
    // Other responses draw another principle and order under the same seed.
    seed: seedFor(seed, JSON.stringify(pair)),
    ask: (asked, shownFirst, askSeed, settings) =>
      askPair(pair, asked, shownFirst, { model, constitution, options: settings, seed: askSeed, signal }),
  });
}

/** What a judge makes of K responses. */
export interface Ranking {
  /** [K] 1 = best, equal = tie. */
  readonly ranks: readonly number[];
  /** [K][K] probability that response i is better than response j; null on the diagonal. */
  readonly preferences: readonly (readonly (number | null)[])[];
  /** All K(K−1)/2 pairs, in order (0,1), (0,2) … */
  readonly pairs: readonly PairJudgement[];
  readonly usage: Usage;
}

/** Compares every two of K responses. @throws as `compare` does */
export async function rank(
  model: LanguageModel,
  input: { readonly prompt: PromptInput; readonly responses: readonly string[] },
  constitution: Constitution,
  options: CompareOptions = {},
): Promise<Ranking> {
  const { prompt, responses } = input;
  if (responses.length < 2) {
    throw new TenetError('usage', `rank takes two responses or more, and got ${responses.length}.`);
  }
  const pairs = await Promise.all(
    pairsOf(responses.length).map(([i, j]) =>
      compare(model, { prompt, responses: [responses[i], responses[j]] }, constitution, options),
    ),
  );
  return rankingOf(responses.length, pairs);
}

/** All pairs of K responses: (0,1), (0,2) … */
export function pairsOf(count: number): (readonly [number, number])[] {
  return Array.from({ length: count }, (_, i) => i).flatMap((i) =>
    Array.from({ length: count - i - 1 }, (_, k) => [i, i + 1 + k] as const),
  );
}

/** @param pairs judgements of `pairsOf(count)` */
export function rankingOf(count: number, pairs: readonly PairJudgement[]): Ranking {
  const preferences: (number | null)[][] = Array.from({ length: count }, () => Array(count).fill(null));
  for (const [n, [i, j]] of pairsOf(count).entries()) {
    preferences[i][j] = pairs[n].probability;
    preferences[j][i] = 1 - pairs[n].probability;
  }
  return {
    ranks: ranksOf(preferences),
    preferences,
    pairs,
    usage: sumUsage(pairs.map(({ usage }) => usage)),
  };
}

/** How a pair is judged, whoever asks and wherever the answers are kept. */
export interface PairContext {
  readonly constitution: Constitution;
  readonly options: ComparisonOptions;
  /** Judged under exactly these; null: as the options say. */
  readonly principles: readonly Principle[] | null;
  readonly seed: number;
  /** Another number asks the same with other seeds. Default 0. */
  readonly attempt?: number;
  readonly ask: (
    principle: Principle,
    shownFirst: 0 | 1,
    seed: number,
    options: ComparisonOptions,
  ) => Promise<Answer>;
}

/** Asks what there is to ask about a pair, and combines the answers. */
export async function judgePair(context: PairContext): Promise<PairJudgement> {
  const { constitution, options, seed } = context;
  const usable = context.principles ?? usablePrinciples(constitution, 'comparison');
  const byTiers = options.principles === 'tiers';
  const combine = byTiers
    ? (judged: readonly PrincipleJudgement[]) => tieredProbability(judged, options.decided)
    : weightedMean;
  const judged: PrincipleJudgement[] = [];

  // Step 1. The principles: one drawn, all, or tier by tier until one has decided.
  if (byTiers) {
    const tiers = [...new Set(usable.map((principle) => tierOf(constitution, principle)))].sort(
      (a, b) => a - b,
    );
    for (const tier of tiers) {
      const members = usable.filter((principle) => tierOf(constitution, principle) === tier);
      judged.push(...(await judgeUnder(members, context)));
      if (decidedTier(judged, options.decided) !== null) break;
    }
  } else {
    const isOne = options.principles === 'random' && context.principles === null;
    const asked = isOne ? [drawPrinciple(usable, seedFor(seed, 'principle'))] : usable;
    judged.push(...(await judgeUnder(asked, context)));
  }

  // Step 2. One probability.
  const unclamped = combine(judged);
  return {
    probability: options.chainOfThought ? clampTo(options.clamp, unclamped) : unclamped,
    unclamped,
    principles: judged,
    decisive: decisivePrinciples(judged, combine),
    usage: sumUsage(judged.flatMap(({ answers }) => answers.map(({ usage }) => usage))),
  };
}

function judgeUnder(principles: readonly Principle[], context: PairContext): Promise<PrincipleJudgement[]> {
  const { constitution, options, seed, attempt = 0, ask } = context;
  return Promise.all(
    principles.map(async (principle) => {
      const only = (seedFor(seed, principle.id, 'order') % 2) as 0 | 1;
      const orders = ordersOf(options, only);
      const answers = await Promise.all(
        orders.map((shownFirst) =>
          ask(principle, shownFirst, seedFor(seed, principle.id, shownFirst, attempt), options),
        ),
      );
      const { id, weight } = principle;
      const tier = tierOf(constitution, principle);
      return { principle: id, weight, tier, probability: meanOfAnswers(answers), answers };
    }),
  );
}

/** Both places, the one drawn, or none to speak of where responses are judged apart. */
function ordersOf({ judging, order }: ComparisonOptions, drawn: 0 | 1): readonly (0 | 1)[] {
  if (judging === 'pointwise') return [0];
  return order === 'both' ? [0, 1] : [drawn];
}

/** @throws TenetError('usage') for options that do not go together */
export function checkJudging({ judging, chainOfThought, fewShot }: ComparisonOptions): void {
  if (judging !== 'pointwise' || (!chainOfThought && fewShot === 0)) return;
  throw new TenetError(
    'usage',
    `judging: pointwise asks for a yes or a no alone; leave out ${chainOfThought ? 'chainOfThought' : 'fewShot'}, or judge pairwise.`,
  );
}

function chosenPrinciples(
  constitution: Constitution,
  ids: string | readonly string[] | undefined,
): readonly Principle[] | null {
  if (ids === undefined) return null;
  return (typeof ids === 'string' ? [ids] : ids).map((id) => principleOf(constitution, id));
}
