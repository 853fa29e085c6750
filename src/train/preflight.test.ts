import { describe, expect, it } from 'vitest';
import { TenetError } from '../base/index.ts';
import type { TokenExample } from '../data/index.ts';
import {
  checkExamples,
  checkGenerationMatches,
  checkHeadLabels,
  checkJudged,
  checkPairs,
  checkPrompts,
  checkRankings,
  checkRewardModel,
} from './preflight.ts';

/** @param counted one digit per id */
function example(ids: number[], counted: string): TokenExample {
  return { ids: Int32Array.from(ids), counted: Uint8Array.from(counted, Number) };
}

/** What a check refuses; an empty list when it lets the run start. */
function problemsOf(check: () => void): string[] {
  try {
    check();
    return [];
  } catch (error) {
    expect(TenetError.is(error) && error.code).toBe('preflight');
    const [head, ...problems] = (error as Error).message.split('\n');
    expect(head).toMatch(/ was not started because it could not learn:$/);
    return problems.map((line) => line.replace('  - ', ''));
  }
}

const withoutToken =
  'prompts hold no token; the model needs at least one token to start from: leave them out, or let the tokenizer begin texts with its bos token';

describe('checkExamples', () => {
  const sft = { stage: 'SFT', stopIds: [9], needsStop: true };
  const good = example([1, 2, 9], '011');
  const check = (examples: TokenExample[], options = {}): string[] =>
    problemsOf(() => checkExamples(examples, { ...sft, ...options }));

  it('lets examples start that teach an end', () => {
    expect(check([good, example([1, 2, 3], '011')])).toEqual([]);
  });

  it('refuses no data', () => {
    expect(check([], { needsStop: false })).toEqual([
      'there is no example; check the data file and maxLength',
    ]);
  });

  it('refuses data in which nothing counts; the first token of a row is never predicted', () => {
    const empty = [example([1, 2], '00'), example([9, 2], '10')];
    expect(check(empty, { needsStop: false })).toEqual([
      'none of the 2 examples has a counted token; the completion is empty or cut off entirely: raise maxLength or check the fields',
    ]);
    expect(check([good, ...empty])).toEqual([
      '2 of 3 examples have no counted token, so they teach nothing; raise maxLength, or leave them out',
    ]);
  });

  it('refuses data that never show the end: the template does not end turns, or all are cut before it', () => {
    const message =
      'no counted token is an end token (ids 9), so the model would never learn to stop; let the chat template end assistant turns with it, or append the end token';
    expect(check([example([1, 2, 3], '011')])).toEqual([message]);
    expect(check([example([9, 2, 3], '011')])).toEqual([message]); // there, but not counted
    expect(check([example([1, 2, 3], '011')], { needsStop: false })).toEqual([]);
  });

  it('refuses responses that are all empty', () => {
    expect(check([example([1, 2, 9], '001'), example([3, 9], '01')])).toEqual([
      'all counted tokens are end tokens: every response is empty, so the model would learn to say nothing; check the fields',
    ]);
  });

  it('refuses a model without an end token', () => {
    expect(check([good], { stopIds: [] })).toEqual([
      'no end token is known, so responses would never end; name one as eos_token in tokenizer_config.json',
    ]);
  });
});

describe('checkRankings', () => {
  const check = (...rankings: Parameters<typeof checkRankings>[0]): string[] =>
    problemsOf(() => checkRankings(rankings));
  const same = {
    responses: [
      [1, 2],
      [1, 2],
    ],
    ranks: [1, 2],
  };
  const tie = { responses: [[1], [2], [3]], ranks: [1, null, 1] };

  it('lets rankings start of which one can be learnt', () => {
    expect(check(same, tie, { responses: [[1], [2]], ranks: [2, 1] })).toEqual([]);
  });

  it('refuses none', () => {
    expect(check()).toEqual(['there is no ranking; check the data file and maxLength']);
  });

  it('refuses pairs that are all identical', () => {
    expect(check(same, same)).toEqual([
      'all 2 rankings hold the same response several times, so nothing can be learnt; truncation may have removed what differs (raise maxLength), or the columns are mixed up',
    ]);
  });

  it('refuses rankings that prefer nothing', () => {
    expect(check(tie)).toEqual([
      'none of the 1 rankings prefers one response over another; all are ties or not judged',
    ]);
  });

  it('goes by soft labels where there are some', () => {
    const soft = (p: number, ranks: (number | null)[]) => ({
      responses: [[1], [2]],
      ranks,
      preferences: [
        [null, p],
        [1 - p, null],
      ],
    });
    expect(check(soft(0.6, [null, null]))).toEqual([]);
    expect(check(soft(0.5, [1, 2]))).toHaveLength(1);
    const byHead = (ranking: ReturnType<typeof soft>): string[] =>
      problemsOf(() => checkHeadLabels([{ ranking: {}, labels: [ranking, null] }], ['overall']));
    expect(byHead(soft(0.6, [1, 1]))).toEqual([]);
    expect(byHead(soft(0.5, [1, 2]))).toHaveLength(1);
  });
});

