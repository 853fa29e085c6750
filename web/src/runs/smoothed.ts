/**
 * A straight line fitted around each point over about a twentieth of the points: unlike a running mean it neither lags
 * nor bends at the ends. Null for short series, which need none; gaps stay gaps.
 */
export function smoothed(values: readonly (number | null)[]): (number | null)[] | null {
  const known = values.flatMap((value, index) => (value === null ? [] : [index]));
  if (known.length < 50) return null;
  const half = Math.max(3, Math.round(known.length / 40));
  const result: (number | null)[] = values.map(() => null);
  known.forEach((index, place) => {
    let [count, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
    const end = Math.min(known.length - 1, place + half);
    for (let other = Math.max(0, place - half); other <= end; other++) {
      const [x, y] = [other - place, values[known[other]]!];
      count += 1;
      sumX += x;
      sumY += y;
      sumXX += x * x;
      sumXY += x * y;
    }
    result[index] = (sumXX * sumY - sumX * sumXY) / (count * sumXX - sumX * sumX); // least squares at x = 0
  });
  return result;
}
