/** How numbers of micro-batches become those of a step, and numbers of steps those of an iteration. */

/**
 * Adds one micro-batch's metrics to those of the step so far. A metric is a sum over a total of the whole step, so
 * they add up; but the smallest and largest of something, whose names end in Min and Max.
 */
export function addMetrics(totals: Record<string, number>, found: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(found)) {
    const before = totals[name];
    if (before === undefined) totals[name] = value;
    else if (name.endsWith('Min')) totals[name] = Math.min(before, value);
    else if (name.endsWith('Max')) totals[name] = Math.max(before, value);
    else totals[name] = before + value;
  }
}

/**
 * Metrics of several optimizer steps as one, under the names users see: means, but the smallest of what ends in Min
 * and the largest of what ends in Max. A metric that some steps lack is averaged over those that have it.
 * @param names field → name; other fields are left out
 */
export function averageMetrics(
  steps: readonly Readonly<Record<string, number>>[],
  names: Readonly<Record<string, string>>,
): Record<string, number> {
  const averages: Record<string, number> = {};
  for (const [field, name] of Object.entries(names)) {
    const values = steps.flatMap((step) => (field in step ? [step[field]] : []));
    if (values.length === 0) continue;
    if (field.endsWith('Min')) averages[name] = Math.min(...values);
    else if (field.endsWith('Max')) averages[name] = Math.max(...values);
    else averages[name] = values.reduce((sum, value) => sum + value, 0) / values.length;
  }
  return averages;
}
