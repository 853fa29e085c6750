/**
 * Simulated annotators. Each ranks responses by a utility: the gold reward, plus what the annotator likes for
 * the wrong reasons (length, flattery), plus noise that grows as the annotator tires.
 *
 *     utility = goal + lengthBias · words / 10 + flatteryBias · flattery + scale · Gumbel
 *     scale   = noise · (1 + fatigue · (itemIndex mod 200) / 100)        (a session is 200 items)
 *
 * Gumbel noise makes the choice between two responses exactly Bradley–Terry, and a ranking without ties
 * Plackett–Luce: P(i before j) = σ((utility_i − utility_j) / scale).
 */
import { Random, TenetError } from '../base/index.ts';
import { assess } from './assess.ts';
import { rewardOf } from './gold-reward.ts';
import { requirePrompt } from './prompt.ts';

/**
 * What an annotator was told to judge: everything, helpfulness alone (complying with an unsafe request is then
 * what was asked), or harmlessness alone.
 */
export type Goal = 'total' | 'helpful-only' | 'harmless-only';

export interface Annotator {
  readonly id: string;
  /** Scale of the Gumbel noise when rested, in units of the gold total; 0 = none. */
  readonly noise: number;
  /** Utility for every ten words of a response. */
  readonly lengthBias: number;
  /** Utility for every sentence of praise, and again for agreeing with a wrong view. */
  readonly flatteryBias: number;
  /** Growth of the noise: relative increase per 100 items judged since the last break. */
  readonly fatigue: number;
  /** Responses within this utility of the best of their group share its rank. 0 = no ties, but for equal texts. */
  readonly tieThreshold: number;
  /** Default 'total'. */
  readonly goal?: Goal;
}

/** Five people as they are: together they agree with the gold reward, and with each other, about as often as people do. */
export const typicalPanel: readonly Annotator[] = [
  { id: 'careful', noise: 0.08, lengthBias: 0, flatteryBias: 0, fatigue: 0.1, tieThreshold: 0.02 },
  { id: 'steady', noise: 0.15, lengthBias: 0.02, flatteryBias: 0.02, fatigue: 0.2, tieThreshold: 0.05 },
  { id: 'hurried', noise: 0.3, lengthBias: 0.05, flatteryBias: 0, fatigue: 0.5, tieThreshold: 0 },
  { id: 'flattered', noise: 0.15, lengthBias: 0, flatteryBias: 0.25, fatigue: 0.2, tieThreshold: 0.05 },
  { id: 'wordy', noise: 0.15, lengthBias: 0.12, flatteryBias: 0, fatigue: 0.2, tieThreshold: 0.05 },
];

/** A panel whose tastes pay for padding and praise: what it teaches a reward model is worth exploiting. */
export const biasedPanel: readonly Annotator[] = [
  { id: 'long-lover', noise: 0.15, lengthBias: 0.3, flatteryBias: 0.1, fatigue: 0.2, tieThreshold: 0 },
  { id: 'praise-lover', noise: 0.15, lengthBias: 0.1, flatteryBias: 0.5, fatigue: 0.2, tieThreshold: 0 },
];

export interface RankOptions extends Omit<Annotator, 'id'> {
  readonly random: Random;
  /** How many items this annotator has judged before. Default 0. */
  readonly itemIndex?: number;
}

/**
 * Ranks responses to one prompt. @returns one rank per response, 1 = best; equal ranks are ties, and the
 * next rank after a tie is one more (1, 1, 2).
 */
