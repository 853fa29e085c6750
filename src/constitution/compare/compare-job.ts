/** Phase 2 over a set of prompts: responses sampled or given, compared, and the judge measured; each answer kept. */

import { Random, TenetError } from '../../base/index.ts';
import type { LanguageModel, Message, Usage } from '../../llm/index.ts';
import { type Constitution, principleOf, usablePrinciples } from '../constitution.ts';
import { type PromptInput, toMessages } from '../conversation.ts';
import { seedFor } from '../draw.ts';
import { type FailedItem, forEachItem } from '../for-each.ts';
import { itemKeys, type Journal, jobName, journaled } from '../journal.ts';
import { sumUsage } from '../usage.ts';
import { type ResponsePair, WORDINGS } from './ask-comparison.ts';
import type { SharedChecks } from './ask-each.ts';
import { askPair } from './ask-pair.ts';
import { checkJudging, judgePair, pairsOf, type Ranking, rankingOf } from './compare.ts';
import { type AnswerPlace, answerEvent, answerFrom, labelEvent } from './events.ts';
import type { PairJudgement } from './judgement.ts';
import type { ComparisonOptions } from './options.ts';
import { type SamplingOptions, sampleResponses } from './sample-responses.ts';

export interface ComparisonInput {
  readonly prompt: PromptInput;
  /** Compared as they are. Default: sampled from the policy. */
  readonly responses?: readonly string[];
  /** [K] what people said of the responses, 1 = best; the judge is measured against it. */
  readonly humanRanks?: readonly (number | null)[];
}

export interface CompareJob {
  readonly judge: LanguageModel;
  readonly constitution: Constitution;
  readonly inputs: readonly ComparisonInput[];
  readonly options: ComparisonOptions;
  readonly seed: number;
  /** Answers the prompts that come without responses. */
  readonly policy?: LanguageModel;
  readonly sampling?: SamplingOptions;
  /** Pairs asked about again, with another seed and in other words, to see whether the judge says the same. Default 0. */
  readonly recheck?: number;
  /** Where each answer is kept; a job that is run again takes up what is there. Default: nowhere. */
  readonly journal?: Journal;
  readonly runId?: string;
  /** Items under way at once. Default 32. */
  readonly concurrency?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ComparedItem {
  /** Names the item by its content. */
  readonly key: string;
  readonly prompt: readonly Message[];
  /** [K] */
  readonly responses: readonly string[];
  readonly ranking: Ranking;
  readonly humanRanks: readonly (number | null)[] | null;
  /** Of sampling and judging. */
  readonly usage: Usage;
}

/** A pair that was asked about again. */
export interface Recheck {
  readonly kind: 'repeat' | 'reword';
  readonly before: PairJudgement;
  readonly after: PairJudgement;
}

export interface CompareJobResult {
  /** Name of the job in the ledger. */
  readonly job: string;
  /** [inputs] null where there was nothing to compare, or the model failed. */
  readonly items: readonly (ComparedItem | null)[];
  readonly rechecks: readonly Recheck[];
  /** Indexes of inputs without two different responses. */
  readonly alike: readonly number[];
  readonly failed: readonly FailedItem[];
}

/**
 * Compares the responses of all prompts. Failures and interruptions are treated as by `runCritiqueJob`.
 * @throws TenetError('usage') when the constitution has no principle to compare under
 */
export async function runCompareJob(input: CompareJob): Promise<CompareJobResult> {
  const { judge, policy, constitution, inputs, options, seed, concurrency = 32, signal, onProgress } = input;
  usablePrinciples(constitution, 'comparison');
  checkJudging(options);
  const prompts = inputs.map(({ prompt }) => toMessages(prompt));
  const keys = itemKeys(inputs.map(({ responses = null }, i) => [prompts[i], responses]));
  const job = jobName('compare', {
    ...{ judge: judge.id, constitution: constitution.hash, seed, options },
    ...(policy && { policy: policy.id }),
    ...(input.sampling && { sampling: input.sampling }),
  });
  const run = new CompareRun(job, input);
  const items: (ComparedItem | null)[] = inputs.map(() => null);
  const alike: number[] = [];

  // Step 1. Every item: responses, answers, a label.
  const failed = await forEachItem(
    inputs,
    async (given, index, itemSignal) => {
      items[index] = await run.item(given, prompts[index], keys[index], itemSignal);
      if (items[index] === null) alike.push(index);
    },
    { concurrency, signal, onProgress },
  );

  // Step 2. Some pairs again, to see whether the judge says the same.
  const compared = items.filter((item) => item !== null);
  const again = run.pairsToRecheck(compared);
  const rechecks: (Recheck | null)[] = again.map(() => null);
  const failedAgain = await forEachItem(
    again,
    async (pair, index, itemSignal) => {
      rechecks[index] = await run.recheck(pair, itemSignal);
    },
    { concurrency, signal },
  );
  if (failedAgain.length > 0 && failedAgain.length === again.length) {
    throw new TenetError('provider', `no pair could be asked about again: ${failedAgain[0].reason}`);
  }
  alike.sort((a, b) => a - b);
  return { job, items, rechecks: rechecks.filter((recheck) => recheck !== null), alike, failed };
}

/** A pair of an item, to be asked about again. */
interface PairAgain {
  readonly item: ComparedItem;
  readonly pair: readonly [number, number];
  readonly before: PairJudgement;
  readonly kind: Recheck['kind'];
}

class CompareRun {
  private readonly job: string;
  private readonly input: CompareJob;

  constructor(job: string, input: CompareJob) {
    this.job = job;
    this.input = input;
  }

