/** Chance in jobs over many items: the same for an item whatever else is done, in whatever order. */
import { createHash } from 'node:crypto';
import { Random } from '../base/index.ts';
import type { Principle } from './constitution.ts';

/** A seed for one step of one item: a 32-bit integer that the job's seed and the step's names decide. */
export function seedFor(seed: number, ...names: readonly (string | number)[]): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...names]))
    .digest();
  return digest.readUInt32LE();
}

/** One of the principles, by weight. @param principles at least one, with weights above 0 */
export function drawPrinciple(principles: readonly Principle[], seed: number): Principle {
  const total = principles.reduce((sum, { weight }) => sum + weight, 0);
  let rest = new Random(seed).uniform() * total;
  for (const principle of principles) {
    rest -= principle.weight;
    if (rest < 0) return principle;
  }
  return principles[principles.length - 1];
}
