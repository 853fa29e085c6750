/** What flags take: text from the command line as values, or the rule that it breaks. */
import { InvalidArgumentError } from 'commander';

/** A whole number from 1. */
export function count(value: string): number {
  if (!/^[1-9]\d*$/.test(value)) throw new InvalidArgumentError('Give a whole number from 1.');
  return Number(value);
}

/** A whole number from 0. */
export function wholeNumber(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError('Give a whole number.');
  return Number(value);
}

export function anyNumber(value: string): number {
  const parsed = Number(value);
  if (value.trim() === '' || !Number.isFinite(parsed)) throw new InvalidArgumentError('Give a number.');
  return parsed;
}

/** A number above 0. */
export function positive(value: string): number {
  const parsed = Number(value);
  if (!(parsed > 0)) throw new InvalidArgumentError('Give a number above 0.');
  return parsed;
}

/** A number from 0. */
export function notNegative(value: string): number {
  const parsed = Number(value);
  if (value.trim() === '' || !(parsed >= 0)) throw new InvalidArgumentError('Give a number from 0.');
  return parsed;
}

/** A share in [0, 1). */
export function share(value: string): number {
  const parsed = Number(value);
  if (!(parsed >= 0 && parsed < 1)) throw new InvalidArgumentError('Give a number from 0 to less than 1.');
  return parsed;
}

/** Seeds between commas: two or more whole numbers, each once. */
export function seedList(value: string): number[] {
  const seeds = value.split(',').map((part) => wholeNumber(part.trim()));
  if (seeds.length < 2 || new Set(seeds).size < seeds.length)
    throw new InvalidArgumentError('Give two or more different seeds, such as 1,2,3.');
  return seeds;
}

/** A number from 0 to 1. */
export function unit(value: string): number {
  const parsed = Number(value);
  if (value.trim() === '' || !(parsed >= 0 && parsed <= 1))
    throw new InvalidArgumentError('Give a number from 0 to 1.');
  return parsed;
}

/** A port to listen on; 0 takes any free one. */
export function port(value: string): number {
  if (!/^\d+$/.test(value) || Number(value) > 65_535)
    throw new InvalidArgumentError('Give a port from 0 to 65535.');
  return Number(value);
}

/** Collects a flag that may be repeated. */
export function collect(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}
