/** Options of the monitors of a stage. */
import { z } from 'zod';
import { type DetectorName, detectorNames } from './detector.ts';
import { thresholds } from './thresholds.ts';

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
  'latent-outliers': 'Many responses are unlike the reference’s in the eyes of the reward model.',
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
