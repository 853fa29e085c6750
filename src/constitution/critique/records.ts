/** What is learned from critique chains: demonstrations and preference pairs, in TRL's conversational formats. */
import { Random, TenetError } from '../../base/index.ts';
import type { Message } from '../../llm/index.ts';
import type { Chain } from './chain.ts';

/** TRL prompt-completion, with where it comes from. */
export interface DemonstrationRecord {
  readonly prompt: readonly Message[];
  readonly completion: readonly Message[];
  /** `revision`: the end of a chain; `helpful`: an ordinary response, so that the model does not learn to refuse. */
  readonly source: 'revision' | 'helpful';
  /** Of a revision: the principles whose rounds changed it, in order. */
  readonly principles?: readonly string[];
}

/** TRL preference, explicit prompt. */
export interface RevisionPreference {
  readonly prompt: readonly Message[];
  readonly chosen: readonly Message[];
  readonly rejected: readonly Message[];
  readonly principles: readonly string[];
}

/** An ordinary response to an ordinary request. */
export interface HelpfulResponse {
  readonly prompt: readonly Message[];
  readonly response: string;
}

export interface MixOptions {
  /** Part of the records that are helpful responses, in [0, 1). */
  readonly helpfulShare: number;
  /** final: the last response of a chain; all: every revision, as Bai et al. 2022 train on. */
  readonly revisions: 'final' | 'all';
  readonly seed: number;
}

/** The demonstrations, and how many there are of each kind. */
export interface Mix {
  readonly records: readonly DemonstrationRecord[];
  readonly revisions: number;
  readonly helpful: number;
}

/**
 * Mixes revisions with helpful responses in a stated ratio, in random order. Of whichever there are too many, some are
 * left out by chance.
 * @throws TenetError('usage') for a share outside [0, 1), or above 0 without helpful responses
 */
export function demonstrationsFrom(
  chains: readonly Chain[],
  helpful: readonly HelpfulResponse[],
  { helpfulShare, revisions: which, seed }: MixOptions,
): Mix {
  if (!(helpfulShare >= 0 && helpfulShare < 1)) {
    throw new TenetError('usage', `the share of helpful responses is ${helpfulShare}; it must be in [0, 1).`);
  }
  if (helpfulShare > 0 && helpful.length === 0) {
    throw new TenetError(
      'usage',
      `${100 * helpfulShare} % of the demonstrations are to be helpful responses, but none are given: name a file of them, or set the share to 0.`,
    );
  }
  const random = new Random(seed).fork('mix');
  const revised = chains.flatMap((chain) => revisionsOf(chain, which));
  const ordinary = helpful.map(
    ({ prompt, response }): DemonstrationRecord => ({
      prompt,
      completion: [answer(response)],
      source: 'helpful',
    }),
  );
  // As many as the share allows of the larger part, all of the smaller one.
  const wantedHelpful = Math.round((revised.length * helpfulShare) / (1 - helpfulShare));
  const helpfulCount = Math.min(ordinary.length, wantedHelpful);
  const revisionCount =
    helpfulCount < wantedHelpful
      ? Math.round((helpfulCount * (1 - helpfulShare)) / helpfulShare)
      : revised.length;
  const records = random.shuffled([
    ...random.shuffled(revised).slice(0, revisionCount),
    ...random.shuffled(ordinary).slice(0, helpfulCount),
  ]);
  return { records, revisions: Math.min(revisionCount, revised.length), helpful: helpfulCount };
}

function revisionsOf(chain: Chain, which: MixOptions['revisions']): DemonstrationRecord[] {
  if (chain.final === null) return [];
  const steps = chain.rounds.filter(({ outcome }) => outcome === 'revised');
  const ends = which === 'final' || steps.length === 0 ? [steps.length] : steps.map((_, i) => i + 1);
  return ends.map((count) => ({
    prompt: chain.prompt,
    completion: [answer(count === 0 ? chain.final! : steps[count - 1].after)],
    source: 'revision',
    principles: steps.slice(0, count).flatMap(({ principles }) => principles),
  }));
}

/** The last revision preferred to the first response, for each chain that revised anything. */
export function revisionPreferences(chains: readonly Chain[]): RevisionPreference[] {
  return chains.flatMap((chain) => {
    if (chain.outcome !== 'revised' || chain.final === chain.initial) return [];
    const steps = chain.rounds.filter(({ outcome }) => outcome === 'revised');
    return {
      prompt: chain.prompt,
      chosen: [answer(chain.final!)],
      rejected: [answer(chain.initial!)],
      principles: steps.flatMap(({ principles }) => principles),
    };
  });
}

function answer(content: string): Message {
  return { role: 'assistant', content };
}
