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
