/** From log-probabilities of continuations to the probabilities of options. Shape: K options. */

/** One option as a model reads it. */
export interface OptionScore {
  /** Its tokens. */
  readonly ids: readonly number[];
  /** Natural logarithm of the probability that an answer begins with these tokens. */
  readonly logProb: number;
}

/**
 * Probabilities of options as the answer, by their tokens.
 *
 * Where one option's tokens begin another's (`1` and `10`, in a tokenizer of single digits), the answers that go on
 * to the longer one do not count for the shorter one.
 * @param options     [K] tokens all different
 * @param temperature the options' probabilities are raised to 1/temperature; 0 gives all to the likeliest
 * @returns mass: what the model gave to the options together, at temperature 1
 */
export function optionProbabilities(
  options: readonly OptionScore[],
  temperature: number,
): { readonly probabilities: number[]; readonly mass: number } {
  const own = options.map((option) => {
    const longer = options.filter((other) => isNextAfter(option, other, options));
    const goesOn = longer.reduce((sum, other) => sum + Math.exp(other.logProb - option.logProb), 0);
    return goesOn === 0 ? option.logProb : option.logProb + Math.log(Math.max(0, 1 - goesOn));
  });
  const mass = Math.min(
    1,
    own.reduce((sum, logProb) => sum + Math.exp(logProb), 0),
  );
  return { probabilities: temperedSoftmax(own, temperature), mass };
}

/** Softmax of values / temperature; at temperature 0 the largest share everything. */
export function temperedSoftmax(values: readonly number[], temperature: number): number[] {
  const largest = Math.max(...values);
  const weights = values.map((value) => {
    if (value === largest) return 1;
    return temperature === 0 ? 0 : Math.exp((value - largest) / temperature);
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => weight / total);
}

/** True: `option` begins `other`, and no third option lies between them. */
function isNextAfter(option: OptionScore, other: OptionScore, all: readonly OptionScore[]): boolean {
  return begins(option, other) && !all.some((between) => begins(option, between) && begins(between, other));
}

function begins({ ids }: OptionScore, longer: OptionScore): boolean {
  return ids.length < longer.ids.length && ids.every((id, i) => longer.ids[i] === id);
}
