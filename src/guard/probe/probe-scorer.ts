/**
 * Linear probes in a pass of their own: scores from the guarded model's hidden states, for texts that the model is not
 * reading itself. Where it is, `SharedProbe` takes them from there.
 *
 * Shapes: T tokens, L layers, D width, F = L · D features, H probes.
 */
import type { DecoderConfig, ParameterStore, TokenScores } from '../../model/index.ts';
import { TokenScorer } from '../../model/index.ts';
import { WindowMean } from './window-mean.ts';

export interface ProbeWeights {
  /** Layers, from 0, whose outputs are read. */
  readonly layers: readonly number[];
  /** Tokens that a score is averaged over. */
  readonly window: number;
  /** [H][F + 1] on raw hidden states, the constant last. */
  readonly rows: readonly (readonly number[])[];
}

/** Reads a text in pieces; the part of `TokenScorer` that guards use. */
export interface StreamScorer {
  readonly contextLength: number;
  readonly numbers: number;
  open(): StreamReader;
  release(): Promise<void>;
}
export interface StreamReader {
  readonly length: number;
  read(ids: ArrayLike<number>): Promise<Pick<TokenScores, 'scores'>>;
}

export class ProbeScorer implements StreamScorer {
  readonly contextLength: number;
  readonly numbers: number;
  private readonly states: TokenScorer;
  private readonly weights: ProbeWeights;
  private readonly width: number;

  private constructor(states: TokenScorer, weights: ProbeWeights, width: number) {
    this.states = states;
    this.weights = weights;
    this.width = width;
    this.contextLength = states.contextLength;
    this.numbers = weights.rows.length;
  }

  static async create(
    config: DecoderConfig,
    parameters: ParameterStore,
    weights: ProbeWeights,
    options: { readonly threads?: number } = {},
  ): Promise<ProbeScorer> {
    const { layers } = weights;
    const states = await TokenScorer.create(config, parameters, { head: null, layers, ...options });
    return new ProbeScorer(states, weights, config.width);
  }

  release(): Promise<void> {
    return this.states.release();
  }

  open(): StreamReader {
    const reader = this.states.open();
    const { weights, width, numbers } = this;
    const means = new WindowMean(weights.window);
    return {
      get length() {
        return reader.length;
      },
      async read(ids) {
        const { states, tokens } = await reader.read(ids);
        const scores = new Float32Array(tokens * numbers);
        for (let t = 0; t < tokens; t++) {
          const raw = Float32Array.from(weights.rows, (_, h) => rawScore(states, t, weights, h, width));
          scores.set(means.push(raw), t * numbers);
        }
        return { scores };
      },
    };
  }
}

/** w · h + b of one token. */
function rawScore(
  states: TokenScores['states'],
  token: number,
  { layers, rows }: ProbeWeights,
  probe: number,
  width: number,
): number {
  const row = rows[probe];
  let score = row[layers.length * width];
  layers.forEach((layer, l) => {
    const values = states.get(layer)!;
    for (let i = 0; i < width; i++) score += row[l * width + i] * values[token * width + i];
  });
  return score;
}
