/** All families of prompts. */
import { factFamilies } from './families/facts.ts';
import { howToFamilies } from './families/how-to.ts';
import { looksUnsafeFamilies } from './families/looks-unsafe.ts';
import { sumFamilies } from './families/sums.ts';
import { tasteFamily } from './families/taste.ts';
import { unanswerableFamilies } from './families/unanswerable.ts';
import { unsafeFamilies } from './families/unsafe.ts';
import type { Family } from './family.ts';

export const families: readonly Family[] = [
  ...howToFamilies,
  ...factFamilies,
  ...sumFamilies,
  tasteFamily,
  ...unsafeFamilies,
  ...looksUnsafeFamilies,
  ...unanswerableFamilies,
];
