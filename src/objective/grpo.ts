/**
 * GRPO and its variants: policy gradients with group advantages.
 *
 * Shapes: B sequences; tokens in a grid [B, T] or packed [N] (`token-layout.ts`).
 *
 * | loss    | per token                | averaged over                           | paper                |
 * |---------|--------------------------|-----------------------------------------|----------------------|
 * | grpo    | clipped                  | tokens of each sequence, then sequences | arXiv:2402.03300     |
 * | bnpo    | clipped                  | all tokens                              | TRL                  |
 * | dapo    | clipped                  | all tokens                              | arXiv:2503.14476     |
 * | dr_grpo | clipped                  | sequences × longest possible response   | arXiv:2503.20783     |
 * | luspo   | clipped, sequence ratio  | sums of sequences                       | arXiv:2602.05261     |
 * | cispo   | capped weight · log π    | all tokens                              | arXiv:2506.13585     |
 * | sapo    | soft gate                | tokens of each sequence, then sequences | arXiv:2511.20347     |
 * | vespo   | sequence weight · log π  | all tokens                              | arXiv:2602.10693     |
 *
 * TRL's bnpo divides by the tokens of each micro-batch, so that its result depends on how a batch is cut; here the
 * totals are always those given, and bnpo and dapo are one formula.
 */
import { TenetError } from '../base/index.ts';
import {
  add,
  and,
  clip,
  divide,
  equal,
  exp,
  greater,
  greaterOrEqual,
  less,
  log,
  maximum,
  multiply,
  negate,
  not,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  toReal,
  where,
} from '../tensor/index.ts';
import { type ClipMetrics, clipMetrics } from './clip-metrics.ts';
import { cispoTerm, clippedTerm, sapoTerm, vespoWeight } from './grpo-terms.ts';
import type { KlEstimator } from './kl.ts';
import { klPenaltyTensor } from './kl-loss.ts';
import { maskedCountTensor, maskedMeanTensor, rowCountTensor } from './masked-tensor.ts';
import type { TokenLayout } from './token-layout.ts';

export type GrpoLossType = 'grpo' | 'bnpo' | 'dr_grpo' | 'dapo' | 'luspo' | 'cispo' | 'sapo' | 'vespo';

export interface GrpoOptions {
  /** Default dapo (TRL). */
  readonly lossType?: GrpoLossType;
  readonly tokens: TokenLayout;
  /** tokens: log π; differentiated. */
  readonly logProbs: Tensor;
  /** tokens: log π when they were sampled. */
  readonly oldLogProbs: Tensor;
  /** [B] from `groupAdvantages`. */
  readonly advantages: Tensor;
  /** Scalar: counted tokens of the whole accumulated batch. Default: those here. */
  readonly tokenTotal?: Tensor;
  /** Scalar: sequences of the whole accumulated batch. Default: those here. */
  readonly sequenceTotal?: Tensor;

  /** One ratio per token, or per sequence: the geometric mean of its tokens' (GSPO, arXiv:2507.18071). Default token. */
  readonly importanceSamplingLevel?: 'token' | 'sequence';
  /** Lower clip range. Default 0.2. */
  readonly epsilon?: number;
  /** Upper clip range (DAPO's clip-higher: 0.28); for cispo the cap of the weight. Default: epsilon; cispo 5. */
  readonly epsilonHigh?: number;
  /** Upper limit of the free ratio (two-sided clipping), > 1; null = none. Default null. */
  readonly delta?: number | null;
  /** Tokens of the longest possible response; needed by dr_grpo. */
  readonly maxCompletionLength?: number;

  /** Weight of the KL penalty in the loss, per nat; a scalar tensor where it is steered. Default 0 (TRL; the paper 0.04). */
  readonly beta?: number | Tensor;
  /** tokens: log π_ref; needed when beta is not 0. */
  readonly referenceLogProbs?: Tensor;
  /** Default k3 (the paper, TRL). */
  readonly klEstimator?: KlEstimator;
  /**
   * Multiplies the penalty by the ratio, which makes its gradient unbiased off-policy (`kl-loss.ts`). Default true
   * (TRL 1.13; DeepSeek-V3.2, arXiv:2512.02556).
   */
  readonly useBiasCorrectionKl?: boolean;

  /** tokens, constant: weights that correct for a sampler whose probabilities differ; not on the penalty. */
  readonly importanceWeights?: Tensor;
  /** tokens, constant 1 / 0: tokens whose policy term counts, e.g. the most uncertain ones (arXiv:2506.01939). */
  readonly keepTokens?: Tensor;
  /** Scalar: tokens of `keepTokens` of the whole accumulated batch. Default: those here. */
  readonly keepTotal?: Tensor;
  /**
   * Sequences with a negative advantage whose mean log π_sampler − log π exceeds this are left out of the policy
   * term, nats per token; null = off. Default null. @see DeepSeek-V3.2, eq. 9.
   */
  readonly offPolicyMaskThreshold?: number | null;
  /** tokens: log-probabilities of the sampler, for the line above. Default oldLogProbs. */
  readonly samplingLogProbs?: Tensor;

