/**
 * Rejection sampling, RAFT: the policy answers each prompt several times and is fine-tuned on the best answers; then
 * the better policy answers again. One iteration moves it no further than the best of N, whose divergence from it is
 * at most log N − (N − 1) / N nats.
 *
 * @see Dong et al. 2023, arXiv:2304.06767, algorithm 1; Touvron et al. 2023 (Llama 2), arXiv:2307.09288, section 3.2.3.
 */
import { meanOf } from '../base/index.ts';
import { bestOfNKlBound, conditionScores, crossEntropyLoss, maskedMeanTensor } from '../objective/index.ts';
import { chooseByScore } from './choose-pairs.ts';
import type { StageContext } from './context.ts';
import type { PolicyInputs } from './group-sampler.ts';
import { penalisedScores } from './kl-penalty.ts';
import { refuseOptions } from './option-rules.ts';
import { buildPolicyGraph, policyFeeds } from './policy-batch.ts';
import { SpreadWatch } from './policy-checks.ts';
import type { PolicyResult } from './policy-report.ts';
import { PolicyTraining } from './policy-training.ts';
import { type RaftOptions, raftRules } from './raft-options.ts';
import { noSamplerCorrection } from './sampler-correction.ts';

export interface RaftResult extends PolicyResult {
  /** Upper bound of the divergence of the best responses from the policy that wrote them, nats per iteration. */
  readonly klBound: number;
}

/** Trains `inputs.policy` in place. */
export async function trainRaft(
  options: RaftOptions,
  inputs: PolicyInputs,
  context: StageContext,
): Promise<RaftResult> {
  refuseOptions('RAFT', options, raftRules);

  // Step 1. The policy with the loss of fine-tuning; or, when resuming, where they stood.
  await using training = await PolicyTraining.create(
    {
      name: 'RAFT',
      options: {
        ...options,
        ...noSamplerCorrection,
        klTarget: null,
        klHorizon: 1,
        syncRefModel: false,
        refModelMixupAlpha: 1,
        refModelSyncSteps: 1,
      },
      inputs,
      build() {
        // Fine-tuning is on the policy's own distribution, whatever the temperature it samples at.
        const graph = buildPolicyGraph(inputs.config, inputs.policy, {
          temperature: 1,
          gradientCheckpointing: options.gradientCheckpointing,
        });
        const { logProbs, tokens, tokenTotal, entropy } = graph;
        const { loss } = crossEntropyLoss({ logProbs, counted: tokens.counted, normaliser: tokenTotal });
        const metrics = { entropy: maskedMeanTensor(entropy, tokens.counted, tokenTotal), ...graph.gap };
        return { model: graph.model, loss, metrics };
      },
      rescores: options.temperature !== 1,
    },
    context,
  );
  const klBound = bestOfNKlBound(options.numGenerations);
  const spread = new SpreadWatch();

  for (const iteration of training.remaining()) {
    // Step 2. Sample responses to each prompt with the current policy, and score them.
    const rollout = await training.sample();
    if (!rollout) break;

    // Step 3. Keep the best of each group; a group without better and worse has none.
    const conditioned = conditionScores({
      scores: rollout.scores,
      ended: rollout.ended,
      missingEosPenalty: options.missingEosPenalty,
      allowUnscored: true,
    });
    const scores = training.reference
      ? penalisedScores(rollout, conditioned, { coefficient: options.beta, estimator: 'k1' })
      : conditioned;
    const choices = chooseByScore(scores, options.numGenerations);
    const kept = choices.flatMap((choice) => (choice ? [choice.chosen] : []));
    spread.check(1 - kept.length / choices.length, iteration + 1, context);

    // Step 4. Fine-tune on the best.
    await training.updateOn(kept.length, (members) =>
      policyFeeds(
        rollout,
        members.map((i) => kept[i]),
        {},
        { tokenBudget: options.microBatchTokens, sharedPrompts: false }, // one response to each prompt
      ),
    );

    // Step 5. Report, save.
    await training.finish(rollout, {
      metrics: {
        reward_kept: meanOf(kept.map((row) => (rollout.mixed?.sums ?? rollout.scores)[row])),
        kl_bound: klBound,
        frac_reward_zero_std: 1 - kept.length / choices.length,
      },
    });
  }
  return { ...training.result, klBound };
}
