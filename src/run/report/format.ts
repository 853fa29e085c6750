/** How numbers, times and sizes read in the report. */
import { formatNumber } from '../progress-format.ts';

/** A number for reading, with a real minus sign; `–` where there is none. */
export function readable(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  return formatNumber(value).replace(/-/g, '−');
}

/** `8 s`, `4 min 5 s`, `2 h 3 min`. */
export function proseDuration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Time between two ISO dates in words, or nothing when one is missing. */
export function between(start: string | undefined, end: string | undefined): string {
  return start && end ? proseDuration(Date.parse(end) - Date.parse(start)) : '';
}

/** `12.3 MB` */
export function fileSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
  return `${(bytes / 1000 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** `23 Nov 2026, 20:14 UTC` */
export function date(iso: string): string {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return iso;
  const day = time.toLocaleDateString('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    timeZone: 'UTC',
  });
  return `${day}, ${time.toISOString().slice(11, 16)} UTC`;
}

/** Formats a column of numbers alike: as many decimals for all as the largest needs for three digits. */
export function columnFormat(values: readonly (number | null)[]): (value: number) => string {
  const largest = Math.max(0, ...values.map((value) => Math.abs(value ?? 0)));
  if (largest >= 1e6 || (largest > 0 && largest < 1e-3)) return readable;
  const decimals = largest < 1 ? 3 : largest < 10 ? 2 : largest < 100 ? 1 : 0;
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals };
  return (value) => value.toLocaleString('en-US', options).replace('-', '−');
}
