/** Where the values that detectors look at become findings. */
import { z } from 'zod';

const number = z.number();

export const thresholds = z.strictObject({
  klBudget: number.positive().default(25).describe('Most divergence from the reference, nats per response.'),
  klSpike: number
    .min(1)
    .default(4)
    .describe('Times the usual step of the divergence that count as sudden growth.'),
  entropyShare: number
    .min(0)
    .max(1)
    .default(0.2)
    .describe('Entropy below this share of its value at the start has collapsed.'),
  clipFraction: number.min(0).max(1).default(0.3).describe('Share of clipped tokens.'),
  updateKl: number
    .positive()
    .default(0.1)
    .describe('Divergence of the policy from itself before the iteration, nats per token.'),
  explainedVariance: number
    .max(1)
    .default(0)
    .describe('Least share of the variance of returns that the value function explains.'),
  gradientSpike: number.min(1).default(10).describe('Times the median gradient norm.'),
  zeroVariance: number
    .min(0)
    .max(1)
    .default(0.8)
    .describe('Share of groups in which all responses have the same reward.'),
  truncated: number.min(0).max(1).default(0.2).describe('Share of responses that are cut off.'),
  repetition: number
    .min(0)
    .max(1)
    .default(0.1)
    .describe('Share of repeated word triples above that of the reference.'),
  samplerGap: number
    .positive()
    .default(0.01)
    .describe('Mean difference of log-probabilities between sampler and trainer, nats per token.'),
  overfitting: number
    .positive()
    .default(0.1)
    .describe('Rise of the held-out loss above its minimum, as a share of it.'),
  proxyGap: number
    .positive()
    .default(1)
    .describe(
      'How much more the reward has risen than the held-out reward, both in standard deviations over the reference’s responses.',
    ),
  spreadGrowth: number.min(1).default(1.5).describe('Times the spread of an ensemble at the start.'),
  outliers: number
    .min(0)
    .max(1)
    .default(0.2)
    .describe(
      'Share of responses whose state in the reward model lies further out than 99 % of the reference’s.',
    ),
  correlation: number
    .min(0)
    .max(1)
    .default(0.5)
    .describe('Correlation of the reward with a trait of the text.'),
  drift: number
    .positive()
    .default(0.8)
    .describe('Move of a trait of the text, in standard deviations over the reference’s responses.'),
  sameAnswer: number
    .min(0)
    .max(1)
    .default(0.2)
    .describe('Share of responses that also answer another prompt, above that of the reference.'),
  longer: number
    .min(1)
    .default(1.25)
    .describe(
      'Times the length of the reference’s responses that count as verbose where length is rewarded.',
    ),
  share: number
    .min(0)
    .max(1)
    .default(0.1)
    .describe(
      'Rise of the share of responses that flatter, insist or decline (of those that doubt: fall). Three times as much is an alarm even while the held-out reward rises.',
    ),
});
export type Thresholds = z.infer<typeof thresholds>;
