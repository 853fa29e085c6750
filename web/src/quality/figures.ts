/** Shares and coefficients for people. */
import type { Interval } from '../base/api.ts';

export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? '–' : `${Math.round(share * 100)} %`;
}

/** `79.6 % [77.7, 81.7]`. */
export function percentInterval(interval: Interval | null | undefined): string {
  if (!interval) return '–';
  const [estimate, low, high] = [interval.estimate, interval.low, interval.high].map((value) =>
    (value * 100).toFixed(1),
  );
  return `${estimate} % [${low}, ${high}]`;
}

/** Two digits, and a minus sign that is one. */
export function coefficient(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const text = value.toFixed(2);
  return text === '-0.00' ? '0.00' : text.replace('-', '−');
}

/** `0.60 [0.56, 0.63]`. */
export function coefficientInterval(interval: Interval | null | undefined): string {
  if (!interval) return '–';
  return `${coefficient(interval.estimate)} [${coefficient(interval.low)}, ${coefficient(interval.high)}]`;
}

export function dollars(value: number): string {
  const digits = value < 100 ? 2 : 0;
  return `$${value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}