export function rankResponses(prompt: string, responses: readonly string[], options: RankOptions): number[] {
  const scale = noiseScale(options, options.itemIndex ?? 0);
  // Equal texts share their noise: nobody prefers a text to itself.
  const byText = new Map<string, number>();
  for (const text of responses) {
    const noise = scale * gumbel(options.random);
    if (!byText.has(text)) byText.set(text, meanUtility(prompt, text, options) + noise);
  }
  const utilities = responses.map((text) => byText.get(text) as number);
  const order = utilities.map((_, i) => i).sort((a, b) => utilities[b] - utilities[a]);
  const ranks = new Array<number>(responses.length);
  let rank = 0;
  let leader = Number.POSITIVE_INFINITY;
  for (const index of order) {
    const inGroup = rank > 0 && leader - utilities[index] <= options.tieThreshold;
    if (!inGroup) {
      rank++;
      leader = utilities[index];
    }
    ranks[index] = rank;
  }
  return ranks;
}

/** An annotator's utility of a response before noise. */
export function meanUtility(prompt: string, response: string, annotator: Omit<Annotator, 'id'>): number {
  const found = assess(prompt, response);
  const gold = rewardOf(prompt, found);
  let goal = gold.total;
  if (annotator.goal === 'helpful-only') {
    goal =
      requirePrompt(prompt).kind === 'unsafe'
        ? gold.wellFormed * found.complied
        : gold.wellFormed * gold.honest * gold.helpful * Math.sqrt(gold.concise);
  } else if (annotator.goal === 'harmless-only') {
    goal = gold.wellFormed * gold.harmless;
  }
  const flattery = found.flattery + (found.sycophantic ? 1 : 0);
  return goal + (annotator.lengthBias * found.words) / 10 + annotator.flatteryBias * flattery;
}

/** Items after which an annotator takes a break and is rested again. */
export const sessionLength = 200;

/** Scale of the noise at an annotator's `itemIndex`-th item. */
export function noiseScale(annotator: Omit<Annotator, 'id'>, itemIndex: number): number {
  return annotator.noise * (1 + (annotator.fatigue * (itemIndex % sessionLength)) / 100);
}

/** Milliseconds to settle and decide, and to read a word (240 a minute). */
const decideMs = 4000;
const readWordMs = 250;

/** How long an annotator takes over an item: the time to read it, and to decide. */
export function judgingMs(prompt: string, responses: readonly string[]): number {
  return decideMs + [prompt, ...responses].join(' ').split(/\s+/).length * readWordMs;
}

function gumbel(random: Random): number {
  return -Math.log(-Math.log((random.uint32() + 0.5) / 4294967296));
}

/** A K-way ranking with who made it and when. */
export interface RankingRecord {
  readonly prompt: string;
  readonly responses: readonly string[];
  /** 1 = best; equal = tie. */
  readonly ranks: readonly number[];
  readonly annotator: string;
  /** How many items the annotator had judged before this one. */
  readonly itemIndex: number;
}

/**
 * Lets a panel rank items. Item i goes to `overlap` different annotators, in turn, so that all judge equally many.
 * @param options.seed decides the noise.
 * @param options.overlap judgements per item, at most the panel's size. Default 1.
 */
export function annotate(
  items: readonly { prompt: string; responses: readonly string[] }[],
  options: { panel?: readonly Annotator[]; seed?: number; overlap?: number } = {},
): RankingRecord[] {
  const { panel = typicalPanel, seed = 0, overlap = 1 } = options;
  if (!(overlap >= 1 && overlap <= panel.length)) {
    throw new TenetError(
      'usage',
      `overlap (${overlap}) must be between 1 and the panel's size (${panel.length}).`,
    );
  }
  const streams = panel.map((annotator) => new Random(seed).fork(`annotator ${annotator.id}`));
  const judged = panel.map(() => 0);
  const result: RankingRecord[] = [];
  items.forEach(({ prompt, responses }, item) => {
    for (let k = 0; k < overlap; k++) {
      const who = (item * overlap + k) % panel.length;
      const itemIndex = judged[who]++;
      const ranks = rankResponses(prompt, responses, { ...panel[who], random: streams[who], itemIndex });
      result.push({ prompt, responses, ranks, annotator: panel[who].id, itemIndex });
    }
  });
  return result;
}
