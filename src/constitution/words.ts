/** Words of a text, for rules that compare what texts are about. */

/** Lower-case words: letters and digits of any script, with inner apostrophes and hyphens. */
export function wordsOf(text: string): string[] {
  return (
    text
      .toLowerCase()
      .replaceAll('’', "'")
      .match(/[\p{L}\p{N}]+(?:['-][\p{L}\p{N}]+)*/gu) ?? []
  );
}

/** English words that say nothing about what a text is about, and those that every principle contains. */
const emptyWords = new Set(
  (
    'a about above after again all also although am an and any anyone are as at be because been before being below ' +
    "between both but by can can't cannot could did do does doesn't doing don't down during each either else every " +
    'few for from further get give given gives go had has have having he her here hers him his how i if in into is ' +
    "isn't it it's its itself just let like make makes may me might more most must my neither no nor not nothing of " +
    'off on once one only or other others our out over own part please point rather really same say says she should ' +
    'so some someone something such than that the their them then there these they this those through to too under ' +
    'until up upon us use used very was way ways we well were what when where whether which while who whom why will ' +
    'with within without would you your yours assistant assistants response responses answer answers reply last ' +
    'preceding previous human user person people rewrite revise choose compare identify discuss consider read options'
  ).split(' '),
);

/** A word cut down so that its forms agree: harm, harms, harmful, harming → harm. Crude, and enough to compare. */
export function stemOf(word: string): string {
  const bare = word.replace(/'s?$/, '');
  for (const ending of [
    'fulness',
    'lessness',
    'fully',
    'ations',
    'ation',
    'ings',
    'ness',
    'ful',
    'ing',
    'ied',
    'ies',
    'ed',
    'ly',
    'es',
    's',
  ]) {
    if (bare.endsWith(ending) && bare.length - ending.length >= 4) return bare.slice(0, -ending.length);
  }
  return bare;
}

/** Stems of the words that carry meaning, each once. */
export function contentStems(text: string): Set<string> {
  return new Set(
    wordsOf(text)
      .filter((word) => !emptyWords.has(word))
      .map(stemOf),
  );
}

/** Shared part of two sets: |A ∩ B| / |A ∪ B|; 0 when both are empty. */
export function overlapOf(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let shared = 0;
  for (const item of a) if (b.has(item)) shared++;
  const together = a.size + b.size - shared;
  return together === 0 ? 0 : shared / together;
}
