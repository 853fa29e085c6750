/** Weights of objectives from overall judgements: all responses compared are scored, and a regression fitted. */
import { join } from 'node:path';
import { writeFileAtomic } from '../../base/index.ts';
import { fitPreferenceWeights, rankingPairs } from '../../objective/index.ts';
import type { RewardItem } from '../../train/index.ts';
import { readJsonLines } from '../json-lines.ts';
import type { RewardMixRecipe } from '../reward-options.ts';
import { loadComparisons } from './comparisons.ts';
import type { OpenObjective } from './objectives.ts';
import { encoderFor, promptText, type StageRun, type StartModel } from './stage-run.ts';

/** Plain data, for the stage's results. */
export interface LearntWeights {
  readonly weights: readonly {
    readonly name: string;
    readonly weight: number;
    /** null where the weight is held at 0. */
    readonly standardError: number | null;
  }[];
  readonly pairs: number;
  readonly accuracy: number;
  readonly logLoss: number;
}

const fileName = 'learned-weights.jsonl';

/**
 * Fits the weights of the objectives without a bound. They are kept in the stage's folder, so that a resumed stage goes
 * on with the same ones, whatever a judge would say today.
 * @throws TenetError('data') when the comparisons cannot tell what an objective is worth
 */
export async function learnWeights(
  objectives: readonly OpenObjective[],
  options: NonNullable<NonNullable<RewardMixRecipe>['learnedWeights']>,
  stage: StageRun,
  policy: StartModel,
): Promise<LearntWeights> {
  const path = join(stage.context.folder, fileName);
  const [kept] = (await readJsonLines(path)).records as LearntWeights[];
  const { examples } = await loadComparisons(options.data, stage);
  if (kept) return kept;
  const free = objectives.filter(({ atLeast, atMost }) => atLeast === undefined && atMost === undefined);

  // Step 1. Every response compared, as the objectives read it.
  const encoder = encoderFor(stage, policy.tokenizer, policy.config.maxPositions);
  const rankings = examples.flatMap((example) => {
    const encoded = encoder.encodeRanking(example);
    return encoded ? [{ encoded, prompt: promptText(example) }] : [];
  });
  const items = rankings.flatMap(({ encoded, prompt }) =>
    encoded.responses.map(
      (response): RewardItem => ({
        prompt: encoded.prompt,
        response,
        promptText: prompt,
        responseText: policy.tokenizer.decode(Array.from(response), { skipSpecialTokens: true }).trim(),
        ended: true,
      }),
    ),
  );
  const scores: number[][] = [];
  for (const objective of free) {
    const { values } = await objective.score(items);
    scores.push(Array.from(values, (value) => value ?? Number.NaN));
  }

  // Step 2. Differences within each pair, against what people said.
  const pairs = rankingPairs(
    rankings.map(({ encoded }) => encoded.ranks),
    { preferences: rankings.map(({ encoded }) => encoded.preferences) },
  );
  const rankingOf = rankings.flatMap(({ encoded }, i) => encoded.responses.map(() => i));
  const { better, worse, weights: pairWeights, targets } = pairs;
  const fit = fitPreferenceWeights({
    differences: Array.from(better, (first, i) => scores.map((list) => list[first] - list[worse[i]])),
    targets: Array.from(targets),
    names: free.map(({ name }) => name),
    pairWeights: Array.from(pairWeights),
    clusters: Array.from(better, (first) => rankingOf[first]),
    nonNegative: options.nonNegative,
  });
  const learnt: LearntWeights = {
    weights: free.map(({ name }, k) => ({
      name,
      weight: fit.weights[k],
      standardError: fit.standardErrors[k],
    })),
    pairs: fit.pairs,
    accuracy: fit.accuracy,
    logLoss: fit.logLoss,
  };
  await writeFileAtomic(path, `${JSON.stringify(learnt)}\n`);
  if (fit.weights.every((weight) => weight === 0)) {
    stage.context.warn(
      `learnedWeights: no objective agrees with the ${fit.pairs} comparisons, so all weights are 0 and nothing will be learnt.`,
    );
  }
  return learnt;
}
