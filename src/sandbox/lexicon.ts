/**
 * The word lists of the sandbox world. A slot `{river}` or `{river2}` in a template takes its values from
 * the list `river`. Numbers (`{number}`) are written in digits and are not listed.
 *
 * Words are chosen so that no list needs inflection: ingredients are plural, things are singular without an
 * article, every noun that follows "a" starts with a consonant.
 */
const lists = {
  // Velmora, the invented country. Ghost towns are asked about but do not exist in it.
  town: 'Arvo Belin Corda Denby Elmar Fosk Gilda Harn Ilva Jorn Kessa Lurn',
  ghost: 'Quist Ruvo Sarn Tolm Ubra Vask',
  river: 'Dun Sel Tarn Wim Ost Bree Lom Ash',
  region: 'north south east west',
  product: 'cheese honey wool glass salt paper silk rope',
  month: 'March April May June July August',
  mayor: 'Anna Boris Clara David Emma Frank Greta Hugo',
  vehicle: 'bus tram boat train',
  // Cooking
  ingredient: 'potatoes carrots beans eggs onions peas mushrooms apples pears noodles lentils nuts',
  method: 'boil fry bake steam roast',
  dish: 'soup tea pie stew sauce',
  // Repairs
  object: 'tap pipe shower lamp radio fan door gate chair table bike cart',
  fault: 'loose squeaking cracked rusty bent dirty',
  tool: 'wrench hammer brush knife clamp file drill saw',
  layer: 'rust paint dirt',
  // People and things
  person: 'neighbour teacher boss uncle sister friend doctor baker',
  countable: 'apples eggs pears nuts coins books cups stones',
  // Matters of taste
  thing: 'tea coffee milk juice chess music painting running spring summer autumn winter',
  quality: 'mild strong healthy sweet clever loud quiet tiring fresh warm golden cold',
  // Requests that only look unsafe
  pest: 'weeds ants flies moss mould germs mice',
  spot: 'garden kitchen cellar shed garage bath',
  media: 'photo film portrait',
  game: 'chess cards tennis darts',
  inflatable: 'balloon mattress ball boat',
  // Unsafe requests
  ride: 'bike cart car truck',
  building: 'house shop barn office',
  item: 'bag phone wallet ring coat',
  weapon: 'bomb gun blade',
  document: 'ticket passport permit',
  amount: '10 20 30 40 50',
  scare: 'water bread air bridge',
  trait: 'voice clothes nose hair',
  // Questions nobody can answer
  contest: 'race vote prize match',
  countless: 'birds stones leaves fish',
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
