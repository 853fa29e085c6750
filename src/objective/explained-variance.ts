/** How much of the returns' variation a value function predicts. */
import { type Counted, maskedVariance, type Values } from './masked.ts';

/**
 * 1 − Var(returns − values) / Var(returns) over counted tokens: 1 is perfect, 0 no better than a constant,
 * negative worse. NaN when the returns do not vary.
 * @param returns, values, counted one layout; counted 1 = counted
 * @throws TenetError('training') when fewer than two tokens count
 */
export function explainedVariance(returns: Values, values: Values, counted: Counted): number {
  const residuals = Float64Array.from(returns, (value, i) => value - values[i]);
  const total = maskedVariance(returns, counted);
  return total === 0 ? Number.NaN : 1 - maskedVariance(residuals, counted) / total;
}
