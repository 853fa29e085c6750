/**
 * How much a label of some responses would tell, from what models make of them. Shapes: K responses, M members of an
 * ensemble, P = K(K − 1)/2 pairs.
 */
import { meanOf, sigmoid } from '../../base/index.ts';

/**
 * From soft labels: 1 − |2p − 1|, 0 = certain, 1 = undecided; mean over the judged pairs.
 * @param preferences [K][K] probability that response i is better than j; null = not judged
 * @returns null where no pair is judged
 */
export function uncertaintyOf(preferences: readonly (readonly (number | null)[])[]): number | null {
  const judged = preferences.flat().filter((p) => p !== null);
  return judged.length === 0 ? null : 1 - meanOf(judged.map((p) => Math.abs(2 * p - 1)));
}

/**
 * From an ensemble of reward models: by how much a label is expected to settle what its members disagree about. The
 * entropy of their mean probability less their mean entropy, over ln 2: 0 where all say the same, however unsure each is
 * (such as of two equally good responses), 1 where half are sure of the one and half of the other. Mean over the pairs.
 * @param members [M][K] scores; the probability that i is better than j is σ(score i − score j)
 * @see Houlsby et al. 2011, "Bayesian active learning for classification and preference learning", arXiv:1112.5745, eq. 2
 */
export function ensembleDisagreement(members: readonly ArrayLike<number>[]): number {
  return meanOverPairs(members[0].length, (i, j) => {
    const probabilities = members.map((scores) => sigmoid(scores[i] - scores[j]));
    return (entropy(meanOf(probabilities)) - meanOf(probabilities.map(entropy))) / Math.LN2;
  });
}

/** From the scores [K] of one reward model: how undecided it is, as `uncertaintyOf`. */
export function scoreUncertainty(scores: ArrayLike<number>): number {
  return meanOverPairs(scores.length, (i, j) => 1 - Math.abs(2 * sigmoid(scores[i] - scores[j]) - 1));
}

function meanOverPairs(K: number, value: (i: number, j: number) => number): number {
  let [sum, pairs] = [0, 0];
  for (let i = 0; i < K; i++) {
    for (let j = i + 1; j < K; j++) {
      sum += value(i, j);
      pairs++;
    }
  }
  return sum / pairs;
}

/** Of one event and its opposite, nats. */
function entropy(p: number): number {
  return p <= 0 || p >= 1 ? 0 : -p * Math.log(p) - (1 - p) * Math.log(1 - p);
}