  async item(
    given: ComparisonInput,
    prompt: readonly Message[],
    key: string,
    signal: AbortSignal,
  ): Promise<ComparedItem | null> {
    const { responses, usage } = await this.responses(given, prompt, key, signal);
    if (new Set(responses).size < 2) return null;
    const shared: SharedChecks = { seed: seedFor(this.input.seed, key, 'each'), known: new Map() };
    const pairs = await Promise.all(
      pairsOf(responses.length).map((pair) =>
        this.judge(pairAt(prompt, responses, pair), { item: key, pair }, { signal, shared }),
      ),
    );
    const ranking = rankingOf(responses.length, pairs);
    const humanRanks = given.humanRanks ?? null;
    await this.label(prompt, responses, ranking, key, humanRanks);
    return { key, prompt, responses, ranking, humanRanks, usage: sumUsage([usage, ranking.usage]) };
  }

  /**
   * The pairs to ask about again, drawn by chance. A judge that gives exact probabilities without thinking first would
   * only repeat itself, so it is asked in other words alone; the brief layout has no other words.
   */
  pairsToRecheck(items: readonly ComparedItem[]): PairAgain[] {
    const { recheck = 0, options, judge, seed } = this.input;
    const all = items.flatMap((item) =>
      pairsOf(item.responses.length).map((pair, n) => ({ item, pair, before: item.ranking.pairs[n] })),
    );
    const chosen = new Random(seed).fork('recheck').shuffled(all).slice(0, recheck);
    const kinds: Recheck['kind'][] = [
      ...(options.chainOfThought || !judge.exactChoices ? (['repeat'] as const) : []),
      ...(options.judging === 'pairwise' && options.layout === 'full' && WORDINGS > 1
        ? (['reword'] as const)
        : []),
    ];
    return chosen.flatMap((pair) => kinds.map((kind) => ({ ...pair, kind })));
  }

  async recheck({ item, pair, before, kind }: PairAgain, signal: AbortSignal): Promise<Recheck> {
    const asked = before.principles.map(({ principle }) => principle);
    const place = { item: item.key, pair, check: kind };
    const after = await this.judge(pairAt(item.prompt, item.responses, pair), place, {
      signal,
      principles: asked,
    });
    return { kind, before, after };
  }

  private async responses(
    given: ComparisonInput,
    prompt: readonly Message[],
    key: string,
    signal: AbortSignal,
  ): Promise<{ responses: readonly string[]; usage: Usage }> {
    if (given.responses) return { responses: given.responses, usage: sumUsage([]) };
    const { policy, sampling, seed, journal = null, runId } = this.input;
    if (!policy || !sampling) return { responses: [], usage: sumUsage([]) };
    return sampleResponses(prompt, key, { policy, options: sampling, seed, journal, runId, signal });
  }

  /** @param how.principles ids; default as the options say */
  private judge(
    pair: ResponsePair,
    place: AnswerPlace,
    how: {
      readonly signal: AbortSignal;
      readonly shared?: SharedChecks;
      readonly principles?: readonly string[];
    },
  ): Promise<PairJudgement> {
    const { signal, shared, principles } = how;
    const { judge, constitution, options, seed, journal = null } = this.input;
    const { item, check } = place;
    const frame = this.frame();
    const pairName = place.pair.join('-');
    return judgePair({
      constitution,
      options: principles ? { ...options, principles: 'all' } : options,
      principles: principles?.map((id) => principleOf(constitution, id)) ?? null,
      seed: seedFor(seed, item, pairName),
      attempt: check === 'repeat' ? 1 : 0,
      ask: (principle, shownFirst, askSeed, settings) =>
        journaled(journal, {
          id: `${this.job}/${item}/${pairName}.${principle.id}.${shownFirst}${check ? `.${check}` : ''}`,
          item: itemOf(pair.prompt, pair.responses),
          make: () =>
            askPair(
              pair,
              principle,
              shownFirst,
              {
                ...{ model: judge, constitution, options: settings, seed: askSeed, signal },
                wording: check === 'reword' ? 1 : 0,
              },
              shared,
            ),
          write: (answer) => answerEvent(answer, frame, place),
          read: answerFrom,
        }),
    });
  }

  private async label(
    prompt: readonly Message[],
    responses: readonly string[],
    ranking: Ranking,
    key: string,
    humanRanks: readonly (number | null)[] | null,
  ): Promise<void> {
    const { journal } = this.input;
    const id = `${this.job}/${key}/label`;
    if (!journal || (await journal.get(id))) return;
    const basedOn = pairsOf(responses.length).flatMap(([i, j], n) =>
      ranking.pairs[n].principles.flatMap(({ principle, answers }) =>
        answers.map(({ shownFirst }) => `${this.job}/${key}/${i}-${j}.${principle}.${shownFirst ?? 0}`),
      ),
    );
    const content = labelEvent(ranking, this.frame(), key, basedOn, humanRanks);
    await journal.append({ id, item: itemOf(prompt, responses), ...content });
  }

  private frame(): { constitution: Constitution; project: string; runId?: string } {
    const { constitution, runId } = this.input;
    return { constitution, project: this.job, runId };
  }
}

function pairAt(
  prompt: readonly Message[],
  responses: readonly string[],
  [i, j]: readonly [number, number],
): ResponsePair {
  return { prompt, responses: [responses[i], responses[j]] };
}

function itemOf(prompt: readonly Message[], responses: readonly string[]) {
  return { prompt, responses: responses.map((text) => ({ text })) };
}
