/**
 * Checks before the first step that refuse runs which cannot learn, each with the fix.
 *
 * They cost seconds; the mistakes they find cost the whole run and show only as curves that do not move.
 */
import { TenetError } from '../base/index.ts';
import { decides, type ObjectiveLabels, type TokenExample } from '../data/index.ts';

function refuse(problems: readonly string[], stage: string): void {
  if (problems.length === 0) return;
  throw new TenetError(
    'preflight',
    `${stage} was not started because it could not learn:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    { details: { problems } },
  );
}

/** Refuses supervised data without targets, or that never teach the model to stop. */
export function checkExamples(
  examples: readonly TokenExample[],
  options: { readonly stage: string; readonly stopIds: readonly number[]; readonly needsStop: boolean },
): void {
  const problems: string[] = [];
  if (examples.length === 0) problems.push('there is no example; check the data file and maxLength');
  const empty = examples.filter(({ counted }) => !counted.includes(1, 1)).length;
  if (empty === examples.length && empty > 0) {
    problems.push(
      `none of the ${examples.length} examples has a counted token; the completion is empty or cut off entirely: raise maxLength or check the fields`,
    );
  } else if (empty > 0) {
    problems.push(
      `${empty} of ${examples.length} examples have no counted token, so they teach nothing; raise maxLength, or leave them out`,
    );
  }
  const stops = new Set(options.stopIds);
  const onlyEnds = examples.every(({ ids, counted }) =>
    ids.every((id, i) => i === 0 || counted[i] === 0 || stops.has(id)),
  );
  if (onlyEnds && examples.length > empty) {
    problems.push(
      'all counted tokens are end tokens: every response is empty, so the model would learn to say nothing; check the fields',
    );
  }
  if (options.needsStop && examples.length > 0) {
    const taught = examples.some(({ ids, counted }) =>
      ids.some((id, i) => counted[i] === 1 && stops.has(id)),
    );
    if (options.stopIds.length === 0) {
      problems.push(
        'no end token is known, so responses would never end; name one as eos_token in tokenizer_config.json',
      );
    } else if (!taught) {
      problems.push(
        `no counted token is an end token (ids ${options.stopIds.join(', ')}), so the model would never learn to stop; let the chat template end assistant turns with it, or append the end token`,
      );
    }
  }
  refuse(problems, options.stage);
}

/** Refuses comparisons in which nothing can be told apart. */
export function checkRankings(
  rankings: readonly (ObjectiveLabels & { readonly responses: readonly ArrayLike<number>[] })[],
): void {
  const problems: string[] = [];
  if (rankings.length === 0) problems.push('there is no ranking; check the data file and maxLength');
  const identical = rankings.filter(({ responses }) => new Set(responses.map(textOfIds)).size === 1).length;
  if (identical > 0 && identical === rankings.length) {
    problems.push(
      `all ${rankings.length} rankings hold the same response several times, so nothing can be learnt; truncation may have removed what differs (raise maxLength), or the columns are mixed up`,
    );
  }
  if (rankings.length > 0 && !rankings.some(decides)) {
    problems.push(
      `none of the ${rankings.length} rankings prefers one response over another; all are ties or not judged`,
    );
  }
  refuse(problems, rewardStage);
}

/** Refuses objectives of which no judgement prefers one response over another. */
export function checkHeadLabels(
  rankings: readonly {
    readonly ranking: { readonly objectives?: Readonly<Record<string, unknown>> };
    readonly labels: readonly (ObjectiveLabels | null)[];
  }[],
  names: readonly string[],
): void {
  if (rankings.length === 0) refuse(['there is no ranking; check the data file and maxLength'], rewardStage);
  const known = new Set(rankings.flatMap(({ ranking }) => Object.keys(ranking.objectives ?? {})));
  const problems = names.flatMap((name, h) => {
    if (rankings.some(({ labels }) => labels[h] && decides(labels[h]))) return [];
    return `none of the ${rankings.length} rankings prefers one response over another by "${name}"; the data have labels for: ${[...known].join(', ') || 'no objective (field objectives or scores)'}`;
  });
  refuse(problems, rewardStage);
}

const rewardStage = 'Reward model training';

function textOfIds(ids: ArrayLike<number>): string {
  return Array.prototype.join.call(ids, ',');
}

/** What predicts the first token of a response is the token before it. */
function promptsWithoutToken(examples: readonly Prompted[]): string[] {
  const empty = examples.filter(({ prompt }) => prompt.length === 0).length;
  if (empty === 0) return [];
  return [
    `${empty} of ${examples.length} prompts hold no token; the model needs at least one token to start from: leave them out, or let the tokenizer begin texts with its bos token`,
  ];
}

interface Prompted {
  readonly prompt: ArrayLike<number>;
}

/**
 * Refuses pairs in which nothing can be told apart, and those without a prompt.
 * @param heldOut may not be without a prompt either
 */
export function checkPairs(
  pairs: readonly (Prompted & {
    readonly chosen: ArrayLike<number>;
    readonly rejected: ArrayLike<number>;
  })[],
  stage: string,
  heldOut: readonly Prompted[] = [],
): void {
  const problems: string[] = [];
  if (pairs.length === 0) problems.push('there is no pair; check the data file and maxLength');
  const same = pairs.filter(({ chosen, rejected }) => textOfIds(chosen) === textOfIds(rejected)).length;
  if (same > 0 && same === pairs.length) {
    problems.push(
      `in all ${pairs.length} pairs the chosen and the rejected response are the same; truncation may have removed what differs (raise maxLength), or the columns are mixed up`,
    );
  }
  problems.push(...promptsWithoutToken([...pairs, ...heldOut]));
  refuse(problems, stage);
}

/** Refuses judgements of single responses from which nothing can be learnt, and those without a prompt. */
export function checkJudged(
  judged: readonly (Prompted & { readonly label: boolean })[],
  options: {
    readonly stage: string;
    readonly needsOtherPrompts: boolean;
    /** May not be without a prompt either. Default: none. */
    readonly heldOut?: readonly Prompted[];
  },
): void {
  const problems: string[] = [];
  const good = judged.filter(({ label }) => label).length;
  if (judged.length === 0) problems.push('there is no judged response; check the data file and maxLength');
  else if (good === 0 || good === judged.length) {
    problems.push(
      `all ${judged.length} responses are judged ${good === 0 ? 'undesirable' : 'desirable'}, so there is nothing to tell apart; give both kinds, or use sft for desirable responses alone`,
    );
  }
  if (
    options.needsOtherPrompts &&
    judged.length > 0 &&
    new Set(judged.map(({ prompt }) => textOfIds(prompt))).size < 2
  ) {
    problems.push(
      'all responses answer the same prompt, but the reference point of kto comes from responses to other prompts; give more prompts, or use lossType apo_zero_unpaired',
    );
  }
  problems.push(...promptsWithoutToken([...judged, ...(options.heldOut ?? [])]));
  refuse(problems, options.stage);
}

/** Refuses prompts that leave no room for a response, and policies that cannot stop. */
export function checkPrompts(
  prompts: readonly { readonly ids: ArrayLike<number>; readonly text: string }[],
  options: {
    readonly stage: string;
    readonly maxPositions: number;
    readonly responseLength: number;
    readonly stopIds: readonly number[];
    /** Prompts left out before because they are too long. Default 0. */
    readonly leftOut?: number;
    /** What the option is called that limits responses. Default responseLength. */
    readonly lengthOption?: string;
  },
): void {
  const { stage, maxPositions, responseLength, stopIds, leftOut = 0 } = options;
  const { lengthOption = 'responseLength' } = options;
  const problems: string[] = [];
  if (prompts.length === 0 && leftOut > 0) {
    problems.push(
      `none of the ${leftOut} prompts fits the model's ${maxPositions} positions together with a response of ${responseLength}; lower ${lengthOption}, or give shorter prompts`,
    );
  } else if (prompts.length === 0) problems.push('there is no prompt; check the data file');
  const tooLong = prompts.filter(({ ids }) => ids.length + responseLength > maxPositions);
  if (tooLong.length > 0) {
    const longest = Math.max(...tooLong.map(({ ids }) => ids.length));
    problems.push(
      `${tooLong.length} of ${prompts.length} prompts (the longest has ${longest} tokens) plus a response of ${responseLength} do not fit the model's ${maxPositions} positions; lower ${lengthOption}, or leave long prompts out`,
    );
  }
  problems.push(...promptsWithoutToken(prompts.map(({ ids: prompt }) => ({ prompt }))));
  if (stopIds.length === 0) {
    problems.push(
      'no end token is known, so no response would end; name one as eos_token in tokenizer_config.json',
    );
  }
  refuse(problems, stage);
}

