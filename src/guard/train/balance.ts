/** Weights with which both labels of a group weigh the same in all, however many there are of each. */

interface Labelled {
  readonly harmful: boolean;
}

/**
 * @param labels  all of them
 * @param groupOf what a label is compared within
 * @returns the weight of one of these labels; 1 where both labels of its group are as many
 */
export function balancedWeights<Label extends Labelled>(
  labels: readonly Label[],
  groupOf: (label: Label) => unknown,
): (label: Label) => number {
  const keyOf = (label: Label, harmful: boolean): string => `${groupOf(label)} ${harmful}`;
  const counts = new Map<string, number>();
  for (const label of labels) {
    const key = keyOf(label, label.harmful);
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return (label) => {
    const own = counts.get(keyOf(label, label.harmful))!;
    return (own + (counts.get(keyOf(label, !label.harmful)) ?? 0)) / (2 * own);
  };
}