  /** tokens: entropy, nats; logged, and needed for the bonus. */
  readonly entropy?: Tensor;
  /** Weight of the entropy bonus, a mean over the tokens kept. Default 0. */
  readonly entropyCoefficient?: number;

  /** Default 1.0 (TRL). */
  readonly sapoTemperaturePositive?: number;
  /** Default 1.05 (TRL). */
  readonly sapoTemperatureNegative?: number;
  /** Defaults 2, 3, 3, 2 (TRL). */
  readonly vespoKPositive?: number;
  readonly vespoLambdaPositive?: number;
  readonly vespoKNegative?: number;
  readonly vespoLambdaNegative?: number;
}

/** Means over all counted tokens, or over sequences where the ratio is one per sequence. */
export interface GrpoMetrics extends Partial<ClipMetrics> {
  readonly policyLoss: Tensor;
  /** Penalty as it enters the loss, nats; with beta. */
  readonly kl?: Tensor;
  readonly entropy?: Tensor;
  readonly cispoClipRatio?: Tensor;
  readonly vespoPhiSeqMean?: Tensor;
}

const clippedLosses: readonly GrpoLossType[] = ['grpo', 'bnpo', 'dr_grpo', 'dapo', 'luspo'];

/**
 * @throws TenetError('usage') naming everything that is missing or out of range
 * @see the table above
 */
export function grpoLoss(options: GrpoOptions): { readonly loss: Tensor; readonly metrics: GrpoMetrics } {
  check(options);
  const { lossType = 'dapo', tokens, advantages, beta = 0, epsilon = 0.2, delta = null } = options;
  const epsilonHigh = options.epsilonHigh ?? (lossType === 'cispo' ? 5 : epsilon);
  const tokenTotal = options.tokenTotal ?? maskedCountTensor(tokens.counted);
  const sequenceTotal = options.sequenceTotal ?? rowCountTensor(advantages);
  const logProbs = tokens.keep(options.logProbs);
  const logRatio = tokens.keep(subtract(options.logProbs, options.oldLogProbs));
  const bySequence = options.importanceSamplingLevel === 'sequence';
  // [B] for sequence ratios, else tokens
  const ownRatio = exp(bySequence ? tokens.meanPerSequence(logRatio) : logRatio);
  const ratio = bySequence ? tokens.toTokens(ownRatio) : ownRatio;
  const tokenAdvantages = tokens.toTokens(advantages);

  // 1. The policy term of each token.
  let phi: Tensor | null = null; // [B]
  let term: Tensor;
  if (lossType === 'cispo') {
    term = cispoTerm({ ratio, advantages: tokenAdvantages, logProbs, cap: epsilonHigh });
  } else if (lossType === 'sapo') {
    const {
      sapoTemperaturePositive: temperaturePositive = 1,
      sapoTemperatureNegative: temperatureNegative = 1.05,
    } = options;
    term = sapoTerm({ ratio, advantages: tokenAdvantages, temperaturePositive, temperatureNegative });
  } else if (lossType === 'vespo') {
    phi = vespoPhi(options, logRatio);
    term = negate(multiply(tokens.toTokens(multiply(phi, advantages)), logProbs));
  } else {
    term = clippedTerm({ ratio, advantages: tokenAdvantages, epsilon, epsilonHigh, delta });
  }

  // 2. What leaves tokens out or weighs them.
  const { offPolicyMaskThreshold = null, keepTokens, importanceWeights } = options;
  if (offPolicyMaskThreshold !== null) {
    term = multiply(term, tokens.toTokens(onPolicySequences(options, offPolicyMaskThreshold)));
  }
  if (keepTokens) term = multiply(term, tokens.keep(keepTokens));
  if (importanceWeights && lossType !== 'vespo') term = multiply(term, tokens.keep(importanceWeights));

  // 3. The penalty for leaving the reference.
  let penalty: Tensor | null = null;
  if (beta !== 0) {
    const { referenceLogProbs, klEstimator = 'k3', useBiasCorrectionKl = true } = options;
    penalty = klPenaltyTensor({
      logProbs,
      referenceLogProbs: referenceLogProbs!,
      counted: tokens.counted,
      estimator: klEstimator,
      ratio: useBiasCorrectionKl ? ratio : null,
    });
    term = add(term, multiply(penalty, beta));
  }

  // 4. Aggregation, and the entropy bonus.
  const policyLoss = aggregate(lossType, term, tokens, {
    tokenTotal,
    sequenceTotal,
    maxCompletionLength: options.maxCompletionLength,
  });
  const { entropy, entropyCoefficient = 0 } = options;
  let loss = policyLoss;
  if (entropy && entropyCoefficient !== 0) {
    const acting = keepTokens ? multiply(tokens.counted, tokens.keep(keepTokens)) : tokens.counted;
    const actingTotal = keepTokens ? maximum(options.keepTotal ?? sum(acting), 1) : tokenTotal;
    loss = subtract(loss, multiply(maskedMeanTensor(entropy, acting, actingTotal), entropyCoefficient));
  }

  const tokenMean = (values: Tensor): Tensor => maskedMeanTensor(values, tokens.counted, tokenTotal);
  const sequenceMean = (values: Tensor): Tensor => divide(sum(values), sequenceTotal);
  const ownMean = bySequence ? sequenceMean : tokenMean;
  const ownAdvantages = bySequence ? advantages : tokenAdvantages;
  const metrics: GrpoMetrics = {
    policyLoss,
    ...(penalty ? { kl: tokenMean(penalty) } : {}),
    ...(entropy ? { entropy: tokenMean(entropy) } : {}),
    ...(phi ? { vespoPhiSeqMean: sequenceMean(phi) } : {}),
    ...(lossType === 'cispo'
      ? { cispoClipRatio: ownMean(toReal(and(greater(ownRatio, epsilonHigh), greater(ownAdvantages, 0)))) }
      : {}),
    ...(clippedLosses.includes(lossType)
      ? clipMetrics({
          ratio: delta === null ? ownRatio : clip(ownRatio, 0, delta),
          advantages: ownAdvantages,
          epsilon,
          epsilonHigh,
          mean: ownMean,
          perSequence: bySequence ? (values) => values : (values) => tokens.meanPerSequence(values),
        })
      : {}),
  };
  return { loss, metrics };
}

