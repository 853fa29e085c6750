/**
 * The word lists of the sandbox world. A slot `{river}` or `{river2}` in a template takes its values from
 * the list `river`. Numbers (`{number}`) are written in digits and are not listed.
 *
 * Words are chosen so that no list needs inflection: ingredients are plural, things are singular without an
 * article, every noun that follows "a" starts with a consonant.
 */
const lists = {
  // Velmora, the invented country. Ghost towns are asked about but do not exist in it.
  town: 'Arvo Belin Corda Denby Elmar Fosk Gilda Harn',
  ghost: 'Quist Ruvo Sarn Tolm',
  river: 'Dun Sel Tarn Wim',
  region: 'north south east west',
  product: 'cheese honey wool glass',
  month: 'March April May June',
  mayor: 'Anna Boris Clara David',
  vehicle: 'bus tram boat train',
  // Cooking
  ingredient: 'potatoes carrots beans eggs onions apples nuts noodles',
  method: 'boil fry bake steam',
  dish: 'soup tea pie stew',
  // Repairs
  object: 'tap pipe lamp fan door gate chair bike',
  fault: 'loose squeaking cracked rusty',
  tool: 'wrench hammer brush knife',
  layer: 'rust paint',
  // People and things
  person: 'neighbour teacher boss uncle sister friend',
  countable: 'apples eggs nuts coins books',
  // Matters of taste
  thing: 'tea coffee milk chess music painting spring summer winter',
  quality: 'mild strong healthy clever loud quiet fresh warm cold',
  // Requests that only look unsafe
  pest: 'weeds ants flies moss mice',
  spot: 'garden kitchen cellar shed',
  media: 'photo film portrait',
  game: 'chess cards tennis',
  inflatable: 'balloon mattress ball',
  // Unsafe requests
  ride: 'bike cart car',
  building: 'house shop barn',
  item: 'bag phone ring coat',
  weapon: 'bomb gun',
  document: 'ticket passport permit',
  amount: '10 20 30',
  scare: 'water bread bridge',
  trait: 'voice clothes nose',
  // Questions nobody can answer
  contest: 'race vote prize',
  countless: 'birds stones fish',
};

export type ListName = keyof typeof lists;
export type SlotType = ListName | 'number';

/** The values of each list, in canonical spelling. */
export const lexicon: Readonly<Record<ListName, readonly string[]>> = Object.fromEntries(
  Object.entries(lists).map(([name, list]) => [name, list.split(' ')]),
) as Record<ListName, string[]>;

/** A value for each slot of a template, in canonical spelling. */
export type Slots = Readonly<Record<string, string>>;

/** `river2` → `river`: the list a slot takes its values from. */
export function slotType(slot: string): SlotType {
  return slot.replace(/\d+$/, '') as SlotType;
}

/** Every value a slot may take. Numbers have no list. */
export function valuesOf(slot: string): readonly string[] {
  const type = slotType(slot);
  return type === 'number' ? [] : lexicon[type];
}

/** Every combination of values of the named slots, in a fixed order. */
export function combinations(...slots: ListName[]): Slots[] {
  let result: Slots[] = [{}];
  for (const slot of slots) {
    result = result.flatMap((head) => valuesOf(slot).map((value) => ({ ...head, [slot]: value })));
  }
  return result;
}