describe('checkPairs', () => {
  const pair = { prompt: [4], chosen: [1, 2], rejected: [1, 3] };
  const same = { prompt: [4], chosen: [1, 2], rejected: [1, 2] };

  it('lets pairs start of which some differ, and refuses none and pairs that are all identical', () => {
    expect(problemsOf(() => checkPairs([pair, same], 'ORPO'))).toEqual([]);
    expect(problemsOf(() => checkPairs([], 'ORPO'))).toEqual([
      'there is no pair; check the data file and maxLength',
    ]);
    expect(problemsOf(() => checkPairs([same, same], 'ORPO'))).toEqual([
      'in all 2 pairs the chosen and the rejected response are the same; truncation may have removed what differs (raise maxLength), or the columns are mixed up',
    ]);
  });
});

describe('checkPairs and checkJudged', () => {
  it('refuse prompts without a token, held-out ones too', () => {
    const pair = { prompt: [4], chosen: [1, 2], rejected: [1, 3] };
    expect(
      problemsOf(() => checkPairs([pair, { ...pair, prompt: [] }], 'DPO', [pair, { prompt: [] }])),
    ).toEqual([`2 of 4 ${withoutToken}`]);
    const judged = [
      { prompt: [], label: true },
      { prompt: [5], label: false },
    ];
    const options = { stage: 'KTO', needsOtherPrompts: true };
    expect(problemsOf(() => checkJudged(judged, options))).toEqual([`1 of 2 ${withoutToken}`]);
    const others = judged.map((one, i) => ({ ...one, prompt: [i] }));
    expect(problemsOf(() => checkJudged(others, { ...options, heldOut: [{ prompt: [] }] }))).toEqual([
      `1 of 3 ${withoutToken}`,
    ]);
  });
});

describe('checkJudged', () => {
  const judged = (prompt: number, label: boolean) => ({ prompt: [prompt], label });
  const check = (needsOtherPrompts: boolean, ...all: ReturnType<typeof judged>[]): string[] =>
    problemsOf(() => checkJudged(all, { stage: 'KTO', needsOtherPrompts }));

  it('lets judgements of both kinds start', () => {
    expect(check(true, judged(1, true), judged(2, false))).toEqual([]);
    expect(check(false, judged(1, true), judged(1, false))).toEqual([]);
  });

  it('refuses none, one kind only, and one prompt where others are needed', () => {
    expect(check(true)).toEqual(['there is no judged response; check the data file and maxLength']);
    expect(check(true, judged(1, true), judged(1, true))).toEqual([
      'all 2 responses are judged desirable, so there is nothing to tell apart; give both kinds, or use sft for desirable responses alone',
      'all responses answer the same prompt, but the reference point of kto comes from responses to other prompts; give more prompts, or use lossType apo_zero_unpaired',
    ]);
  });
});

describe('checkPrompts', () => {
  const ppo = { stage: 'PPO', maxPositions: 16, responseLength: 8, stopIds: [9] };
  const check = (lengths: number[], options = {}): string[] => {
    const prompts = lengths.map((length) => ({ ids: new Int32Array(length), text: '' }));
    return problemsOf(() => checkPrompts(prompts, { ...ppo, ...options }));
  };

  it('lets prompts start that leave room for a response', () => {
    expect(check([1, 8])).toEqual([]);
  });

  it('refuses prompts longer than the context leaves room for', () => {
    expect(check([3, 9, 20])).toEqual([
      "2 of 3 prompts (the longest has 20 tokens) plus a response of 8 do not fit the model's 16 positions; lower responseLength, or leave long prompts out",
    ]);
  });

  it('refuses no prompts, and says when all were too long', () => {
    expect(check([])).toEqual(['there is no prompt; check the data file']);
    expect(check([], { leftOut: 7 })).toEqual([
      "none of the 7 prompts fits the model's 16 positions together with a response of 8; lower responseLength, or give shorter prompts",
    ]);
  });

  it('names all problems at once', () => {
    expect(check([0, 3], { stopIds: [] })).toEqual([
      `1 of 2 ${withoutToken}`,
      'no end token is known, so no response would end; name one as eos_token in tokenizer_config.json',
    ]);
  });
});

describe('checkRewardModel', () => {
  it('refuses one whose interval holds chance', () => {
    expect(problemsOf(() => checkRewardModel({ value: 0.61, low: 0.51 }, 80))).toEqual([]);
    expect(problemsOf(() => checkRewardModel({ value: 0.52, low: 0.44 }, 150))).toEqual([
      'the reward model agrees with 52.0 % of 150 held-out pairs, which cannot be told from chance (95 % interval from 44.0 %); train it longer or on more comparisons, hold out more pairs to measure it, or set allowWeakReward: true to go on',
    ]);
  });
});

describe('checkGenerationMatches', () => {
  it('allows rounding and refuses other weights', () => {
    expect(problemsOf(() => checkGenerationMatches(0.0004))).toEqual([]);
    expect(problemsOf(() => checkGenerationMatches(0.31))).toEqual([
      "the sampler's log-probabilities differ from the trainer's by 0.310 nats per token on average (rounding explains 0.02); the responses come from other weights than those being trained",
    ]);
  });

  it('refuses a gap that is not a number', () => {
    expect(problemsOf(() => checkGenerationMatches(Number.NaN))).toHaveLength(1);
  });
});
