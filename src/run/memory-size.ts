/** Amounts of memory as people write them: `8GB`, `512 MB`, `1.5GiB`. */
import { z } from 'zod';

const units: Readonly<Record<string, number>> = {
  MB: 1e6,
  GB: 1e9,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};
const pattern = /^\s*(\d+(?:\.\d+)?)\s*(MB|GB|MiB|GiB)\s*$/;

/** An option that takes one. */
export function memorySize(): z.ZodString {
  return z.string().regex(pattern, 'must be a number with MB, GB, MiB or GiB, such as 8GB');
}

/** Bytes. @param text as `memorySize` accepts it */
export function bytesOf(text: string): number {
  const [, number, unit] = pattern.exec(text) ?? [];
  return Math.floor(Number(number) * units[unit]);
}
