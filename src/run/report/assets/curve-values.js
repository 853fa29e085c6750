// What the curves of a report and of the web app have in common. The report's script begins with it, without the word
// "export"; the web app imports it.

/**
 * A straight line fitted around each point over about a twentieth of the points: unlike a running mean it
 * neither lags nor bends at the ends. Null for short series, which need none; gaps stay gaps.
 */
export function smoothed(values) {
  const known = values.flatMap((value, index) => (value === null ? [] : [index]));
  if (known.length < 50) return null;
  const half = Math.max(3, Math.round(known.length / 40));
  const result = values.map(() => null);
  known.forEach((index, place) => {
    let [count, sumX, sumY, sumXX, sumXY] = [0, 0, 0, 0, 0];
    const end = Math.min(known.length - 1, place + half);
    for (let other = Math.max(0, place - half); other <= end; other++) {
      const [x, y] = [other - place, values[known[other]]];
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

/** Four digits that matter, and a minus sign that is one. */
export function readable(value) {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-3 || size >= 1e6)
      ? Number(value.toPrecision(3)).toExponential()
      : String(Number(value.toPrecision(4)));
  return text.replaceAll('-', '−');
}

/** Distances between ticks on an axis of steps, which have no halves. */
export const stepIncrements = Array.from({ length: 12 }, (_, power) =>
  [1, 2, 5].map((n) => n * 10 ** power),
).flat();

/** How far a key moves the cursor along so many steps; undefined for other keys. */
export function cursorMove(key, steps) {
  const moves = {
    ArrowLeft: -1,
    ArrowRight: 1,
    PageUp: -10,
    PageDown: 10,
    Home: -steps,
    End: steps,
  };
  return Object.hasOwn(moves, key) ? moves[key] : undefined;
}
