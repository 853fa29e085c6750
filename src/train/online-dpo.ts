/**
 * Online DPO: the policy answers each prompt several times, a reward model or a judge says which answer is better, and
 * DPO learns from these pairs, which are the policy's own.
 *
 * @see Guo et al. 2024, "Direct language model alignment from online AI feedback", arXiv:2402.04792, algorithm 1.
 */
import { meanOf, TenetError } from '../base/index.ts';
import type { EncodedPreference } from '../data/index.ts';
import { conditionScores, maskedMean } from '../objective/index.ts';
import { type ChosenPair, chooseByJudge, chooseByScore, type PairJudge } from './choose-pairs.ts';
import type { StageContext } from './context.ts';
import { comparesPairs, dpoLossOf, tokenWeightsOf } from './dpo-loss.ts';
import type { PolicyInputs } from './group-sampler.ts';
import { divergenceOf } from './kl-penalty.ts';
import { type OnlineDpoOptions, onlineDpoRules } from './online-dpo-options.ts';
import { refuseOptions } from './option-rules.ts';
import { buildPairGraph, type PairTokenWeights, pairFeeds } from './pair-batch.ts';
import type { PolicyResult } from './policy-report.ts';
import { PolicyTraining } from './policy-training.ts';
import type { RewardSource } from './rewards/reward-mix.ts';
import { drawsFor, type Rollout } from './rollout.ts';
import { momentsOf } from './rollout-metrics.ts';
import { noSamplerCorrection } from './sampler-correction.ts';

export interface OnlineDpoInputs extends Omit<PolicyInputs, 'reward'> {
  /** Scores the responses and, without a judge, chooses. */
  readonly reward?: RewardSource;
  /** Chooses the better of two. */
  readonly judge?: PairJudge;
}

/** Trains `inputs.policy` in place. */
export async function trainOnlineDpo(
  options: OnlineDpoOptions,
  inputs: OnlineDpoInputs,
  context: StageContext,
): Promise<PolicyResult> {
  refuseOptions('Online DPO', options, onlineDpoRules);
  const { judge, reward = noReward } = inputs;
  checkChooser(options, inputs);

  // Step 1. The policy with DPO's loss on pairs; or, when resuming, where they stood.
  await using training = await PolicyTraining.create(
    {
      name: 'Online DPO',
      options: { ...options, ...noSamplerCorrection, klTarget: null, klHorizon: 1 },
      inputs: { ...inputs, reward },
      build() {
        const graph = buildPairGraph(inputs.config, inputs.policy, {
          weightsTokens: options.ldAlpha !== null,
          temperature: options.temperature,
          gradientCheckpointing: options.gradientCheckpointing,
        });
        return { model: graph.model, ...dpoLossOf(graph, options) };
      },
      rescores: true,
    },
    context,
  );
  let warned = false;

  for (const iteration of training.remaining()) {
    // Step 2. Sample responses to each prompt with the current policy; score them with policy and reference.
    const rollout = await training.sample();
    if (!rollout) break;
    const { ended, items } = rollout;

    // Step 3. Choose the better and the worse one of each group.
    const scores = conditionScores({
      scores: rollout.scores,
      ended,
      missingEosPenalty: options.missingEosPenalty,
      allowUnscored: true,
    });
    const choices = judge
      ? await chooseByJudge(judge, items, drawsFor(options.seed, 'order for the judge', iteration))
      : chooseByScore(scores, options.numGenerations);
    const chosen = choices.filter((choice) => choice !== null);
    if (chosen.length === 0 && !warned) {
      context.warn(
        `Iteration ${iteration + 1}: no prompt has a better and a worse response, so nothing is learnt from them.`,
      );
      warned = true;
    }

    // Step 4. DPO on these pairs.
    const pairs = chosen.map((choice) => pairOf(rollout, choice));
    const weights = tokenWeightsOf(pairs, options);
    const reference = chosen.map((choice, i) => referenceOf(rollout, choice, weights?.[i]));
    await training.updateOn(pairs.length, (members) =>
      pairFeeds(
        members.map((i) => pairs[i]),
        {
          tokenBudget: options.microBatchTokens,
          together: comparesPairs(options) ? members.length : undefined,
          tokenWeights: weights && members.map((i) => weights[i]),
          perPair: {
            referenceChosen: members.map((i) => reference[i].chosen),
            referenceRejected: members.map((i) => reference[i].rejected),
          },
        },
      ),
    );

    // Step 5. Report, save.
    const kl = meanOf(divergenceOf(rollout));
    const score = momentsOf(scores).mean;
    await training.finish(rollout, {
      metrics: {
        ...(inputs.reward && {
          'objective/scores': score,
          'objective/scores_margin': meanOf(
            chosen.map((pair) => scores[pair.chosen] - scores[pair.rejected]),
          ),
          'objective/rlhf_reward': score - options.beta * kl,
        }),
        'objective/non_score_reward': -options.beta * kl,
        'objective/entropy': maskedMean(rollout.entropies, rollout.counted),
        'val/contain_eos_token': meanOf(ended),
        undecided_ratio: 1 - chosen.length / choices.length,
      },
    });
  }
  return training.result;
}

const noReward: RewardSource = async (items) => items.map(() => null);

function checkChooser({ numGenerations }: OnlineDpoOptions, { reward, judge }: OnlineDpoInputs): void {
  if (!reward && !judge) {
    throw new TenetError(
      'usage',
      'Online DPO needs something that chooses: give it a reward function or a judge',
    );
  }
  if (judge && numGenerations !== 2) {
    throw new TenetError(
      'usage',
      `Online DPO: a judge compares two responses, but numGenerations is ${numGenerations}; set it to 2`,
    );
  }
}

function pairOf({ items }: Rollout, { chosen, rejected }: ChosenPair): EncodedPreference {
  return {
    prompt: Int32Array.from(items[chosen].prompt),
    chosen: Int32Array.from(items[chosen].response),
    rejected: Int32Array.from(items[rejected].response),
  };
}

/** log π_ref of both responses, weighted as the policy's. */
function referenceOf(
  { referenceLogProbs, lengths, length }: Rollout,
  { chosen, rejected }: ChosenPair,
  weights: PairTokenWeights | undefined,
): { readonly chosen: number; readonly rejected: number } {
  const sum = (row: number, own: Float32Array | undefined): number =>
    referenceLogProbs
      .subarray(row * length, row * length + lengths[row])
      .reduce((total, value, t) => total + value * (own?.[t] ?? 1), 0);
  return { chosen: sum(chosen, weights?.chosen), rejected: sum(rejected, weights?.rejected) };
}