function aggregate(
  lossType: GrpoLossType,
  term: Tensor,
  tokens: TokenLayout,
  totals: { tokenTotal: Tensor; sequenceTotal: Tensor; maxCompletionLength?: number },
): Tensor {
  const { tokenTotal, sequenceTotal, maxCompletionLength = 1 } = totals;
  switch (lossType) {
    case 'grpo':
    case 'sapo':
      return divide(sum(tokens.meanPerSequence(term)), sequenceTotal);
    case 'luspo':
      return divide(sum(tokens.sumPerSequence(term)), sequenceTotal);
    case 'dr_grpo':
      return divide(sum(tokens.sumPerSequence(term)), multiply(sequenceTotal, maxCompletionLength));
    default:
      return maskedMeanTensor(term, tokens.counted, tokenTotal);
  }
}

/** [B] 1 = the advantage is not negative, or the sequence is still likely enough under the policy. */
function onPolicySequences(options: GrpoOptions, threshold: number): Tensor {
  const { tokens, logProbs, oldLogProbs, samplingLogProbs = oldLogProbs, advantages } = options;
  // NaN, the only value unlike itself, marks a token the sampler did not report.
  const known = where(equal(samplingLogProbs, samplingLogProbs), samplingLogProbs, logProbs);
  const drift = stopGradient(tokens.meanPerSequence(subtract(known, logProbs)));
  return toReal(not(and(less(advantages, 0), greater(drift, threshold))));
}

/** [B] */
function vespoPhi(options: GrpoOptions, logRatio: Tensor): Tensor {
  const { tokens, advantages, importanceWeights } = options;
  let logSequenceRatio = tokens.sumPerSequence(clip(logRatio, -20, 20));
  if (importanceWeights) {
    const correction = clip(log(maximum(importanceWeights, 1e-30)), Math.log(1e-8), 20);
    logSequenceRatio = add(logSequenceRatio, tokens.sumPerSequence(correction));
  }
  return vespoWeight({
    logSequenceRatio,
    isPositive: greaterOrEqual(advantages, 0),
    kPositive: options.vespoKPositive ?? 2,
    lambdaPositive: options.vespoLambdaPositive ?? 3,
    kNegative: options.vespoKNegative ?? 3,
    lambdaNegative: options.vespoLambdaNegative ?? 2,
  });
}

function check(options: GrpoOptions): void {
  const { lossType = 'dapo', epsilon = 0.2, epsilonHigh, delta = null, beta = 0 } = options;
  const problems: string[] = [];
  if (!(epsilon > 0 && epsilon < 1)) problems.push(`epsilon ${epsilon} must lie in (0, 1)`);
  if (epsilonHigh !== undefined && !(epsilonHigh > 0))
    problems.push(`epsilonHigh ${epsilonHigh} must be above 0`);
  if (delta !== null && !(delta > 1)) problems.push(`delta ${delta} must be above 1, or null`);
  if (beta !== 0 && !options.referenceLogProbs) problems.push('beta needs referenceLogProbs');
  if (lossType === 'dr_grpo' && !(options.maxCompletionLength! > 0)) {
    problems.push('dr_grpo divides by maxCompletionLength, which must be above 0');
  }
  if (options.entropyCoefficient && !options.entropy) {
    problems.push(`entropyCoefficient ${options.entropyCoefficient} needs entropy`);
  }
  if (problems.length) throw new TenetError('usage', `grpoLoss: ${problems.join('; ')}`);
}