/**
 * Refuses a reward model that does not beat chance on held-out pairs: a policy trained on it learns noise.
 * @param accuracy held-out accuracy with its 95 % interval
 */
export function checkRewardModel(
  accuracy: { readonly value: number; readonly low: number },
  pairs: number,
): void {
  if (accuracy.low > 0.5) return;
  refuse(
    [
      `the reward model agrees with ${(100 * accuracy.value).toFixed(1)} % of ${pairs} held-out pairs, which cannot be told from chance ` +
        `(95 % interval from ${(100 * accuracy.low).toFixed(1)} %); train it longer or on more comparisons, hold out more pairs to measure it, ` +
        'or set allowWeakReward: true to go on',
    ],
    'PPO',
  );
}

/** Mean gap that rounding can explain, nats per token; a stale or wrong policy shows gaps of 0.1 and more. */
const roundingGap = 0.02;

/** Refuses to learn from responses that another policy than the trained one has sampled. */
export function checkGenerationMatches(logProbGap: number): void {
  if (logProbGap <= roundingGap) return;
  refuse(
    [
      `the sampler's log-probabilities differ from the trainer's by ${logProbGap.toFixed(3)} nats per token on average (rounding explains ${roundingGap}); ` +
        'the responses come from other weights than those being trained',
    ],
    'The update',
  );
}
