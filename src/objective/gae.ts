/** Generalised advantage estimation over response tokens. */
import { TenetError } from '../base/index.ts';
import type { Counted } from './masked.ts';

export interface Advantages {
  /** [B, T] advantage per token, not whitened; 0 where not counted. */
  readonly advantages: Float32Array;
  /** [B, T] advantages + values, the value head's target; 0 where not counted. */
  readonly returns: Float32Array;
}

/**
 * δ_t = r_t + γ V_{t+1} − V_t and A_t = δ_t + γλ A_{t+1}, scanned backwards.
 *
 * The successor of a token is the next *counted* token, so padding on either side and gaps (tokens of a tool's
 * output inside a response) change nothing. After the last counted token the episode is over: V = 0, or the
 * bootstrap value of a response that was cut off.
 *
 * Shapes: B sequences, T tokens; row-major arrays of length B·T.
 * @param options.rewards   [B, T] reward per token; must be 0 where not counted
 * @param options.values    [B, T] value estimate per token, same units
 * @param options.counted   [B, T] 1 = token of the response
 * @param options.sequences B
 * @param options.gamma     discount per token in [0, 1]. Default 1 (lm-human-preferences)
 * @param options.lambda    in [0, 1]: 0 = one-step, low variance; 1 = Monte Carlo, no bias. Default 0.95 (same)
 * @param options.bootstrapValues [B] value after the last counted token. Default 0
 * @throws TenetError('shape') when lengths do not fit, ('internal') when a reward stands where nothing counts
 * @see Schulman et al. 2015, arXiv:1506.02438, eq. 16.
 */
export function generalisedAdvantages(options: {
  readonly rewards: Float32Array;
  readonly values: Float32Array;
  readonly counted: Counted;
  readonly sequences: number;
  readonly gamma?: number;
  readonly lambda?: number;
  readonly bootstrapValues?: Float32Array;
}): Advantages {
  const { rewards, values, counted, sequences, gamma = 1, lambda = 0.95, bootstrapValues } = options;
  const size = counted.length;
  const tokens = sequences > 0 ? size / sequences : Number.NaN;
  const fits = rewards.length === size && values.length === size && Number.isInteger(tokens);
  if (!fits || (bootstrapValues && bootstrapValues.length !== sequences)) {
    throw new TenetError(
      'shape',
      `generalisedAdvantages: rewards ${rewards.length}, values ${values.length}, counted ${size}, bootstrap ` +
        `values ${bootstrapValues?.length ?? 'none'} for ${sequences} sequences; the first three must be B·T long ` +
        'and the last B',
    );
  }
  const advantages = new Float32Array(size);
  const returns = new Float32Array(size);
  for (let row = 0; row < sequences; row++) {
    let nextValue = bootstrapValues ? bootstrapValues[row] : 0;
    let advantage = 0;
    for (let i = (row + 1) * tokens - 1; i >= row * tokens; i--) {
      if (counted[i] === 0) {
        if (rewards[i] !== 0) throw misplacedReward(row, i - row * tokens, rewards[i]);
        continue;
      }
      const surprise = rewards[i] + gamma * nextValue - values[i];
      advantage = surprise + gamma * lambda * advantage;
      advantages[i] = advantage;
      returns[i] = advantage + values[i];
      nextValue = values[i];
    }
  }
  return { advantages, returns };
}

function misplacedReward(row: number, token: number, reward: number): TenetError {
  return new TenetError(
    'internal',
    `generalisedAdvantages: sequence ${row} has reward ${reward} at token ${token}, which is not counted, so it ` +
      'would be lost; put the score at the last counted token (shapeRewards does)',
    { details: { row, token, reward } },
  );
}
