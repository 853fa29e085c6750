/** Options of the monitors of a stage. */
import { z } from 'zod';
import { type DetectorName, detectorNames } from './detector.ts';

export const alarmActions = ['warn', 'stop', 'rollback'] as const;
export type AlarmAction = (typeof alarmActions)[number];

/** What each detector finds; help text of its own action. */
export const detectorMeanings: Readonly<Record<DetectorName, string>> = {
  'not-a-number': 'A loss, reward, divergence or gradient is not a finite number.',
  'kl-budget': 'The policy is further from the reference than the budget.',
  'kl-negative': 'The divergence is below zero by more than chance.',
  'kl-growth': 'The divergence has begun to grow far faster than before.',
  'entropy-collapse': 'The policy has lost most of its entropy.',
  'clip-fraction': 'Updates are clipped at a large share of tokens.',
  'update-size': 'One iteration moves the policy too far.',
  'value-function': 'The value function predicts worse than a constant.',
  'gradient-norm': 'The gradient is many times its usual size.',
  'zero-variance': 'In most groups all responses have the same reward.',
  truncation: 'Responses are cut off instead of ending by themselves.',
  repetition: 'Responses repeat themselves.',
  'sampler-gap': 'Sampler and trainer disagree about the probabilities of tokens.',
  'no-movement': 'The policy does not move.',
  overfitting: 'The loss on held-out data rises while that of training falls.',
  'held-out-fall': 'The reward rises and the held-out reward falls.',
  'proxy-gap': 'The reward has risen far more than the held-out reward.',
  'ensemble-spread': 'Reward models disagree more and more about the responses, or about the best of them.',
  'reward-length': 'The reward follows the length of responses.',
  'reward-style': 'The reward follows the style of responses.',
  'feature-drift': 'The style of responses has moved far from the reference.',
  'same-answer': 'Different prompts get the same answer.',
  verbosity: 'Responses grow longer because that is rewarded.',
  sycophancy: 'Responses flatter and agree more.',
  'confident-hallucination': 'Responses stop to doubt without being better.',
  avoidance: 'Responses decline more.',
  canary: 'A constant text that answers nothing is rewarded more than real responses.',
};

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

const actionOf = (
  meaning: string,
): z.ZodOptional<z.ZodEnum<{ warn: 'warn'; stop: 'stop'; rollback: 'rollback'; off: 'off' }>> =>
  z
    .enum([...alarmActions, 'off'])
    .optional()
    .describe(meaning);

export const monitorShape = {
  enabled: z.boolean().default(true).describe('False: nothing is watched.'),
  action: z
    .enum(alarmActions)
    .default('warn')
    .describe(
      'What an alarm about the reward or a hack does. warn: it is written down, and training goes on; stop: the stage ends here with the policy as it is; rollback: the stage ends with the policy whose held-out reward was best.',
    ),
  actions: z
    .strictObject(
      Object.fromEntries(detectorNames.map((name) => [name, actionOf(detectorMeanings[name])])) as Record<
        DetectorName,
        ReturnType<typeof actionOf>
      >,
    )
    .prefault({})
    .describe(
      'Other actions for single detectors; off: it is not asked. Default: action, for run health warn.',
    ),
  window: z
    .number()
    .int()
    .positive()
    .default(3)
    .describe('Iterations that are looked at together. Higher: fewer false alarms, and later ones.'),
  raiseAfter: z.number().int().positive().default(2).describe('Findings in a row that raise an alarm.'),
  clearAfter: z
    .number()
    .int()
    .positive()
    .default(5)
    .describe('Steps without a finding after which the same detector may raise another alarm.'),
  thresholds: thresholds.prefault({}).describe('Where a value becomes a finding.'),
};

export const monitorOptions = z.strictObject(monitorShape);
export type MonitorOptions = z.infer<typeof monitorOptions>;
