/**
 * The names under which TRL logs what these losses measure, so that its users find their curves again.
 *
 * All metrics add up over micro-batches when the losses are given the whole batch's totals, but those whose name
 * ends in Min or Max.
 */

interface NameTables {
  readonly ppo: Readonly<Record<string, string>>;
  readonly groupPolicy: Readonly<Record<string, string>>;
  readonly preference: Readonly<Record<string, string>>;
  readonly preferenceTokens: Readonly<Record<string, string>>;
  readonly reward: Readonly<Record<string, string>>;
}

/** Field → TRL's name, by family: PPO; GRPO and RLOO; DPO, KTO, ORPO, CPO, and of their tokens; reward models. */
export const trlMetricNames: NameTables = {
  ppo: {
    approxKl: 'policy/approxkl_avg',
    clipFraction: 'policy/clipfrac_avg',
    entropy: 'policy/entropy_avg',
    policyLoss: 'loss/policy_avg',
    valueLoss: 'loss/value_avg',
    valueClipFraction: 'val/clipfrac_avg',
    ratioMean: 'val/ratio',
  },
  groupPolicy: {
    policyLoss: 'policy_loss',
    kl: 'kl',
    entropy: 'entropy',
    clipRatioLowMean: 'clip_ratio/low_mean',
    clipRatioHighMean: 'clip_ratio/high_mean',
    clipRatioRegionMean: 'clip_ratio/region_mean',
    clipRatioLowMin: 'clip_ratio/low_min',
    clipRatioHighMax: 'clip_ratio/high_max',
    cispoClipRatio: 'cispo_clip_ratio',
    vespoPhiSeqMean: 'vespo/phi_seq_mean',
  },
  preference: {
    rewardsChosen: 'rewards/chosen',
    rewardsRejected: 'rewards/rejected',
    rewardsAccuracies: 'rewards/accuracies',
    rewardsMargins: 'rewards/margins',
    logpsChosen: 'logps/chosen',
    logpsRejected: 'logps/rejected',
    kl: 'kl',
    nllLoss: 'nll_loss',
    logOddsRatio: 'log_odds_ratio',
    logOddsChosen: 'log_odds_chosen',
  },
  preferenceTokens: {
    logitsChosen: 'logits/chosen',
    logitsRejected: 'logits/rejected',
    entropy: 'entropy',
    meanTokenAccuracy: 'mean_token_accuracy',
  },
  reward: {
    accuracy: 'accuracy',
    margin: 'margin',
    minReward: 'min_reward',
    meanReward: 'mean_reward',
    maxReward: 'max_reward',
  },
};
