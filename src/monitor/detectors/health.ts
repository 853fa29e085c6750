/** Whether a run is learning at all, whatever it learns. */
import { meanOf, medianOf } from '../../base/index.ts';
import type { Detector } from '../detector.ts';
import { lastOf } from '../history.ts';
import { percent, readable } from '../words.ts';

/** Metrics of which every value must be a finite number. */
const mustBeFinite =
  /^(loss|policy_loss|loss\/.*|grad_norm|value_grad_norm|reward|objective\/.*|kl|mean_reward|eval_loss)$/;

export const healthDetectors: readonly Detector[] = [
  {
    name: 'not-a-number',
    reads: 'metrics',
    raiseAfter: 1,
    find(history) {
      const broken = history
        .newest()
        .filter(([name, value]) => mustBeFinite.test(name) && !Number.isFinite(value));
      if (broken.length === 0) return null;
      return {
        what: `${broken.map(([name]) => name).join(', ')}: not a finite number`,
        cause: 'An update was so large that weights overflowed, or a reward was not a number.',
        remedy:
          'Lower the learning rate or maxGradNorm, add warm-up, and check the reward for values that are not finite.',
      };
    },
  },
  {
    name: 'kl-budget',
    reads: 'metrics',
    find(history, { klBudget }, window) {
      const values = lastOf(history.series('objective/kl'), window);
      if (values.length === 0 || !(meanOf(values) > klBudget)) return null;
      return {
        what: `The divergence from the reference is ${readable(meanOf(values))} nats per response; the budget is ${klBudget}`,
        cause: 'The penalty is too weak for this reward, or training goes on for too long.',
        remedy:
          'Raise klCoef (or beta), steer it with klTarget, or stop here; the best checkpoint is likely an earlier one.',
      };
    },
  },
  {
    name: 'kl-negative',
    reads: 'responses',
    find(history, _, window) {
      const kl = history.recent(window, (batch) => batch.kl);
      if (!kl || !(kl.mean < -0.05 && kl.mean + 4 * kl.error < 0)) return null;
      return {
        what: `The divergence is ${readable(kl.mean)} ± ${readable(kl.error)} nats per response; on the policy's own samples it cannot be below 0`,
        cause:
          'Responses were not sampled from the distribution whose log-probabilities are compared: top-k or top-p sampling, another temperature, a length limit that cuts ends off, or counted padding.',
        remedy:
          'Sample at the temperature of training without top-k and top-p, and count the end token and nothing after it.',
      };
    },
  },
  {
    name: 'kl-growth',
    reads: 'metrics',
    find(history, { klSpike, klBudget }) {
      const values = history.series('objective/kl').map(({ value }) => value);
      if (values.length < 8) return null;
      const steps = values.slice(1).map((value, i) => value - values[i]);
      const usual = Math.max(medianOf(steps.slice(0, -3).map(Math.abs)), 0.02);
      const now = meanOf(steps.slice(-3));
      if (!(now > klSpike * usual && values[values.length - 1] > klBudget / 10)) return null;
      return {
        what: `The divergence grows by ${readable(now)} nats an iteration, ${readable(now / usual)} times as fast as usual, and is ${readable(values[values.length - 1])}`,
        cause:
          'The policy has found something that pays more than the penalty costs, often a fault of the reward.',
        remedy: 'Read the newest samples; raise klCoef (or beta) or lower the learning rate.',
      };
    },
  },
  {
    name: 'entropy-collapse',
    reads: 'metrics',
    find(history, { entropyShare }, window) {
      const points = history.series('objective/entropy', 'policy/entropy_avg', 'entropy');
      if (points.length < 2 * window) return null;
      const before = meanOf(points.slice(0, window).map(({ value }) => value));
      const now = meanOf(lastOf(points, window));
      if (!(before > 0 && now < entropyShare * before)) return null;
      return {
        what: `The entropy fell to ${readable(now)} nats per token, ${percent(now / before)} of ${readable(before)} at the start`,
        cause:
          'The policy puts all its weight on few responses, so that it no longer explores and learns from noise.',
        remedy:
          'Raise klCoef (or beta) or entropyCoef, lower the learning rate, or make fewer passes over each batch.',
      };
    },
  },
  {
    name: 'clip-fraction',
    reads: 'metrics',
    find(history, { clipFraction }, window) {
      const values = lastOf(history.series('policy/clipfrac_avg', 'clip_ratio/region_mean'), window);
      if (values.length < window || !(meanOf(values) > clipFraction)) return null;
      return {
        what: `${percent(meanOf(values))} of tokens are clipped`,
        cause: 'Updates on one batch of responses move the policy further than it is trusted to go.',
        remedy:
          'Lower the learning rate, or make fewer passes (numPpoEpochs, numIterations) or larger minibatches.',
      };
    },
  },
  {
    name: 'update-size',
    reads: 'metrics',
    find(history, { updateKl }, window) {
      const values = lastOf(history.series('policy/approxkl_avg'), window);
      if (values.length < window || !(meanOf(values) > updateKl)) return null;
      return {
        what: `Each iteration moves the policy by ${readable(meanOf(values))} nats per token`,
        cause:
          'The learning rate is too high for this batch size, so that the policy leaves what it has sampled.',
        remedy: 'Lower the learning rate, enlarge batchSize, or set maxUpdateKl.',
      };
    },
  },
  {
    name: 'value-function',
    reads: 'metrics',
    find(history, { explainedVariance }, window) {
      const points = history.series('val/explained_variance');
      if (points.length < 10 + window) return null;
      const now = meanOf(lastOf(points, window));
      if (!(now < explainedVariance)) return null;
      return {
        what: `The value function explains ${percent(now)} of the variance of returns`,
        cause: 'It learns more slowly than the policy changes, or its loss weighs too little.',
        remedy:
          'Raise vfCoef, use valueModel separate, or a method without a value function (rloo, grpo): advantages are noisier than with none.',
      };
    },
  },
  {
    name: 'gradient-norm',
    reads: 'metrics',
    find(history, { gradientSpike }) {
      const values = history.series('grad_norm').map(({ value }) => value);
      if (values.length < 10) return null;
      const now = medianOf(values.slice(-3));
      const usual = medianOf(values.slice(0, -3));
      if (!(usual > 0 && now > gradientSpike * usual)) return null;
      return {
        what: `The gradient norm is ${readable(now)}, ${readable(now / usual)} times its median`,
        cause: 'Rewards or advantages have become far larger, or the policy stands where it is unstable.',
        remedy:
          'Lower the learning rate, set rewardClip or normalizeRewards, and look at the newest samples.',
      };
    },
  },
  {
    name: 'zero-variance',
    reads: 'metrics',
    find(history, { zeroVariance }, window) {
      const values = lastOf(history.series('frac_reward_zero_std'), window);
      if (values.length < window || !(meanOf(values) > zeroVariance)) return null;
      return {
        what: `In ${percent(meanOf(values))} of groups all responses have the same reward, and nothing is learnt from them`,
        cause:
          'Prompts are all too easy or all too hard, the reward is coarse, or the policy always says the same.',
        remedy: 'Change the mix of prompts, raise the temperature or numGenerations, or use a finer reward.',
      };
    },
  },
  {
    name: 'truncation',
    reads: 'responses',
    find(history, { truncated }, window) {
      const before = history.baseline((batch) => batch.ended);
      const now = history.recent(window, (batch) => batch.ended) ?? before;
      if (!before || !now || !(1 - now.mean > truncated)) return null;
      const never = now.mean < 0.02;
      return {
        what: `${percent(1 - now.mean)} of responses are cut off (${percent(1 - before.mean)} at the start)`,
        cause: never
          ? 'The policy does not know how to end: the end token was not in what it was fine-tuned on, or is another one than the tokenizer names.'
          : 'Responses grow, or the policy unlearns to end them.',
        remedy: never
          ? 'Let the chat template end assistant turns with the end token and fine-tune again; set missingEosPenalty.'
          : 'Raise the response length, set missingEosPenalty, and check whether length is rewarded.',
      };
    },
  },
  {
    name: 'repetition',
    reads: 'responses',
    find(history, { repetition }, window) {
      const before = history.baseline((batch) => batch.features.repetition);
      const now = history.recent(window, (batch) => batch.features.repetition);
      if (!before || !now || !(now.mean - before.mean > repetition)) return null;
      return {
        what: `${percent(now.mean)} of word triples repeat what the response has said (${percent(before.mean)} at the start)`,
        cause: 'The reward counts what is said twice, or the policy has degenerated.',
        remedy:
          'Add an objective against repetition, raise klCoef (or beta), and check what the reward model gives repeated text.',
      };
    },
  },
  {
    name: 'sampler-gap',
    reads: 'metrics',
    find(history, { samplerGap }, window) {
      const values = lastOf(history.series('sampling/sampling_logp_difference/mean'), window);
      if (values.length === 0 || !(meanOf(values) > samplerGap)) return null;
      return {
        what: `Sampler and trainer differ by ${readable(meanOf(values))} nats per token`,
        cause: 'The sampler has other weights, or another precision, than the trainer.',
        remedy: 'Use importanceSamplingMode to correct for it, or the same precision for both.',
      };
    },
  },
  {
    name: 'no-movement',
    reads: 'metrics',
    find(history) {
      const values = history.series('objective/kl').map(({ value }) => value);
      const rates = history.series('lr').map(({ value }) => value);
      if (values.length < 10 || !values.slice(-5).every((value) => Math.abs(value) < 1e-4)) return null;
      if (!rates.slice(-5).some((rate) => rate > 0)) return null;
      return {
        what: `After ${values.length} iterations the policy is still where it began`,
        cause: 'The learning rate is far too low, or no response is better than another.',
        remedy: 'Raise the learning rate tenfold; small models take 1e-4 and more.',
      };
    },
  },
  {
    name: 'overfitting',
    reads: 'metrics',
    find(history, { overfitting }) {
      const measured = history.series('eval_loss').map(({ value }) => value);
      const trained = history.series('loss').map(({ value }) => value);
      if (measured.length < 3 || trained.length < 4) return null;
      const best = Math.min(...measured);
      const now = measured[measured.length - 1];
      const half = trained.length >> 1;
      const falls = meanOf(trained.slice(half)) < meanOf(trained.slice(0, half));
      if (!(falls && now > best * (1 + overfitting))) return null;
      return {
        what: `The loss on held-out data is ${readable(now)} and was ${readable(best)}, while that of training still falls`,
        cause: 'The model learns its training data by heart.',
        remedy: 'Fewer epochs, a lower learning rate, weightDecay, or more data.',
      };
    },
  },
];
