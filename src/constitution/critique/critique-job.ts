/** Phase 1 over a set of prompts: many chains at a time, each step kept as soon as it is done. */
import type { LanguageModel, Usage } from '../../llm/index.ts';
import { type Constitution, usablePrinciples } from '../constitution.ts';
import { toMessages } from '../conversation.ts';
import { type FailedItem, forEachItem } from '../for-each.ts';
import { itemKeys, type Journal, jobName } from '../journal.ts';
import { sumUsage } from '../usage.ts';
import { type Chain, type ChainInput, runChain } from './chain.ts';
import { FAILURE_KINDS, type FailureKind } from './failures.ts';
import type { CritiqueOptions } from './options.ts';

export interface CritiqueJob {
  /** Answers the prompts. */
  readonly responder: LanguageModel;
  /** Criticises and revises. Default: the responder, as in the paper. */
  readonly critic?: LanguageModel;
  readonly constitution: Constitution;
  readonly inputs: readonly ChainInput[];
  readonly options: CritiqueOptions;
  readonly seed: number;
  /** Where each step is kept; a job that is run again takes up what is there. Default: nowhere. */
  readonly journal?: Journal;
  readonly runId?: string;
  /** Chains under way at once. Default 32; a local model computes them together. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  /** Told as each chain ends, in the order in which they do. */
  readonly onChain?: (chain: Chain, index: number) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface CritiqueJobResult {
  /** Name of the job in the ledger. */
  readonly job: string;
  /** [inputs] null where the model failed. */
  readonly chains: readonly (Chain | null)[];
  readonly failed: readonly FailedItem[];
}

/**
 * Runs the chains of all prompts.
 *
 * A failed item is listed with its reason and tried again when the job is run again; it shifts no other. What stops
 * the job (an interruption, the budget) is thrown once what is under way has ended; run it again to go on.
 * @throws TenetError('usage') when the constitution has no principle to criticise under; what the models throw
 */
export async function runCritiqueJob(input: CritiqueJob): Promise<CritiqueJobResult> {
  const { responder, critic = responder, constitution, inputs, options, seed, journal = null, runId } = input;
  usablePrinciples(constitution, 'critique');
  const items = inputs.map(({ prompt, response = null }) => [toMessages(prompt), response]);
  const keys = itemKeys(items);
  // More rounds go on from those that are there; everything else decides what they hold.
  const { rounds: _, onFailure: __, ...decides } = options;
  const job = jobName('critique', {
    ...{ responder: responder.id, critic: critic.id, constitution: constitution.hash, seed },
    options: decides,
  });
  const shared = { responder, critic, constitution, options, seed, journal, job, runId };
  const chains: (Chain | null)[] = inputs.map(() => null);
  const failed = await forEachItem(
    inputs,
    async (chainInput, index, signal) => {
      const context = { ...shared, signal };
      const chain = await runChain(chainInput, context, keys[index]);
      chains[index] = chain;
      input.onChain?.(chain, index);
    },
    { concurrency: input.concurrency ?? 32, signal: input.signal, onProgress: input.onProgress },
  );
  return { job, chains, failed };
}

/** What a job came to, in numbers. */
export interface CritiqueSummary {
  readonly prompts: number;
  readonly revised: number;
  readonly kept: number;
  readonly dropped: number;
  readonly failed: number;
  readonly rounds: number;
  /** Rounds by how they ended. */
  readonly outcomes: Readonly<Record<'revised' | 'no-violation' | 'failed', number>>;
  /** Unusable answers by step and kind, retried ones included. */
  readonly failures: Readonly<
    Record<'response' | 'critique' | 'revision', Readonly<Partial<Record<FailureKind, number>>>>
  >;
  /** By principle: rounds it was asked about in, and rounds that led to a revision. */
  readonly principles: Readonly<Record<string, { readonly asked: number; readonly revised: number }>>;
  readonly usage: Usage;
}

export function summariseCritiques({ chains, failed }: CritiqueJobResult): CritiqueSummary {
  const done = chains.filter((chain) => chain !== null);
  const rounds = done.flatMap((chain) => chain.rounds);
  const count = (outcome: Chain['outcome']): number =>
    done.filter((chain) => chain.outcome === outcome).length;
  const ended = (outcome: 'revised' | 'no-violation' | 'failed'): number =>
    rounds.filter((round) => round.outcome === outcome).length;
  const principles: Record<string, { asked: number; revised: number }> = {};
  for (const round of rounds) {
    for (const id of round.principles) {
      principles[id] ??= { asked: 0, revised: 0 };
      principles[id].asked++;
      if (round.outcome === 'revised') principles[id].revised++;
    }
  }
  return {
    prompts: chains.length,
    revised: count('revised'),
    kept: count('kept'),
    dropped: count('dropped'),
    failed: failed.length,
    rounds: rounds.length,
    outcomes: { revised: ended('revised'), 'no-violation': ended('no-violation'), failed: ended('failed') },
    failures: {
      response: byKind(done.flatMap(({ responses }) => responses)),
      critique: byKind(rounds.flatMap(({ critiques }) => critiques)),
      revision: byKind(rounds.flatMap(({ revisions }) => revisions)),
    },
    principles,
    usage: sumUsage(done.map(({ usage }) => usage)),
  };
}

function byKind(
  steps: readonly { readonly failure: FailureKind | null }[],
): Partial<Record<FailureKind, number>> {
  const counts = FAILURE_KINDS.map(
    (kind) => [kind, steps.filter(({ failure }) => failure === kind).length] as const,
  );
  return Object.fromEntries(counts.filter(([, number]) => number > 0));
}
