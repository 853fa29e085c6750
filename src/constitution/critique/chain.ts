/**
 * A critique chain: a response, then rounds of critique and revision, each on the response as it then stands
 * (Bai et al. 2022, arXiv:2212.08073, section 3.1).
 */
import type { Message, Usage } from '../../llm/index.ts';
import { type Principle, tierOf, usablePrinciples } from '../constitution.ts';
import { type PromptInput, toMessages } from '../conversation.ts';
import { drawPrinciple, seedFor } from '../draw.ts';
import { itemKeys } from '../journal.ts';
import { sumUsage } from '../usage.ts';
import type { Critique, InitialResponse, Revision } from './ask.ts';
import { type Attempts, type ChainContext, ChainSteps } from './chain-steps.ts';
import type { Check } from './check.ts';
import type { FailureKind } from './failures.ts';

/** One critique and revision, with everything that was asked on the way. */
export interface Round {
  /** From 1. */
  readonly number: number;
  /** Ids of the principles asked about; none when no check found a violation. */
  readonly principles: readonly string[];
  /** With `principles: violated`: one for each principle. */
  readonly checks: readonly Check[];
  /** Every attempt, unusable ones first; empty when revising directly. */
  readonly critiques: readonly Critique[];
  readonly revisions: readonly Revision[];
  readonly before: string;
  readonly after: string;
  /**
   * - `revised`: the response was rewritten
   * - `no-violation`: nothing was found wrong, and the response stays
   * - `failed`: a step stayed unusable, and the response stays
   */
  readonly outcome: 'revised' | 'no-violation' | 'failed';
  /** What was wrong with the last attempt of the step that failed. */
  readonly failure: FailureKind | null;
}

export interface Chain {
  /** Names the prompt by its content. */
  readonly key: string;
  readonly prompt: readonly Message[];
  /** Attempts at a first response; empty where it was given. */
  readonly responses: readonly InitialResponse[];
  /** The first response; null when none was usable. */
  readonly initial: string | null;
  readonly rounds: readonly Round[];
  /** The last response; null when the item was dropped. */
  readonly final: string | null;
  /** `kept`: no round found anything wrong; `dropped`: not to be learned from, see `reason`. */
  readonly outcome: 'revised' | 'kept' | 'dropped';
  readonly reason: string | null;
  readonly usage: Usage;
}

export interface ChainInput {
  readonly prompt: PromptInput;
  /** Criticised instead of a response of the model's own. */
  readonly response?: string;
}

/** @param key names the item in ids and seeds. Default: by its content */
export async function runChain(input: ChainInput, context: ChainContext, key?: string): Promise<Chain> {
  const { options, constitution } = context;
  const prompt = toMessages(input.prompt);
  const name = key ?? itemKeys([[prompt, input.response ?? null]])[0];
  const usable = usablePrinciples(constitution, 'critique');
  const steps = new ChainSteps(name, prompt, context);

  // Step 1. The first response.
  const responses = input.response === undefined ? await steps.response() : [];
  const first = responses.at(-1);
  const initial = input.response ?? (first?.failure === null ? first.text : null);
  if (initial === null) {
    return chainOf(
      { key: name, prompt, responses, initial, rounds: [] },
      `no usable response: ${first!.failure}`,
    );
  }

  // Step 2. Rounds, each on the response that the one before left.
  const rounds: Round[] = [];
  let response = initial;
  for (let number = 1; number <= options.rounds; number++) {
    const round = await runRound(number, response, { steps, context, usable, key: name });
    rounds.push(round);
    response = round.after;
    if (round.outcome === 'failed' && options.onFailure === 'drop') break;
    // All principles have been asked about, so that another round would ask the same again.
    if (round.outcome === 'no-violation' && options.principles !== 'random') break;
  }

  // Step 3. Whether there is anything to learn from it.
  const failed = rounds.filter(({ outcome }) => outcome === 'failed');
  const isDropped = failed.length === rounds.length || (failed.length > 0 && options.onFailure === 'drop');
  const last = failed.at(-1);
  const reason = isDropped && last ? `round ${last.number} failed: ${last.failure}` : null;
  return chainOf({ key: name, prompt, responses, initial, rounds }, reason);
}

async function runRound(
  number: number,
  before: string,
  chain: {
    readonly steps: ChainSteps;
    readonly context: ChainContext;
    readonly usable: readonly Principle[];
    readonly key: string;
  },
): Promise<Round> {
  const { steps, context, usable, key } = chain;
  const { options, constitution } = context;
  const checks =
    options.principles === 'violated'
      ? await Promise.all(usable.map((principle) => steps.check(number, before, principle)))
      : [];
  const violated = (id: string): boolean =>
    checks.some(({ principle, violation }) => principle === id && violation);
  const principles =
    options.principles === 'random'
      ? [drawPrinciple(usable, seedFor(context.seed, key, number, 'principle'))]
      : usable
          .filter(({ id }) => options.principles === 'all' || violated(id))
          .toSorted((a, b) => tierOf(constitution, a) - tierOf(constitution, b));

  let critiques: Attempts<Critique> | null = null;
  let revisions: readonly Revision[] = [];
  const ended = (outcome: Round['outcome'], after: string, failure: FailureKind | null): Round => ({
    ...{ number, principles: principles.map(({ id }) => id), checks, critiques: critiques ?? [], revisions },
    ...{ before, after, outcome, failure },
  });
  if (principles.length === 0) return ended('no-violation', before, null);

  if (!options.directRevision) {
    critiques = await steps.critique(number, before, principles);
    const { failure, verdict } = critiques.at(-1)!;
    if (failure !== null) return ended('failed', before, failure);
    if (verdict === 'no-violation' && options.onNoViolation === 'keep')
      return ended('no-violation', before, null);
  }
  revisions = await steps.revision(number, before, principles, critiques);
  const { failure, text } = revisions.at(-1)!;
  if (failure === null) return ended('revised', text, null);
  // Asked to revise what is right as it is, a model rightly changes nothing.
  const isRightlySame = failure === 'identical' && critiques?.at(-1)?.verdict === 'no-violation';
  return isRightlySame ? ended('no-violation', before, null) : ended('failed', before, failure);
}

/** @param reason why the chain is dropped, or null */
function chainOf(
  parts: Pick<Chain, 'key' | 'prompt' | 'responses' | 'initial' | 'rounds'>,
  reason: string | null,
): Chain {
  const { rounds, responses, initial } = parts;
  const steps = rounds.flatMap(({ checks, critiques, revisions }) => [...checks, ...critiques, ...revisions]);
  const usage = sumUsage([...responses, ...steps].map((step) => step.usage));
  if (reason !== null) return { ...parts, final: null, outcome: 'dropped', reason, usage };
  const isRevised = rounds.some(({ outcome }) => outcome === 'revised');
  const final = rounds.at(-1)?.after ?? initial;
  return { ...parts, final, outcome: isRevised ? 'revised' : 'kept', reason, usage };
}
